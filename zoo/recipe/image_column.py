"""`data.image`: a column of paths, or a pattern such as `train/{id}.jpg`."""

from __future__ import annotations

import re

_PLACE = re.compile(r"\{([^{}]+)\}")


def columns_of(pattern: str) -> list[str]:
    """Return the columns that a pattern names; a pattern without braces is a column itself."""
    return list(dict.fromkeys(_PLACE.findall(pattern))) or [pattern]


def path_of(pattern: str, column: str, text: str) -> str:
    """Return the path that a pattern makes of the text of its column."""
    return text if column == pattern else pattern.replace(f"{{{column}}}", text)
