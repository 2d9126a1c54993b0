"""`digit_scenes`: real digits of several sizes on an uneven background, for detection and segmentation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from zoo.data.builtin.definition import Definition
from zoo.data.builtin.glyphs import Glyphs, png, split_glyphs

SIZE = 64  # pixels, high and wide
MAX_DIGITS = 5  # in a scene
MASK_LABELS = ("background", *map(str, range(10)))
_MIN_HEIGHT = 12  # of a digit, in pixels: 1.5 times its own 8
_MAX_HEIGHT = 24  # of a digit, in pixels: 3 times its own 8
_MIN_STROKE_INK = 96  # of 255: a pixel with this much ink belongs to the digit
_MAX_OVERLAP = 0.1  # of two boxes: intersection over union
_ATTEMPTS = 20  # places that are tried for a digit

Box = tuple[int, int, int, int]  # top, left, bottom, right; bottom and right are exclusive


def digit_scenes() -> Definition:
    """Define scenes with one to five digits, their boxes and their strokes."""
    import tensorflow_datasets as tfds

    def splits() -> dict[str, Iterator[dict[str, Any]]]:
        glyphs = split_glyphs()
        return {
            "train": _scenes(4_000, [2019, 0], glyphs["train"]),
            "test": _scenes(500, [2019, 1], glyphs["test"]),
        }

    objects = {"bbox": tfds.features.BBoxFeature(), "label": tfds.features.ClassLabel(names=MASK_LABELS[1:])}
    return Definition(
        description=(
            f"Grey scenes {SIZE}×{SIZE} with 1 to {MAX_DIGITS} of scikit-learn's digits (Alpaydin & Kaynak 1998), "
            f"{_MIN_HEIGHT} to {_MAX_HEIGHT} pixels high, bright or dark on an uneven and noisy background, for "
            "detection (boxes around the strokes, as in COCO) and segmentation (mask: 0 for the background, else the "
            "digit plus 1). No digit covers another, and boxes overlap by less than "
            f"{_MAX_OVERLAP} (intersection over union). The digits of the test are other images than those of "
            "training."
        ),
        features={
            "image": tfds.features.Image(shape=(SIZE, SIZE, 1)),
            "objects": tfds.features.Sequence(objects),
            "mask": tfds.features.Image(shape=(SIZE, SIZE, 1)),
        },
        splits=splits,
        keys=("image", "objects"),
        metadata={"mask_labels": list(MASK_LABELS)},
    )


def _scenes(count: int, seed: list[int], glyphs: Glyphs) -> Iterator[dict[str, Any]]:
    import tensorflow_datasets as tfds

    generator = np.random.default_rng(seed)
    for _ in range(count):
        images, labels = glyphs.draw(generator, int(generator.integers(1, MAX_DIGITS + 1)))
        ink, mask = np.zeros((SIZE, SIZE)), np.zeros((SIZE, SIZE), np.uint8)
        boxes: list[Box] = []
        objects = []
        for image, label in zip(images, labels, strict=True):
            box = _place(generator, image, label, ink=ink, mask=mask, boxes=boxes)
            if box is not None:
                boxes.append(box)
                objects.append({"bbox": tfds.features.BBox(*(edge / SIZE for edge in box)), "label": label})
        yield {"image": png(_paint(generator, ink)), "objects": objects, "mask": png(mask)}


def _place(
    generator: np.random.Generator,
    image: np.ndarray,
    label: int,
    *,
    ink: np.ndarray,
    mask: np.ndarray,
    boxes: list[Box],
) -> Box | None:
    """Draw a digit into `ink` and `mask` `(height, width)` and return its box; None where there is no free place."""
    from PIL import Image

    size = int(generator.integers(_MIN_HEIGHT, _MAX_HEIGHT + 1))
    digit = np.asarray(Image.fromarray(image).resize((size, size), Image.Resampling.BILINEAR))
    stroke = digit >= _MIN_STROKE_INK
    rows, columns = np.flatnonzero(stroke.any(axis=1)), np.flatnonzero(stroke.any(axis=0))
    strength = 0.7 + 0.3 * generator.random()
    for top, left in generator.integers(0, SIZE - size + 1, (_ATTEMPTS, 2)).tolist():
        box = (top + int(rows[0]), left + int(columns[0]), top + int(rows[-1]) + 1, left + int(columns[-1]) + 1)
        area = np.s_[top : top + size, left : left + size]
        apart = all(_overlap(box, other) < _MAX_OVERLAP for other in boxes)
        if apart and not (ink[area] * digit).any():
            ink[area] += digit * (strength / 255)
            mask[area][stroke] = label + 1
            return box
    return None


def _overlap(a: Box, b: Box) -> float:
    """Return the intersection over union of two boxes."""
    height, width = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    intersection = max(0, height) * max(0, width)
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (a, b))
    return intersection / (areas - intersection)


def _paint(generator: np.random.Generator, ink: np.ndarray) -> np.ndarray:
    """Return the ink, 0 to 1, on a noisy gradient, inverted in half of the scenes: uint8 `(height, width)`."""
    gradient = generator.integers(-50, 51, 2)
    ramp = np.linspace(-0.5, 0.5, SIZE)
    ground = generator.integers(40, 91) + gradient[0] * ramp[:, None] + gradient[1] * ramp
    scene = ground + ink * generator.integers(100, 151) + generator.integers(-15, 16, ink.shape)
    if generator.integers(0, 2):
        scene = 255 - scene
    return np.rint(np.clip(scene, 0, 255)).astype(np.uint8)
