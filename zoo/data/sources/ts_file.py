"""`ts:PATH`: sequences of numbers with a class or a number each, in the format of aeon and sktime."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from zoo.data.dataset import SourceData
from zoo.data.kinds import KINDS
from zoo.data.sources.sequences import Sequences, sequence_source
from zoo.data.sources.ts_text import SUFFIX, read_ts
from zoo.errors import ZooError
from zoo.recipe.data_section import Data
from zoo.tasks import Task


def load_ts(name: str, data: Data, task: Task) -> SourceData:
    """Load a pair of files `NAME_TRAIN.ts` and `NAME_TEST.ts`, a folder that holds one pair, or one file.

    Raises:
        ZooError: a file is missing or damaged, or its labels do not fit the task.
    """
    paths = split_paths(Path(name).expanduser())
    files = {split: read_ts(path) for split, path in paths.items()}
    wants_classes = KINDS[task.kind].column == "category"
    for split, file in files.items():
        if not file.labels:
            raise ZooError(
                f"{paths[split]}: its cases have no class and no number to predict (@classLabel, @targetLabel)"
            )
        if file.classes != wants_classes:
            holds, other = (
                ("classes", "sequence_classification") if file.classes else ("numbers", "sequence_regression")
            )
            raise ZooError(f"{paths[split]}: its cases have {holds}, and the task is {task.name}; take {other}")
    widths = {split: file.values[0].shape[1] for split, file in files.items()}
    if len(set(widths.values())) > 1:
        raise ZooError(f"{data.source}: the files differ in channels: {widths}")
    parts = {
        split: Sequences(
            values=file.values,
            targets=np.array(file.labels if wants_classes else list(map(float, file.labels)), object),
            names=[f"{paths[split].name} {case}" for case in file.names],
        )
        for split, file in files.items()
    }
    source = sequence_source(parts, "label" if wants_classes else "value", task, data.source)
    return replace(
        source, notes=[f"{split}: {len(file.values):,} cases" for split, file in files.items()] + source.notes
    )


def split_paths(path: Path) -> dict[str, Path]:
    """Return the files of the splits.

    Raises:
        ZooError: there is none, or a folder holds several.
    """
    if path.is_dir():
        found = sorted(p for p in path.glob(f"*{SUFFIX}") if p.stem.upper().endswith("_TRAIN"))
        if len(found) != 1:
            raise ZooError(f"{path}: expected one file NAME_TRAIN{SUFFIX}, found {len(found)}")
        path = found[0].with_name(found[0].name[: -len("_TRAIN") - len(SUFFIX)])
    if path.is_file() and not path.stem.upper().endswith("_TRAIN"):
        return {"train": path}
    stem = path.stem[: -len("_TRAIN")] if path.is_file() else path.name.removesuffix(SUFFIX)
    beside = {p.name.upper(): p for p in path.parent.glob(f"*{SUFFIX}")} if path.parent.is_dir() else {}
    train = beside.get(f"{stem}_TRAIN{SUFFIX}".upper())
    if train is None:
        raise ZooError(f"{path}: no such file, and none {path.parent / stem}_TRAIN{SUFFIX}")
    test = beside.get(f"{stem}_TEST{SUFFIX}".upper())
    return {"train": train} | ({"test": test} if test is not None else {})
