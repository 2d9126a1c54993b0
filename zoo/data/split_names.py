"""The usual names of splits, as folders and in columns."""

from __future__ import annotations

SPLIT_NAMES = {  # in any case of letters
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev"),
    "test": ("test", "testing"),
}
_SPLITS = {name: split for split, names in SPLIT_NAMES.items() for name in names}
_ABBREVIATIONS = {"tr": "train", "te": "test"}  # in columns alone: a folder `tr` or `te` may be a language


def split_of_folder(name: str) -> str | None:
    """Return the split that a folder is by its name: "train", "validation" or "test"."""
    return _SPLITS.get(name.casefold())


def split_of_text(text: str) -> str | None:
    """Return the split that a value of a column names: "train", "validation" or "test"."""
    return (_SPLITS | _ABBREVIATIONS).get(text.casefold())
