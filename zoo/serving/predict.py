"""`zoo predict`: from files to labels and probabilities, values, forecasts, texts or objects."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from zoo.errors import ZooError
from zoo.serving.exported_model import ExportedModel
from zoo.serving.inputs import read_inputs
from zoo.serving.kinds import KINDS
from zoo.serving.prediction import Prediction
from zoo.tasks import TASKS
from zoo.utils.execution import ON_CPU, Execution

NO_ANSWER = "no finite answer"
_BOUNDED = ("value", "lower", "upper")  # keys of a result with prediction intervals
Observer = Callable[[Any, Prediction], None]  # takes examples and what the file answered
CONTINUATION_LENGTH = 200  # characters that a language model adds to a prompt


def predict(
    file: str | Path, inputs: Sequence[str | Path], *, verify: bool = True, notes: list[str] | None = None
) -> list[dict[str, Any]]:
    """Predict with an exported file.

    Args:
        file: an ONNX file that `zoo export` wrote.
        inputs: images, folders of images or texts, CSV, JSON Lines, Parquet, npz or text files.
        verify: compare the file with the certificate beside it and with the checksum in its metadata.
        notes: what a reader of the answers should know, such as files that were left out, is added to this list.

    Returns:
        For each example `input` (file, and row where a file holds several) with, by task: `label` and `probabilities`
        (class name to probability), with `prediction_set` (classes), and `ood_score` and whether it is
        `unusual`, where the file has such; `value`; `forecast` (list), with `series` where a table holds several;
        `text`
        (transcribed, translated, or a prompt with its continuation); `shares` (of each class in the mask); `objects`
        (`label`, `score`, `box`: ymin, xmin, ymax, xmax as fractions of the image); `tokens`; `tags` (of each word);
        `score` and, for anomalies, `label`, with the `embedding`; `embedding`. All of them are None for an example
        whose answer is not a finite number.

    Raises:
        ZooError: the model or an input is missing, damaged, or does not fit.
    """
    return list(predict_each(file, inputs, verify=verify, notes=notes))


def predict_each(
    file: str | Path,
    inputs: Sequence[str | Path],
    *,
    verify: bool = True,
    notes: list[str] | None = None,
    execution: Execution = ON_CPU,
) -> Iterator[dict[str, Any]]:
    """Yield what `predict` returns, one example at a time, as soon as its input is read.

    Args:
        file: this and the next three are as in `predict`.
        inputs: see there.
        verify: see there.
        notes: see there.
        execution: where the file is run.

    Raises:
        ZooError: as in `predict`; answers to what was read before have been given by then.
    """
    model = ExportedModel(file, verify=verify, **execution.settings())
    if TASKS[model.task].makes_images:
        raise ZooError(f"{file}: makes images from noise; use sample(), or `zoo sample`")
    for names, raw in read_inputs(model, inputs, notes if notes is not None else []):
        for name, found in zip(names, facts(model, raw), strict=True):
            yield {"input": name, **found}


def unseen(raw: Any, prediction: Prediction) -> None:
    """Let a prediction pass that nobody watches."""


def facts(model: ExportedModel, raw: Any, see: Observer = unseen) -> list[dict[str, Any]]:
    """Return what the file says about each example, as plain data; None where the answer is not finite.

    Args:
        model: the file.
        raw: examples, as its `predict` takes them.
        see: takes the examples and the prediction, where there is one.
    """
    task = TASKS[model.task]
    if task.fills_in:
        return [{"text": text} for text in model.fill_in(raw)]
    if task.reads_corpus:
        return [{"text": model.generate(prompt, CONTINUATION_LENGTH, temperature=0.8)} for prompt in raw]
    prediction = model.predict(raw)
    see(raw, prediction)
    rows = KINDS[task.kind].facts(prediction, model)
    if prediction.series is not None:
        rows = [{"series": name, **row} for name, row in zip(prediction.series, rows, strict=True)]
    if prediction.finite is None:
        return rows
    return [row if fine else _unanswered(row) for row, fine in zip(rows, prediction.finite, strict=True)]


def _unanswered(row: dict[str, Any]) -> dict[str, Any]:
    """Return the same keys without an answer; the name of a series stays."""
    return {key: value if key == "series" else None for key, value in row.items()}


def is_answered(result: Mapping[str, Any]) -> bool:
    """Return whether an example has an answer."""
    return all(value is not None for value in result.values())


def in_one_line(result: Mapping[str, Any]) -> str:
    """Return what was predicted for one example, for a person to read."""
    if not is_answered(result):
        return NO_ANSWER
    return next(line(result) for key, line in _LINES.items() if key in result)


def _score_line(result: Mapping[str, Any]) -> str:
    return f"{result['label'] + '  ' if 'label' in result else ''}score {result['score']:.6g}"


def _label_line(result: Mapping[str, Any]) -> str:
    sets = f"  one of {{{', '.join(result['prediction_set'])}}}" if "prediction_set" in result else ""
    unusual = "  unusual" if result.get("unusual") else ""
    return f"{result['label']}  {result['probabilities'][result['label']]:.4f}{sets}{unusual}"


def _objects_line(result: Mapping[str, Any]) -> str:
    return "  ".join(f"{o['label']} {o['score']:.2f}" for o in result["objects"]) or "nothing found"


def _fractions_line(result: Mapping[str, Any]) -> str:
    return "  ".join(f"{label} {fraction:.1%}" for label, fraction in result["shares"].items() if fraction)


def _value_line(result: Mapping[str, Any]) -> str:
    if isinstance(result["value"], Mapping):
        return "  ".join(f"{name}: {_value(result, name)}" for name in result["value"])
    return _value(result, None)


def _value(result: Mapping[str, Any], target: str | None) -> str:
    """Return a value, one of several by its name, and its bounds where there are some."""
    numbers = [result[key] if target is None else result[key][target] for key in _BOUNDED if key in result]
    return f"{numbers[0]:.6g}" + (f" ({numbers[1]:.6g} to {numbers[2]:.6g})" if len(numbers) > 1 else "")


def _forecast_line(result: Mapping[str, Any]) -> str:
    series = f"{result['series']}: " if "series" in result else ""
    forecast = result["forecast"]
    if isinstance(forecast, Mapping):
        return series + "  ".join(f"{name}: {' '.join(f'{v:.6g}' for v in row)}" for name, row in forecast.items())
    return series + " ".join(f"{value:.6g}" for value in forecast)


_LINES: dict[str, Callable[[Mapping[str, Any]], str]] = {  # the first key that a result has decides
    "score": _score_line,
    "label": _label_line,
    "value": _value_line,
    "forecast": _forecast_line,
    "objects": _objects_line,
    "shares": _fractions_line,
    "embedding": lambda result: " ".join(f"{value:.6g}" for value in result["embedding"]),
    "text": lambda result: str(result["text"]),
    "tokens": lambda result: " ".join(map(str, result["tokens"])),
    "tags": lambda result: " ".join(result["tags"]),
}
