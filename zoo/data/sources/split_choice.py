"""Which of a source's folders or files are its splits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from zoo.data.split_names import split_of_folder
from zoo.errors import ZooError, did_you_mean, listing

if TYPE_CHECKING:
    from zoo.recipe.data_section import Splits

Found = TypeVar("Found")
_YEAR = re.compile(r"_?(19|20)[0-9]{2}$")


def choose_splits(
    found: Mapping[str, Found], names: Splits, where: Path, what: str, *, years: bool = False
) -> dict[str, Found]:
    """Return what holds each split: the one that the recipe names, or the only one with a usual name of the split.

    Args:
        found: what the source holds, by name.
        names: the names that the recipe gives.
        where: the source, for messages.
        what: what is found, for messages: "folder".
        years: a year may follow the usual name, as in `train2017`.

    Raises:
        ZooError: one that the recipe names is missing, or two are for one split.
    """
    splits = {}
    for split, default in type(names)().model_dump().items():
        name = getattr(names, split)
        if name not in (None, default):
            if name not in found:
                raise ZooError(
                    f"{where}: data.splits.{split} names the {what} '{name}', which is not "
                    f"there{did_you_mean(name, found)} ({what}s: {listing(found) or 'none'})"
                )
            splits[split] = found[name]
            continue
        usual = [other for other in found if split_of_folder(_YEAR.sub("", other) if years else other) == split]
        if len(usual) > 1:
            raise ZooError(
                f"{where}: the {what}s {listing(usual)} are all for the {split} split by their names; keep one, or "
                f"name it under data.splits.{split}"
            )
        if usual and not (split == "test" and name is None):
            splits[split] = found[usual[0]]
    return splits
