"""Networks whose output is as large as the image, or a quarter: U-Net and CenterNet."""

from itertools import pairwise

import keras
import numpy as np
import onnxruntime
import pytest
from in_ci import in_ci
from keras import ops
from pydantic import TypeAdapter

from zoo import registry
from zoo.errors import ZooError
from zoo.export.convert import to_onnx
from zoo.layers.detection import DecodeBoxes
from zoo.layers.head import features, with_head
from zoo.losses import build_loss
from zoo.postprocessing.boxes import top_detections
from zoo.recipe.losses import Loss

SMALL_UNET = {"widths": (4, 8, 12)}
SMALL_CENTER_NET = {"widths": (8, 12), "depth": 1, "head_width": 8}


def trainable(model):
    return sum(int(np.prod(v.shape)) for v in model.trainable_variables)


def randomized(name, **config):
    """Build with every weight random, norms too: at the start, residual branches are switched off."""
    model = registry.build(name, **config)
    rng = np.random.default_rng(0)
    for weight in model.weights:
        if weight.path.endswith(("gamma", "moving_variance")):
            weight.assign(rng.uniform(0.5, 1.5, weight.shape))
        elif weight.path.endswith(("beta", "moving_mean", "bias")):
            weight.assign(rng.normal(0, 0.2, weight.shape))
    return model


def compiled(model, rate, loss, kind):
    loss = build_loss(TypeAdapter(Loss).validate_python({"name": loss}), kind=kind)
    model.compile(keras.optimizers.Adam(rate), loss, jit_compile=False)
    return model


# --- parameters ---------------------------------------------------------------------------------------------------


def convolutions(*channels):  # 3x3, with biases
    return sum(9 * before * after + after for before, after in pairwise(channels))


def test_unet_count_is_the_sum_of_its_layers():
    """Figure 1 of the paper, padded, with one channel and one class: the 31.0M that implementations report."""
    widths = (64, 128, 256, 512, 1024)
    down = sum(convolutions(*step) for step in zip((1, *widths), widths, widths, strict=False))
    up = sum(4 * 2 * w * w + w + convolutions(2 * w, w, w) for w in widths[:-1])
    model = registry.build("unet", outputs=1, norm="none")
    assert trainable(model) == down + up + 64 + 1 == 31_030_593


def test_unet_with_batch_normalization_has_scale_and_shift_for_bias():
    norms = sum(2 * w for w in (64, 128, 256, 512, 1024)) + sum(2 * w for w in (64, 128, 256, 512))
    assert trainable(registry.build("unet", outputs=1)) == 31_030_593 + norms


def test_bilinear_unet_has_pointwise_convolutions_in_place_of_transposed_ones():
    fewer = sum(3 * 2 * w * w for w in (64, 128, 256, 512))
    assert trainable(registry.build("unet", outputs=1, norm="none", upsample="bilinear")) == 31_030_593 - fewer


def test_center_net_is_resnet18_and_a_way_up():
    backbone = trainable(registry.build("resnet18")) - (512 * 1000 + 1000)
    up = sum(4 * 2 * w * w + w + 9 * w * w + 2 * w for w in (64, 128, 256))
    maps = 9 * 64 * 64 + 2 * 64 + 64 * 84 + 84
    assert trainable(registry.build("center_net")) == backbone + up + maps


# --- shapes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("upsample", ["transpose", "bilinear"])
@pytest.mark.parametrize("shape", [(8, 8, 1), (16, 24, 3)])
def test_each_pixel_gets_an_answer(shape, upsample):
    model = registry.build("unet", input_shape=shape, outputs=5, upsample=upsample, **SMALL_UNET)
    assert model.output_shape == (None, *shape[:2], 5)
    maps = registry.build("center_net", input_shape=shape, outputs=5, upsample=upsample, **SMALL_CENTER_NET)
    assert maps.output_shape == (None, shape[0] // 4, shape[1] // 4, 9)


@pytest.mark.parametrize(("name", "stages"), [("unet", 4), ("center_net", 3)])
@pytest.mark.parametrize("corner", [0, -1])
def test_the_whole_image_is_in_sight(name, stages, corner):
    """A pixel in one corner reaches the output in the opposite one."""
    model = randomized(name, input_shape=(32, 32, 1), outputs=2, widths=(8,) * stages, norm="none")
    x = np.random.default_rng(0).normal(size=(1, 32, 32, 1)).astype("float32")
    moved = x.copy()
    moved[0, corner, corner] += 100
    far = -1 - corner
    a, b = (ops.convert_to_numpy(model(image, training=False))[0, far, far] for image in (x, moved))
    assert (a != b).any()


def test_one_stage_is_enough():
    assert registry.build("unet", input_shape=(7, 5, 1), widths=(4,)).output_shape == (None, 7, 5, 2)
    assert registry.build("center_net", input_shape=(8, 4, 1), widths=(4,)).output_shape == (None, 2, 1, 84)


@pytest.mark.parametrize(
    ("name", "config", "message"),
    [
        ("unet", {"input_shape": (572, 572, 1)}, r"multiples of 16. Received: input_shape=\(572, 572, 1\)"),
        ("unet", {"input_shape": (16, 18, 1), "widths": (4, 4, 4)}, "multiples of 4"),
        ("unet", {"input_shape": (784,)}, "needs images"),
        ("unet", {"widths": ()}, "at least one stage"),
        ("unet", {"upsample": "nearest"}, "upsample"),
        ("center_net", {"input_shape": (48, 64, 3)}, "multiples of 32"),
        ("center_net", {"input_shape": (10, 8, 3), "widths": (4,)}, "multiples of 4"),
        ("center_net", {"widths": ()}, "at least one stage"),
        ("center_net", {"depth": 0}, "depth"),
        ("center_net", {"head_width": 0}, "head_width"),
    ],
)
def test_impossible_settings_are_refused(name, config, message):
    with pytest.raises(ZooError, match=message):
        registry.build(name, **config)


# --- heads --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "outputs"), [("unet", 5), ("center_net", 9)])
def test_a_new_head_on_each_pixel(name, outputs):
    model = randomized(name, input_shape=(16, 16, 1), outputs=3, widths=(4, 8))
    new = with_head(model, outputs, dropout=0.1)
    assert new.output_shape == (*model.output_shape[:3], outputs)
    x = np.random.default_rng(0).normal(size=(2, 16, 16, 1)).astype("float32")
    kernel, bias = (ops.convert_to_numpy(w) for w in new.get_layer("logits").weights)
    expected = ops.convert_to_numpy(features(model)(x, training=False)) @ kernel + bias
    np.testing.assert_allclose(ops.convert_to_numpy(new(x, training=False)), expected, rtol=1e-4, atol=1e-4)


def test_maps_start_with_few_objects_and_so_does_a_new_head():
    model = registry.build("center_net", input_shape=(32, 32, 1), outputs=3, **SMALL_CENTER_NET)
    for head, classes in ((model, 3), (with_head(model, 9), 5), (with_head(with_head(model, 9), 6), 2)):
        bias = ops.convert_to_numpy(head.get_layer("logits").bias)
        np.testing.assert_allclose(bias, [-2.1972246] * classes + [0.5, 0.5, 0, 0], rtol=1e-6)


def test_dropout_is_at_the_bottom_of_the_unet_and_before_the_maps():
    names = [layer.name for layer in registry.build("unet", dropout=0.5, **SMALL_UNET).layers]
    assert names.index("down3_2_relu") + 1 == names.index("dropout") == names.index("up2_conv") - 1
    names = [layer.name for layer in registry.build("center_net", dropout=0.5, **SMALL_CENTER_NET).layers]
    assert names[-3:] == ["features", "head_dropout", "logits"]


# --- export -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("upsample", in_ci(["transpose", "bilinear"], but=["bilinear"]))
@pytest.mark.parametrize(("name", "config"), [("unet", SMALL_UNET), ("center_net", SMALL_CENTER_NET)])
def test_export_equals_keras(name, config, upsample):
    model = randomized(name, input_shape=(16, 24, 1), outputs=3, upsample=upsample, **config)
    if name == "center_net":
        model = keras.Model(model.input, DecodeBoxes()(model.output), name=name)
    session = onnxruntime.InferenceSession(to_onnx(model, ["image"], ["maps"]).SerializeToString())
    for count in (1, 3):
        x = np.random.default_rng(count).normal(size=(count, 16, 24, 1)).astype("float32")
        (found,) = session.run(None, {"image": x})
        np.testing.assert_allclose(found, ops.convert_to_numpy(model(x, training=False)), atol=1e-4)


# --- learning -----------------------------------------------------------------------------------------------------


def squares(count=8):
    """Return images with a bright or a dark rectangle, their masks and their boxes."""
    rng = np.random.default_rng(0)
    x, mask = np.zeros((count, 32, 32, 1), "float32"), np.zeros((count, 32, 32), "uint8")
    boxes = np.full((count, 2, 5), -1, "float32")
    for i in range(count):
        top, left, height, width = *rng.integers(0, 16, 2), *rng.integers(6, 16, 2)
        x[i, top : top + height, left : left + width] = 1 - 2 * (i % 2)
        mask[i, top : top + height, left : left + width] = 1 + i % 2
        boxes[i, 0] = [top / 32, left / 32, (top + height) / 32, (left + width) / 32, i % 2]
    return x, mask, boxes


@pytest.mark.slow
def test_unet_learns_masks():
    keras.utils.set_random_seed(0)
    x, mask, _ = squares()
    model = compiled(
        registry.build("unet", input_shape=x.shape[1:], outputs=3, widths=(8, 16)), 1e-2, "dice", "segmentation"
    )
    model.fit(x, mask, batch_size=8, epochs=25, verbose=0)
    found = ops.convert_to_numpy(model(x, training=False)).argmax(-1)
    assert (found == mask).mean() > 0.98


@pytest.mark.slow
def test_center_net_learns_boxes():
    keras.utils.set_random_seed(0)
    x, _, boxes = squares()
    model = registry.build("center_net", input_shape=x.shape[1:], outputs=2, widths=(16, 32), depth=1, head_width=32)
    compiled(model, 1e-2, "center_net", "detection").fit(x, boxes, batch_size=8, epochs=50, verbose=0)
    best = top_detections(ops.convert_to_numpy(DecodeBoxes()(model(x, training=False))), most=1)[:, 0]
    np.testing.assert_array_equal(best[:, 4], boxes[:, 0, 4])
    assert np.abs(best[:, :4] - boxes[:, 0, :4]).max() < 2 / 32
    assert (best[:, 5] > 0.5).all()
