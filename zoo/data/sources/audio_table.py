"""Tables with a column of audio files: each row is a clip with its target."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zoo.data.sources.clips import clips_of_files, unify
from zoo.data.sources.faults import Faults
from zoo.data.sources.file_rows import FileRows, repeated_files
from zoo.data.sources.image_paths import image_paths
from zoo.data.tables.file import Table
from zoo.errors import ZooError

if TYPE_CHECKING:
    from zoo.recipe.data_section import Data


def read_audio_rows(table: Table, data: Data) -> FileRows:
    """Return the rows whose clip can be read, with their clips at one rate and of one length.

    Raises:
        ZooError: clips are missing or damaged, and `data.on_error` does not leave their rows out; or none is left.
    """
    faults, base = Faults(), Path(table.where).parent
    found = image_paths(table, str(data.audio), faults, "audio")

    def add(position: int, why: str) -> None:
        row, path = found.rows[position], found.paths[position]
        faults.add("clips that cannot be read", f"{table.row(row)}: {path.relative_to(base)} ({why})", row)

    broken: dict[int, str] = {}
    clips, kept = clips_of_files(found.paths, broken)
    for position, why in broken.items():
        add(position, why)
    if not len(kept):
        faults.refuse(table.where)
        raise ZooError(f"{table.where}: no row has a clip that can be read")
    unified = unify({"train": clips}, data)
    for position, why in unified.broken["train"].items():
        add(int(kept[position]), why)
    kept = kept[unified.kept["train"]]
    notes = faults.settle(Path(table.where), data, len(table), "clips")
    if not len(kept):
        raise ZooError(f"{table.where}: no row has a clip that can be read")
    rows = np.array(found.rows, int)[kept]
    notes += [*unified.notes, *found.notes, *repeated_files([found.paths[i] for i in kept], base, "clips")]
    return FileRows(
        kind="audio",
        table=table.take(rows) if len(rows) < len(table) else table,
        inputs=unified.inputs["train"],
        shape=(unified.samples,),
        notes=notes,
        sample_rate=unified.rate,
    )
