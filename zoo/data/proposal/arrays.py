"""A recipe for arrays: images, vectors or sequences with a class or a number each."""

from __future__ import annotations

import numpy as np

from zoo.data.proposal.proposal import Proposal
from zoo.data.proposal.sizes import add_sequence_model, add_training, widths
from zoo.errors import ZooError


def are_classes(y: np.ndarray) -> bool:
    """Return whether targets are taken as classes: texts, or few whole numbers for their number."""
    return y.dtype.kind in "USbO" or (y.dtype.kind in "iu" and len(np.unique(y)) <= max(20, len(y) // 50))


def add_target_doubt(proposal: Proposal, y: np.ndarray, task: str) -> None:
    """Say that whole numbers may be classes or not."""
    if y.dtype.kind in "iu":
        other = "regression" if task == "classification" else "classification"
        proposal.doubts.append(f"targets are whole numbers, taken for {task}; for {other} take another task")


def propose_arrays(
    x: np.ndarray, y: np.ndarray, *, names: tuple[str, str], where: str, source: str, own_test: bool
) -> Proposal:
    """Return a recipe for examples of one shape.

    Args:
        x: the examples.
        y: a target for each, or several numbers `(examples, targets)`.
        names: what messages call them.
        where: what holds them, for messages.
        source: as the recipe names it.
        own_test: there is a test split.

    Raises:
        ZooError: no task takes such examples and targets.
    """
    task = "classification" if are_classes(y) else "regression"
    form = {2: "tabular", 3: "sequence", 4: "image"}.get(x.ndim)
    if x.ndim == 3 and x.dtype == np.uint8:
        form = "image"
    if form is None:
        raise ZooError(
            f"{where}: '{names[0]}' {x.dtype} {x.shape} with {y.dtype} targets fits no task; expected images, "
            "vectors (examples, features) or sequences (examples, steps, features)"
        )
    values = f"{y.shape[1]} numbers" if y.ndim == 2 else f"{len(set(y.tolist()))} different {y.dtype} values"
    if y.ndim == 2 and np.isin(y, (0, 1)).all():
        advice = "table of their paths" if form == "image" else "frame, such as pandas.DataFrame(x),"
        raise ZooError(
            f"{where}: '{names[1]}' holds {y.shape[1]} labels of 0 and 1 for each example, which are read beside a "
            f"{advice} with a column of each label"
        )
    held = f"'{names[0]}' is {x.dtype} {x.shape}, '{names[1]}' holds {values}{' each' * (y.ndim == 2)}"
    proposal = Proposal(f"{form}_{task}", bases=(f"_base/{form}_{task}", "_base/adamw_cosine"), reason=held)
    add_target_doubt(proposal, y, task)
    proposal.add("data.source", source, f"{len(x):,} examples")
    if form == "tabular":
        proposal.add("preprocess", [{"standardize": {}}])
    if form == "sequence":
        proposal.lines.append(("preprocess", [{"standardize": {}}], "arrays take no tokens"))
    if form == "sequence":
        add_sequence_model(proposal, [x.shape[1]] * len(x), own_test=own_test)
        return proposal
    if form == "image":
        proposal.add("model.name", "cnn")
        proposal.add("model.widths", [24, 48, 96], f"images of {x.shape[1]}×{x.shape[2]}")
    else:
        proposal.add("model.name", "mlp")
        proposal.add("model.widths", widths(len(x)), f"{len(x):,} rows of {x.shape[1]} numbers")
    proposal.add("model.dropout", 0.2)
    add_training(proposal, len(x), own_test=own_test)
    return proposal
