"""Tables with a column of images: each row is an image with its target."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zoo.data.inputs import Inputs
from zoo.data.sources.decode_files import SplitFiles, decode_splits, image_inputs
from zoo.data.sources.faults import Faults
from zoo.data.sources.image_paths import image_paths
from zoo.data.tables.file import Table
from zoo.errors import ZooError, counted
from zoo.recipe.schema import Data


@dataclass(frozen=True, kw_only=True)
class ImageRows:
    """The rows of a table whose image can be read.

    Attributes:
        table: these rows.
        inputs: the image of each.
        shape: of the images, None for an axis that varies.
        notes: what a reader of the results should know.
    """

    table: Table
    inputs: Inputs
    shape: tuple[int | None, ...]
    notes: list[str]


def read_image_rows(table: Table, data: Data) -> ImageRows:
    """Return the rows whose image can be read, with their images.

    Raises:
        ZooError: images are missing or damaged, and `data.on_error` does not leave their rows out; or none is left.
    """
    faults, base, broken = Faults(), Path(table.where).parent, dict[Path, str]()
    found = image_paths(table, str(data.image), faults)
    files = SplitFiles(found.paths, np.array(found.rows, int))
    splits, remarks = decode_splits({"train": files}, data, broken)
    for row, path in zip(found.rows, found.paths, strict=True):
        if path in broken:
            faults.add(
                "images that cannot be read", f"{table.row(row)}: {path.relative_to(base)} ({broken[path]})", row
            )
    notes = [*faults.settle(Path(table.where), data, len(table)), *remarks, *found.notes]
    decoded = splits["train"]
    if not decoded.files:
        raise ZooError(f"{table.where}: no row has an image that can be read")
    inputs, shape = image_inputs(splits, data)
    kept = table.take(decoded.targets) if len(decoded.targets) < len(table) else table
    notes += _repeated(decoded.files, base)
    return ImageRows(table=kept, inputs=inputs["train"], shape=shape, notes=notes)


def _repeated(files: list[Path], base: Path) -> list[str]:
    """Return a note on images that several rows name."""
    several = [f"{path.relative_to(base)} ({count})" for path, count in Counter(files).items() if count > 1]
    return [f"named by several rows, each an example of its own: {counted(several, 'images')}"] if several else []
