"""Examples as vectors, in which near ones are alike: columns of tables, small grey images, spectra of clips."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from zoo.audit.subject import Subject
from zoo.audit.tabular import features, sampled
from zoo.data.dataset import InputKind

MAX_COMPARED = 20_000  # examples of a split that are compared with each other, drawn at random
THUMBNAIL = 16  # pixels of a side
_MAX_CATEGORIES = 20  # of a column, the most frequent, that count as numbers of their own
_SPECTRUM = 64  # bands of a clip, and parts in time
_MAX_STEPS = 64  # of a sequence


@dataclass(frozen=True, kw_only=True)
class Vectors:
    """Some examples of a split as vectors.

    Attributes:
        values: float32 `(examples, numbers)`.
        positions: of the examples in the split.
        names: of the numbers; empty where they have none.
    """

    values: np.ndarray
    positions: np.ndarray
    names: tuple[str, ...] = ()


def vectors(subject: Subject, split: str, limit: int = MAX_COMPARED) -> Vectors | None:
    """Return examples of a split as vectors, at most `limit`, drawn; None for texts, tokens and graphs."""
    return subject.once("vectors", split, limit, compute=lambda: _vectors(subject, split, limit))


def _vectors(subject: Subject, split: str, limit: int) -> Vectors | None:
    signature = subject.dataset.signature
    if signature.kind == "table":
        return _columns(subject, split, limit)
    make = _MAKERS.get(signature.kind)
    held = subject.splits[split]
    if make is None or subject.dataset.series is not None or not len(held):
        return None
    part = held.part(sampled(len(held), limit))
    values = np.concatenate([make(part.take(at)) for at in part.chunks(256)])
    return Vectors(values=values, positions=sampled(len(held), limit))


def _columns(subject: Subject, split: str, limit: int) -> Vectors | None:
    """Return numbers in units of the training split's deviation, 0 where missing, and the most frequent categories."""
    parts, names = [], []
    rows = sampled(len(subject.splits[split]), limit)
    for known, feature in zip(features(subject), features(subject, split, limit), strict=True):
        if feature.is_moment:
            continue
        if feature.is_number:
            center, width = np.nanmean(known.values), np.nanstd(known.values)
            if np.isfinite(center) and width > 0:
                parts.append(np.nan_to_num((feature.values - center) / width)[:, None])
                names.append(feature.name)
            continue
        texts, counts = np.unique(known.values.astype(str), return_counts=True)
        for text in texts[np.argsort(-counts)][:_MAX_CATEGORIES]:
            parts.append((feature.values == text)[:, None].astype(np.float64))
            names.append(f"{feature.name} = {text}")
    if not parts:
        return None
    return Vectors(values=np.concatenate(parts, axis=1, dtype=np.float32), positions=rows, names=tuple(names))


def thumbnails(raw: Any) -> np.ndarray:
    """Return images as grey thumbnails of mean 0 and length 1, so that light and contrast do not count."""
    small = np.stack([thumbnail(image).ravel() for image in raw])
    small -= small.mean(axis=1, keepdims=True)
    return (small / np.maximum(np.linalg.norm(small, axis=1, keepdims=True), 1e-6)).astype(np.float32)


def thumbnail(image: np.ndarray) -> np.ndarray:
    """Return an image `(height, width, channels)` as grey means of areas, `(side, side)`."""
    grey = image.astype(np.float32).mean(axis=-1)
    return _area_mean(_area_mean(grey, 0), 1)


def _area_mean(values: np.ndarray, axis: int) -> np.ndarray:
    size = values.shape[axis]
    if size <= THUMBNAIL:
        return np.take(values, np.arange(THUMBNAIL) * size // THUMBNAIL, axis=axis) if size < THUMBNAIL else values
    starts = np.arange(THUMBNAIL) * size // THUMBNAIL
    sums = np.add.reduceat(values, starts, axis=axis)
    counts = np.diff(np.append(starts, size))
    return sums / (counts[:, None] if axis == 0 else counts[None, :])


def spectra(raw: Any) -> np.ndarray:
    """Return the logarithm of the clips' spectra over time, of mean 0 and length 1, so that gain does not count."""
    clips = np.asarray(raw, np.float32)
    frames = max(1, clips.shape[1] // _SPECTRUM)
    width = max(2 * 16, frames)
    count = max(1, clips.shape[1] // width)
    cut = clips[:, : count * width].reshape(len(clips), count, width)
    power = np.abs(np.fft.rfft(cut * np.hanning(width).astype(np.float32), axis=-1))
    bands = np.add.reduceat(power, np.unique(np.geomspace(1, power.shape[-1] - 1, 17).astype(int)), axis=-1)
    log = np.log(bands + 1e-3 * bands.max(axis=(1, 2), keepdims=True) + 1e-9).reshape(len(clips), -1)
    log -= log.mean(axis=1, keepdims=True)
    return (log / np.maximum(np.linalg.norm(log, axis=1, keepdims=True), 1e-6)).astype(np.float32)


def _numbers(raw: Any) -> np.ndarray:
    array = np.nan_to_num(np.asarray(raw, np.float32))
    if array.ndim > 2 and array.shape[1] > _MAX_STEPS:
        array = array[:, np.arange(_MAX_STEPS) * array.shape[1] // _MAX_STEPS]
    return array.reshape(len(array), -1)


_MAKERS: dict[InputKind, Callable[[Any], np.ndarray]] = {"image": thumbnails, "audio": spectra, "array": _numbers}
