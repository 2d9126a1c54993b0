"""Which kind of data a path holds, and the recipe that it is proposed."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from zoo.data.proposal.folder import propose_folder
from zoo.data.proposal.proposal import Proposal
from zoo.data.proposal.sizes import add_training, widths
from zoo.data.proposal.table import propose_table
from zoo.data.sources.archive import Archive
from zoo.data.tables.file import JSON_LINES, PARQUET
from zoo.errors import ZooError, listing, visible

_KINDS = f"a table ({', '.join(('.csv', '.tsv', *JSON_LINES, *PARQUET))}), arrays (.npz), or a folder"


def propose(path: Path, name: str, target: str | None = None) -> Proposal:
    """Return a recipe for the data at a path.

    Args:
        path: a file or a folder.
        name: the path as the recipe names it.
        target: the column of a table to predict.

    Raises:
        ZooError: there is nothing, or nothing that the zoo trains on; or a target is given for what is no table.
    """
    if not path.exists():
        raise ZooError(f"{visible(path)}: no such file or folder")
    suffix = path.suffix.lower()
    form = (
        "csv"
        if suffix in (".csv", ".tsv")
        else "parquet"
        if suffix in PARQUET
        else "jsonl"
        if suffix in JSON_LINES
        else ""
    )
    if form and path.is_file():
        return propose_table(path, f"{form}:{name}", target)
    if target is not None:
        raise ZooError(f"{visible(path)}: --target names a column, and this is no table")
    if path.is_dir():
        return propose_folder(path, name)
    if suffix == ".npz":
        return _arrays(path, f"npz:{name}")
    raise ZooError(f"{visible(path)}: cannot tell what it holds; expected {_KINDS}")


def _arrays(path: Path, source: str) -> Proposal:
    """Return a recipe for NumPy arrays: images, vectors or sequences with a class or a number each."""
    archive = Archive(path)
    pairs = [("x_train", "y_train"), ("train_images", "train_labels"), ("x", "y")]
    pair = next((pair for pair in pairs if set(pair) <= set(archive.names)), None)
    if pair is None:
        raise ZooError(f"{path}: expected arrays x_train and y_train, or x and y; found {listing(archive.names)}")
    x, y = (archive.read(name) for name in pair)
    classes = y.dtype.kind in "USb" or (y.dtype.kind in "iu" and len(np.unique(y)) <= max(20, len(y) // 50))
    task = "classification" if classes else "regression"
    own_test = any(name.startswith(("x_test", "test_")) for name in archive.names)
    form = {2: "tabular", 3: "sequence", 4: "image"}.get(x.ndim)
    if x.ndim == 3 and x.dtype == np.uint8:
        form = "image"
    if form is None or (form == "image" and not classes):
        raise ZooError(
            f"{path}: array '{pair[0]}' {x.dtype} {x.shape} with {y.dtype} targets fits no task; expected images with "
            "classes, vectors (examples, features) or sequences (examples, steps, features)"
        )
    held = f"'{pair[0]}' is {x.dtype} {x.shape}, '{pair[1]}' holds {len(np.unique(y))} different {y.dtype} values"
    proposal = Proposal(f"{form}_{task}", bases=(f"_base/{form}_{task}", "_base/adamw_cosine"), reason=held)
    if y.dtype.kind in "iu":
        other = "regression" if classes else "classification"
        proposal.doubts.append(f"targets are whole numbers, taken for {task}; for {other} take another task")
    proposal.add("data.source", source, f"{len(x):,} examples")
    if form == "tabular":
        proposal.add("preprocess", [{"standardize": {}}])
    if form == "sequence":
        proposal.lines.append(("preprocess", [{"standardize": {}}], "arrays take no tokens"))
    if form == "image":
        proposal.add("model.name", "cnn")
        proposal.add("model.widths", [24, 48, 96], f"images of {x.shape[1]}×{x.shape[2]}")
    elif form == "sequence":
        proposal.add("model.name", "gru")
        proposal.add("model.units", 64, f"sequences of {x.shape[1]} steps")
    else:
        proposal.add("model.name", "mlp")
        proposal.add("model.widths", widths(len(x)), f"{len(x):,} rows of {x.shape[1]} numbers")
    proposal.add("model.dropout", 0.2)
    add_training(proposal, len(x), own_test=own_test)
    return proposal
