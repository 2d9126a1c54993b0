"""A recipe for data that a Python program holds: a frame, arrays, texts, images."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from zoo.data.memory.frames import as_pandas, joined, table_of, with_target
from zoo.data.memory.given import PLACES, WANTED, MemoryData, is_frame, is_pair, is_texts, type_of
from zoo.data.memory.images import decoded_images, is_image_list
from zoo.data.memory.targets import is_one_hot, several_numbers, target_column
from zoo.data.proposal.arrays import add_target_doubt, are_classes, propose_arrays
from zoo.data.proposal.folder import add_image_network, add_images
from zoo.data.proposal.proposal import Proposal
from zoo.data.proposal.series import series_proposal
from zoo.data.proposal.structures import propose_structured
from zoo.data.proposal.table import rows_proposal, steps_proposal
from zoo.data.proposal.targets import find_target
from zoo.data.tables.reading import AS_USUAL
from zoo.errors import ZooError

_ASKED = "target='COLUMN'"
_Y = "y"  # what targets are called that come beside their examples
_TEXT = "text"


def propose_memory(given: MemoryData, target: str | None = None) -> Proposal:
    """Return a recipe for the data of a Python program.

    Args:
        given: the data.
        target: the column of a frame to predict, or what to call the targets `y`.

    Raises:
        ZooError: the data tells no task or target.
    """
    structured = propose_structured(given)
    if structured is not None:
        return _named(structured, target)
    if hasattr(given.train, "to_frame") and not is_frame(given.train):  # a series of pandas or Polars
        return _series(given, target)
    if is_frame(given.train):
        return _frames(given, given.splits, target)
    if not is_pair(given.train):
        raise ZooError(f"{PLACES['train']}: expected {WANTED}, received {type_of(given.train)}")
    x, y = given.train
    if is_frame(x):
        return _beside(given, target)
    targets, names = _targets(y, PLACES["train"], target)
    count = x.shape[0] if hasattr(x, "shape") and x.shape else len(x) if hasattr(x, "__len__") else "no"
    if count != len(targets):
        raise ZooError(f"{PLACES['train']}: x has {count} examples, and y {len(targets)}")
    if is_texts(x):
        return _texts(given, list(x), targets, names)
    if is_image_list(x):
        return _images(given, list(x), targets, target)
    if hasattr(x, "toarray"):
        raise ZooError(f"{PLACES['train']}: sparse matrices are not read; give x.toarray()")
    try:
        array = np.asarray(x)
    except ValueError as error:
        raise ZooError(f"{PLACES['train']}: x: expected examples of one shape ({error})") from error
    proposal = propose_arrays(
        array,
        targets,
        names=("x", "y"),
        where=PLACES["train"],
        source=given.source,
        own_test=given.test is not None,
    )
    return _named(proposal, target)


def _targets(y: Any, where: str, target: str | None) -> tuple[np.ndarray, list[str]]:
    """Return targets `(examples,)` or, of several numbers, `(examples, targets)`; and the name of each."""
    several = several_numbers(y, f"{where}: y")
    if several is None or is_one_hot(several[0]):
        return target_column(y, f"{where}: y"), [target or _Y]
    if target is not None:
        raise ZooError(f"target={target!r} names one target, and y has {len(several[1])} columns; leave it out")
    return several[0], list(several[1])


def _named(proposal: Proposal, target: str | None) -> Proposal:
    """Add what the targets are called, where that is said."""
    proposal.target = target
    if target is not None:
        proposal.add("data.target", target)
    return proposal


def _series(given: MemoryData, target: str | None) -> Proposal:
    """Return a recipe for one series, whose index is its time."""
    own = [name for name in given.splits if name != "train"]
    if own:
        raise ZooError(f"{PLACES[own[0]]}=: a series is split by time; leave it out")
    name = target or (str(given.train.name) if getattr(given.train, "name", None) is not None else _Y)
    frame = as_pandas(given.train.to_frame(name), PLACES["train"])
    table, _ = table_of(frame, PLACES["train"], AS_USUAL, forecasts=True)
    proposal = series_proposal(table, given.source, name)
    if proposal is None:
        raise ZooError(
            f"{PLACES['train']}: the index of the series is no time that rises by even steps, or there are too few "
            "steps; to forecast it all the same name a recipe: zoo.train('_base/forecasting', …, data=…)"
        )
    return proposal


def _frames(given: MemoryData, splits: dict[str, Any], target: str | list[str] | None) -> Proposal:
    """Return a recipe for the rows of data frames, or for the series in one."""
    frames = {split: as_pandas(value, PLACES[split]) for split, value in splits.items()}
    own = [split for split in frames if split != "train"]
    doubts, more_doubts = list[str](), list[str]()
    if not own and not isinstance(target, list):
        steps, _ = table_of(frames["train"], PLACES["train"], AS_USUAL, forecasts=True)
        target, doubts = find_target(steps, target, _ASKED)
        proposal, more_doubts = steps_proposal(steps, given.source, target)
        doubts += more_doubts
        if proposal is not None:
            proposal.doubts[:0] = doubts
            return proposal
    tables, categorical = {}, set[str]()
    for split, frame in frames.items():
        tables[split], names = table_of(frame, PLACES[split], AS_USUAL, forecasts=False)
        categorical |= set(names)
    if not isinstance(target, list):
        target, more_doubts = find_target(tables["train"], target, _ASKED)
    proposal = rows_proposal(joined(tables), given.source, target, categorical=categorical, splits=own)
    proposal.doubts[:0] = dict.fromkeys([*doubts, *more_doubts])
    return proposal


def _beside(given: MemoryData, target: str | None) -> Proposal:
    """Return a recipe for frames of inputs with targets beside them."""
    frames, every = {}, dict[str, list[str]]()
    for split, value in given.splits.items():
        where = PLACES[split]
        if not is_pair(value) or not is_frame(value[0]):
            raise ZooError(f"the splits have different forms: {PLACES['train']} (frame, y), {where} {type_of(value)}")
        targets, every[split] = _targets(value[1], where, target)
        frame = as_pandas(value[0], where)
        if len(frame) != len(targets):
            raise ZooError(f"{where}: x has {len(frame)} examples, and y {len(targets)}")
        columns = targets.T if targets.ndim == 2 else [targets]
        for name, column in zip(every[split], columns, strict=True):
            frame = with_target(frame, column, name, where)
        frames[split] = frame
    names = every["train"]
    proposal = _frames(given, frames, names[0] if len(names) == 1 else names)
    if len(names) > 1:
        proposal.lines = [line for line in proposal.lines if line[0] != "data.target"]  # y names them
    return proposal


def _texts(given: MemoryData, texts: list[Any], targets: np.ndarray, names: list[str]) -> Proposal:
    """Return a recipe for texts with a class or numbers each."""
    column = _TEXT if _TEXT not in names else "x"
    columns = dict(zip(names, targets.T if targets.ndim == 2 else [targets], strict=True))
    frame = as_pandas({column: texts, **columns}, PLACES["train"])
    table, _ = table_of(frame, PLACES["train"], AS_USUAL, forecasts=False)
    splits = [split for split in given.splits if split != "train"]
    proposal = rows_proposal(table, given.source, names if len(names) > 1 else names[0], splits=splits, text=column)
    proposal.lines = [line for line in proposal.lines if line[0] not in ("data.text", "data.target")]
    return _named(proposal, names[0] if names != [_Y] and len(names) == 1 else None)


def _images(given: MemoryData, images: list[Any], targets: np.ndarray, target: str | None) -> Proposal:
    """Return a recipe for images with a class or a number each."""
    task = "classification" if are_classes(targets) else "regression"
    notes: list[str] = []
    decoded = decoded_images(images, None, f"{PLACES['train']} x", notes)
    different = len(np.unique(targets, axis=0))
    what = f"of {different} classes" if task == "classification" else f"with {different:,} different numbers"
    bases = (f"_base/image_{task}", "_base/adamw_cosine")
    proposal = Proposal(f"image_{task}", bases=bases, reason=f"{len(images):,} images {what}")
    add_target_doubt(proposal, targets, task)
    proposal.add("data.source", given.source)
    sizes = Counter((image.shape[0], image.shape[1]) for image in decoded)
    add_images(proposal, sizes, len(images), crop="where what matters lies at the edge")
    add_image_network(proposal, len(images), own_test=given.test is not None)
    return _named(proposal, target)
