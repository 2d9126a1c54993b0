"""The column of a table that holds the paths of images or clips, or a pattern of it such as `train/{id}.jpg`."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from zoo.data.columns import check_columns
from zoo.data.sources.faults import Faults, is_there, path_within
from zoo.data.tables.file import Table, as_texts, refuse_nested
from zoo.errors import counted, visible
from zoo.recipe.image_column import columns_of, path_of
from zoo.utils.files import check_regular

_MIN_PATHS = 0.5  # of the texts of a column, which lead to files, from which on it is one of paths
_PATHS_LOOKED_AT = 200
_WORDS = {"image": ("an image", "images"), "audio": ("a clip", "clips")}  # one, and several


@dataclass
class ImagePaths:
    """The images of a table's rows.

    Attributes:
        rows: positions of the rows whose image is there.
        paths: the image of each of these.
        notes: what was read in another way than it is written.
    """

    rows: list[int] = field(default_factory=list)
    paths: list[Path] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def image_paths(table: Table, pattern: str, faults: Faults, key: str = "image") -> ImagePaths:
    """Return the file of each row: a path relative to the table's folder, which it may not leave.

    Args:
        table: the table.
        pattern: the column of paths, or a pattern with one column.
        faults: rows without a path, and paths that lead to no file, are added.
        key: of the recipe, which names the column: "image" or "audio".

    Raises:
        ZooError: the table lacks the column, or it holds lists or objects.
    """
    (name,) = columns_of(pattern)
    one, several = _WORDS[key]
    check_columns(table, [name], f"data.{key}")
    refuse_nested(table, [name])
    base = Path(table.where).parent
    found, turned = ImagePaths(), []
    for row, text in enumerate(as_texts(table.columns[name])):
        text = text.strip()
        if not text or text in table.reading.missing:
            faults.add(f"rows without {one}", table.row(row), row)
            continue
        written = path_of(pattern, name, text)
        path, was_turned = _path(base, written)
        place = f"{table.row(row)}: {visible(written)}"
        if path is None:
            faults.add("paths that are absolute or lead out of the table's folder", place, row)
            continue
        reason = _not_a_file(path, several)
        if reason:
            faults.add(reason, place, row)
            continue
        turned += [table.row(row)] * was_turned
        found.rows.append(row)
        found.paths.append(path)
    if turned:
        found.notes.append(f"backslashes in paths are read as slashes: {counted(turned, 'rows')}")
    return found


def leads_to_files(table: Table, name: str, has_suffix: Callable[[Path], bool]) -> bool:
    """Return whether the texts of a column are paths of files that are there and have such a suffix."""
    texts = [text for text in table.columns[name] if isinstance(text, str) and text.strip()]
    some = texts[:: max(1, len(texts) // _PATHS_LOOKED_AT)]
    paths = [path_within(Path(table.where).parent, Path(table.where).parent, text.strip()) for text in some]
    found = sum(path is not None and has_suffix(path) and is_there(path) for path in paths)
    return bool(some) and found > _MIN_PATHS * len(some)


def _path(base: Path, written: str) -> tuple[Path | None, bool]:
    """Return the path, None where it leads out of the folder, and whether its backslashes were turned."""
    path = path_within(base, base, written)
    if "\\" not in written or (path is not None and is_there(path)):
        return path, False
    turned = path_within(base, base, written.replace("\\", "/"))
    return turned, turned is not None


def _not_a_file(path: Path, several: str) -> str:
    """Return what is wrong with a path, in the plural; empty where a regular file is there."""
    if not is_there(path):
        return f"{several} that are not there"
    try:
        check_regular(path)
    except OSError:
        return "paths of no regular file"
    return "" if os.access(path, os.R_OK) else f"{several} that may not be read"
