"""Sequences and transcriptions: accuracy by length, and wrong examples with the differences marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup

from zoo.evaluation.metrics.common import separator
from zoo.evaluation.report import charts
from zoo.evaluation.report.pictures import picture

if TYPE_CHECKING:
    from zoo.evaluation.report.predictions import Predictions

MAX_PICTURE_WIDTH = 260  # CSS pixels
PICTURE_HEIGHT = 64  # CSS pixels


def section(report: Mapping[str, Any], predictions: Predictions | None) -> dict[str, Any]:
    """Return `by_length` (SVG), `rows` (the wrong examples) and `source`: `text`, `picture` or None."""
    lengths = report.get("by_length")
    example = predictions.example if predictions is not None else None
    rows, source = [], None
    for entry in report["worst"]:
        shown = None if example is None else example(entry["index"])
        row = {**entry, **_difference(entry["true"], entry["predicted"], separator(report["labels"]))}
        if isinstance(shown, str):
            source = "text"
            row["source"] = shown
        elif isinstance(shown, np.ndarray):
            source = "picture"
            height, width = shown.shape[:2]
            row["source"] = picture(shown, round(min(MAX_PICTURE_WIDTH, PICTURE_HEIGHT * max(1, width / height))))
        rows.append(row)
    drawn = Markup(charts.by_length(lengths)) if lengths and len(lengths) > 1 else None
    return {"by_length": drawn, "rows": rows, "source": source}


def _difference(true: str, predicted: str, between: str) -> dict[str, list[dict[str, Any]]]:
    """Return both texts in parts: `true_parts` and `predicted_parts`, each part with `text` and `wrong`."""
    first, second = (list(text) if not between else text.split(between) for text in (true, predicted))
    found: dict[str, list[dict[str, Any]]] = {"true_parts": [], "predicted_parts": []}
    for what, a, b, c, d in SequenceMatcher(None, first, second, autojunk=False).get_opcodes():
        found["true_parts"].append(_part(first[a:b], between, what))
        found["predicted_parts"].append(_part(second[c:d], between, what))
    return found


def _part(symbols: Sequence[str], between: str, what: str) -> dict[str, Any]:
    return {"text": between.join(symbols), "wrong": what != "equal"}
