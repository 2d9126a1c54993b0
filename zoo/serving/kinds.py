"""For each kind of task, what a file's outputs say, and the same as plain data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from zoo.data.class_decisions import OOD_SCORE
from zoo.postprocessing.boxes import top_detections
from zoo.postprocessing.decoding import collapse_ctc
from zoo.serving.draw import draw_boxes, draw_mask
from zoo.serving.prediction import Prediction
from zoo.tasks import IGNORED_PIXEL, LABEL_THRESHOLD, Kind

if TYPE_CHECKING:
    from PIL.Image import Image

MIN_LISTED_SCORE = 0.3  # of objects that are listed
_AUTOENCODER = ("reconstruction", "embedding", "score")

Outputs = Mapping[str, np.ndarray]  # of the file, by name
Fact = dict[str, Any]


class OutputNames(Protocol):
    """What a file says of its outputs: names of classes, symbols or numbers, and the threshold of anomaly detectors."""

    labels: tuple[str, ...]
    targets: tuple[str, ...]
    threshold: float | None
    ood_threshold: float | None


@dataclass(frozen=True, kw_only=True)
class Serving:
    """How the outputs of one kind of task are read.

    Attributes:
        outputs: names of the file's outputs that are read; the first has an axis for the classes where there are some.
        earlier: the same of files whose metadata are of version 2 or before; empty where they have the same.
        prediction: takes the file's outputs and the model; returns what they say.
        facts: takes a prediction and the model; returns the same as plain data, an example at a time.
        draw: takes an image, the prediction, the row of the image in it, and the model; returns a picture of what was
            found. None where there is nothing to draw.
    """

    outputs: tuple[str, ...]
    earlier: tuple[str, ...] = ()
    prediction: Callable[[Outputs, OutputNames], Prediction]
    facts: Callable[[Prediction, OutputNames], list[Fact]]
    draw: Callable[[np.ndarray, Prediction, int, OutputNames], Image] | None = None


# === Predictions ===


def _classes(found: Outputs, model: OutputNames) -> Prediction:
    labels: list[str | None] = _names(found["label"], model.labels).tolist()
    return Prediction(
        found["probabilities"],
        probabilities=found["probabilities"],
        labels=labels,
        prediction_sets=found.get("prediction_set"),
        ood_scores=found.get(OOD_SCORE),
    )


def _names(found: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """Return texts, or the names at the places that a file without texts gives."""
    return found.astype(object) if found.dtype.kind not in "iu" else np.array(names, object)[found]


def _label_sets(found: Outputs, model: OutputNames) -> Prediction:
    probabilities = found["probabilities"]
    marks = found.get("label_set", probabilities >= LABEL_THRESHOLD)
    sets = [[name for name, mark in zip(model.labels, row, strict=True) if mark] for row in marks]
    return Prediction(probabilities, probabilities=probabilities, label_sets=sets)


def _values(found: Outputs, model: OutputNames) -> Prediction:
    return Prediction(found["value"], values=found["value"], lower=found.get("lower"), upper=found.get("upper"))


def _forecasts(found: Outputs, model: OutputNames) -> Prediction:
    forecast = found["forecast"]
    return Prediction(forecast, forecasts=forecast, lower=found.get("lower"), upper=found.get("upper"))


def _logits(found: Outputs, model: OutputNames) -> Prediction:
    return Prediction(found["logits"])


def _tokens(found: Outputs, model: OutputNames) -> Prediction:
    tags = None
    if "tags" in found:  # the first label is that of padding, of which files give places or an empty text
        rows = _names(found["tags"], ("", *model.labels[1:]))
        tags = [[str(tag) for tag in row if tag] for row in rows]
    return Prediction(found["logits"], tags=tags)


def _transcription(found: Outputs, model: OutputNames) -> Prediction:
    symbols = found["tokens"] if "tokens" in found else collapse_ctc(found["probabilities"].argmax(axis=-1))
    texts = ["".join(model.labels[i] for i in row if i) for row in symbols]
    return Prediction(found["probabilities"], texts=texts)


def _masks(found: Outputs, model: OutputNames) -> Prediction:
    padding = found["probabilities"].max(axis=-1) == 0  # in earlier files, whose masks do not mark it
    return Prediction(found["probabilities"], masks=np.where(padding, IGNORED_PIXEL, found["mask"]))


def _detections(found: Outputs, model: OutputNames) -> Prediction:
    if "detections" not in found:  # earlier files
        output = np.concatenate([found["boxes"], found["scores"]], axis=-1)
        return Prediction(output, detections=top_detections(output))
    best = [found["boxes"], found["labels"][..., None], found["scores"][..., None]]
    return Prediction(found["detections"], detections=np.concatenate(best, axis=-1).astype(np.float32))


def _reconstructions(found: Outputs, model: OutputNames) -> Prediction:
    return Prediction(found["reconstruction"], parts=_parts(found))


def _anomalies(found: Outputs, model: OutputNames) -> Prediction:
    labels: list[str | None] | None = None
    if model.threshold is not None:
        marks = found["abnormal"] if "abnormal" in found else found["score"] > np.float32(model.threshold)
        labels = [model.labels[int(mark)] for mark in marks]
    return Prediction(found["reconstruction"], labels=labels, parts=_parts(found))


def _parts(found: Outputs) -> dict[str, np.ndarray]:
    return {name: found[name] for name in _AUTOENCODER}


def _images(found: Outputs, model: OutputNames) -> Prediction:
    return Prediction(found["image"])


def _embeddings(found: Outputs, model: OutputNames) -> Prediction:
    return Prediction(found["embedding"], embeddings=found["embedding"])


# === Plain data ===


def _named(row: np.ndarray, model: OutputNames) -> dict[str, float]:
    return dict(zip(model.labels, map(float, row), strict=True))


def _class_facts(prediction: Prediction, model: OutputNames) -> list[Fact]:
    assert prediction.labels is not None and prediction.probabilities is not None
    pairs = zip(prediction.labels, prediction.probabilities, strict=True)
    rows: list[Fact] = [{"label": label, "probabilities": _named(row, model)} for label, row in pairs]
    if prediction.prediction_sets is not None:
        for row, marks in zip(rows, prediction.prediction_sets, strict=True):
            row["prediction_set"] = [label for label, mark in zip(model.labels, marks, strict=True) if mark]
    if prediction.ood_scores is not None and model.ood_threshold is not None:
        for row, score in zip(rows, prediction.ood_scores.tolist(), strict=True):
            row |= {"ood_score": score, "unusual": score > model.ood_threshold}
    return rows


def _set_facts(prediction: Prediction, model: OutputNames) -> list[Fact]:
    assert prediction.label_sets is not None and prediction.probabilities is not None
    pairs = zip(prediction.label_sets, prediction.probabilities, strict=True)
    return [{"labels": labels, "probabilities": _named(row, model)} for labels, row in pairs]


def _value_facts(prediction: Prediction, model: OutputNames) -> list[Fact]:
    assert prediction.values is not None
    return _with_bounds("value", prediction.values, prediction, model)


def _forecast_facts(prediction: Prediction, model: OutputNames) -> list[Fact]:
    assert prediction.forecasts is not None
    return _with_bounds("forecast", prediction.forecasts, prediction, model)


def _with_bounds(name: str, values: np.ndarray, prediction: Prediction, model: OutputNames) -> list[Fact]:
    """Return numbers under a name, by target where there are several, with `lower` and `upper` where there are such."""
    found = {name: values, "lower": prediction.lower, "upper": prediction.upper}
    rows: list[Fact] = [{} for _ in values]
    for key, numbers in found.items():
        if numbers is None:
            continue
        each = np.moveaxis(numbers, -1, 1).tolist() if model.targets else numbers.tolist()
        for row, own in zip(rows, each, strict=True):
            row[key] = dict(zip(model.targets, own, strict=True)) if model.targets else own
    return rows


def _token_facts(prediction: Prediction, model: OutputNames) -> list[Fact]:
    if prediction.tags is not None:
        return [{"tags": row} for row in prediction.tags]
    return [{"tokens": row} for row in prediction.output.argmax(axis=-1).tolist()]


def _text_facts(prediction: Prediction, model: OutputNames) -> list[Fact]:
    assert prediction.texts is not None
    return [{"text": text} for text in prediction.texts]


def _mask_facts(prediction: Prediction, model: OutputNames) -> list[Fact]:
    assert prediction.masks is not None
    count = len(model.labels)
    images = [mask[mask != IGNORED_PIXEL] for mask in prediction.masks]
    fractions = [np.bincount(pixels, minlength=count) / max(1, pixels.size) for pixels in images]
    return [{"shares": _named(row, model)} for row in fractions]


def _object_facts(prediction: Prediction, model: OutputNames) -> list[Fact]:
    assert prediction.detections is not None

    def fact(row: np.ndarray) -> Fact:
        return {"label": model.labels[int(row[4])], "score": float(row[5]), "box": row[:4].tolist()}

    return [{"objects": [fact(row) for row in rows if row[5] >= MIN_LISTED_SCORE]} for rows in prediction.detections]


def _part_facts(prediction: Prediction, model: OutputNames) -> list[Fact]:
    rows = zip(prediction.parts["score"], prediction.parts["embedding"], strict=True)
    facts: list[Fact] = [{"score": float(score), "embedding": embedding.tolist()} for score, embedding in rows]
    if prediction.labels is None:
        return facts
    return [{"label": label, **fact} for label, fact in zip(prediction.labels, facts, strict=True)]


def _no_facts(prediction: Prediction, model: OutputNames) -> list[Fact]:
    return [{} for _ in prediction.output]


def _embedding_facts(prediction: Prediction, model: OutputNames) -> list[Fact]:
    assert prediction.embeddings is not None
    return [{"embedding": row} for row in prediction.embeddings.tolist()]


# === Pictures ===


def _draw_mask(image: np.ndarray, prediction: Prediction, row: int, model: OutputNames) -> Image:
    assert prediction.masks is not None
    return draw_mask(image, prediction.masks[row], model.labels)


def _draw_objects(image: np.ndarray, prediction: Prediction, row: int, model: OutputNames) -> Image:
    assert prediction.detections is not None
    return draw_boxes(image, prediction.detections[row], model.labels, MIN_LISTED_SCORE)


KINDS: dict[Kind, Serving] = {
    "classification": Serving(outputs=("probabilities", "label"), prediction=_classes, facts=_class_facts),
    "multi_label": Serving(
        outputs=("probabilities", "label_set"), earlier=("probabilities",), prediction=_label_sets, facts=_set_facts
    ),
    "regression": Serving(outputs=("value",), prediction=_values, facts=_value_facts),
    "forecasting": Serving(outputs=("forecast",), prediction=_forecasts, facts=_forecast_facts),
    "tokens": Serving(outputs=("logits",), prediction=_tokens, facts=_token_facts),
    "sequences": Serving(outputs=("logits",), prediction=_logits, facts=_text_facts),
    "transcription": Serving(
        outputs=("probabilities", "tokens", "count"),
        earlier=("probabilities",),
        prediction=_transcription,
        facts=_text_facts,
    ),
    "segmentation": Serving(outputs=("probabilities", "mask"), prediction=_masks, facts=_mask_facts, draw=_draw_mask),
    "detection": Serving(
        outputs=("detections", "boxes", "scores", "labels", "count"),
        earlier=("scores", "boxes"),
        prediction=_detections,
        facts=_object_facts,
        draw=_draw_objects,
    ),
    "reconstruction": Serving(outputs=_AUTOENCODER, prediction=_reconstructions, facts=_part_facts),
    "anomaly": Serving(outputs=_AUTOENCODER, prediction=_anomalies, facts=_part_facts),
    "generation": Serving(outputs=("image",), prediction=_images, facts=_no_facts),
    "representation": Serving(outputs=("embedding",), prediction=_embeddings, facts=_embedding_facts),
}
