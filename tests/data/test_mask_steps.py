"""Masks that follow the steps of their images."""

import numpy as np
import pytest

from zoo.data.mask_steps import follow_steps
from zoo.errors import ZooError
from zoo.recipe.steps import PreprocessStep


def step(**settings):
    return PreprocessStep.model_validate(settings)


def test_masks_are_resized_as_the_images_are():
    """A mask of two classes is the image that its layer resizes, above and below one half."""
    from zoo.layers.preprocessing import AntialiasResize

    y, x = np.mgrid[:30, :44]
    mask = ((y - 14) ** 2 + (x - 25) ** 2 < 90).astype(np.uint8)
    for height, width in ((20, 30), (61, 50)):
        found = follow_steps(mask[None], [step(resize={"height": height, "width": width})], "here")[0]
        resized = np.asarray(AntialiasResize(height, width)(mask[None, ..., None].astype(np.float32)))[0, ..., 0]
        sure = abs(resized - 0.5) > 0.35  # at edges the nearest pixel and the mean of several differ
        assert found.shape == (height, width) and sure.mean() > 0.8
        assert (found == (resized > 0.5))[sure].all()


def test_masks_of_different_sizes_get_one():
    masks = np.empty(2, object)
    masks[:] = [np.ones((8, 6), np.uint8), np.full((4, 4), 7, np.uint8)]
    steps = [
        step(resize={"height": 6, "width": 6}),
        step(resize={"height": 2, "width": 4}),
        step(rescale={"scale": 2}),
    ]
    found = follow_steps(masks, steps, "here")
    assert found.dtype == np.uint8 and found.tolist() == [[[1] * 4] * 2, [[7] * 4] * 2]
    with pytest.raises(ZooError, match=r"here: the images have 2 different sizes .4×4, 8×6.; put a resize first"):
        follow_steps(masks, [], "here")


def test_a_resized_pixel_takes_the_class_that_its_centre_falls_on():
    mask = np.arange(16, dtype=np.uint8).reshape(1, 4, 4)
    assert follow_steps(mask, [step(resize={"height": 2, "width": 4})], "here").tolist() == [
        [[4, 5, 6, 7], [12, 13, 14, 15]]
    ]


def test_masks_without_a_pixel_that_counts_are_refused():
    masks = np.full((3, 4, 4), 255, np.uint8)
    masks[0] = 1
    masks[2, 0, 0] = 1
    assert (follow_steps(masks[[0, 2]], [], "here") == masks[[0, 2]]).all()
    smaller = step(resize={"height": 2, "width": 2})
    with pytest.raises(ZooError, match="here: every pixel is ignored in 2 masks of a split: 2, 3"):
        follow_steps(masks, [smaller], "here")
