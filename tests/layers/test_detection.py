"""Maps to boxes, and the best of them, against loops; and both ways through the loss's own idea of a centre."""

import keras
import numpy as np
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops
from scipy.special import expit

from zoo.export.convert import to_onnx
from zoo.layers.detection import DecodeBoxes, MapBias
from zoo.losses.detection import locate
from zoo.postprocessing.boxes import top_detections

RNG = np.random.default_rng(0)
MAPS = (2 * RNG.normal(size=(2, 5, 4, 7))).astype("float32")


def decode(maps):
    return ops.convert_to_numpy(DecodeBoxes()(maps))


def by_loops(maps):
    _, rows, columns, channels = maps.shape
    classes, found = channels - 4, []
    for image in maps.astype("float64"):
        for r in range(rows):
            for c in range(columns):
                dy, dx, height, width = image[r, c, classes:]
                height, width = max(height, 0), max(width, 0)
                box = [r + dy - height / 2, c + dx - width / 2, r + dy + height / 2, c + dx + width / 2]
                around = image[max(r - 1, 0) : r + 2, max(c - 1, 0) : c + 2, :classes].max((0, 1))
                scores = np.where(image[r, c, :classes] >= around - DecodeBoxes.TIE, expit(image[r, c, :classes]), 0)
                found.append([*np.clip(np.array(box) / [rows, columns, rows, columns], 0, 1), *scores])
    return np.reshape(found, (len(maps), rows * columns, channels))


def test_decoding_equals_loops():
    np.testing.assert_allclose(decode(MAPS), by_loops(MAPS), rtol=1e-5, atol=1e-6)


@given(st.integers(1, 7), st.integers(1, 7), st.integers(1, 3), st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_decoding_of_any_size(rows, columns, classes, seed):
    maps = np.random.default_rng(seed).normal(0, 3, (1, rows, columns, classes + 4)).astype("float32")
    layer = DecodeBoxes()
    found = ops.convert_to_numpy(layer(maps))
    np.testing.assert_allclose(found, by_loops(maps), rtol=1e-5, atol=1e-6)
    assert layer.compute_output_shape(maps.shape) == found.shape
    boxes = found[..., :4]
    assert ((boxes >= 0) & (boxes <= 1)).all()
    assert (boxes[..., 2:] >= boxes[..., :2]).all()


def test_boxes_that_the_loss_saw_come_back():
    boxes = np.array([[[0.1, 0.2, 0.6, 0.9, 1], [0.5, 0.05, 0.75, 0.3, 0], [0, 0, 0, 0, -1]]], "float32")
    objects = [ops.convert_to_numpy(part) for part in locate(boxes, 8, 6, 0.7)]
    maps = np.full((1, 8, 6, 6), -9, "float32")
    for real, kind, row, column, place in zip(*(part[0] for part in objects[:5]), strict=True):
        if real:
            maps[0, int(row), int(column), int(kind)] = 3 + kind
            maps[0, int(row), int(column), 2:] = place
    found = top_detections(decode(maps), most=3, threshold=0.5)
    np.testing.assert_allclose(found[0, :2, :5], boxes[0, :2], atol=1e-6)
    np.testing.assert_allclose(found[0, :, 5], [expit(4), expit(3), 0], atol=1e-6)


def test_even_ground_stays_even_whatever_the_rounding():
    maps = np.full((1, 4, 4, 5), -3, "float32")
    shaken = maps + RNG.uniform(-1e-5, 1e-5, maps.shape).astype("float32")
    np.testing.assert_allclose(decode(shaken), decode(maps), atol=1e-4)
    assert (decode(maps)[..., 4] > 0).all()


def test_best_boxes_by_falling_score():
    decoded = np.zeros((2, 3, 6), "float32")
    decoded[0, :, :4] = np.arange(12).reshape(3, 4)
    decoded[0, :, 4:] = [[0.2, 0.9], [0, 0.009], [0.5, 0]]
    found = top_detections(decoded, most=4)
    assert found.shape == (2, 4, 6)
    assert found.dtype == np.float32
    expected = [[0, 1, 2, 3, 1, 0.9], [8, 9, 10, 11, 0, 0.5], [0, 1, 2, 3, 0, 0.2], [0] * 6]
    np.testing.assert_allclose(found[0], expected)
    np.testing.assert_array_equal(found[1], 0)
    np.testing.assert_array_equal(top_detections(decoded, most=2)[0], found[0, :2])
    np.testing.assert_array_equal(top_detections(decoded, most=9)[0, :4], found[0])
    assert (top_detections(decoded, threshold=0.0)[0, :, 5] > 0).sum() == 4
    assert (top_detections(decoded, threshold=0.3)[0, :, 5] > 0).sum() == 2


@given(st.integers(0, 3), st.integers(1, 6), st.integers(1, 4), st.integers(1, 30), st.integers(0, 2**32 - 1))
@settings(max_examples=50, deadline=None)
def test_best_boxes_are_the_first_of_all_sorted(images, cells, classes, most, seed):
    decoded = np.random.default_rng(seed).random((images, cells, 4 + classes)).astype("float32")
    found = top_detections(decoded, most=most, threshold=0.3)
    assert found.shape == (images, most, 6)
    for image, rows in zip(decoded, found, strict=True):
        every = [(*cell[:4], k, cell[4 + k]) for cell in image for k in range(classes) if cell[4 + k] >= 0.3]
        every = sorted(every, key=lambda row: -row[5])[:most]
        np.testing.assert_allclose(rows[: len(every)], np.reshape(every, (-1, 6)), rtol=1e-6)
        assert (rows[len(every) :] == 0).all()


def test_maps_start_at_the_prior():
    bias = ops.convert_to_numpy(MapBias()((7,)))
    np.testing.assert_allclose(expit(bias[:3]), 0.1, rtol=1e-6)
    np.testing.assert_array_equal(bias[3:], [0.5, 0.5, 0, 0])


def test_decoding_is_saved_and_exported(tmp_path):
    inputs = keras.Input((6, 4, 7))
    model = keras.Model(inputs, DecodeBoxes(name="boxes")(inputs), name="decoder")
    assert model.output_shape == (None, 24, 7)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras", safe_mode=True)
    proto = to_onnx(loaded, ["maps"], ["detections"])
    session = onnxruntime.InferenceSession(proto.SerializeToString())
    for count in (1, 3):
        x = RNG.normal(0, 3, (count, 6, 4, 7)).astype("float32")
        (found,) = session.run(None, {"maps": x})
        np.testing.assert_allclose(found, by_loops(x), atol=1e-5)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_float32_under_mixed_precision(policy):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        layer = DecodeBoxes(dtype="float32")
    finally:
        keras.config.set_dtype_policy(before)
    assert keras.backend.standardize_dtype(layer(MAPS).dtype) == "float32"
