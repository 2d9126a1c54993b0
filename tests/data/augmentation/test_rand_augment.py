"""Each operation of RandAugment against PIL, and the draws."""

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps

from zoo.backend.startup import start_keras
from zoo.data.augmentation import rand_augment as module
from zoo.data.augmentation.image_steps import build_augmentation, build_mask_augmentation
from zoo.data.augmentation.rand_augment import GEOMETRIC, OPERATIONS, change, move
from zoo.recipe.augment_steps import AugmentStep

start_keras()
RNG = np.random.default_rng(0)
DARK = RNG.integers(20, 180, (14, 18, 3)) * (0.4 + 0.6 * np.linspace(0, 1, 18)[None, :, None])
COLOR = np.stack([DARK, RNG.integers(0, 256, DARK.shape), np.full(DARK.shape, 90), RNG.integers(3, 5, DARK.shape)])
COLOR = COLOR.astype(np.uint8)
GREY = COLOR[..., :1]
SKIES = np.kron(RNG.integers(0, 256, (2, 4, 4, 3)), np.ones((1, 8, 8, 1))).astype(np.uint8)


def pil(image, operation):
    """Return what PIL makes of a uint8 image `(height, width, channels)`."""
    picture = Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)
    return np.asarray(operation(picture), np.float32).reshape(image.shape)


def changed(images, name, magnitude, sign=1.0):
    import tensorflow as tf

    return change(tf.constant(images, tf.float32), name, magnitude, tf.fill((len(images),), sign)).numpy()


@pytest.mark.parametrize("images", [COLOR, GREY, SKIES], ids=["color", "grey", "plain"])
@pytest.mark.parametrize(
    ("name", "magnitude", "operation"),
    [
        ("identity", 9, lambda picture: picture),
        ("autocontrast", 9, ImageOps.autocontrast),
        ("equalize", 9, ImageOps.equalize),
        ("solarize", 9, lambda picture: ImageOps.solarize(picture, 26)),
        ("solarize", 4, lambda picture: ImageOps.solarize(picture, 154)),
        ("solarize", 0, lambda picture: picture),
        ("solarize", 10, ImageOps.invert),
        ("posterize", 10, lambda picture: ImageOps.posterize(picture, 4)),
        ("posterize", 5, lambda picture: ImageOps.posterize(picture, 6)),
        ("posterize", 0, lambda picture: picture),
    ],
)
def test_values_are_those_of_pil(images, name, magnitude, operation):
    expected = np.stack([pil(image, operation) for image in images])
    apart = 1 if name == "autocontrast" else 0  # PIL cuts off fractions
    assert np.abs(changed(images, name, magnitude) - expected).max() <= apart


@pytest.mark.parametrize("images", [COLOR, GREY, SKIES], ids=["color", "grey", "plain"])
@pytest.mark.parametrize(("magnitude", "sign"), [(10, 1), (10, -1), (4, 1), (4, -1), (0, 1)])
@pytest.mark.parametrize("name", ["color", "contrast", "brightness", "sharpness"])
def test_enhancements_are_those_of_pil(images, name, magnitude, sign):
    enhancement = getattr(ImageEnhance, name.capitalize())
    factor = 1 + sign * 0.09 * magnitude
    expected = np.stack([pil(image, lambda picture: enhancement(picture).enhance(factor)) for image in images])
    found = changed(images, name, magnitude, float(sign))
    assert np.abs(found - expected).max() <= 2  # PIL rounds the image it blends with, and cuts off fractions
    assert magnitude == 0 or name == "color" or np.abs(found - images).max() > 2


@pytest.mark.parametrize(("magnitude", "sign"), [(10, 1.0), (10, -1.0), (3, 1.0)])
@pytest.mark.parametrize("name", OPERATIONS[GEOMETRIC:])
def test_moves_are_those_of_pil(name, magnitude, sign):
    """Away from the edge, where PIL uses no pixel from outside."""
    import tensorflow as tf

    height, width = SKIES.shape[1:3]
    much = sign * magnitude / 10
    matrices = {
        "shear_x": (1, 0.3 * much, 0, 0, 1, 0),
        "shear_y": (1, 0, 0, 0.3 * much, 1, 0),
        "translate_x": (1, 0, 150 / 331 * width * much, 0, 1, 0),
        "translate_y": (1, 0, 0, 0, 1, 150 / 331 * height * much),
    }

    def moved(plane, how=Image.Resampling.BILINEAR):
        picture = Image.fromarray(plane.astype(np.float32))
        if name == "rotate":
            return np.asarray(picture.rotate(30 * much, how))
        return np.asarray(picture.transform(picture.size, Image.Transform.AFFINE, matrices[name], how))

    inside = moved(np.ones((height, width))) == 1
    margin = np.zeros_like(inside)
    margin[1:-1, 1:-1] = True
    inside &= moved(margin) == 1
    choice = tf.fill((len(SKIES),), OPERATIONS.index(name))
    images = tf.constant(SKIES, tf.float32)
    found = move(
        images, choice, magnitude, tf.fill((len(SKIES),), sign), fill="constant", interpolation="BILINEAR"
    ).numpy()
    assert inside.mean() > 0.25
    for image, result in zip(SKIES, found, strict=True):
        for channel in range(3):
            difference = np.abs(result[..., channel] - moved(image[..., channel]))[inside]
            assert difference.max() < 0.5
    assert (np.abs(found - SKIES) > 10).mean() > 0.03


def augmented(images, seed, **settings):
    import tensorflow as tf

    function = build_augmentation([AugmentStep.model_validate({"rand_augment": settings})])
    return function(tf.constant(images, tf.float32), tf.constant(seed, tf.int64)).numpy()


def test_every_operation_is_drawn_equally_often_and_both_ways():
    """Each image becomes what one of the operations makes of it."""
    import tensorflow as tf

    count = 700
    images = np.repeat(SKIES[:1], count, axis=0).astype(np.float32)
    results = {}
    for number, name in enumerate(OPERATIONS):
        for sign in (-1.0, 1.0):
            one, way = tf.constant(images[:1]), tf.constant([sign])
            if number < GEOMETRIC:
                results[name, sign] = change(one, name, 7, way).numpy()[0]
            else:
                results[name, sign] = move(
                    one, tf.constant([number]), 7, way, fill="reflect", interpolation="BILINEAR"
                ).numpy()[0]
    found = augmented(images, (0, 3), operations=1, magnitude=7.0, fill="reflect")
    tally = dict.fromkeys(results, 0)
    for image in found:
        apart = {key: np.abs(image - result).max() for key, result in results.items()}
        nearest = min(apart, key=apart.get)
        assert apart[nearest] < 1e-3
        tally[nearest] += 1
    two_ways = [name for name in OPERATIONS if (results[name, -1.0] != results[name, 1.0]).any()]
    assert len(two_ways) == 9
    expected = count / len(OPERATIONS)
    for name in OPERATIONS:
        assert abs(tally[name, -1.0] + tally[name, 1.0] - expected) < 5 * np.sqrt(expected)
    assert all(tally[name, way] > 5 for name in two_ways for way in (-1.0, 1.0))


def test_operations_follow_each_other():
    images = np.repeat(SKIES[:1], 300, axis=0).astype(np.float32)
    one, two = ((augmented(images, (0, 1), operations=n) == images).all(axis=(1, 2, 3)).mean() for n in (1, 2))
    assert one == pytest.approx(1 / 14, abs=0.05) and two < 0.02


@pytest.mark.parametrize("fill", ["constant", "nearest", "reflect"])
def test_masks_follow_their_images(fill, monkeypatch):
    """Blocks of even colour, their class shown as brightness; with the operations that move pixels alone."""
    import tensorflow as tf

    draw = module._drawn

    def geometric(images, draws):
        choice, sign = draw(images, draws)
        return GEOMETRIC + choice % (len(OPERATIONS) - GEOMETRIC), sign

    classes = np.kron(RNG.integers(1, 5, (8, 3, 3)), np.ones((12, 12))).astype(np.int32)
    step = AugmentStep.model_validate({"rand_augment": {"fill": fill}})
    seed = tf.constant((0, 5), tf.int64)
    unmoved = build_mask_augmentation([step])(tf.constant(np.repeat(classes[:1], 99, axis=0)), seed).numpy()
    fraction = (unmoved == classes[0]).all(axis=(1, 2)).mean()
    assert 0.2 < fraction < 0.65  # neither operation moved it: (9 / 14) ** 2
    monkeypatch.setattr(module, "_drawn", geometric)
    masks = build_mask_augmentation([step])(tf.constant(classes), seed).numpy()
    images = augmented(50.0 * classes[..., None], (0, 5), fill=fill)[..., 0]
    inner = np.abs(images / 50 - np.round(images / 50)) < 1e-3  # not blended
    assert inner.mean() > 0.5 and (masks != classes).any()
    assert (np.round(images / 50)[inner] == masks[inner]).mean() > 0.98
