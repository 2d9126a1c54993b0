"""Targets: class names to indices, numbers, texts, token ids, masks, boxes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from zoo.data.arrays import as_ids
from zoo.data.columns import as_label
from zoo.data.dataset import Signature, Split
from zoo.data.tokenizer import fit_tokenizer
from zoo.errors import MAX_SHOWN_NAMES, ZooError, counted, did_you_mean, listing
from zoo.recipe.schema import Data
from zoo.tasks import TASKS

BLANK = "<blank>"
BOXES_LEFT_OUT = ("are crowds", "have no label", "are beyond the first 100 of their image")
MAX_FRACTIONAL_CLASSES = 20  # classes that are numbers with fractions; more are measured values
_NUMBER = re.compile(r"[+-]?[0-9]*\.?[0-9]+(?:[eE][+-]?[0-9]+)?")
MAX_OBJECTS = 100  # in one image, as in COCO
MAX_CLASSES_OF_MASKS = 256  # a mask is uint8

Arrays = Mapping[str, np.ndarray]


def is_missing(value: object) -> bool:
    """Return whether a target is missing: None, NaN or empty text."""
    return value is None or value != value or (isinstance(value, str) and not value.strip())


def class_labels(
    values: Sequence[object] | np.ndarray, where: str, rows: Sequence[str] | None = None
) -> tuple[str, ...]:
    """Return the names of the classes: sorted, as numbers where all are whole numbers.

    Args:
        values: a class of each example.
        where: the source, for messages.
        rows: what messages call each example; its number where it is left out.

    Raises:
        ZooError: a target is missing, there is only one class, or the targets are numbers with fractions.
    """
    _refuse_missing(values, where, rows)
    names = sorted({as_label(value) for value in values})
    _refuse_measured(names, where)
    if len(names) < 2:
        raise ZooError(f"{where}: a classifier needs at least two classes, found {listing(names)}")
    if all(n.removeprefix("-").isdecimal() for n in names):
        names.sort(key=int)
    return tuple(names)


def class_indices(
    values: Sequence[object] | np.ndarray, labels: Sequence[str], where: str, rows: Sequence[str] | None = None
) -> np.ndarray:
    """Return the class index of each target: int32 `(examples,)`. The arguments are those of `class_labels`.

    Raises:
        ZooError: a target is missing, or is no class of the training split.
    """
    index = {name: i for i, name in enumerate(labels)}
    indices = np.empty(len(values), np.int32)
    _refuse_missing(values, where, rows)
    for row, value in enumerate(values):
        name = as_label(value)
        if name not in index:
            raise ZooError(
                f"{where}: {_row(row, rows)} has the class '{name}', which the training split lacks "
                f"(its classes: {listing(labels)})"
            )
        indices[row] = index[name]
    return indices


def number_targets(values: np.ndarray, where: str, rows: Sequence[str] | None = None) -> np.ndarray:
    """Return the targets as float64 `(examples,)`. The arguments are those of `class_labels`.

    Raises:
        ZooError: a target is missing or not a number.
    """
    numbers = np.empty(len(values), np.float64)
    for row, value in enumerate(values):
        try:
            numbers[row] = np.nan if is_missing(value) else float(value)
        except (TypeError, ValueError):
            raise ZooError(
                f"{where}: {_row(row, rows)} has the target {value!r}, and this task predicts numbers; to predict "
                f"classes take a classification task ({listing(_tasks('classification'))})"
            ) from None
    wrong = np.flatnonzero(~(np.abs(numbers) <= np.finfo(np.float32).max))
    if len(wrong):
        first = values[wrong[0]]
        what = "no target" if is_missing(first) else f"the target {first}, not a finite number of 32 bits"
        also = f": also {_first_rows(wrong[1:], rows)}" if len(wrong) > 1 else ""
        raise ZooError(
            f"{where}: {_row(wrong[0], rows)} has {what} ({len(wrong)} such of {len(values)} rows{also}); remove it or "
            "fill it in"
        )
    return numbers


def _row(row: int, rows: Sequence[str] | None) -> str:
    return f"row {row + 1}" if rows is None else rows[row]


def _first_rows(found: Sequence[int] | np.ndarray, rows: Sequence[str] | None) -> str:
    """Return what messages call some examples: the first five."""
    named = ", ".join(_row(int(row), rows) for row in found[:MAX_SHOWN_NAMES])
    return named + (f" and {len(found) - MAX_SHOWN_NAMES} more" if len(found) > MAX_SHOWN_NAMES else "")


def _tasks(kind: str) -> list[str]:
    return [name for name, task in TASKS.items() if task.kind == kind and "csv" in task.sources]


def _refuse_missing(values: Sequence[object] | np.ndarray, where: str, rows: Sequence[str] | None) -> None:
    lacking = [row for row, value in enumerate(values) if is_missing(value)]
    if lacking:
        also = f" ({len(lacking)} such of {len(values)} rows: also {_first_rows(lacking[1:], rows)})"
        raise ZooError(
            f"{where}: {_row(lacking[0], rows)} has no label{also * (len(lacking) > 1)}; remove the row or fill it in"
        )


def _refuse_measured(names: Sequence[str], where: str) -> None:
    """Refuse classes that are numbers with fractions, and many: they are measured, not named."""
    if len(names) <= MAX_FRACTIONAL_CLASSES or not all(map(_NUMBER.fullmatch, names)):
        return
    if any("." in name for name in names):
        raise ZooError(
            f"{where}: {len(names)} different numbers, such as {', '.join(names[:MAX_SHOWN_NAMES])}, are no classes; "
            f"to predict the number take a regression task ({listing(_tasks('regression'))})"
        )


def separate_abnormal(signature: Signature, splits: Sequence[Split], data: Data) -> tuple[Signature, list[Split]]:
    """Turn classes into normal (0) and abnormal (1), and remove abnormal examples from the training split.

    Args:
        signature: what the examples look like, with their classes.
        splits: training, validation and test split.
        data: the recipe's section, which names the abnormal classes.

    Raises:
        ZooError: a class is unknown, or none is left as normal.
    """
    labels, abnormal = signature.labels, data.abnormal or []
    for name in abnormal:
        if name not in labels:
            raise ZooError(
                f"data.abnormal names the class '{name}', which {data.source} lacks{did_you_mean(name, labels)} "
                f"(classes: {listing(labels)})"
            )
    marks = np.array([name in abnormal for name in labels], np.int32)
    if marks.all():
        raise ZooError(f"data.abnormal names every class of {data.source}; leave at least one as normal")
    marked = [replace(split, targets=marks[split.targets]) for split in splits]
    train = marked[0].part(np.flatnonzero(marked[0].targets == 0))
    return replace(signature, labels=("normal", "abnormal")), [train, *marked[1:]]


def same_width(splits: Arrays) -> dict[str, np.ndarray]:
    """Pad the token ids of several splits to one width."""
    width = max(ids.shape[1] for ids in splits.values())
    return {name: np.pad(ids, ((0, 0), (0, width - ids.shape[1]))) for name, ids in splits.items()}


def text_targets(texts: Arrays, notes: list[str] | None = None) -> tuple[tuple[str, ...], dict[str, np.ndarray]]:
    """Return the characters of the training texts as a vocabulary, and each split's texts as token ids.

    Ids are int32 `(examples, length)`: the text, its end mark, padding (`zoo.data.tokenizer`).

    Args:
        texts: of each split.
        notes: characters of other splits that no training text has are counted here.
    """
    tokenizer = fit_tokenizer(texts["train"], level="character")
    for name, rows in texts.items():
        note = tokenizer.note(rows, f"the targets of the {name} split")
        if notes is not None and note:
            notes.append(note)
    return tokenizer.names, same_width({name: tokenizer.encode(rows, end=True) for name, rows in texts.items()})


def transcription_targets(texts: Arrays, where: str) -> tuple[tuple[str, ...], dict[str, np.ndarray]]:
    """Return the blank and the characters of the training texts as classes, and each split's texts as class indices.

    Indices are int32 `(examples, length)`, padded with 0, which is the blank of CTC.

    Raises:
        ZooError: a text has a character that no training text has.
    """
    symbols = sorted(set("".join(texts["train"])))
    index = {symbol: i for i, symbol in enumerate(symbols, start=1)}
    splits = {}
    for name, rows in texts.items():
        unknown = sorted(set("".join(rows)) - set(symbols))
        if unknown:
            raise ZooError(f"{where}: the split '{name}' has characters that no training text has: {' '.join(unknown)}")
        ids = np.zeros((len(rows), max(map(len, rows), default=0) or 1), np.int32)
        for i, row in enumerate(rows):
            ids[i, : len(row)] = [index[c] for c in row]
        splits[name] = ids
    return (BLANK, *symbols), same_width(splits)


def token_targets(splits: Arrays, where: str) -> tuple[tuple[str, ...], dict[str, np.ndarray]]:
    """Return the names of the classes, which are their numbers, and each split's targets.

    Targets are int32 `(examples, length)`, 0 where there is nothing to predict.

    Raises:
        ZooError: a target is negative, too large or no whole number.
    """
    ids = {name: as_ids(y, f"{where}: targets of the split '{name}'") for name, y in splits.items()}
    classes = max(int(y.max(initial=0)) for y in ids.values()) + 1
    return tuple(map(str, range(classes))), ids


def mask_targets(splits: Arrays, names: Sequence[str] | None, where: str) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Return the names of the classes and each split's masks `(examples, height, width)` uint8.

    Args:
        splits: `(examples, height, width)` or with one channel more.
        names: names of the classes, where the source gives them.
        where: the source, for messages.

    Raises:
        ZooError: a mask has several channels, something else than a class from 0 to 255, or a class without a name.
    """
    masks = {}
    for split, y in splits.items():
        if y.ndim == 4 and y.shape[-1] != 1:
            raise ZooError(f"{where}: masks must have one channel, the class of each pixel, received {y.shape[1:]}")
        whose = f"{where}: masks of the split '{split}'"
        masks[split] = as_ids(y[..., 0] if y.ndim == 4 else y, whose, "classes", MAX_CLASSES_OF_MASKS).astype(np.uint8)
    highest = max(int(y.max(initial=0)) for y in masks.values())
    labels = tuple(names) if names else tuple(map(str, range(int(masks["train"].max(initial=0)) + 1)))
    if highest >= len(labels):
        raise ZooError(f"{where}: a mask has the class {highest}, and there are {len(labels)} ({', '.join(labels)})")
    if not names:
        _refuse_sparse(masks["train"], where)
    return labels, masks


def _refuse_sparse(masks: np.ndarray, where: str) -> None:
    """Refuse masks most of whose classes no pixel has, such as masks of 0 and 255."""
    present = np.unique(masks)
    if 2 * len(present) < int(present[-1]) + 1:
        raise ZooError(
            f"{where}: masks hold {counted(present.tolist(), 'classes')}, and each number from 0 to {present[-1]} "
            "would be one; number the classes from 0"
        )


def box_picker(features: Any, target: str) -> Callable[[Any], Any]:
    """Return a TensorFlow function from a TFDS example to its boxes `(MAX_OBJECTS + 1, 5)`, padded with -1.

    Crowds are left out, as in COCO's own evaluation. The last row counts what is left out, in the order of
    `BOXES_LEFT_OUT`.

    Raises:
        ZooError: the feature holds no boxes.
    """
    if not hasattr(features[target], "keys") or not {"bbox", "label"} <= set(features[target].keys()):
        raise ZooError(f"feature '{target}' must be a sequence of objects with 'bbox' and 'label', as in tfds:coco")
    import tensorflow as tf

    def pick(example: Any) -> tf.Tensor:
        objects = example[target]
        rows = tf.concat([objects["bbox"], tf.cast(objects["label"], tf.float32)[:, None]], axis=1)
        labeled = objects["label"] >= 0
        crowd = objects["is_crowd"] if "is_crowd" in objects else tf.zeros_like(labeled)
        kept = tf.boolean_mask(rows, labeled & ~crowd)
        beyond = tf.maximum(tf.shape(kept)[0] - MAX_OBJECTS, 0)
        kept = kept[:MAX_OBJECTS]
        kept = tf.pad(kept, [[0, MAX_OBJECTS - tf.shape(kept)[0]], [0, 0]], constant_values=-1.0)
        left_out = [tf.reduce_sum(tf.cast(which, tf.int32)) for which in (crowd, ~labeled & ~crowd)]
        counts = tf.cast(tf.stack([*left_out, beyond, 0, 0]), tf.float32)
        return tf.ensure_shape(tf.concat([kept, counts[None]], axis=0), (MAX_OBJECTS + 1, 5))

    return pick


def box_targets(splits: Arrays, where: str) -> dict[str, np.ndarray]:
    """Return each split's boxes, padded to the image with the most objects in place of `MAX_OBJECTS`.

    Boxes are float32 `(examples, objects, 5)`: ymin, xmin, ymax, xmax as fractions of the image, then the class; -1
    is padding.

    Raises:
        ZooError: a box is not within its image, or has no extent.
    """
    found = {}
    objects = max(1, *(int((y[..., 4] >= 0).sum(axis=1).max(initial=0)) for y in splits.values()))
    for name, y in splits.items():
        real = y[y[..., 4] >= 0]
        within = (real[:, :4] >= 0).all(1) & (real[:, :4] <= 1).all(1) & (real[:, 2:4] > real[:, :2]).all(1)
        wrong = ~within  # NaN, too, is not within
        if wrong.any():
            raise ZooError(
                f"{where}: {int(wrong.sum())} boxes of the split '{name}' do not lie within their image, for example "
                f"{real[wrong][0, :4].tolist()} (ymin, xmin, ymax, xmax as fractions of the image)"
            )
        found[name] = y[:, :objects].astype(np.float32)
    return found


def boxes_left_out(splits: Arrays) -> list[str]:
    """Return notes on the boxes that `box_picker` left out, from the counts in its last row."""
    notes = []
    for name, y in splits.items():
        counts = y[:, -1, : len(BOXES_LEFT_OUT)].sum(axis=0).astype(int)
        total = int((y[:, :-1, 4] >= 0).sum()) + int(counts.sum())
        for count, why in zip(counts, BOXES_LEFT_OUT, strict=True):
            if count:
                notes.append(f"left out of the {name} split: {count:,} of {total:,} boxes, which {why}")
    return notes
