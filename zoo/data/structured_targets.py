"""Targets with a structure: texts, token ids, masks, boxes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from zoo.data.arrays import as_ids
from zoo.data.box_codes import PADDING, ignored_boxes
from zoo.data.tokenizer import SPECIAL, fit_tokenizer
from zoo.errors import ZooError, counted, first_few, listing, visible
from zoo.tasks import IGNORED_PIXEL

BLANK = "<blank>"
BOXES_LEFT_OUT = ("have no label", "are beyond the first 100 of their image")
MAX_PADDED_TARGETS = 1 << 28  # token ids of a split, 1 GiB; text to text and tags are held in memory
MAX_OBJECTS = 100  # in one image, as in COCO
MAX_CLASSES_OF_MASKS = IGNORED_PIXEL  # a mask is uint8
Arrays = Mapping[str, np.ndarray]


def _check_padded(lengths: Sequence[int], whose: str, what: str) -> None:
    """Refuse targets of which the longest makes all of them, padded to its length, too large.

    Raises:
        ZooError: they are.
    """
    longest = max(lengths, default=0)
    if longest * len(lengths) > MAX_PADDED_TARGETS:
        usual = sorted(lengths)[len(lengths) // 2]
        raise ZooError(
            f"{whose}: all {len(lengths):,} are padded to the longest, which has {longest:,} {what} (half have at most "
            f"{usual:,}): more than {MAX_PADDED_TARGETS:,} in all; cut it, or leave it out"
        )


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

    Raises:
        ZooError: a text is so long that all of them, padded to its length, would not fit in memory.
    """
    for name, rows in texts.items():
        _check_padded([len(text) for text in rows], f"the targets of the {name} split", "characters")
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


def tag_targets(tags: Arrays, where: str) -> tuple[tuple[str, ...], dict[str, np.ndarray]]:
    """Return padding and the tags of the training sentences as classes, and each split's tags as class indices.

    Indices are int32 `(examples, length)`, 0 where a sentence has ended.

    Args:
        tags: of each split, a list of texts for each sentence.
        where: the source, for messages.

    Raises:
        ZooError: there are fewer than two tags, or a split has tags that no training sentence has.
    """
    names = sorted({tag for row in tags["train"] for tag in row})
    if len(names) < 2:
        raise ZooError(f"{where}: expected at least two different tags, found {listing(names) or 'none'}")
    if SPECIAL[0] in names:
        raise ZooError(f"{where}: the tag '{SPECIAL[0]}' has the name of padding; rename it")
    index = {name: i for i, name in enumerate(names, start=1)}
    splits = {}
    for split, rows in tags.items():
        _check_padded([len(row) for row in rows], f"{where}: the split '{split}'", "tags")
        unknown = Counter(tag for row in rows for tag in row if tag not in index)
        if unknown:
            first = first_few([f"'{visible(tag)}' ({count})" for tag, count in unknown.most_common()])
            raise ZooError(
                f"{where}: the split '{split}' has {len(unknown)} tags that no training sentence has: {first} "
                f"(training: {listing(names)})"
            )
        ids = np.zeros((len(rows), max(map(len, rows), default=0) or 1), np.int32)
        for i, row in enumerate(rows):
            ids[i, : len(row)] = [index[tag] for tag in row]
        splits[split] = ids
    return (SPECIAL[0], *names), same_width(splits)


def mask_targets(
    splits: Arrays, names: Sequence[str] | None, where: str, ignore_index: int | None = None
) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Return the names of the classes and each split's masks `(examples, height, width)` uint8.

    Args:
        splits: `(examples, height, width)` or with one channel more.
        names: names of the classes, where the source gives them.
        where: the source, for messages.
        ignore_index: the value of pixels that take no part, which becomes `IGNORED_PIXEL`.

    Raises:
        ZooError: a mask has several channels, something else than a class from 0 to 254, or a class without a name.
    """
    masks = {}
    for split, y in splits.items():
        if y.ndim == 4 and y.shape[-1] != 1:
            raise ZooError(f"{where}: masks must have one channel, the class of each pixel, received {y.shape[1:]}")
        y = y[..., 0] if y.ndim == 4 else y
        ignored = y == ignore_index if ignore_index is not None else np.zeros(y.shape, bool)
        whose = f"{where}: masks of the split '{split}'"
        if ignore_index is None and (y == IGNORED_PIXEL).any():
            raise ZooError(
                f"{whose} hold {IGNORED_PIXEL}, and classes lie below; where it marks pixels that take no part, set "
                f"data.ignore_index to {IGNORED_PIXEL}"
            )
        ids = as_ids(np.where(ignored, 0, y), whose, "classes", MAX_CLASSES_OF_MASKS).astype(np.uint8)
        masks[split] = np.where(ignored, np.uint8(IGNORED_PIXEL), ids)
    counted_ids = {split: y[y != IGNORED_PIXEL] for split, y in masks.items()}
    highest = max(int(y.max(initial=0)) for y in counted_ids.values())
    labels = tuple(names) if names else tuple(map(str, range(int(counted_ids["train"].max(initial=0)) + 1)))
    if highest >= len(labels):
        raise ZooError(f"{where}: a mask has the class {highest}, and there are {len(labels)} ({', '.join(labels)})")
    if not names:
        _refuse_sparse(counted_ids["train"], where)
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

    Crowds and difficult objects come last, by the codes of `zoo.data.box_codes.ignored_code`: they are no targets, and
    neither hit nor miss in the evaluation, as in files. The last row counts what is left out, in the order of
    `BOXES_LEFT_OUT`.

    Raises:
        ZooError: the feature holds no boxes.
    """
    if not hasattr(features[target], "keys") or not {"bbox", "label"} <= set(features[target].keys()):
        raise ZooError(f"feature '{target}' must be a sequence of objects with 'bbox' and 'label', as in tfds:coco")
    import tensorflow as tf

    def pick(example: Any) -> tf.Tensor:
        objects = example[target]
        labels = objects["label"]
        none = tf.zeros_like(labels, tf.bool)
        crowd, difficult = (tf.cast(objects.get(key, none), tf.bool) for key in ("is_crowd", "is_difficult"))
        difficult &= ~crowd
        codes = tf.where(crowd, -3 - 2 * labels, tf.where(difficult, -2 - 2 * labels, labels))
        rows = tf.concat([objects["bbox"], tf.cast(codes, tf.float32)[:, None]], axis=1)
        labeled, ignored = labels >= 0, crowd | difficult
        kept = tf.concat([tf.boolean_mask(rows, labeled & ~ignored), tf.boolean_mask(rows, labeled & ignored)], axis=0)
        beyond = tf.maximum(tf.shape(kept)[0] - MAX_OBJECTS, 0)
        kept = kept[:MAX_OBJECTS]
        kept = tf.pad(kept, [[0, MAX_OBJECTS - tf.shape(kept)[0]], [0, 0]], constant_values=float(PADDING))
        unlabeled = tf.reduce_sum(tf.cast(~labeled, tf.int32))
        counts = tf.cast(tf.stack([unlabeled, beyond, 0, 0, 0]), tf.float32)
        return tf.ensure_shape(tf.concat([kept, counts[None]], axis=0), (MAX_OBJECTS + 1, 5))

    return pick


def box_targets(splits: Arrays, where: str) -> dict[str, np.ndarray]:
    """Return each split's boxes, padded to the image with the most objects in place of `MAX_OBJECTS`.

    Boxes are float32 `(examples, objects, 5)`: ymin, xmin, ymax, xmax as fractions of the image, then the class or, as
    `zoo.data.box_codes` has it, what stands in its place.

    Raises:
        ZooError: a box is not within its image, or has no extent.
    """
    found = {}
    objects = max(1, *(int((y[..., 4] != PADDING).sum(axis=1).max(initial=0)) for y in splits.values()))
    for name, y in splits.items():
        real = y[y[..., 4] != PADDING]
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
    """Return notes on boxes that are ignored, and on those that `box_picker` left out, by its last row."""
    notes = []
    for name, y in splits.items():
        counts = y[:, -1, : len(BOXES_LEFT_OUT)].sum(axis=0).astype(int)
        codes = y[:, :-1, 4]
        total = int((codes != PADDING).sum()) + int(counts.sum())
        _, _, crowds = ignored_boxes(codes)
        for count, why in ((crowds.sum(), "crowds"), ((codes < PADDING).sum() - crowds.sum(), "marked as difficult")):
            if count:
                notes.append(
                    f"{count:,} of {total:,} boxes of the {name} split are {why}: no targets of training, and neither "
                    "hit nor miss in the evaluation"
                )
        for count, why in zip(counts, BOXES_LEFT_OUT, strict=True):
            if count:
                notes.append(f"left out of the {name} split: {count:,} of {total:,} boxes, which {why}")
    return notes
