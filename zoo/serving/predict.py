"""`zoo predict`: from files to labels and probabilities, values, forecasts, texts or objects."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from zoo.serving.exported_model import ExportedModel
from zoo.serving.inputs import read_inputs
from zoo.serving.kinds import KINDS
from zoo.tasks import TASKS

CONTINUATION_LENGTH = 200  # characters that a language model adds to a prompt


def predict(file: str | Path, inputs: Sequence[str | Path]) -> list[dict[str, Any]]:
    """Predict with an exported file.

    Args:
        file: an ONNX file that `zoo export` wrote.
        inputs: images, folders of images, CSV, Parquet, npz or text files.

    Returns:
        For each example `input` (file, and row where a file holds several) with, by task: `label` and `probabilities`
        (class name to probability); `value`; `forecast` (list); `text` (transcribed, translated, or a prompt with its
        continuation); `shares` (of each class in the mask); `objects` (`label`, `score`, `box`: ymin, xmin, ymax, xmax
        as fractions of the image); `tokens`; `score` and, for anomalies, `label`, with the `embedding`; `embedding`.

    Raises:
        ZooError: the model or an input is missing, damaged, or does not fit.
    """
    model = ExportedModel(file)
    results: list[dict[str, Any]] = []
    for names, raw in list(read_inputs(model, inputs)):  # all inputs are read before the first result
        results += [{"input": name, **found} for name, found in zip(names, facts(model, raw), strict=True)]
    return results


def facts(model: ExportedModel, raw: Any) -> list[dict[str, Any]]:
    """Return what the file says about each example, as plain data."""
    task = TASKS[model.task]
    if task.fills_in:
        return [{"text": text} for text in model.fill_in(raw)]
    if task.reads_corpus:
        return [{"text": model.generate(prompt, CONTINUATION_LENGTH, temperature=0.8)} for prompt in raw]
    return KINDS[task.kind].facts(model.predict(raw), model)


def in_one_line(result: dict[str, Any]) -> str:
    """Return what was predicted for one example, for a person to read."""
    key = next((key for key in _LINES if key in result), None)
    return str(result.get("text", result.get("tokens"))) if key is None else _LINES[key](result)


def _score_line(result: dict[str, Any]) -> str:
    return f"{result['label'] + '  ' if 'label' in result else ''}score {result['score']:.6g}"


def _label_line(result: dict[str, Any]) -> str:
    return f"{result['label']}  {result['probabilities'][result['label']]:.4f}"


def _objects_line(result: dict[str, Any]) -> str:
    return "  ".join(f"{o['label']} {o['score']:.2f}" for o in result["objects"]) or "nothing found"


def _fractions_line(result: dict[str, Any]) -> str:
    return "  ".join(f"{label} {fraction:.1%}" for label, fraction in result["shares"].items() if fraction)


_LINES: dict[str, Callable[[dict[str, Any]], str]] = {  # the first key that a result has decides
    "score": _score_line,
    "label": _label_line,
    "value": lambda result: f"{result['value']:.6g}",
    "forecast": lambda result: " ".join(f"{value:.6g}" for value in result["forecast"]),
    "objects": _objects_line,
    "shares": _fractions_line,
}
