"""Targets that are more than one class or number: texts, token ids, masks, boxes.

The raw forms, by kind of task:

- tokens: int32 `(examples, length)`, 0 where nothing is to be said.
- sequences: int32 `(examples, length)`: symbols of the target vocabulary, the end mark, padding (`zoo.data.text`).
- transcription: int32 `(examples, length)`: symbols from 1, padded with 0, which is the blank of CTC.
- segmentation: uint8 `(examples, height, width)`, the class of each pixel.
- detection: float32 `(examples, most, 5)`: ymin, xmin, ymax, xmax in shares of the image, and the class; -1 is padding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from zoo.data.text import fit_tokenizer
from zoo.errors import ZooError

BLANK = "<blank>"
MOST_OBJECTS = 100  # in one image, as in COCO

Arrays = Mapping[str, np.ndarray]


def padded(rows: Sequence[np.ndarray]) -> np.ndarray:
    """Stack arrays of token ids of different lengths, padded with 0 on the right."""
    width = max((r.shape[1] for r in rows), default=1)
    return np.concatenate([np.pad(r, ((0, 0), (0, width - r.shape[1]))) for r in rows])


def same_width(splits: Arrays) -> dict[str, np.ndarray]:
    """Pad the token ids of several splits to one width."""
    width = max(ids.shape[1] for ids in splits.values())
    return {name: np.pad(ids, ((0, 0), (0, width - ids.shape[1]))) for name, ids in splits.items()}


def written_targets(texts: Arrays) -> tuple[tuple[str, ...], dict[str, np.ndarray]]:
    """Return the training texts' characters as a vocabulary, and each split's texts as symbols and an end mark."""
    tokenizer = fit_tokenizer(texts["train"], level="character")
    return tokenizer.names, same_width({name: tokenizer.encode(rows, end=True) for name, rows in texts.items()})


def transcription_targets(texts: Arrays, where: str) -> tuple[tuple[str, ...], dict[str, np.ndarray]]:
    """Return the blank and the characters of the training texts as classes, and each split's texts as class indices.

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

    Raises:
        ZooError: a target is negative.
    """
    if any((y < 0).any() for y in splits.values()):
        raise ZooError(f"{where}: token ids must not be negative; 0 stands for nothing to predict")
    classes = max(int(y.max(initial=0)) for y in splits.values()) + 1
    return tuple(map(str, range(classes))), {name: y.astype(np.int32) for name, y in splits.items()}


def mask_targets(splits: Arrays, names: Sequence[str] | None, where: str) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Return the names of the classes and each split's masks `(examples, height, width)` uint8.

    Args:
        splits: `(examples, height, width)` or with one channel more.
        names: names of the classes, where the source gives them.
        where: the source, for messages.

    Raises:
        ZooError: a mask has a class without a name.
    """
    masks = {k: (y[..., 0] if y.ndim == 4 else y).astype(np.uint8) for k, y in splits.items()}
    highest = max(int(y.max(initial=0)) for y in masks.values())
    labels = tuple(names) if names else tuple(map(str, range(int(masks["train"].max(initial=0)) + 1)))
    if highest >= len(labels):
        raise ZooError(f"{where}: a mask has the class {highest}, and there are {len(labels)} ({', '.join(labels)})")
    return labels, masks


def box_targets(splits: Arrays, where: str) -> dict[str, np.ndarray]:
    """Return each split's boxes, with the padding cut to what the fullest image needs.

    Raises:
        ZooError: a box is not within its image, or has no extent.
    """
    found = {}
    most = max(1, *(int((y[..., 4] >= 0).sum(axis=1).max(initial=0)) for y in splits.values()))
    for name, y in splits.items():
        real = y[y[..., 4] >= 0]
        wrong = (real[:, :4] < 0).any(1) | (real[:, :4] > 1).any(1) | (real[:, 2:4] <= real[:, :2]).any(1)
        if wrong.any():
            raise ZooError(
                f"{where}: {int(wrong.sum())} boxes of the split '{name}' do not lie within their image, for example "
                f"{real[wrong][0, :4].tolist()} (ymin, xmin, ymax, xmax in shares of the image)"
            )
        found[name] = y[:, :most].astype(np.float32)
    return found
