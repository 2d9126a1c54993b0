"""Tables with a column of images: each row is an image with its target."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zoo.data.sources.decode_files import SplitFiles, decode_splits, image_inputs
from zoo.data.sources.faults import Faults
from zoo.data.sources.file_rows import FileRows, repeated_files
from zoo.data.sources.image_paths import image_paths
from zoo.data.tables.file import Table
from zoo.errors import ZooError

if TYPE_CHECKING:
    from zoo.recipe.data_section import Data

_MIN_READ_FRACTION = 0.5  # of the rows; with fewer the table lies in another folder than its images


def read_image_rows(table: Table, data: Data) -> FileRows:
    """Return the rows whose image can be read, with their images.

    Raises:
        ZooError: images are missing or damaged, and `data.on_error` does not leave their rows out; or most are.
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
    left_out = faults.settle(Path(table.where), data, len(table))
    decoded = splits["train"]
    if len(decoded.files) < _MIN_READ_FRACTION * len(table):
        raise ZooError(f"{table.where}: {' '.join(left_out)}; too many to leave out")
    notes = [*left_out, *remarks, *found.notes]
    inputs, shape = image_inputs(splits, data)
    kept = table.take(decoded.targets) if len(decoded.targets) < len(table) else table
    notes += repeated_files(decoded.files, base, "images")
    return FileRows(kind="image", table=kept, inputs=inputs["train"], shape=shape, notes=notes)
