"""`memory:TYPE`: what a Python program gave to `zoo.train(…, data=…)`, read by the code for files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from zoo.data.dataset import Signature, SourceData, whole
from zoo.data.inputs import ArrayInputs, ImageInputs, Inputs
from zoo.data.kinds import KINDS, RawTargets
from zoo.data.memory.frames import as_pandas, joined, table_of, with_target
from zoo.data.memory.given import PLACES, WANTED, MemoryData, Pair, is_frame, is_pair, is_texts, type_of
from zoo.data.memory.images import decoded_images, digest_of, is_image_list
from zoo.data.memory.targets import several_numbers, target_column
from zoo.data.sources.memory_pictures import load_memory_boxes, load_memory_masks
from zoo.data.sources.memory_sequences import load_memory_graphs, load_memory_tags, load_memory_text
from zoo.data.sources.npz import Arrays, array_source
from zoo.data.sources.table import reading_of, table_source
from zoo.errors import ZooError, did_you_mean
from zoo.recipe.data_section import Data
from zoo.tasks import Kind, Task


def refuse_memory(name: str, data: Data, task: Task) -> SourceData:
    """Refuse a recipe whose data was that of a Python program, where none is given."""
    raise ZooError(
        f"data.source is {data.source}: the data was given in Python and is not kept in the run. Give it again in "
        "Python: zoo.train(…, data=…), zoo.train(None, resume=RUN, data=…), zoo.export(RUN, data=…) or "
        "zoo.evaluate(RUN, data)"
    )


def load_memory(given: MemoryData, data: Data, task: Task) -> SourceData:
    """Load the data of a Python program.

    Frames and dicts of columns are read as tables of files are, arrays as those of an npz file.

    Raises:
        ZooError: it has a form that the task does not take, or values that are missing or of a wrong type.
    """
    data = _with_target_names(given, data, task)
    load = _structured(task)
    if load is not None:
        _refuse_keys_of_tables(data)
        return load(given, data, task)
    found = {split: _read(value, PLACES[split], data, task) for split, value in given.splits.items()}
    frames = {split: each for split, each in found.items() if not isinstance(each, Pair)}
    pairs = {split: each for split, each in found.items() if isinstance(each, Pair)}
    if frames and pairs:
        kinds = ", ".join(f"{PLACES[split]} {'a table' if split in frames else '(x, y)'}" for split in found)
        raise ZooError(f"the splits have different forms: {kinds}")
    if frames:
        return _load_frames(frames, data, task)
    _refuse_keys_of_tables(data)
    notes: list[str] = []
    if all(is_texts(pair.x) for pair in pairs.values()):
        return _load_texts(pairs, data, task)
    if "image" in task.inputs:
        pairs = _with_images(pairs, data, notes)
        if any(is_image_list(pair.x) for pair in pairs.values()):
            return _load_images(pairs, data, task, notes)
    arrays = {
        split: Arrays(
            x=_numbers(pair.x, pair.where), y=pair.y, x_name=f"{pair.where} x", y_name=f"{pair.where} y", split=split
        )
        for split, pair in pairs.items()
    }
    return array_source(arrays, data, task, "data", notes)


def _structured(task: Task) -> Callable[[MemoryData, Data, Task], SourceData] | None:
    """Return what loads examples whose inputs or targets are no table, array or text; None for other tasks."""
    if task.reads_corpus:
        return load_memory_text
    if task.labels_tokens:
        return load_memory_tags
    if "graph" in task.inputs:
        return load_memory_graphs
    return _LOADERS.get(task.kind)


_LOADERS: dict[Kind, Callable[[MemoryData, Data, Task], SourceData]] = {
    "detection": load_memory_boxes,
    "segmentation": load_memory_masks,
}


def _read(value: Any, where: str, data: Data, task: Task) -> Any:
    """Return one split: a data frame of pandas, or a `Pair`."""
    if task.forecasts and hasattr(value, "to_frame") and not is_frame(value):  # a series
        value = value.to_frame(value.name if value.name is not None else data.one_target)
    if is_frame(value):
        frame = as_pandas(value, where)
        if data.targets or not task.finds_anomalies:
            _check_target(frame, where, data)
        has_steps = task.forecasts or task.scans_series or bool(data.series_columns)
        takes_tables = "table" in task.inputs or has_steps or data.text is not None
        if takes_tables and (has_steps or not ("array" in task.inputs and _holds_vectors(frame, data))):
            return frame
        return _pair_of_columns(frame, where, data, task)
    if not is_pair(value):
        raise ZooError(f"{where}: expected {WANTED}, received {type_of(value)}")
    x, y = value
    if hasattr(x, "toarray"):
        raise ZooError(f"{where}: sparse matrices are not read; give x.toarray()")
    several = several_numbers(y, f"{where}: y") if task.several_targets else None
    targets = target_column(y, f"{where}: y") if several is None else several[0]
    count = len(x) if hasattr(x, "__len__") and not is_frame(x) else None
    frame = as_pandas(x, where) if is_frame(x) else None
    count = len(frame) if frame is not None else count
    if count != len(targets):
        raise ZooError(f"{where}: x has {count if count is not None else 'no'} examples, and y {len(targets)}")
    if frame is None:
        if task.multi_label and not is_texts(x):
            raise ZooError(
                f"{where}: {task.name} takes a frame, such as pandas.DataFrame(x), received {type_of(x)} as x"
            )
        return Pair(x=x, y=targets, where=where)
    for name, column in zip(data.targets or ["y"], targets.T if targets.ndim == 2 else [targets], strict=True):
        frame = with_target(frame, column, name, where)
    return frame


def _with_target_names(given: MemoryData, data: Data, task: Task) -> Data:
    """Return the section with the names of the targets, where `y` has several columns of numbers.

    Raises:
        ZooError: the recipe names another number of targets, or the splits have different ones.
    """
    if not task.several_targets or not is_pair(given.train) or is_frame(given.train):
        return data
    found = {}
    for split, value in given.splits.items():
        if is_pair(value) and not is_frame(value):
            several = several_numbers(value[1], f"{PLACES[split]}: y")
            found[split] = () if several is None else several[1]
    names = found["train"]
    if any(len(other) != len(names) for other in found.values()):
        counts = ", ".join(f"{PLACES[split]} {max(1, len(each))}" for split, each in found.items())
        raise ZooError(f"y: the splits have different numbers of targets: {counts}")
    if not names:
        return data
    if data.targets and len(data.targets) != len(names):
        raise ZooError(f"data: y has {len(names)} columns, and data.target names {len(data.targets)}; name each")
    return data if data.targets else data.model_copy(update={"target": list(names)})


def _holds_vectors(frame: Any, data: Data) -> bool:
    """Return whether the one column that is an input holds lists of numbers, such as embeddings."""
    others = [name for name in map(str, frame.columns) if name not in (*data.targets, *data.ignore)]
    if len(others) != 1 or not len(frame):
        return False
    first = frame.iloc[0, list(map(str, frame.columns)).index(others[0])]
    return isinstance(first, list | tuple | np.ndarray) and np.ndim(first) == 1


def _check_target(frame: Any, where: str, data: Data) -> None:
    names = [str(name) for name in frame.columns]
    if not data.targets:
        raise ZooError(f"{where}: target= is missing: the name of the column to predict (columns: {', '.join(names)})")
    for target in data.targets:
        if target not in names:
            hint = did_you_mean(target, names)
            raise ZooError(f"{where}: there is no column '{target}' to predict{hint} (columns: {', '.join(names)})")


def _pair_of_columns(frame: Any, where: str, data: Data, task: Task) -> Pair:
    """Return the one column that is the input, such as of texts or images, and the target."""
    frame = frame.set_axis([str(name) for name in frame.columns], axis=1)
    others = [name for name in frame.columns if name not in (*data.targets, *data.ignore)]
    name = data.input or (others[0] if len(others) == 1 else None)
    if name not in frame.columns:
        key = "data.text" if _takes_texts(task) else "data.input"
        raise ZooError(
            f"{where}: {task.name} takes one column as input; name it under {key} (columns: {', '.join(others)})"
        )
    target = data.one_target
    return Pair(x=list(frame[name]), y=target_column(frame[target], f"{where}: '{target}'"), where=where)


_TABLE_KEYS = (
    "ignore",
    "categorical",
    "decimal",
    "thousands",
    "missing",
    "split_column",
    "group",
    "time",
    "series",
    "past_covariates",
    "known_covariates",
    "static_covariates",
)


def _refuse_keys_of_tables(data: Data) -> None:
    given = [f"data.{key}" for key in _TABLE_KEYS if getattr(data, key)]
    if given:
        raise ZooError(f"data: (x, y) has no columns, and {', '.join(given)} is for tables; leave it out")


# === Tables ===


def _load_frames(frames: dict[str, Any], data: Data, task: Task) -> SourceData:
    splitting = [f"data.{key}" for key in ("split_column", "group", "time") if getattr(data, key)]
    has_steps = task.forecasts or task.scans_series or bool(data.series_columns)
    if len(frames) > 1 and (has_steps or splitting):
        reason = "series are split by time" if has_steps else f"{', '.join(splitting)} splits the rows"
        raise ZooError(f"{' and '.join(f'{PLACES[s]}=' for s in frames if s != 'train')}: {reason}; leave it out")
    named = data if task.finds_anomalies else data.model_copy(update={"target": data.target or "y"})
    has_index = task.forecasts or task.scans_series
    tables, categorical = {}, list(data.categorical)
    for split, frame in frames.items():
        tables[split], names = table_of(frame, PLACES[split], reading_of(data), forecasts=has_index)
        left = (*named.targets, *categorical, *data.ignore)
        categorical += [name for name in names if name not in left]
    return table_source(joined(tables), named.model_copy(update={"categorical": categorical}), task)


# === Texts ===


def _load_texts(pairs: dict[str, Pair], data: Data, task: Task) -> SourceData:
    """Return texts by the code for a table with one column of texts."""
    import pandas as pd

    if not _takes_texts(task):
        raise ZooError(f"data: x holds texts, and {task.name} takes {' or '.join(task.inputs)}")
    targets = data.targets or ["y"]
    name = "text" if "text" not in targets else "x"
    frames = {}
    for split, pair in pairs.items():
        columns = pair.y.T if getattr(pair.y, "ndim", 1) == 2 else [pair.y]
        texts = pd.Series(list(pair.x), dtype=object)
        frames[split] = pd.DataFrame({name: texts, **dict(zip(targets, columns, strict=True))})
    return _load_frames(frames, data.model_copy(update={"text": name}), task)


def _takes_texts(task: Task) -> bool:
    return "text" in task.inputs and not task.reads_corpus


# === Images and numbers ===


def _with_images(pairs: dict[str, Pair], data: Data, notes: list[str]) -> dict[str, Pair]:
    """Return lists of images decoded: as one array where all have one size, else as a list."""
    if any(is_image_list(pair.x) for pair in pairs.values()):
        if data.on_error == "skip":
            raise ZooError("data.on_error: skip is for tables and arrays; leave out what is no image")
    else:
        if data.channels is not None:
            raise ZooError("data.channels: arrays have their channels; it is for lists of images")
        return pairs
    found = {}
    for split, pair in pairs.items():
        images = decoded_images(list(pair.x), data.channels, f"{pair.where} x", notes)
        found[split] = replace(pair, x=images)
    shapes = {image.shape for pair in found.values() for image in pair.x}
    if len({shape[-1] for shape in shapes}) > 1:
        raise ZooError("data: some splits have grey images alone, others colour; set data.channels to 1 or 3")
    if len(shapes) == 1:
        return {split: replace(pair, x=np.stack(pair.x)) for split, pair in found.items()}
    return found


def _load_images(pairs: dict[str, Pair], data: Data, task: Task, notes: list[str]) -> SourceData:
    """Return images of different sizes."""
    read_targets = KINDS[task.kind].targets
    assert read_targets is not None, "no task on images forecasts"
    inputs: dict[str, Inputs] = {}
    for split, pair in pairs.items():
        shapes = {image.shape for image in pair.x}
        inputs[split] = (
            ArrayInputs(np.stack(pair.x))
            if len(shapes) == 1
            else ImageInputs(len(pair.x), pair.x.__getitem__, digest_of(pair.x))
        )
    channels = next(iter(pairs.values())).x[0].shape[-1]
    values = {split: pair.y for split, pair in pairs.items()}
    several = tuple(data.targets) if values["train"].ndim == 2 else ()
    labels, targets = read_targets(RawTargets(values=values, where="data", names=several))
    target = ", ".join(data.targets) or "y"
    signature = Signature("image", target, (None, None, channels), labels=labels, targets=several)
    splits = {split: whole(inputs[split], targets[split]) for split in pairs}
    return SourceData(signature=signature, splits=splits, notes=notes)


def _numbers(x: Any, where: str) -> np.ndarray:
    try:
        return np.asarray(x)
    except ValueError as error:
        raise ZooError(f"{where}: x: expected examples of one shape ({error})") from error
