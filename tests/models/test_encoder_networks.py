"""Networks with an answer for every pixel or cell around any image encoder."""

import keras
import numpy as np
import onnxruntime
import pytest
from in_ci import in_ci

from zoo import ZooError, registry
from zoo.export.convert import to_onnx
from zoo.layers.encoder_maps import dilate, encoder_maps

CONVNEXT = {
    "encoder": "convnext_tiny",
    "encoder_config": {"widths": (4, 4, 6, 8), "depths": (1, 1, 1, 1), "patch": 2, "layer_scale": 1.0},
}
DENSENET = {"encoder": "densenet_bc", "encoder_config": {"blocks": (1, 1, 1), "growth": 4}}
MOBILENET = {"encoder": "mobilenet_v2", "encoder_config": {"width": 0.2}}
CNN = {"encoder": "cnn", "encoder_config": {"widths": (4, 6, 8), "depth": 1}}
NETWORKS = {
    "unet": ("unet", {**CONVNEXT, "widths": (4, 4, 6, 8)}, 1),
    "unet-densenet": ("unet", {**DENSENET, "widths": (4, 4, 6, 8), "upsample": "bilinear"}, 1),
    "center_net": ("center_net", {**CONVNEXT, "widths": (4, 6, 8), "head_width": 4}, 4),
    "fpn-densenet": ("fpn", {**DENSENET, "levels": 3, "width": 4, "head_width": 4}, 1),
    "fpn-cnn": ("fpn", {**CNN, "levels": 2, "width": 4, "head_width": 4}, 1),
    "deeplab-mobilenet": ("deeplab_v3_plus", {**MOBILENET, "width": 4, "low_width": 4, "rates": (1,)}, 1),
    "deeplab-densenet": ("deeplab_v3_plus", {**DENSENET, "width": 4, "low_width": 4, "rates": (1,)}, 1),
}


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.ci if "mobilenet" in n else []) for n in NETWORKS])
def test_each_pixel_gets_an_answer_from_the_whole_image(name):
    keras.utils.set_random_seed(0)  # other weights may leave a pixel without any unit that is active
    builder, settings, stride = NETWORKS[name]
    model = registry.build(builder, input_shape=(32, 64, 3), outputs=3, **settings)
    channels = 3 + 4 * (builder == "center_net")
    assert model.output_shape == (None, 32 // stride, 64 // stride, channels)
    encoder = model.get_layer("encoder")
    x = np.random.default_rng(0).normal(size=(1, 32, 64, 3)).astype("float32")
    alone = registry.build(settings["encoder"], input_shape=(32, 64, 3), outputs=1, **settings["encoder_config"])
    names = ({layer.name for layer in each.layers if layer.weights} for each in (encoder, alone))
    assert next(names) <= next(names)
    moved = x.copy()
    moved[0, 0, 0] += 100
    a, b = (np.array(model(image, training=False))[0, -1, -1] for image in (x, moved))
    assert (a != b).any()


@pytest.mark.parametrize("name", in_ci(["unet", "center_net"], but=["unet"]))
@pytest.mark.ci
def test_the_onnx_file_gives_the_same(name):
    builder, settings, _ = NETWORKS[name]
    model = registry.build(builder, input_shape=(32, 32, 3), outputs=3, **settings)
    x = np.random.default_rng(0).normal(size=(2, 32, 32, 3)).astype("float32")
    session = onnxruntime.InferenceSession(to_onnx(model, ["x"], ["y"]).SerializeToString())
    np.testing.assert_allclose(session.run(None, {"x": x})[0], np.array(model(x, training=False)), atol=1e-4)


def test_maps_are_outputs_of_blocks():
    """Not the wide convolutions within the next block, which have the same size."""
    blocks = ("stage1_block1", "stage2_block2", "stage3_block3", "stage5_block3")
    maps = encoder_maps(registry.build("mobilenet_v2", input_shape=(64, 32, 3), width=0.2))
    assert {stride: x.shape[1:3] for stride, x in maps.items()} == {s: (64 // s, 32 // s) for s in (2, 4, 8, 16, 32)}
    layers = [x._keras_history.operation.name for x in maps.values()]
    assert layers == [f"{block}_add" for block in blocks] + ["top_relu6"]


def test_dilated_convolutions_keep_weights_and_size():
    model = registry.build("mobilenet_v2", input_shape=(64, 64, 3), outputs=2, width=0.2)
    dilated = dilate(model, 8)
    assert max(encoder_maps(dilated)) == 8
    assert [w.shape for w in dilated.weights] == [w.shape for w in model.weights]
    rates = {layer.dilation_rate for layer in dilated.layers if isinstance(layer, keras.layers.DepthwiseConv2D)}
    assert rates == {(1, 1), (2, 2), (4, 4)}


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("fpn", {"encoder": "vit_tiny"}, "model 'vit_tiny' has no maps of its image"),
        ("fpn", {"encoder": "gpt"}, "no model for image_classification is called 'gpt'"),
        ("fpn", {**CNN, "encoder_config": {"width": 3}}, "has no setting 'width'"),
        ("fpn", CNN, "encoder 'cnn' has 3 maps. Received: levels=4"),
        ("fpn", {**CNN, "levels": 2, "input_shape": (32, 30, 3)}, r"multiples of 4 for model 'cnn'. Received: 32x30"),
        ("unet", {**CNN, "widths": (4, 4, 4)}, r"divides the size by 4, .* Received: widths=\(4, 4, 4\)"),
        ("center_net", {**CONVNEXT, "widths": (4, 4)}, r"it by \[2, 4, 8, 16\]. Received: widths=\(4, 4\)"),
        ("deeplab_v3_plus", {**DENSENET, "output_stride": 8}, "cannot be dilated to 8"),
        ("deeplab_v3_plus", CNN, r"a quarter of the image's size and a smaller one; encoder 'cnn' .* \[1, 2, 4\]"),
    ],
)
def test_what_does_not_fit_is_refused(name, settings, message):
    with pytest.raises(ZooError, match=message):
        registry.build(name, **{"input_shape": (32, 32, 3), "outputs": 2, **settings})
