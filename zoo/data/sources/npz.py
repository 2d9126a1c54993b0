"""`npz:PATH`: NumPy arrays of images, vectors, sequences or clips."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zoo.data.arrays import as_features, as_pixels, finite_examples
from zoo.data.dataset import InputKind, Signature, SourceData, whole
from zoo.data.inputs import ArrayInputs
from zoo.data.kinds import KINDS, RawTargets
from zoo.data.notes import Note
from zoo.data.sources.archive import Archive
from zoo.data.sources.audio import full_scale
from zoo.data.sources.clips import clips_of_array, unify
from zoo.data.targets import is_missing
from zoo.errors import ZooError, counted, listing, prefixed
from zoo.recipe.data_section import Data
from zoo.tasks import Task

_NAMES = {  # of the arrays of each split, in Keras's data sets and in MedMNIST
    "train": [("x_train", "y_train"), ("train_images", "train_labels"), ("x", "y")],
    "validation": [("x_validation", "y_validation"), ("x_val", "y_val"), ("val_images", "val_labels")],
    "test": [("x_test", "y_test"), ("test_images", "test_labels")],
}


def load_npz(name: str, data: Data, task: Task) -> SourceData:
    """Load arrays named `x_train`, `y_train` and, where there are any, `x_validation`, `x_test` …, or `x` and `y`.

    Images are whole numbers from 0 to 255, `(examples, height, width)` or `(examples, height, width, channels)`;
    vectors are numbers `(examples, features)`, sequences `(examples, steps, features)`.

    Raises:
        ZooError: the file is not readable, an array is missing or empty, has the wrong shape or type, or holds values
            that the model's types do not hold, or examples with gaps that `data.on_error` does not leave out.
    """
    path = Path(name).expanduser()
    archive = Archive(path)
    found = _find_splits(archive)
    arrays = {
        split: Arrays(
            x=archive.read(x), y=_column(archive.read(y), f"{path}: array '{y}'"), x_name=x, y_name=y, split=split
        )
        for split, (x, y) in found.items()
    }
    return array_source(arrays, data, task, str(path), _unused(archive, found))


@dataclass(frozen=True, kw_only=True)
class Arrays:
    """The examples of a split, their targets `(examples,)` or `(examples, targets)`, and what messages call them."""

    x: np.ndarray
    y: np.ndarray
    x_name: str
    y_name: str
    split: str


def array_source(parts: dict[str, Arrays], data: Data, task: Task, where: str, notes: list[str]) -> SourceData:
    """Return arrays as examples; see `load_npz`.

    Args:
        parts: the arrays of each split.
        data: the recipe's section.
        task: its task.
        where: the source, for messages.
        notes: what a reader of the results should know, to which more is added.
    """
    inputs, values = {}, {}
    for split, part in parts.items():
        if len(part.x) != len(part.y):
            raise ZooError(f"{where}: {part.split} has {len(part.x)} inputs and {len(part.y)} targets")
        if not len(part.x):
            raise ZooError(f"{where}: the arrays {part.x_name} and {part.y_name} hold no examples; leave both out")
        x = _inputs(part.x, task, f"{where}: array '{part.x_name}'")
        inputs[split], values[split] = _complete(where, part, x, data, notes)
    shapes = {x.shape[1:] for x in inputs.values()}
    if len(shapes) > 1:
        raise ZooError(f"{where}: the splits have different shapes: {listing(shapes)}")
    if _takes_audio(task):
        inputs, shapes = _clips(inputs, data, where, notes)
    read_targets = KINDS[task.kind].targets
    assert read_targets is not None, "the recipe's check refuses arrays where a series is expected"
    several = tuple(data.targets) if values["train"].ndim == 2 else ()
    labels, targets = read_targets(RawTargets(values=values, where=where, names=several))
    kind: InputKind = "image" if _takes_images(task) else "audio" if _takes_audio(task) else "array"
    rate = data.sample_rate or 0 if kind == "audio" else 0
    target = ", ".join(data.targets) or "y"
    signature = Signature(kind, target, shapes.pop(), labels=labels, targets=several, sample_rate=rate)
    splits = {split: whole(ArrayInputs(x), targets[split]) for split, x in inputs.items()}
    return SourceData(signature=signature, splits=splits, notes=notes)


def _clips(
    arrays: dict[str, np.ndarray], data: Data, where: str, notes: list[str]
) -> tuple[dict[str, np.ndarray], set[tuple[int, ...]]]:
    """Return clips cut or padded to `data.seconds`, and their shape; notes on them are added."""
    rate = int(data.sample_rate or 0)
    samples = next(iter(arrays.values())).shape[1]
    as_long = data.model_copy(update={"seconds": data.seconds or samples / rate, "memory": "resident"})
    unified = unify({split: clips_of_array(x, rate) for split, x in arrays.items()}, as_long)
    faults = [f"{split} example {i + 1} ({why})" for split, each in unified.broken.items() for i, why in each.items()]
    if faults:
        raise ZooError(f"{where}: {counted(faults, 'clips cannot be read')}")
    notes += unified.notes
    return {split: x.array for split, x in unified.inputs.items() if isinstance(x, ArrayInputs)}, {(unified.samples,)}


def _find_splits(archive: Archive) -> dict[str, tuple[str, str]]:
    """Return the names of the inputs and the targets of each split."""
    found = {}
    for split, options in _NAMES.items():
        pair = next(((x, y) for x, y in options if x in archive.names and y in archive.names), None)
        if pair:
            found[split] = pair
    if "train" not in found:
        wanted = " or ".join(f"{x} and {y}" for x, y in _NAMES["train"])
        raise ZooError(f"{archive.path}: expected arrays {wanted}; found {listing(archive.names)}")
    return found


def _unused(archive: Archive, found: dict[str, tuple[str, str]]) -> list[str]:
    """Return a note where arrays belong to no split, such as inputs without targets."""
    used = {name for pair in found.values() for name in pair}
    unused = [name for name in archive.names if name not in used]
    return [f"of the file are not used: {counted(unused, 'arrays')}"] if unused else []


def _takes_images(task: Task) -> bool:
    return task.inputs == ("image",)


def _takes_audio(task: Task) -> bool:
    return task.inputs == ("audio",)


def _inputs(x: np.ndarray, task: Task, where: str) -> np.ndarray:
    """Return images as uint8 with channels, or other inputs as float32."""
    if _takes_images(task):
        if x.dtype.kind not in "iuf" or x.ndim not in (3, 4) or (x.ndim == 4 and x.shape[-1] not in (1, 3)):
            raise ZooError(
                f"{where}: images must be uint8 (examples, height, width) or (examples, height, width, 1 or 3), "
                f"received {x.dtype} {x.shape}"
            )
        pixels = as_pixels(x, where)
        return pixels[..., None] if x.ndim == 3 else pixels
    if _takes_audio(task):
        if x.ndim != 2 or x.dtype.kind not in "fiu" or not x.shape[1]:
            raise ZooError(f"{where}: clips must be numbers (examples, samples), received {x.dtype} {x.shape}")
        with prefixed(where):
            return full_scale(x)
    sequences = task.takes_sequences
    form, axes = ("sequences", "(examples, steps, features)") if sequences else ("vectors", "(examples, features)")
    if x.ndim != 2 + sequences or x.dtype.kind not in "fiub":
        raise ZooError(f"{where}: {form} must be numbers {axes}, received {x.dtype} {x.shape}")
    return as_features(x, where)


def _complete(path: str, part: Arrays, x: np.ndarray, data: Data, notes: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return the examples without gaps.

    Raises:
        ZooError: inputs have gaps, and `data.on_error` is "stop"; or no example is left.
    """
    y = part.y
    kept = finite_examples(x) if x.dtype.kind == "f" else np.ones(len(x), bool)
    where = f"arrays '{part.x_name}' and '{part.y_name}'"
    message = f"{where}: {_rows(~kept, f'of {len(x):,} examples whose inputs hold NaN or infinity')}"
    if data.on_error == "stop":
        if not kept.all():
            raise ZooError(f"{path}: {message}; fill gaps in, or leave the examples out with data.on_error=skip")
        return x, y
    if not kept.all():
        lost = np.flatnonzero(~kept)
        evidence = [{"array": part.x_name, "index": int(at)} for at in lost]
        note = f"left out by data.on_error: {message}"
        notes.append(Note(note, "infinite_values", severity="warning", affected=len(lost), evidence=evidence))
    labeled = np.array([not any(map(is_missing, np.atleast_1d(value))) for value in y], bool)
    if not labeled.all():
        notes.append(f"left out by data.on_error: {where}: {_rows(~labeled, 'examples without a target')}")
    kept = kept & labeled
    if not kept.any():
        raise ZooError(f"{path}: {where}: no example is left")
    return (x, y) if kept.all() else (x[kept], y[kept])


def _rows(chosen: np.ndarray, what: str) -> str:
    return counted([int(row) + 1 for row in np.flatnonzero(chosen)], what)


def _column(y: np.ndarray, where: str) -> np.ndarray:
    y = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
    if y.ndim != 1 or y.dtype.kind not in "fiubUS":
        raise ZooError(f"{where}: targets must be one number or name an example, received {y.dtype} {y.shape}")
    return y
