"""DINO: loss, teacher, centre and local crops against NumPy."""

import keras
import numpy as np
import pytest
from keras import ops
from scipy.special import log_softmax, softmax

from zoo.layers.encoder import encoder_of, representation
from zoo.layers.self_distillation import EVALUATION_SEED, MAX_RATIO, LocalCrops
from zoo.losses.self_distillation import Dino
from zoo.registry import build

RNG = np.random.default_rng(0)
SMALL = {"encoder": "cnn", "encoder_config": {"widths": [4, 8], "depth": 1}, "projection": [6, 5], "prototypes": 7}


def dino(**settings):
    return build("dino", input_shape=(16, 16, 1), **{**SMALL, **settings})


def images(seed=0, n=4):
    return np.random.default_rng(seed).uniform(size=(n, 16, 16, 1)).astype("float32")


def values(model):
    return [np.array(v) for v in model.variables]


@pytest.mark.parametrize("crops", [0, 2])
def test_the_loss_is_the_mean_over_all_pairs_but_those_of_one_view(crops):
    outputs = RNG.normal(size=(3, 2, crops + 2, 5)).astype("float32")
    outputs[:, :, -1] = softmax(outputs[:, :, -1], axis=-1)
    terms = [
        -(outputs[i, teacher, -1] * log_softmax(outputs[i, view, image] / 0.2)).sum()
        for i in range(3)
        for teacher in range(2)
        for view in range(2)
        for image in range(crops + 1)
        if (view, image) != (teacher, 0)
    ]
    assert len(terms) == 3 * (2 * 2 * (crops + 1) - 2)
    assert float(Dino(temperature=0.2)(np.zeros(3), outputs)) == pytest.approx(np.mean(terms), rel=1e-5)


def test_the_loss_needs_two_views():
    with pytest.raises(ValueError, match="needs the outputs of the model dino"):
        Dino()(np.zeros(3), np.zeros((3, 4, 5), "float32"))


def test_teacher_and_centre_follow_as_in_the_paper():
    model = dino(momentum=0.8, center_momentum=0.6, teacher_temperature=0.05)
    layer = model.get_layer("self_distillation")
    momentum, center = 0.0, np.zeros(7)  # in the first step the teacher is the student
    weights = [0 * w for w in values(layer.teacher)]
    for step in range(3):
        for variable in layer.student.trainable_variables:
            variable.assign_add(np.random.default_rng(step).normal(0, 0.1, variable.shape))
        follows = [v.trainable for v in layer.student.variables]
        pairs = zip(weights, values(layer.student), strict=True)
        weights = [momentum * w + (1 - momentum) * own for w, own in pairs]
        outputs = np.asarray(model(images(step), training=True))
        for found, expected, is_moved in zip(values(layer.teacher), weights, follows, strict=True):
            if is_moved:
                np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
        logits = np.asarray(layer.teacher(images(step), training=True))  # norms take the statistics of the batch
        np.testing.assert_allclose(outputs[:, -1], softmax((logits - center) / 0.05, axis=-1), rtol=1e-3, atol=1e-5)
        center = 0.6 * center + 0.4 * logits.mean(axis=0)
        np.testing.assert_allclose(np.asarray(layer.center), center, rtol=1e-4, atol=1e-6)
        momentum = 0.8
    before = values(model)
    model(images())
    for now, then in zip(values(model), before, strict=True):
        np.testing.assert_array_equal(now, then)


def test_the_student_alone_is_trained_and_the_teacher_is_what_is_kept():
    model = dino()
    layer = model.get_layer("self_distillation")
    assert {id(v) for v in model.trainable_variables} == {id(v) for v in layer.student.trainable_variables}
    held = {id(v) for v in model.variables}  # what a checkpoint holds
    state = [layer.center, layer.steps, layer.local_crops.seed_generator.state, *layer.teacher.variables]
    assert held >= {id(v) for v in state}
    x = images()
    expected = layer.teacher.get_layer("encoder")(x)
    np.testing.assert_array_equal(representation(model)(x), expected)
    np.testing.assert_array_equal(encoder_of(model)(x), expected)
    norms = [each for each in layer.teacher.get_layer("encoder").layers if hasattr(each, "moving_mean")]
    start = np.array(norms[0].moving_mean)
    model(x, training=True)
    assert np.abs(np.array(norms[0].moving_mean) - start).max() > 0


def test_the_student_sees_the_view_and_its_crops():
    model = dino(crops=3)
    layer, x = model.get_layer("self_distillation"), images()
    outputs = np.asarray(model(x))
    assert outputs.shape == (4, 5, 7)
    np.testing.assert_allclose(outputs[:, 0], layer.student(x), rtol=1e-4, atol=1e-6)
    crops = np.asarray(layer.local_crops(x))
    for i in range(3):
        np.testing.assert_allclose(outputs[:, 1 + i], layer.student(crops[:, i]), rtol=1e-4, atol=1e-6)


def test_local_crops_are_parts_of_the_image_enlarged():
    layer = LocalCrops(2, area=(0.1, 0.5))
    column, row = np.meshgrid(np.arange(12.0), np.arange(10.0))
    x = np.stack([row, column], axis=-1)[None].astype("float32")
    drawn = np.random.default_rng(EVALUATION_SEED).random((64, 2, 4))[0]
    found = np.asarray(layer(x))[0]
    for crop, (size, shape, top, left) in zip(found, drawn, strict=True):
        area, ratio = 0.1 + 0.4 * size, MAX_RATIO ** (2 * shape - 1)
        height, width = np.sqrt(area / ratio) * 10, np.sqrt(area * ratio) * 12
        rows = top * (10 - height) + (np.arange(10) + 0.5) * height / 10 - 0.5
        columns = left * (12 - width) + (np.arange(12) + 0.5) * width / 12 - 0.5
        np.testing.assert_allclose(crop[..., 0], np.tile(rows.clip(0, 9)[:, None], 12), atol=1e-4)
        np.testing.assert_allclose(crop[..., 1], np.tile(columns.clip(0, 11), (10, 1)), atol=1e-4)
    first, second = (np.asarray(layer(x, training=True)) for _ in range(2))
    assert np.abs(first - second).max() > 0.1


def test_a_saved_network_is_the_same(tmp_path):
    model = dino()
    model(images(), training=True)
    model.save(tmp_path / "dino.keras")
    again = keras.saving.load_model(tmp_path / "dino.keras")
    np.testing.assert_allclose(again(images()), model(images()), rtol=1e-5)
    assert len(again.trainable_variables) == len(model.trainable_variables)


def test_no_gradient_goes_through_the_teacher():
    import tensorflow as tf

    model = dino()
    layer = model.get_layer("self_distillation")
    with tf.GradientTape() as tape:
        outputs = model(ops.convert_to_tensor(images()), training=True)
        loss = Dino()(np.zeros(2), ops.reshape(outputs, (2, 2, *outputs.shape[1:])))
    every = [v.value for v in [*layer.student.trainable_variables, *layer.teacher.variables]]
    gradients = tape.gradient(loss, every)
    count = len(layer.student.trainable_variables)
    assert all(g is not None for g in gradients[:count]) and all(g is None for g in gradients[count:])
