"""Tokens: bits by position and by token, texts shaded by surprise, and texts that the model wrote."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup

from zoo.evaluation.metrics.common import label_of, separator
from zoo.evaluation.report import charts

if TYPE_CHECKING:
    from zoo.evaluation.report.predictions import Predictions

MAX_ROWS = 20  # of the table of tokens
MAX_SHADED_BITS = 8  # the darkest shade
MAX_SHOWN_TOKENS = 400  # of a window


def section(report: Mapping[str, Any], predictions: Predictions | None) -> dict[str, Any]:
    """Return `positions` (SVG), `classes` (rows of a table), `more` (rows left out), `texts` and `samples`."""
    by_position, rows = report.get("by_position"), report["per_class"] or []
    most = len(rows) if len(rows) <= 1.5 * MAX_ROWS else MAX_ROWS
    found: dict[str, Any] = {"positions": None, "classes": rows[:most], "more": len(rows) - most, "texts": []}
    if by_position:
        drawn = charts.positions(by_position["model"], by_position["baseline"])
        found["positions"] = Markup(drawn) if drawn else None
    if predictions is not None:
        chosen = [("a typical window", entry) for entry in report["typical"][:2]]
        chosen += [("the worst window", entry) for entry in report["worst"][:1]]
        found["texts"] = [{**entry, "what": what, **_shaded(predictions, entry["index"])} for what, entry in chosen]
    return found | {"samples": list(predictions.samples) if predictions is not None else []}


def _shaded(predictions: Predictions, i: int) -> dict[str, Any]:
    """Return the targets of a window as `tokens`, each with its `bits`, `fraction` of the darkest shade and `hit`."""
    y, output = predictions.y_true[i], predictions.output[i]
    places = np.flatnonzero(y)
    bits = output[places, 0] / math.log(2)
    tokens = [
        {
            "text": label_of(predictions.labels, int(y[place])).replace("\n", "↵\n"),
            "bits": float(cost),
            "fraction": float(min(1.0, cost / MAX_SHADED_BITS)),
            "hit": bool(output[place, 1]),
        }
        for place, cost in zip(places[:MAX_SHOWN_TOKENS], bits, strict=False)
    ]
    return {"tokens": tokens, "separator": separator(predictions.labels), "cut": len(places) > MAX_SHOWN_TOKENS}
