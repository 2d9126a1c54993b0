"""Boxes and masks follow images into the frame that pads them, and come back out of it."""

import numpy as np
import pytest

from zoo.data.dataset import whole
from zoo.data.inputs import ArrayInputs, ImageInputs
from zoo.data.letterbox import boxes_in_frame
from zoo.data.mask_steps import follow_mask
from zoo.layers.letterbox import BoxesToImage, ZeroPadding
from zoo.layers.preprocessing import AntialiasResize
from zoo.recipe.steps import PreprocessStep, Resize

SIZES = [(40, 20), (20, 40), (30, 30), (12, 64)]
FRAME = Resize(height=32, width=48, mode="pad")


def picture(size):
    """Return a black picture with a white rectangle, and its box."""
    height, width = size
    pixels = np.zeros((height, width, 1), np.uint8)
    top, left, bottom, right = height // 4, width // 2, height // 2, width - 2
    pixels[top:bottom, left:right] = 255
    return pixels, np.array([top / height, left / width, bottom / height, right / width, 0], np.float32)


@pytest.mark.parametrize("known", [True, False])
def test_boxes_lie_where_the_padded_image_has_them(known):
    pictures = [picture(size) for size in SIZES]
    images = [pixels for pixels, _ in pictures]
    inputs = ImageInputs(len(images), images.__getitem__, "d", np.array(SIZES) if known else None)
    targets = np.stack([[box, np.full(5, -1, np.float32)] for _, box in pictures])
    moved = boxes_in_frame(targets, whole(inputs, targets), FRAME)
    np.testing.assert_array_equal(moved[:, 1], -1)
    for image, box in zip(images, moved[:, 0], strict=True):
        seen = np.asarray(AntialiasResize(32, 48, mode="pad")(image[None]))[0, ..., 0]
        rows, columns = seen.max(axis=1), seen.max(axis=0)  # edges that fall between pixels are grey
        edges = [rows, columns, rows, columns]
        inside = [edge[int(place * len(edge)) :].max() for edge, place in zip(edges[:2], box[:2], strict=True)]
        assert min(inside) > 100
        assert abs(rows.sum() / 255 - (box[2] - box[0]) * 32) < 0.6
        assert abs(columns.sum() / 255 - (box[3] - box[1]) * 48) < 0.6
        center = (rows @ (np.arange(32) + 0.5) / rows.sum() / 32, columns @ (np.arange(48) + 0.5) / columns.sum() / 48)
        np.testing.assert_allclose(center, [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2], atol=0.01)
        assert box[4] == 0


def test_the_layer_takes_boxes_back_to_the_image():
    generator = np.random.default_rng(0)
    for size in SIZES:
        corners = np.sort(generator.random((7, 2, 2)), axis=1).reshape(7, 4)[:, [0, 1, 2, 3]]
        boxes = np.concatenate([corners, np.zeros((7, 1))], axis=1).astype(np.float32)[None]
        image = np.zeros((1, *size, 3), np.uint8)
        moved = boxes_in_frame(boxes, whole(ArrayInputs(image), boxes), FRAME)
        scores = generator.random((1, 7, 3)).astype(np.float32)
        detections = np.concatenate([moved[..., :4], scores], axis=-1).astype(np.float32)
        found = np.asarray(BoxesToImage(32, 48)([detections, image]))
        np.testing.assert_allclose(found[..., :4], boxes[..., :4], atol=1e-5)
        np.testing.assert_array_equal(found[..., 4:], scores)


def test_padding_has_no_class():
    for size in SIZES:
        mask = follow_mask(np.ones(size, np.uint8), [PreprocessStep(resize=FRAME)], 255)
        seen = np.asarray(AntialiasResize(32, 48, mode="pad", fill=-1.0)(np.ones((1, *size, 1), np.float32)))[0, ..., 0]
        np.testing.assert_array_equal(mask == 255, seen == -1)
        image = np.zeros((1, *size, 3), np.uint8)
        found = np.asarray(ZeroPadding(32, 48)([np.full((1, 32, 48, 2), 0.5, np.float32), image]))[0]
        np.testing.assert_array_equal(found.max(axis=-1) == 0, mask == 255)
