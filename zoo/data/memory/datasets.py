"""Data sets of other libraries, read into memory: TensorFlow, Keras, Hugging Face. None is imported but in use."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from zoo.data.memory.given import PLACES, MemoryData, type_of
from zoo.data.split_names import split_of_folder
from zoo.errors import ZooError, listing

MAX_BYTES = 1 << 32  # of a data set that is read into memory
_PARTS = 2  # of an element: examples and targets

Element = tuple[Any, Any]  # examples (an array, or a dict of columns) and targets, None where a column holds them


def hold(train: Any, validation: Any = None, test: Any = None) -> MemoryData:
    """Return what a program gives, data sets of other libraries read.

    They are read once, because a data set that shuffles gives another order each time.

    Raises:
        ZooError: see `as_plain`.
    """
    given = {"train": train, "validation": validation, "test": test}
    splits = _splits_of(train)
    if splits is not None:
        twice = [split for split in splits if split != "train" and given[split] is not None]
        if twice:
            raise ZooError(f"{twice[0]}=: data has a split of its own for it; leave it out")
        given |= splits
    plain = {split: None if value is None else as_plain(value, PLACES[split]) for split, value in given.items()}
    return MemoryData(**plain, name=type(train).__name__.lstrip("_"))


def as_plain(value: Any, where: str) -> Any:
    """Return a data set as `(x, y)` or a dict of columns; what is no data set of these libraries is returned as it is.

    Args:
        value: what was given.
        where: what to call it in messages.

    Raises:
        ZooError: it is infinite, too large, has no targets, or its elements have another form.
    """
    if _is_instance(value, "tensorflow", "data.Dataset"):
        return _joined(_tensorflow_elements(value, where), where)
    if _is_instance(value, "keras", "utils.PyDataset"):
        return _joined(_keras_elements(value, where), where)
    if _is_hugging_face(value):
        return _hugging_face_columns(value, where)
    return value


def _is_instance(value: Any, module: str, name: str) -> bool:
    """Return whether a value is of a class of a library: if that is not imported, it is not."""
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    return isinstance(found, type) and isinstance(value, found)


def _tensorflow_elements(dataset: Any, where: str) -> Iterable[Element]:
    """Yield the elements of a `tf.data.Dataset`, each of them a batch."""
    import tensorflow as tf

    spec = dataset.element_spec
    is_columns = isinstance(spec, dict)
    if not is_columns and not (isinstance(spec, tuple) and len(spec) == _PARTS):
        raise ZooError(f"{where}: expected a data set of (x, y), or of dicts with a column each, received {spec}")
    flat = tf.nest.flatten(spec)
    if not all(isinstance(each, tf.TensorSpec) for each in flat):
        raise ZooError(f"{where}: expected tensors of one length in each example, received {spec}")
    if int(dataset.cardinality()) == tf.data.INFINITE_CARDINALITY:
        raise ZooError(f"{where}: the data set is infinite; take away repeat(), or give a part of it, take(count)")
    last = flat[-1] if not is_columns else flat[0]
    if last.shape.rank is None:
        raise ZooError(f"{where}: the number of axes of {last} is not known; set its shape")
    is_batched = last.shape.rank > 0
    for element in dataset.as_numpy_iterator():
        x, y = (element, None) if is_columns else element
        if not is_batched:
            x = {name: np.asarray(v)[None] for name, v in x.items()} if isinstance(x, dict) else np.asarray(x)[None]
            y = None if y is None else np.asarray(y)[None]
        yield x, y


def _keras_elements(dataset: Any, where: str) -> Iterable[Element]:
    """Yield the batches of a `keras.utils.PyDataset`."""
    if dataset.num_batches is None:
        raise ZooError(f"{where}: the data set is infinite: its num_batches is None; give it a length")
    for number in range(dataset.num_batches):
        batch = dataset[number]
        if not isinstance(batch, tuple | list) or len(batch) != _PARTS:
            size = f" of {len(batch)}, such as with sample weights" if isinstance(batch, tuple | list) else ""
            raise ZooError(f"{where}: expected batches (x, y), received {type(batch).__name__}{size} in batch {number}")
        yield batch[0], batch[1]


def _joined(elements: Iterable[Element], where: str) -> Any:
    """Return batches as `(x, y)`, or a dict of columns where `x` is one.

    Raises:
        ZooError: there is none, they are too large, or a batch has as many examples as targets not.
    """
    parts: list[Any] = []
    targets: list[Any] = []
    size = 0
    for number, (x, y) in enumerate(elements):
        part = {str(name): np.asarray(values) for name, values in x.items()} if isinstance(x, dict) else np.asarray(x)
        arrays = list(part.values()) if isinstance(part, dict) else [part]
        size += sum(array.nbytes for array in arrays)
        if size > MAX_BYTES:
            raise ZooError(
                f"{where}: more than {MAX_BYTES:,} bytes, the most that is read into memory; write files, which are "
                "read as they are needed"
            )
        lengths = {len(array) if array.ndim else None for array in (*arrays, *([] if y is None else [np.asarray(y)]))}
        if len(lengths) > 1 or None in lengths:
            raise ZooError(f"{where}: batch {number}: the inputs and targets have {listing(lengths)} examples")
        parts.append(part)
        if y is not None:
            targets.append(np.asarray(y))
    if not parts:
        raise ZooError(f"{where}: the data set holds no examples")
    y = _texts(np.concatenate(targets)) if targets else None
    if isinstance(parts[0], dict):
        columns = {name: _texts(np.concatenate([part[name] for part in parts])) for name in parts[0]}
        return columns if y is None else (columns, y)
    shapes = {part.shape[1:] for part in parts}
    if len(shapes) > 1:
        return [example for part in parts for example in part], y
    return _texts(np.concatenate(parts)), y


def _texts(values: np.ndarray) -> np.ndarray:
    """Return TensorFlow's texts, which are bytes, as text."""
    if values.dtype.kind not in "OS":
        return values
    return np.array([v.decode() if isinstance(v, bytes) else v for v in values.ravel()], object).reshape(values.shape)


def _is_hugging_face(value: Any) -> bool:
    return hasattr(value, "column_names") and hasattr(value, "features")


def _splits_of(value: Any) -> dict[str, Any] | None:
    """Return the splits of a Hugging Face `DatasetDict`; None where a value is none.

    Raises:
        ZooError: it has splits of other names than those of training, validation and test, or no training split.
    """
    if not isinstance(value, Mapping) or not value or not all(map(_is_hugging_face, value.values())):
        return None
    found = {name: split_of_folder(str(name)) for name in value}
    unknown = [name for name, split in found.items() if split is None]
    if unknown or len(set(found.values())) < len(found) or "train" not in found.values():
        raise ZooError(
            f"data: holds the splits {listing(value)}; expected train, and validation and test where there are any. "
            "Give one split, and others as validation= and test="
        )
    return {str(split): value[name] for name, split in found.items()}


def _hugging_face_columns(dataset: Any, where: str) -> dict[str, Any]:
    """Return the columns of a Hugging Face `Dataset`, classes by their names, and translations a column a language."""
    if isinstance(dataset.column_names, dict):
        raise ZooError(
            f"{where}: holds the splits {listing(dataset.column_names)}; give one of them, and the others as "
            "validation= and test="
        )
    if not hasattr(dataset, "__len__"):
        raise ZooError(f"{where}: the data set is streamed ({type_of(dataset)}); load it without streaming=True")
    columns: dict[str, Any] = {}
    for name in dataset.column_names:
        feature = dataset.features[name]
        values = [_named(value, feature) for value in dataset[name]]
        languages = getattr(feature, "languages", None)
        if languages and all(isinstance(value, Mapping) for value in values):
            columns |= {language: [value.get(language) for value in values] for language in languages}
        else:
            columns[name] = values
    return columns


def _named(value: Any, feature: Any) -> Any:
    """Return a value with the names of classes in place of their numbers, within lists and dicts, too.

    -1 says that there is no label, and becomes None.
    """
    names = getattr(feature, "names", None)
    if names is not None:
        return None if value is None or value < 0 else names[value]
    if isinstance(feature, Mapping) and isinstance(value, Mapping):
        return {key: _named(inner, feature.get(key)) for key, inner in value.items()}
    inner = feature[0] if isinstance(feature, list) and feature else getattr(feature, "feature", None)
    if inner is not None and isinstance(value, Mapping):  # a list of dicts, which is kept as a dict of lists
        return {key: _named(part, [inner[key]] if key in inner else None) for key, part in value.items()}
    if inner is not None and isinstance(value, list):
        return [_named(part, inner) for part in value]
    return value
