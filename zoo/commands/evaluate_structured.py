"""New labelled data whose targets have several values: boxes, masks, tags, texts; read by a source, as for training."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.commands.given_data import is_path
from zoo.data.box_codes import PADDING, ignored_boxes, ignored_code
from zoo.errors import ZooError, counted, listing
from zoo.postprocessing.kinds import compact_outputs
from zoo.tasks import FILE_SOURCES, IGNORED_PIXEL, TASKS, UNKNOWN, Kind

if TYPE_CHECKING:
    from zoo.data.dataset import SourceData, Split
    from zoo.recipe.schema import Recipe
    from zoo.serving.exported_model import ExportedModel
    from zoo.tasks import Task

_CHUNK = 64  # examples that are predicted on at a time


def structured_outcomes(
    model: ExportedModel, recipe: Recipe, data: Any, notes: list[str]
) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Return the names of new examples, their targets, and the outputs of the file in compact form.

    Args:
        model: the exported file.
        recipe: that of its run.
        data: a path in the form of the recipe's source, or what a program holds.
        notes: what a reader of the result should know is added here.

    Raises:
        ZooError: the data does not fit, or has classes or tags that the run has not.
    """
    task = TASKS[recipe.task]
    if task.reads_corpus:
        raw, targets = _windows(model, recipe, data, notes)
    else:
        raw, targets = _examples(model, recipe, data, notes)
    names = [f"example {number}" for number in range(1, len(targets) + 1)]
    decoded: Any = (lambda pair: model.predict(pair[0], decoder_input=pair[1]).output) if task.decodes else None
    run = decoded or partial(_padded, model, targets.shape[1] if task.kind == "tokens" else None)
    return names, targets, compact_outputs(task.kind, run, raw, targets)


def _padded(model: ExportedModel, width: int | None, raw: Any) -> np.ndarray:
    """Return the file's output; of tokens as wide as the targets, with zeros where all sentences have ended."""
    output = model.predict(raw).output
    if width is None or output.shape[1] >= width:
        return output
    return np.pad(output, ((0, 0), (0, width - output.shape[1]), (0, 0)))


def _examples(model: ExportedModel, recipe: Recipe, data: Any, notes: list[str]) -> tuple[Iterator[Any], np.ndarray]:
    from zoo.data.kinds import KINDS

    task = TASKS[recipe.task]
    source = _load(model, recipe, data, task)
    split, where = _split(source, data, notes)
    notes += source.notes
    targets = STRUCTURED[task.kind](split.targets, source.signature.labels, model.labels, where, notes)
    follow = KINDS[task.kind].follow
    if follow is not None:
        targets = follow(targets, recipe.preprocess, where)
    batches = (split.take(np.arange(i, min(i + _CHUNK, len(split)))) for i in range(0, len(split), _CHUNK))
    return batches, targets


def _load(model: ExportedModel, recipe: Recipe, data: Any, task: Task) -> SourceData:
    """Read new data as the recipe's source, or as the source that reads such a path."""
    from zoo.data.memory.datasets import hold
    from zoo.data.proposal.find import form_of
    from zoo.data.sources.load import LOADERS
    from zoo.data.sources.memory import load_memory

    changed: dict[str, Any] = {"group": None, "time": None, "split_column": None}
    if model.kind == "image" and model.shape[-1] is not None and not isinstance(data, tuple):
        changed["channels"] = model.shape[-1]
    if not isinstance(data, str | os.PathLike):
        given = hold(data)
        return load_memory(given, recipe.data.model_copy(update={**changed, "source": given.source}), task)
    path = Path(data)
    if not path.exists():
        raise ZooError(f"{path} does not exist")
    own = recipe.data.source.partition(":")[0]
    form = own if own in FILE_SOURCES else form_of(path)
    if form not in task.sources:
        wanted = listing(source for source in task.sources if source in FILE_SOURCES)
        raise ZooError(f"{path}: {task.name} reads {wanted}, and this is {form}")
    return LOADERS[form](str(path), recipe.data.model_copy(update={**changed, "source": f"{form}:{path}"}), task)


def _split(source: SourceData, data: Any, notes: list[str]) -> tuple[Split, str]:
    """Return the examples to evaluate on: the test split where there is one, else all."""
    where = str(data) if isinstance(data, str | os.PathLike) else "data"
    sizes = {name: len(split) for name, split in source.splits.items()}
    chosen = "test" if "test" in sizes else "validation" if "validation" in sizes else "train"
    if len(sizes) > 1:
        others = listing(f"{name} ({size:,})" for name, size in sizes.items() if name != chosen)
        notes.append(f"{where} has several splits: evaluated is {chosen} ({sizes[chosen]:,}), not {others}")
    return source.splits[chosen], where


def _windows(model: ExportedModel, recipe: Recipe, data: Any, notes: list[str]) -> tuple[Iterator[Any], np.ndarray]:
    """Return windows of running text and the characters to predict, by the vocabulary of the file."""
    from zoo.data.augmentation.masking import hide_characters
    from zoo.data.memory.datasets import hold
    from zoo.data.sources.memory_sequences import running_text
    from zoo.data.sources.text import read_text, text_windows

    where = str(data) if is_path(data) else "data"
    text = read_text(Path(data)) if is_path(data) else running_text(hold(data).train, where, recipe.data, notes)
    if len(text) < 2 or model.tokenizer is None:
        raise ZooError(f"{where}: {len(text)} characters; a language model needs at least two")
    note = model.tokenizer.note([text], "the text")
    notes += [note] if note else []
    seen, following = text_windows(text, recipe.data.context)
    targets = model.tokenizer.encode(seen if TASKS[recipe.task].fills_in else following)
    if TASKS[recipe.task].fills_in:
        seen, targets = hide_characters(seen, targets, recipe.data.split_seed)
    return (seen[i : i + _CHUNK] for i in range(0, len(seen), _CHUNK)), targets


# === The numbers of new classes as those of the run ===


def _indices(found: Sequence[str], known: Sequence[str], missing: int) -> np.ndarray:
    """Return, for each class of new data, its index in the run; `missing` where the run has no such class."""
    index = {name: i for i, name in enumerate(known)}
    return np.array([index.get(name, missing) for name in found] or [missing])


def _refuse_unknown(
    used: np.ndarray, table: np.ndarray, found: Sequence[str], known: Sequence[str], where: str
) -> None:
    unknown = [found[i] for i in np.unique(used) if table[i] < 0]
    if unknown:
        raise ZooError(
            f"{where}: the run has no such class: {counted(unknown, 'of the data')} (its classes: {listing(known)})"
        )


def _masks(y: np.ndarray, found: Sequence[str], known: Sequence[str], where: str, notes: list[str]) -> np.ndarray:
    table = _indices(found, known, -1)
    each = list(y) if y.dtype == object else [y]
    for mask in each:
        _refuse_unknown(mask[mask != IGNORED_PIXEL], table, found, known, where)
    full = np.full(IGNORED_PIXEL + 1, IGNORED_PIXEL, np.uint8)
    full[: len(table)] = table.clip(0)
    if y.dtype != object:
        return full[y]
    moved = np.empty(len(y), object)
    moved[:] = [full[mask] for mask in each]
    return moved


def _boxes(y: np.ndarray, found: Sequence[str], known: Sequence[str], where: str, notes: list[str]) -> np.ndarray:
    table = _indices(found, known, -1)
    codes = y[..., 4].astype(int)
    ignored, classes, crowds = ignored_boxes(codes)
    labels = np.where(ignored, classes, codes)
    _refuse_unknown(labels[codes != PADDING], table, found, known, where)
    own = table[labels.clip(0)]
    coded = np.where(crowds, ignored_code(own, crowd=True), ignored_code(own, crowd=False))
    moved = y.copy()
    moved[..., 4] = np.where(codes == PADDING, PADDING, np.where(ignored, coded, own))
    return moved


def _tags(y: np.ndarray, found: Sequence[str], known: Sequence[str], where: str, notes: list[str]) -> np.ndarray:
    table = _indices(found, known, -1)
    _refuse_unknown(y, table, found, known, where)
    return table[y].astype(np.int32)


def _symbols(
    missing: int | None,
    y: np.ndarray,
    found: Sequence[str],
    known: Sequence[str],
    where: str,
    notes: list[str],
) -> np.ndarray:
    """Return characters of texts; those that the run does not know count as wrong, and are said."""
    missing = len(known) if missing is None else missing
    table = _indices(found, known, missing)
    unknown = [found[i] for i in np.unique(y) if table[i] == missing and found[i] not in known]
    if unknown:
        notes.append(f"characters that the run does not know, and cannot get right: {counted(unknown, 'characters')}")
    return table[y].astype(np.int32)


Move = Callable[[np.ndarray, Sequence[str], Sequence[str], str, list[str]], np.ndarray]
STRUCTURED: Mapping[Kind, Move] = {  # kinds of task: targets by the classes of new data to targets by those of the run
    "segmentation": _masks,
    "detection": _boxes,
    "tokens": _tags,
    "sequences": partial(_symbols, UNKNOWN),
    "transcription": partial(_symbols, None),
}
