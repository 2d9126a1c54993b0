"""The worst examples of classification and regression, as pictures or as rows of a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.evaluation.report.pictures import picture

if TYPE_CHECKING:
    from zoo.evaluation.report.predictions import Predictions

MAX_TEXT_CHARACTERS = 300


def worst_examples(report: Mapping[str, Any], predictions: Predictions | None) -> dict[str, Any]:
    """Return the worst examples as `pictures` (with a data URI) or as `rows` (with the values of `columns`)."""
    pictures: list[dict[str, Any]] = []
    rows: list[dict[str, Any]] = []
    columns: list[str] = []
    for entry in report["worst"]:
        example = predictions.example(entry["index"]) if predictions is not None and predictions.example else {}
        if isinstance(example, str):
            short = example if len(example) <= MAX_TEXT_CHARACTERS else f"{example[:MAX_TEXT_CHARACTERS]} …"
            example = {"text": short}
        if isinstance(example, Mapping):
            columns = columns or list(example)
            rows.append({**entry, "values": [example.get(name) for name in columns]})
        else:
            pictures.append({**entry, **picture(np.asarray(example))})
    return {"pictures": pictures, "rows": rows, "columns": columns}
