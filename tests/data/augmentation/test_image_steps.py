"""Each augmentation against NumPy and SciPy, with the random numbers held still where geometry is compared."""

import numpy as np
import pytest
from scipy import ndimage

from zoo.backend.startup import start_keras
from zoo.data.augmentation import image_steps as augmentation
from zoo.data.augmentation.image_steps import build_augmentation, build_mask_augmentation
from zoo.recipe.augment_steps import AugmentStep

start_keras()
RNG = np.random.default_rng(0)
IMAGES = RNG.uniform(0, 255, (16, 12, 10, 3)).astype(np.float32)
STRONG = [
    {"random_flip": {"mode": "horizontal_and_vertical"}},
    {"random_translation": {"height": 0.4, "width": 0.3}},
    {"random_rotation": {"factor": 0.2, "fill": "reflect"}},
    {"random_shear": {"factor": 0.5, "fill": "reflect"}},
    {"random_zoom": {"factor": 0.4, "fill": "nearest"}},
    {"random_resized_crop": {"area": [0.1, 0.9]}},
    {"random_brightness": {"factor": 0.5}},
    {"random_contrast": {"factor": 0.8}},
    {"random_erasing": {"probability": 0.8}},
    {"gaussian_noise": {"std": 0.3}},
    {"rand_augment": {"operations": 3}},
]
WEAK = [
    {"random_translation": {"height": 0.0, "width": 0.0}},
    {"random_rotation": {"factor": 0.0}},
    {"random_shear": {"factor": 0.0}},
    {"random_zoom": {"factor": 1e-12}},
    {"random_resized_crop": {"area": [1.0, 1.0], "ratio": 1.0}},
    {"random_brightness": {"factor": 0.0}},
    {"random_contrast": {"factor": 0.0}},
    {"random_erasing": {"probability": 0.0}},
    {"random_erasing": {"probability": 1.0, "area": [0.0, 0.0]}},
    {"gaussian_noise": {"std": 0.0}},
]


def augment(images, *steps, seed=(0, 0)):
    import tensorflow as tf

    function = build_augmentation([AugmentStep.model_validate(step) for step in steps])
    return function(tf.constant(images), tf.constant(seed, tf.int64)).numpy()


@pytest.fixture
def still(monkeypatch):
    """Return a function that makes every uniform draw its lowest (0) to highest (1) value."""
    import tensorflow as tf

    def hold(at):
        def draw(self, shape, low=0.0, high=1.0):
            return tf.fill(shape, np.float32(low + at * (high - low)))

        monkeypatch.setattr(augmentation._Draws, "uniform", draw)

    return hold


@pytest.mark.parametrize("step", WEAK, ids=lambda s: next(iter(s)))
def test_no_strength_changes_nothing(step):
    np.testing.assert_allclose(augment(IMAGES, step), IMAGES, atol=1e-3)


@pytest.mark.parametrize("step", STRONG, ids=lambda s: next(iter(s)))
def test_shape_range_and_seed(step):
    found = augment(IMAGES, step)
    assert found.shape == IMAGES.shape and found.dtype == np.float32
    assert found.min() >= -1e-3 and found.max() <= 255 + 1e-3
    np.testing.assert_array_equal(augment(IMAGES, step), found)
    for seed in ((0, 1), (1, 0)):
        assert (augment(IMAGES, step, seed=seed) != found).any()
    assert len({(a - b).tobytes() for a, b in zip(found, IMAGES, strict=True)}) > 1  # each image its own


def test_steps_draw_apart_from_each_other():
    once = {"gaussian_noise": {"std": 0.01}}
    grey = np.full((1, 8, 8, 1), 128, np.float32)
    first = augment(grey, once) - grey
    second = augment(grey, once, once) - grey - first
    assert np.abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.5


@pytest.mark.parametrize(
    ("mode", "views"),
    [
        ("horizontal", [lambda x: x, lambda x: x[:, ::-1]]),
        ("vertical", [lambda x: x, lambda x: x[::-1]]),
        ("horizontal_and_vertical", [lambda x: x, lambda x: x[:, ::-1], lambda x: x[::-1], lambda x: x[::-1, ::-1]]),
    ],
)
def test_flip(mode, views):
    images = np.repeat(IMAGES, 40, axis=0)
    found = augment(images, {"random_flip": {"mode": mode}})
    seen = [sum(np.array_equal(f, view(x)) for f, x in zip(found, images, strict=True)) for view in views]
    assert sum(seen) == len(images)
    expected = len(images) / len(views)
    assert all(abs(count - expected) < 5 * np.sqrt(expected) for count in seen)


@pytest.mark.parametrize(("fill", "mode"), [("constant", "constant"), ("nearest", "nearest"), ("reflect", "reflect")])
def test_translation(fill, mode):
    """Every image is one of the whole-pixel shifts, and every allowed shift occurs."""
    images = np.repeat(IMAGES[:1], 400, axis=0)
    found = augment(images, {"random_translation": {"height": 0.17, "width": 0.1, "fill": fill}})
    shifts = {(y, x): ndimage.shift(IMAGES[0], (y, x, 0), order=0, mode=mode) for y in range(-2, 3) for x in (-1, 0, 1)}
    seen = {next((s for s, image in shifts.items() if np.array_equal(image, f)), None) for f in found}
    assert seen == set(shifts)


@pytest.mark.parametrize(("at", "turns"), [(1, 1), (0, -1)])
def test_a_quarter_turn(still, at, turns):
    still(at)
    square = RNG.uniform(0, 255, (2, 9, 9, 3)).astype(np.float32)
    found = augment(square, {"random_rotation": {"factor": 0.25}})
    np.testing.assert_allclose(found, np.rot90(square, turns, axes=(1, 2)), atol=1e-2)


@pytest.mark.parametrize(
    ("fill", "mode"), [("constant", "grid-constant"), ("nearest", "nearest"), ("reflect", "reflect")]
)
@pytest.mark.parametrize("step", ["rotation", "shear", "zoom"])
@pytest.mark.parametrize("at", [0.0, 0.8])
def test_rotation_shear_and_zoom(still, step, fill, mode, at):
    still(at)
    if step == "shear":
        matrix = np.array([[1.0, 0.0], [0.3 * (2 * at - 1), 1.0]])
    elif step == "rotation":
        angle = 2 * np.pi * 0.1 * (2 * at - 1)
        matrix = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    else:
        matrix = np.eye(2) * (0.7 + 0.6 * at)
    found = augment(IMAGES, {f"random_{step}": {"factor": 0.1 if step == "rotation" else 0.3, "fill": fill}})
    centre = (np.array(IMAGES.shape[1:3]) - 1) / 2
    for image, result in zip(IMAGES, found, strict=True):
        for channel in range(3):
            expected = ndimage.affine_transform(
                image[..., channel], matrix, centre - matrix @ centre, order=1, mode=mode
            )
            np.testing.assert_allclose(result[..., channel], expected, atol=0.05)


@pytest.mark.parametrize("at", [0.0, 0.7])
def test_a_crop_is_stretched_to_the_whole(still, at):
    still(at)
    area, aspect = 0.3 + 0.5 * at, 1.5 ** (2 * at - 1)
    height, width = IMAGES.shape[1:3]
    tall, wide = np.sqrt(area / aspect), np.sqrt(area * aspect)
    y = at * (1 - tall) * (height - 1) + tall * np.arange(height)
    x = at * (1 - wide) * (width - 1) + wide * np.arange(width)
    found = augment(IMAGES, {"random_resized_crop": {"area": [0.3, 0.8], "ratio": 1.5}})
    places = np.stack(np.meshgrid(y, x, indexing="ij"))
    for channel in range(3):
        expected = ndimage.map_coordinates(IMAGES[0, ..., channel], places, order=1, mode="nearest")
        np.testing.assert_allclose(found[0, ..., channel], expected, atol=0.05)


@pytest.mark.parametrize("step", STRONG[:-1], ids=lambda s: next(iter(s)))
def test_masks_move_with_their_images(step):
    """Blocks of even colour, their class shown as brightness: away from the edges the two still agree."""
    import tensorflow as tf

    classes = np.kron(RNG.integers(1, 5, (8, 3, 3)), np.ones((12, 12))).astype(np.int32)
    function = build_mask_augmentation([AugmentStep.model_validate(step)])
    masks = function(tf.constant(classes), tf.constant((0, 5), tf.int64)).numpy()
    assert masks.dtype == np.int32 and set(np.unique(masks)) <= {0, 1, 2, 3, 4}
    kind = next(iter(step))
    if kind not in augmentation._MOVES:
        np.testing.assert_array_equal(masks, classes)
        return
    images = augment(50.0 * classes[..., None].astype(np.float32), step, seed=(0, 5))[..., 0]
    inner = np.abs(images / 50 - np.round(images / 50)) < 1e-3  # not blended
    assert inner.mean() > 0.5 and (masks != classes).any()
    assert (np.round(images / 50)[inner] == masks[inner]).mean() > 0.99


@pytest.mark.parametrize("at", [0.0, 0.5, 1.0])
def test_brightness_and_contrast(still, at):
    still(at)
    shift, stretch = 255 * 0.3 * (2 * at - 1), 1 + 0.6 * (2 * at - 1)
    mean = IMAGES.mean(axis=(1, 2), keepdims=True)
    found = augment(IMAGES, {"random_brightness": {"factor": 0.3}})
    np.testing.assert_allclose(found, np.clip(IMAGES + shift, 0, 255), atol=1e-3)
    found = augment(IMAGES, {"random_contrast": {"factor": 0.6}})
    np.testing.assert_allclose(found, np.clip(mean + (IMAGES - mean) * stretch, 0, 255), atol=1e-3)


def test_erasing():
    outside = np.full((1000, 32, 24, 1), 1000, np.float32)  # out of range, so that what is erased shows
    low, high, probability = 0.05, 0.3, 0.7
    found = augment(outside, {"random_erasing": {"probability": probability, "area": [low, high]}})[..., 0]
    erased = found != 1000
    chosen = erased.any(axis=(1, 2))
    assert abs(chosen.mean() - probability) < 5 * np.sqrt(probability * (1 - probability) / 1000)
    places = np.zeros((32, 24))
    for mask in erased[chosen]:
        rows, columns = mask.any(1).sum(), mask.any(0).sum()
        assert mask.sum() == rows * columns  # a rectangle
        # a side of n pixels was drawn between n - 1 and n + 1
        assert (rows + 1) * (columns + 1) >= low * mask.size and (rows - 1) * (columns - 1) <= high * mask.size
        places += mask
    assert (places > 0).mean() > 0.98
    values = found[erased]
    assert values.min() >= 0 and values.max() <= 255 and abs(values.mean() - 127.5) < 2


def test_noise():
    grey = np.full((64, 32, 32, 1), 127.5, np.float32)
    noise = augment(grey, {"gaussian_noise": {"std": 0.05}}) - grey
    assert abs(noise.mean()) < 0.2 and noise.std() == pytest.approx(255 * 0.05, rel=0.02)
    assert abs(((noise / noise.std()) ** 4).mean() - 3) < 0.1
