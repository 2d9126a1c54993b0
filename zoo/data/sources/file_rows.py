"""The rows of a table whose file, an image or a clip, can be read."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from zoo.data.dataset import InputKind
from zoo.data.inputs import Inputs
from zoo.data.tables.file import Table
from zoo.errors import counted


@dataclass(frozen=True, kw_only=True)
class FileRows:
    """The rows of a table whose file can be read.

    Attributes:
        kind: what the files hold: "image" or "audio".
        table: these rows.
        inputs: the image or the clip of each.
        shape: of these, None for an axis that varies.
        notes: what a reader of the results should know.
        sample_rate: samples a second of clips.
    """

    kind: InputKind
    table: Table
    inputs: Inputs
    shape: tuple[int | None, ...]
    notes: list[str]
    sample_rate: int = 0


def repeated_files(files: list[Path], base: Path, what: str) -> list[str]:
    """Return a note on files that several rows name; `what` they hold, in the plural."""
    several = [f"{path.relative_to(base)} ({count})" for path, count in Counter(files).items() if count > 1]
    return [f"named by several rows, each an example of its own: {counted(several, what)}"] if several else []
