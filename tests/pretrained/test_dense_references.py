"""Parts of networks for segmentation give what torchvision's do with the same weights."""

import json

import keras
import numpy as np
import pytest
from reference_numbers import REFERENCES, images, numbers

import zoo
from zoo.layers.encoder_maps import dilate
from zoo.layers.pyramid import feature_pyramid, spatial_pyramid
from zoo.pretrained.encoder import load_network_weights
from zoo.pretrained.load import load_weights

FACTS = json.loads((REFERENCES.parent / "dense_references.json").read_text())


def fill(model, names):
    """Give each convolution and norm the numbers of torchvision's names for them."""
    for name, theirs in names.items():
        layer = model.get_layer(name)
        for attribute, suffix in (
            *(("kernel", "weight"), ("gamma", "weight"), ("bias", "bias"), ("beta", "bias")),
            *(("moving_mean", "running_mean"), ("moving_variance", "running_var")),
        ):
            variable = getattr(layer, attribute, None)
            if variable is None:
                continue
            shape = tuple(variable.shape)
            if len(shape) == 4:
                shape = (shape[3], shape[2], *shape[:2])
            values = numbers(f"{theirs}.{suffix}", shape)
            variable.assign(values.transpose(2, 3, 1, 0) if len(shape) == 4 else values)


def compare(found, expected):
    expected = np.array(expected).reshape(found.shape)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def test_feature_pyramid():
    inputs = [keras.Input((8 >> i, 4 >> i, 3 + i)) for i in range(3)]
    pyramid = feature_pyramid(dict(zip((4, 8, 16), inputs, strict=True)), 4)
    model = keras.Model(inputs, list(pyramid.values()))
    fill(model, {f"lateral{i + 1}_conv": f"inner_blocks.{i}.0" for i in range(3)})
    fill(model, {f"pyramid{i + 1}_conv": f"layer_blocks.{i}.0" for i in range(3)})
    found = model([images(8 >> i, 4 >> i, 3 + i)[:1] for i in range(3)])
    for i, each in enumerate(found):
        compare(np.array(each), FACTS["pyramid"][str(i)])


def test_spatial_pyramid_pooling():
    inputs = keras.Input((6, 10, 3))
    model = keras.Model(inputs, spatial_pyramid(inputs, 4, (2, 3, 4), norm="batch"))
    theirs = {"scale1": "convs.0.0", **{f"scale{i + 1}": f"convs.{i}.0" for i in (1, 2, 3)}}
    theirs |= {"scale_mean": "convs.4.1", "scales": "project.0"}
    fill(model, {f"{name}_conv": their for name, their in theirs.items()})
    fill(model, {f"{name}_norm": f"{their[:-1]}{int(their[-1]) + 1}" for name, their in theirs.items()})
    compare(np.array(model(images(6, 10)[:1], training=False)), FACTS["pooling"])


@pytest.mark.ci
@pytest.mark.parametrize("stride", [16, 8])
def test_dilated_encoder(stride, reference):
    _, _, path = reference("resnet50")
    model = dilate(zoo.build("resnet50", input_shape=(64, 96, 3), outputs=5), stride)
    load_weights(model, f"file:{path}")
    compare(np.array(model(images(64, 96), training=False)), FACTS["dilated"][str(stride)])


def test_published_weights_go_into_the_encoder(reference):
    facts, _, path = reference("swin_tiny-torchvision")
    shape = (48, 96, 3)
    given = {"encoder": "swin_tiny", "encoder_config": facts["settings"], "levels": 3, "width": 4, "head_width": 4}
    network = zoo.build("fpn", input_shape=shape, outputs=2, **given, weights=f"file:{path}")
    encoder = zoo.build("swin_tiny", input_shape=shape, outputs=5, **facts["settings"], weights=f"file:{path}")
    for layer in (layer for layer in network.get_layer("encoder").layers if layer.weights):
        for found, expected in zip(layer.get_weights(), encoder.get_layer(layer.name).get_weights(), strict=True):
            np.testing.assert_array_equal(found, expected)
    loaded = load_network_weights(network, "fpn", given, f"file:{path}")
    assert "logits" in loaded.kept and "lateral1_conv" in loaded.kept
    assert "only the encoder is taken, swin_tiny without its head" in loaded.notes
