"""Losses of segmentation against their formulas in NumPy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter
from scipy.special import softmax
from sklearn.metrics import f1_score

from zoo.losses import build_loss
from zoo.recipe.losses import Loss

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 3, (2, 5, 4)).astype("uint8")
LOGITS = (2 * RNG.normal(size=(2, 5, 4, 3))).astype("float32")


def loss(name, y, output, **options):
    return float(
        build_loss(TypeAdapter(Loss).validate_python({"name": name, **options}), kind="segmentation")(y, output)
    )


@pytest.mark.parametrize("background", [True, False])
def test_dice(background):
    p, g = softmax(LOGITS.astype("float64"), axis=-1).reshape(-1, 3), np.eye(3)[PIXELS.ravel()]
    dice = (2 * (p * g).sum(0) + 1) / ((p**2).sum(0) + (g**2).sum(0) + 1)
    expected = 1 - (dice.mean() if background else dice[1:].mean())
    assert loss("dice", PIXELS, LOGITS, background=background) == pytest.approx(expected, rel=1e-5)


def test_dice_of_sure_answers_is_the_f1_score():
    """For hard predictions Dice is F1 (the one pixel added to both sides vanishes among many)."""
    y, found = RNG.integers(0, 3, (2, 1, 200, 200))
    scores = f1_score(y.ravel(), found.ravel(), average="macro")
    assert loss("dice", y.astype("uint8"), 100 * np.eye(3)[found]) == pytest.approx(1 - scores, abs=1e-4)


def test_dice_is_zero_where_all_is_right_even_without_some_classes():
    y = np.full((1, 4, 4), 2, "uint8")
    assert loss("dice", y, 100 * np.eye(5)[y]) == pytest.approx(0, abs=1e-6)
    assert loss("dice", y, 100 * np.eye(5)[np.zeros_like(y)]) > 0.3


def test_crossentropy_and_dice_are_added():
    settings = {"label_smoothing": 0.1, "class_weights": [1.0, 2.0, 0.5]}
    expected = loss("pixel_crossentropy", PIXELS, LOGITS, **settings) + 0.7 * loss(
        "dice", PIXELS, LOGITS, background=False
    )
    found = loss("crossentropy_dice", PIXELS, LOGITS, dice_weight=0.7, background=False, **settings)
    assert found == pytest.approx(expected, rel=1e-6)


@given(st.integers(0, 2**32 - 1), st.floats(0, 1e4))
@settings(max_examples=30, deadline=None)
def test_dice_lies_between_0_and_1(seed, scale):
    rng = np.random.default_rng(seed)
    found = loss("dice", rng.integers(0, 3, (1, 3, 3)), (scale * rng.normal(size=(1, 3, 3, 3))).astype("float32"))
    assert -1e-6 <= found < 1


SETTINGS = {
    "pixel_crossentropy": {"label_smoothing": 0.1, "class_weights": [1.0, 2.0, 0.5]},
    "focal": {"gamma": 1.5, "class_weights": [1.0, 2.0, 0.5]},
    "dice": {"background": False},
    "crossentropy_dice": {"label_smoothing": 0.1},
}


@pytest.mark.parametrize("name", SETTINGS)
def test_ignored_pixels_count_in_no_loss(name):
    """The loss of some pixels is that of an image of these pixels alone, whatever the outputs at the others."""
    section = TypeAdapter(Loss).validate_python({"name": name, **SETTINGS[name]})
    ignoring = build_loss(section, kind="segmentation", ignores_pixels=True)
    counted = RNG.random(PIXELS.shape) < 0.6
    y = np.where(counted, PIXELS, 255).astype("uint8")
    alone = float(build_loss(section, kind="segmentation")(PIXELS[counted][None, None], LOGITS[counted][None, None]))
    for logits in (LOGITS, np.where(counted[..., None], LOGITS, 50.0)):
        assert float(ignoring(y, logits)) == pytest.approx(alone, rel=1e-5)
    assert float(ignoring(PIXELS, LOGITS)) == pytest.approx(loss(name, PIXELS, LOGITS, **SETTINGS[name]), rel=1e-6)
    assert np.isfinite(float(ignoring(np.full_like(y, 255), LOGITS)))
    rebuilt = type(ignoring).from_config(ignoring.get_config())
    assert float(rebuilt(y, LOGITS)) == pytest.approx(alone, rel=1e-5)
