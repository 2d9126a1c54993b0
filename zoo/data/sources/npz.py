"""`npz:PATH`: NumPy arrays of images or vectors."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

import numpy as np

from zoo.data.dataset import InputKind, Signature, SourceData, whole
from zoo.data.inputs import ArrayInputs
from zoo.data.kinds import KINDS, RawTargets
from zoo.errors import ZooError, listing
from zoo.recipe.schema import Data
from zoo.tasks import Task
from zoo.utils.cache import cached

MAX_RESIDENT_BYTES = 1 << 30  # larger arrays are mapped from disk
_NAMES = {  # of the arrays of each split, in Keras's data sets and in MedMNIST
    "train": [("x_train", "y_train"), ("train_images", "train_labels"), ("x", "y")],
    "validation": [("x_validation", "y_validation"), ("x_val", "y_val"), ("val_images", "val_labels")],
    "test": [("x_test", "y_test"), ("test_images", "test_labels")],
}


def load_npz(name: str, data: Data, task: Task) -> SourceData:
    """Load arrays named `x_train`, `y_train` and, where there are any, `x_validation`, `x_test` …, or `x` and `y`.

    Images are uint8 `(examples, height, width)` or `(examples, height, width, channels)`; vectors are numbers
    `(examples, features)`, sequences `(examples, steps, features)`.

    Raises:
        ZooError: the file is not readable, an array is missing, or has the wrong shape or type.
    """
    path = Path(name).expanduser()
    where = str(path)
    inputs, values = {}, {}
    for split, (x, y) in _read_splits(path).items():
        inputs[split], values[split] = _inputs(x, task, where), _column(y, where)
        if len(x) != len(y):
            raise ZooError(f"{path}: {split} has {len(x)} inputs and {len(y)} targets")
    shapes = {x.shape[1:] for x in inputs.values()}
    if len(shapes) > 1:
        raise ZooError(f"{path}: the splits have different shapes: {listing(shapes)}")
    read_targets = KINDS[task.kind].targets
    assert read_targets is not None, "the recipe's check refuses npz where a series is expected"
    labels, targets = read_targets(RawTargets(values=values, where=where))
    kind: InputKind = "image" if _takes_images(task) else "array"
    signature = Signature(kind, data.target or "y", shapes.pop(), labels=labels)
    splits = {split: whole(ArrayInputs(x), targets[split]) for split, x in inputs.items()}
    return SourceData(signature=signature, splits=splits)


def _read_splits(path: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    names = _members(path)
    arrays = {}
    for split, options in _NAMES.items():
        found = next(((x, y) for x, y in options if x in names and y in names), None)
        if found:
            arrays[split] = (_read(path, found[0]), _read(path, found[1]))
    if "train" not in arrays:
        wanted = " or ".join(f"{x} and {y}" for x, y in _NAMES["train"])
        raise ZooError(f"{path}: expected arrays {wanted}; found {listing(names)}")
    return arrays


def _takes_images(task: Task) -> bool:
    return task.inputs == ("image",)


def _members(path: Path) -> list[str]:
    try:
        with zipfile.ZipFile(path) as archive:
            return [name.removesuffix(".npy") for name in archive.namelist()]
    except (OSError, zipfile.BadZipFile) as error:
        raise ZooError(f"{path}: not readable as an npz file ({error})") from error


def _read(path: Path, name: str) -> np.ndarray:
    try:
        with zipfile.ZipFile(path) as archive:
            size = archive.getinfo(f"{name}.npy").file_size
        if size <= MAX_RESIDENT_BYTES:
            with np.load(path, allow_pickle=False) as file:
                return file[name]

        def extract(folder: Path) -> None:
            with zipfile.ZipFile(path) as archive:
                archive.extract(f"{name}.npy", folder)

        status = path.stat()
        key = f"npz/{path.stem}-{status.st_size}-{status.st_mtime_ns}-{name}"
        return np.load(cached(key, extract) / f"{name}.npy", mmap_mode="r", allow_pickle=False)
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise ZooError(f"{path}: array '{name}' is not readable ({error})") from error


def _inputs(x: np.ndarray, task: Task, where: str) -> np.ndarray:
    if _takes_images(task):
        if x.dtype != np.uint8 or x.ndim not in (3, 4) or (x.ndim == 4 and x.shape[-1] not in (1, 3)):
            raise ZooError(
                f"{where}: images must be uint8 (examples, height, width) or (examples, height, width, 1 or 3), "
                f"received {x.dtype} {x.shape}"
            )
        return x[..., None] if x.ndim == 3 else x
    sequences = task.takes_sequences
    form, axes = ("sequences", "(examples, steps, features)") if sequences else ("vectors", "(examples, features)")
    if x.ndim != 2 + sequences or x.dtype.kind not in "fiub":
        raise ZooError(f"{where}: {form} must be numbers {axes}, received {x.dtype} {x.shape}")
    with np.errstate(over="ignore"):
        x = x if x.dtype == np.float32 else x.astype(np.float32)
    if not all(np.isfinite(x[i : i + 65536]).all() for i in range(0, len(x), 65536)):
        raise ZooError(f"{where}: the inputs hold NaN or infinity")
    return x


def _column(y: np.ndarray, where: str) -> np.ndarray:
    y = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
    if y.ndim != 1 or y.dtype.kind == "O":
        raise ZooError(f"{where}: targets must be one number or name an example, received {y.dtype} {y.shape}")
    return y
