"""The baseline of any task: fitted on the training split, run on the others, its output in the form of a model's."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from zoo.errors import ZooError, did_you_mean, listing
from zoo.evaluation.baselines import gaussian_mixture
from zoo.evaluation.baselines.anomaly import isolation_forest_scores, pca_scores
from zoo.evaluation.baselines.copying import most_frequent_text, most_frequent_token, nearest_source
from zoo.evaluation.baselines.estimators import BASELINES, baseline_output, fit_baseline
from zoo.evaluation.baselines.forecasting import FORECASTERS, run_forecaster
from zoo.evaluation.baselines.graphs import label_spreading
from zoo.evaluation.baselines.ngrams import ORDER, run_ngrams
from zoo.evaluation.baselines.pixels import fit_pixel_forest, most_frequent_class, run_pixel_forest, template_boxes
from zoo.evaluation.baselines.reconstruction import fit_pca, reconstruct
from zoo.evaluation.metrics.probes import classify
from zoo.postprocessing.image_similarity import as_rows, errors
from zoo.tasks import TASKS

SCORED = ("validation", "test")
NAMES: dict[str, tuple[str, ...]] = {
    "classification": (*(name for name, b in BASELINES.items() if "classification" in b.kinds), "label_spreading"),
    "regression": tuple(name for name, b in BASELINES.items() if "regression" in b.kinds),
    "forecasting": FORECASTERS,
    "tokens": ("most_frequent_token", "unigram", "ngram"),
    "sequences": ("nearest_source",),
    "transcription": ("most_frequent_text",),
    "segmentation": ("most_frequent_class", "pixel_forest"),
    "detection": ("template_boxes",),
    "reconstruction": ("pca",),
    "anomaly": ("pca_error", "isolation_forest"),
    "generation": ("gaussian_mixture",),
    "representation": ("pca", "pixels"),
}


@dataclass(frozen=True)
class BaselineData:
    """What a baseline may use. A field that the task's baselines do not need stays as it is.

    Attributes:
        targets: `train`, `validation` and `test` to the targets, as the task's kind has them.
        inputs: takes the name of a split and returns its inputs. Classification and regression: features, finite
            floats `(n, features)`. Language models: the tokens that the network sees, `(n, length)`. Sequences: source
            tokens padded with 0, `(n, length)`. Segmentation: images `(n, height, width, channels)`. Reconstruction,
            anomalies and representations: images in [0, 1], `(n, height, width, channels)`. Generation: such
            images in uint8.
        parts: classification and regression: the same, some examples at a time, for data whose examples do not depend
            on each other; where it is left out, a split is worked on as a whole.
        classes: number of classes, or of token ids of the target.
        scale: whether features have units of their own, and so are standardised where the method needs it.
        text: language modeling: the training text, token ids without padding, `(tokens,)`.
        series: forecasting: the whole series, `(time,)`.
        origins: forecasting: `validation` and `test` to the step at which each window's forecast begins.
        season: forecasting: steps after which the series repeats, 1 for none.
        train_end: forecasting: number of steps in the training part.
        code: reconstruction, anomalies and representations: numbers in the network's code.
        judge: generation: from uint8 images to rows (`zoo.evaluation.metrics.generation`).
        samples: generation: number of images to make.
    """

    targets: Mapping[str, np.ndarray]
    inputs: Callable[[str], np.ndarray] | None = None
    parts: Callable[[str], Iterator[np.ndarray]] | None = None
    classes: int = 0
    scale: bool = True
    text: np.ndarray | None = None
    series: np.ndarray | None = None
    origins: Mapping[str, np.ndarray] = field(default_factory=dict)
    season: int = 1
    train_end: int = 0
    code: int = 0
    judge: Callable[[np.ndarray], np.ndarray] | None = None
    samples: int = 0


def fit_and_run_baseline(task: str, name: str, data: BaselineData, *, seed: int = 0) -> dict[str, Any]:
    """Fit a baseline and run it on validation and test. The same data and seed give the same outputs.

    Args:
        task: name of the task.
        name: a baseline of the task's kind, see `NAMES`.
        data: what it is fitted on.
        seed: seed of the method and of the choice of examples.

    Returns:
        `name`; its outputs on `validation` and `test`, as `evaluate` takes them; `seconds` that the fit took (for those
        that fit and run at once, both); `examples` that it was fitted on; and whether it `converged`.

    Raises:
        ZooError: the name is unknown, the baseline cannot be fitted to the data, or a package is missing.
    """
    kind = TASKS[task].kind
    if name not in NAMES[kind]:
        hint = did_you_mean(name, NAMES[kind])
        raise ZooError(f"unknown baseline '{name}'; valid for {task}: {listing(NAMES[kind])}{hint}")
    facts: dict[str, Any] = {"name": name, "examples": len(data.targets["train"]), "converged": True}
    if kind in ("classification", "regression"):
        return facts | _estimator(kind, name, data, seed)
    started = time.perf_counter()
    run = {
        "forecasting": _forecaster,
        "tokens": _tokens,
        "sequences": _sequences,
        "transcription": _constant_text,
        "segmentation": _segmenter,
        "detection": _boxes,
        "reconstruction": _components,
        "anomaly": _scores,
        "generation": _mixture,
        "representation": _components_classified,
    }[kind]
    found = run(name, data, seed)
    return facts | {"seconds": time.perf_counter() - started} | found


def _estimator(kind: str, name: str, data: BaselineData, seed: int) -> dict[str, Any]:
    inputs = _needed(data.inputs, "inputs")
    if name == "label_spreading":
        started = time.perf_counter()
        nodes = {split: inputs(split) for split in ("train", *SCORED)}
        outputs, converged = label_spreading(nodes, data.targets["train"], data.classes)
        return {split: outputs[split] for split in SCORED} | {
            "seconds": time.perf_counter() - started,
            "converged": converged,
        }
    if BASELINES[name].constant:
        inputs = lambda split: np.zeros((len(data.targets[split]), 1), np.float32)  # noqa: E731
    whole = BASELINES[name].constant or data.parts is None
    fitted = fit_baseline(name, kind, inputs("train"), data.targets["train"], seed=seed, scale=data.scale)

    def run(split: str) -> np.ndarray:
        parts = [inputs(split)] if whole else _needed(data.parts, "parts")(split)
        return np.concatenate([baseline_output(fitted, part, kind, data.classes) for part in parts])

    outputs = {split: run(split) for split in SCORED}
    return outputs | {"seconds": fitted.seconds, "examples": fitted.examples, "converged": fitted.converged}


def _forecaster(name: str, data: BaselineData, seed: int) -> dict[str, Any]:
    series, horizon = _needed(data.series, "series"), data.targets["test"].shape[1] - 1
    origins = {split: data.origins[split] for split in SCORED}
    outputs, converged = run_forecaster(name, series, origins, horizon, data.season, data.train_end)
    return outputs | {"converged": converged}


def _tokens(name: str, data: BaselineData, seed: int) -> dict[str, Any]:
    y = data.targets
    if name == "most_frequent_token":
        return {split: most_frequent_token(y["train"], y[split], data.classes) for split in SCORED}
    inputs = _needed(data.inputs, "inputs")
    windows = {split: (inputs(split), y[split]) for split in SCORED}
    order = ORDER if name == "ngram" else 1
    text = _needed(data.text, "text")
    outputs, converged = run_ngrams(text, windows, "validation", vocabulary=data.classes, order=order)
    return outputs | {"converged": converged}


def _sequences(name: str, data: BaselineData, seed: int) -> dict[str, Any]:
    inputs = _needed(data.inputs, "inputs")
    source = inputs("train")
    return {split: nearest_source(source, data.targets["train"], inputs(split)) for split in SCORED}


def _constant_text(name: str, data: BaselineData, seed: int) -> dict[str, Any]:
    return {split: most_frequent_text(data.targets["train"], len(data.targets[split])) for split in SCORED}


def _segmenter(name: str, data: BaselineData, seed: int) -> dict[str, Any]:
    train = data.targets["train"]
    if name == "most_frequent_class":
        return {split: most_frequent_class(train, len(data.targets[split])) for split in SCORED}
    inputs = _needed(data.inputs, "inputs")
    started = time.perf_counter()
    forest = fit_pixel_forest(inputs("train"), train, seed=seed)
    seconds = time.perf_counter() - started
    return {"seconds": seconds} | {split: run_pixel_forest(forest, inputs(split)) for split in SCORED}


def _boxes(name: str, data: BaselineData, seed: int) -> dict[str, Any]:
    train = data.targets["train"]
    return {split: template_boxes(train, len(data.targets[split]), data.classes) for split in SCORED}


def _components(name: str, data: BaselineData, seed: int) -> dict[str, Any]:
    inputs = _needed(data.inputs, "inputs")
    pca = fit_pca(inputs("train"), data.code, seed=seed)
    return {split: errors(inputs(split), reconstruct(pca, inputs(split))) for split in SCORED}


def _scores(name: str, data: BaselineData, seed: int) -> dict[str, Any]:
    inputs = _needed(data.inputs, "inputs")
    splits = {split: inputs(split) for split in SCORED}
    if name == "pca_error":
        return dict(pca_scores(inputs("train"), splits, data.code, seed=seed))
    return dict(isolation_forest_scores(inputs("train"), splits, seed=seed))


def _mixture(name: str, data: BaselineData, seed: int) -> dict[str, Any]:
    inputs, judge = _needed(data.inputs, "inputs"), _needed(data.judge, "judge")
    mixture = gaussian_mixture.fit(inputs("train"), seed=seed)
    made = judge(mixture.draw(data.samples, seed))
    return {"converged": mixture.converged} | dict.fromkeys(SCORED, made)


def _components_classified(name: str, data: BaselineData, seed: int) -> dict[str, Any]:
    """Let the linear probe judge the pixels themselves, or as many principal components as the network has features."""
    inputs = _needed(data.inputs, "inputs")
    rows = {split: as_rows(inputs(split)) for split in ("train", *SCORED)}
    if name == "pca":
        pca = fit_pca(inputs("train"), data.code, seed=seed)
        rows = {split: pca.transform(values) for split, values in rows.items()}
    outputs, facts = classify(rows, data.targets, classes=data.classes, seed=seed)
    return {**outputs, "converged": facts["converged"]}


def _needed(value: Any, name: str) -> Any:
    if value is None:
        raise ValueError(f"this baseline needs BaselineData.{name}")
    return value
