"""The loss of objects as points against loops over objects and cells."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter
from scipy.special import expit

from zoo.data.box_codes import ignored_code
from zoo.losses import build_loss
from zoo.losses.detection import draw, locate, radius
from zoo.recipe.losses import Loss

RNG = np.random.default_rng(0)
PAD = [0.0, 0.0, 0.0, 0.0, -1.0]
BOXES = np.array(
    [
        [[0.1, 0.2, 0.6, 0.9, 1], [0.5, 0.5, 0.75, 0.7, 0], PAD],
        [PAD, PAD, PAD],
        [[0.0, 0.0, 1.0, 1.0, 2], [0.2, 0.2, 0.9, 0.95, 2], [0.95, 0.98, 1.0, 1.0, 2]],
    ],
    "float32",
)
MAPS = (2 * RNG.normal(size=(3, 8, 6, 7))).astype("float32")


def loss(y, maps, **options):
    return float(
        build_loss(TypeAdapter(Loss).validate_python({"name": "center_net", **options}), kind="detection")(y, maps)
    )


def test_boxes_to_ignore_are_no_targets():
    boxes = BOXES.copy()
    real = boxes[..., 4] >= 0
    boxes[0, np.flatnonzero(real[0])[0], 4] = ignored_code(2, crowd=False)
    boxes[2, np.flatnonzero(real[2])[0], 4] = ignored_code(0, crowd=True)
    without = np.where(boxes[..., 4:] < 0, np.float32(-1), boxes)
    assert loss(boxes, MAPS) == pytest.approx(loss(without, MAPS), rel=1e-7) != pytest.approx(loss(BOXES, MAPS))


def overlap(a, b):
    height, width = (min(a[i + 2], b[i + 2]) - max(a[i], b[i]) for i in (0, 1))
    both = max(height, 0) * max(width, 0)
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


def by_loops(boxes, maps, offset_weight=1.0, size_weight=0.1):
    """Equations 1, 2 and 3 of the paper, one object and one cell at a time."""
    maps = maps.astype("float64")
    _, rows, columns, channels = maps.shape
    classes, objects, total = channels - 4, 0, 0.0
    for image, found in zip(boxes, maps, strict=True):
        heat = np.zeros((rows, columns, classes))
        for ymin, xmin, ymax, xmax, kind in image.astype("float64"):
            if kind < 0:
                continue
            objects += 1
            y, x, height, width = (ymin + ymax) / 2 * rows, (xmin + xmax) / 2 * columns, 0, 0
            height, width = (ymax - ymin) * rows, (xmax - xmin) * columns
            i, j = min(int(y), rows - 1), min(int(x), columns - 1)
            sigma = (2 * by_search(height, width) + 1) / 6
            for r in range(rows):
                for c in range(columns):
                    value = np.exp(-((r - i) ** 2 + (c - j) ** 2) / (2 * sigma**2))
                    heat[r, c, int(kind)] = max(heat[r, c, int(kind)], value)
            place = found[i, j, classes:]
            total += offset_weight * (abs(place[0] - (y - i)) + abs(place[1] - (x - j)))
            total += size_weight * (abs(place[2] - height) + abs(place[3] - width))
        for r in range(rows):
            for c in range(columns):
                for k in range(classes):
                    p = expit(found[r, c, k])
                    if heat[r, c, k] == 1:
                        total -= (1 - p) ** 2 * np.log(p)
                    else:
                        total -= (1 - heat[r, c, k]) ** 4 * p**2 * np.log(1 - p)
    return total / max(objects, 1)


def by_search(height, width, iou=0.7):
    """The greatest radius at which every corner-wise shift keeps the overlap, by bisection."""

    def fits(r):
        box = (0, 0, height, width)
        moved = [(a, b, height + c, width + d) for a in (-r, r) for b in (-r, r) for c in (-r, r) for d in (-r, r)]
        return 2 * r < min(height, width) and all(overlap(box, other) >= iou for other in moved)

    low, high = 0.0, float(max(height, width))
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


@given(st.floats(0.5, 50), st.floats(0.5, 50), st.sampled_from([0.3, 0.5, 0.7, 0.9]))
@settings(max_examples=50, deadline=None)
def test_radius_is_the_furthest_that_keeps_the_overlap(height, width, iou):
    found = float(radius(np.float32(height), np.float32(width), iou))
    assert found == pytest.approx(by_search(height, width, iou), rel=2e-3, abs=1e-3)


def test_the_loss_equals_loops():
    assert loss(BOXES, MAPS) == pytest.approx(by_loops(BOXES, MAPS), rel=1e-4)
    weighted = loss(BOXES, MAPS, offset_weight=0.3, size_weight=2.0)
    assert weighted == pytest.approx(by_loops(BOXES, MAPS, 0.3, 2.0), rel=1e-4)


def test_images_without_any_object():
    empty = np.full((2, 3, 5), -1, "float32")
    assert loss(empty, MAPS[:2]) == pytest.approx(by_loops(empty, MAPS[:2]), rel=1e-4)
    assert loss(empty[:, :0], MAPS[:2]) == pytest.approx(by_loops(empty, MAPS[:2]), rel=1e-4)


def test_padding_has_no_effect():
    """Neither more of it, nor where it stands, nor what its coordinates are."""
    junk = np.array([[[np.nan, 5, -3, np.inf, -1]]] * 3, "float32")
    padded = np.concatenate([junk, BOXES[:, ::-1], junk], axis=1)
    assert loss(padded, MAPS) == pytest.approx(loss(BOXES, MAPS), rel=1e-5)


def test_the_heatmap_peaks_at_centers_and_nowhere_else():
    heat = np.array(draw(locate(BOXES, 8, 6, 0.7), 8, 6, 3))
    assert heat.shape == (3, 8, 6, 3)
    peaks = {tuple(int(n) for n in place) for place in np.argwhere(heat == 1)}
    assert peaks == {(0, 2, 3, 1), (0, 5, 3, 0), (2, 4, 3, 2), (2, 7, 5, 2)}  # two objects share a centre
    assert (heat[1] == 0).all()
    assert heat.max() == 1


def test_perfect_maps_cost_next_to_nothing():
    maps = np.zeros((3, 8, 6, 7), "float32")
    objects = [np.array(part) for part in locate(BOXES[:, :2], 8, 6, 0.7)]
    maps[..., :3] = -20
    for image, (reals, kinds, rows, columns, places) in enumerate(zip(*objects[:5], strict=True)):
        for real, kind, row, column, place in zip(reals, kinds, rows, columns, places, strict=True):
            if real and image < 2:
                maps[image, int(row), int(column), int(kind)] = 20
                maps[image, int(row), int(column), 3:] = place
    assert loss(BOXES[:2, :2], maps[:2]) == pytest.approx(0, abs=1e-5)


def test_extreme_maps_are_finite():
    assert np.isfinite(loss(BOXES, 1e4 * MAPS))
