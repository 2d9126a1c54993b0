"""Images of different sizes where a recipe has no resize."""

import numpy as np
import pytest

from zoo.data.dataset import Signature, whole
from zoo.data.default_size import default_resize
from zoo.data.inputs import ImageInputs
from zoo.recipe.steps import PreprocessStep


def split_of(sizes):
    images = [np.zeros((*size, 3), np.uint8) for size in sizes]
    return whole(ImageInputs(len(images), images.__getitem__, "d"), np.zeros(len(images), np.int32))


@pytest.mark.parametrize(
    ("sizes", "wanted"),
    [
        ([(375, 500)] * 3 + [(500, 375)] + [(90, 90)], (96, 128)),
        ([(64, 64), (70, 66), (60, 61)], (64, 64)),
        ([(9, 7), (9, 7), (8, 12)], (9, 7)),
        ([(10, 1000), (10, 1010)], (1, 128)),
        ([(20, 40), (23, 41), (24, 39)], (16, 48)),
    ],
)
def test_the_size_is_the_median_of_the_training_images(sizes, wanted):
    step, note = default_resize([], split_of(sizes), Signature("image", "class", (None, None, 3)))
    assert (step.resize.height, step.resize.width, step.resize.mode) == (*wanted, "stretch")
    assert f"they are stretched to {wanted[0]}×{wanted[1]}" in note and f"of {len(sizes)} training images" in note


def test_a_recipe_that_says_the_size_or_images_of_one_size_need_none():
    signature = Signature("image", "class", (None, None, 3))
    split = split_of([(8, 9), (9, 8)])
    for step in ({"resize": {"height": 8, "width": 8}}, {"center_crop": {"height": 8, "width": 8}}):
        assert default_resize([PreprocessStep.model_validate(step)], split, signature) == (None, "")
    assert default_resize([], split, Signature("image", "class", (8, 8, 3))) == (None, "")


def test_lines_of_text_keep_their_shape_and_all_their_columns():
    signature = Signature("image", "text", (None, None, 1))
    step, note = default_resize([], split_of([(40, 200), (64, 300), (50, 600)]), signature, lines=True)
    assert (step.resize.height, step.resize.width, step.resize.mode) == (32, 384, "pad")  # 600 * 32 / 50 = 384
    assert "they are padded to 32×384" in note
    step, _ = default_resize([], split_of([(10, 50), (12, 60)]), signature, lines=True)
    assert (step.resize.height, step.resize.width) == (11, 64)
    step, _ = default_resize([], split_of([(10, 5000), (12, 60)]), signature, lines=True)
    assert step.resize.width == 1024
