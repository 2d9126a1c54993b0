"""Names of a table's columns as inputs of an exported file: letters, digits and underscores, each once."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

MAX_INPUT_NAME = 64  # characters; longer names are cut
# Names that an exported file gives to outputs, or to values inside.
RESERVED = frozenset(
    (
        *("probabilities", "label", "value", "forecast", "logits", "mask", "boxes", "scores", "detections"),
        *("embedding", "reconstruction", "score", "image", "sample", "label_names", "label_index"),
        *("value_column", "value_shape", "lower", "upper"),
        *("label_costs", "expected_costs", "set_probability", "prediction_set", "ood_score"),
        *("label_set", "abnormal", "unusual", "tokens", "labels", "count"),
        *("array", "known_covariates"),  # inputs beside static covariates
    )
)
_SAFE = re.compile(rf"[A-Za-z_](?!.*__\d+$)[A-Za-z0-9_]{{0,{MAX_INPUT_NAME - 1}}}")  # tf2onnx numbers by `__12`


def input_names(columns: Sequence[str]) -> list[str]:
    """Return a name for each column that every runtime takes and that no other input, output or inner value has.

    A column whose name is such keeps it. In others accents go, what is no letter or digit of ASCII becomes an
    underscore, and a number tells equal ones apart.

    Args:
        columns: names of the columns, each once.
    """
    kept = {name for name in columns if _SAFE.fullmatch(name) and name not in RESERVED}
    used, found = set(kept), []
    for position, column in enumerate(columns, start=1):
        name = column if column in kept else _unused(_plain(column) or f"column_{position}", used)
        used.add(name)
        found.append(name)
    return found


def _plain(column: str) -> str:
    ascii_only = unicodedata.normalize("NFKD", column).encode("ascii", "ignore").decode()
    text = re.sub(r"[^A-Za-z0-9]+", "_", ascii_only).strip("_")[: MAX_INPUT_NAME // 2].rstrip("_")
    return f"column_{text}" if text and (text[0].isdigit() or text in RESERVED) else text


def _unused(name: str, used: set[str]) -> str:
    number, found = 1, name
    while found in used:
        number += 1
        found = f"{name}_{number}"
    return found
