"""Odd images: blank, blurred, or of unusual size or shape."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from zoo.audit.finding import Finding, found
from zoo.audit.subject import Subject
from zoo.audit.tabular import sampled

_MAX_IMAGES = 20_000  # of a split
_MAX_BLANK_DEVIATION = 2.0  # of the grey values of an image of one colour, of 255
_MIN_BLUR_RATIO = 6.0  # how many times less sharp than the median
_MAX_BLUR_DEVIATIONS = 4.0  # below the median, in robust deviations of the logarithm
_MIN_SIDE = 16  # pixels, below which blur is not measured
_MAX_ASPECT = 2.0  # times the median shape, from which an image is odd
_MAX_AREA = 10.0  # times the median area
_MAX_ODD = 0.1  # of the images; more are no exception


def image_findings(subject: Subject) -> Iterator[Finding]:
    """Yield odd images of the training and the test split, at most 20,000 of each."""
    blank, blurred = [], []
    for name in ("train", "test"):
        split = subject.splits[name]
        part_of = sampled(len(split), _MAX_IMAGES)
        part = split.part(part_of)
        deviation, sharpness = _measure(part)
        flat = deviation < _MAX_BLANK_DEVIATION
        blank += [(name, part_of[at]) for at in np.flatnonzero(flat)]
        blurred += [(name, part_of[at]) for at in _far_below(sharpness, ~flat)]
        total = len(part_of)
        if len(blurred) > _MAX_ODD * total:
            blurred = []
    yield from _listed(subject, "blank_images", "images show one colour", blank)
    yield from _listed(subject, "blurred_images", "images are far less sharp than the others", blurred)
    yield from _sizes(subject)


def _listed(subject: Subject, name: str, what: str, places: list[tuple[str, int]]) -> Iterator[Finding]:
    if places:
        yield found(
            name,
            f"{len(places)} {what}",
            count=len(places),
            evidence=[subject.example(split, at) for split, at in places[:20]],
        )


def _measure(part: object) -> tuple[np.ndarray, np.ndarray]:
    """Return the deviation of the grey values, and the sharpness relative to it, of each image."""
    deviation, sharpness = [], []
    for at in part.chunks(256):  # type: ignore[attr-defined]
        raw = part.take(at)  # type: ignore[attr-defined]
        for images in [raw] if isinstance(raw, np.ndarray) else [image[None] for image in raw]:
            grey = images.astype(np.float32).mean(axis=-1)
            spread = grey.std(axis=(1, 2))
            deviation.append(spread)
            sharpness.append(_sharpness(grey) / np.maximum(spread, 1e-6))
    return np.concatenate(deviation), np.concatenate(sharpness)


def _sharpness(grey: np.ndarray) -> np.ndarray:
    """Return the deviation of the Laplacian (Pech-Pacheco et al. 2000); NaN for images that are too small."""
    if min(grey.shape[1:]) < _MIN_SIDE:
        return np.full(len(grey), np.nan)
    laplacian = (
        grey[:, :-2, 1:-1] + grey[:, 2:, 1:-1] + grey[:, 1:-1, :-2] + grey[:, 1:-1, 2:] - 4 * grey[:, 1:-1, 1:-1]
    )
    return laplacian.std(axis=(1, 2))


def _far_below(values: np.ndarray, among: np.ndarray) -> np.ndarray:
    """Return the positions of values that are far below the median, in ratio and in robust deviations."""
    known = among & np.isfinite(values) & (values > 0)
    if known.sum() < 20:
        return np.empty(0, int)
    log = np.full(len(values), np.nan)
    log[known] = np.log(values[known])
    median = np.nanmedian(log)
    spread = 1.4826 * np.nanmedian(np.abs(log - median))
    with np.errstate(invalid="ignore"):
        return np.flatnonzero(log < median - max(np.log(_MIN_BLUR_RATIO) / 2, _MAX_BLUR_DEVIATIONS * spread))


def _sizes(subject: Subject) -> Iterator[Finding]:
    """Yield images whose shape or area is far from the median; where many differ, that is how the data is."""
    sizes = getattr(subject.dataset.train.inputs, "sizes", None)
    if sizes is None:
        return
    sizes = np.asarray(sizes)[subject.dataset.train.indices]
    aspect, area = np.log(sizes[:, 1] / sizes[:, 0]), np.log(sizes[:, 0] * sizes[:, 1])
    odd = np.flatnonzero(
        (np.abs(aspect - np.median(aspect)) > np.log(_MAX_ASPECT))
        | (np.abs(area - np.median(area)) > np.log(_MAX_AREA))
    )
    if not len(odd) or len(odd) > _MAX_ODD * len(sizes):
        return
    height, width = np.median(sizes, axis=0).astype(int)
    yield found(
        "odd_sizes",
        f"{len(odd)} images have another shape or size than the usual {height}×{width}",
        count=len(odd),
        evidence=[subject.example("train", at, size=sizes[at].tolist()) for at in odd[:20]],
    )
