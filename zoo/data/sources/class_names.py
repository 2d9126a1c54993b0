"""The names of classes that files give by number: from the recipe, from `classes.txt`, or the numbers themselves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from zoo.errors import ZooError, counted, listing
from zoo.recipe.data_section import Data
from zoo.utils.files import read_regular

MAX_NAMES_BYTES = 1 << 20  # of a file of names


@dataclass(frozen=True)
class Classes:
    """The classes of a source.

    Attributes:
        labels: their names, in the order of the outputs.
        ids: the number that files have for each.
    """

    labels: tuple[str, ...]
    ids: tuple[int, ...]

    @classmethod
    def numbered(cls, names: Sequence[str]) -> Classes:
        """Return classes with the numbers from 0."""
        return cls(tuple(names), tuple(range(len(names))))


def named_classes(base: Path, data: Data, notes: list[str]) -> Classes | None:
    """Return the classes that the recipe names, or else `classes.txt`; None where neither does.

    Raises:
        ZooError: the file is not readable, or names a class twice or fewer than two.
    """
    file = base / "classes.txt"
    if data.classes is not None:
        if file.exists():
            notes.append("data.classes names the classes; classes.txt is not used")
        return Classes.numbered(data.classes)
    return Classes.numbered(read_names(file)) if file.exists() else None


def read_names(file: Path) -> list[str]:
    """Return the names in a file, one a line; the first has the number 0.

    Raises:
        ZooError: the file is not readable, or a line is empty or repeats another.
    """
    try:
        text = read_regular(file, MAX_NAMES_BYTES).decode("utf-8-sig")
    except OSError as error:
        raise ZooError(f"{file}: not readable ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise ZooError(f"{file}: not UTF-8 (byte {error.start})") from error
    names = [line.strip() for line in text.rstrip().split("\n")]
    check_names(names, str(file))
    return names


def check_names(names: Sequence[str], where: str) -> None:
    """Check the names of classes.

    Raises:
        ZooError: one is empty or repeats another, or there is none.
    """
    empty = [number for number, name in enumerate(names) if not name]
    if empty:
        raise ZooError(f"{where}: expected one name a class; {counted(empty, 'numbers have no name')}")
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ZooError(f"{where}: names a class twice: {listing(repeated)}")


def found_classes(ids: Iterable[int], what: str, notes: list[str]) -> Classes:
    """Return the numbers that are found as classes, and say so.

    Args:
        ids: numbers of the training split.
        what: what they were found in, in the plural.
        notes: the note is added here.
    """
    known = tuple(sorted(ids))
    notes.append(
        f"no class names (data.classes or classes.txt): the classes are the {len(known):,} ids that {what} have "
        f"({', '.join(map(str, known[:20]))}{', …' if len(known) > 20 else ''})"
    )
    return Classes(tuple(map(str, known)), known)
