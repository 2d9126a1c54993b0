"""Our networks against those of Keras Applications: sizes, and outputs with the same weights on the same raw images.

The weights are random, all of them, so that nothing is idle; they go through a file and `load_applications_weights`.
"""

import keras
import numpy as np
import pytest
from keras import ops

from zoo import registry
from zoo.pretrained.applications import PREPROCESS, REFERENCES, load_applications_weights

IMAGES = np.random.default_rng(0).uniform(0, 255, (2, 64, 64, 3)).astype("float32")
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]

# Settings of our builder, by the name of the reference.
SISTERS = {
    "VGG16": {},
    "DenseNet121": {},
    "DenseNet169": {"blocks": (6, 12, 32, 32)},
    "DenseNet201": {"blocks": (6, 12, 48, 32)},
    "EfficientNetB0": {},
    "EfficientNetB1": {"depth": 1.1},
    "EfficientNetB2": {"width": 1.1, "depth": 1.2},
    "EfficientNetB3": {"width": 1.2, "depth": 1.4},
    "EfficientNetB4": {"width": 1.4, "depth": 1.8},
    "EfficientNetB5": {"width": 1.6, "depth": 2.2},
    "EfficientNetB6": {"width": 1.8, "depth": 2.6},
    "EfficientNetB7": {"width": 2.0, "depth": 3.1},
    "ConvNeXtTiny": {},
    "ConvNeXtSmall": {"depths": (3, 3, 27, 3)},
    **{name: {} for name in ("VGG19", "MobileNetV3Large", "MobileNetV3Small", "EfficientNetV2S")},
    "ConvNeXtBase": {"depths": (3, 3, 27, 3), "widths": (128, 256, 512, 1024)},
    "ConvNeXtLarge": {"depths": (3, 3, 27, 3), "widths": (192, 384, 768, 1536)},
}
FIRST = ("vgg16", "densenet_bc", "efficientnet_b0", "convnext_tiny")  # builders whose settings give others of its kind
MODULES = {
    "vgg16": keras.applications.vgg16,
    "mobilenet_v2": keras.applications.mobilenet_v2,
    "densenet_bc": keras.applications.densenet,
    "efficientnet_b0": keras.applications.efficientnet,
    "efficientnet_b1": keras.applications.efficientnet,
    "efficientnet_b2": keras.applications.efficientnet,
    "efficientnet_b3": keras.applications.efficientnet,
    "efficientnet_v2_s": keras.applications.efficientnet_v2,
    "mobilenet_v3_large": keras.applications.mobilenet_v3,
    "mobilenet_v3_small": keras.applications.mobilenet_v3,
    "convnext_tiny": keras.applications.convnext,
    "convnext_small": keras.applications.convnext,
}


def randomized(model, factor=2):
    """Give every vector a random value, shifts around 0 and scales around 1, and the input its usual statistics."""
    rng = np.random.default_rng(1)
    for layer in model.layers:
        if isinstance(layer, keras.Sequential):
            randomized(layer, factor)
        elif isinstance(layer, keras.layers.Normalization) and layer.weights:
            layer.set_weights([np.array(MEAN), np.array(STD) ** 2, np.array(0)])
            layer.finalize_state()
        elif layer.weights:
            for w in layer.weights:
                if len(w.shape) == 1:
                    shifts = any(part in w.path for part in ("beta", "mean", "bias"))
                    w.assign(rng.normal(0, 0.1, w.shape) if shifts else rng.uniform(0.5, 1.5, w.shape))
                else:
                    w.assign(factor * w)  # else the images hardly matter after so many layers
    return model


def preprocessed(x, steps):
    """Apply the steps of a recipe's `preprocess:`."""
    for step in steps:
        ((kind, settings),) = step.items()
        if kind == "rescale":
            x = x * settings["scale"] + settings.get("offset", 0.0)
        else:
            x = (x - np.array(settings["mean"])) / np.array(settings["std"])
    return x.astype("float32")


def output(model, x):
    return ops.convert_to_numpy(model(x, training=False))


@pytest.mark.parametrize(
    ("name", "reference", "settings"),
    [
        pytest.param("mobilenet_v2", "MobileNetV2", {"alpha": 0.35}, marks=pytest.mark.ci),
        pytest.param("densenet_bc", "DenseNet121", {}, marks=pytest.mark.slow),
        pytest.param("efficientnet_b0", "EfficientNetB0", {}, marks=pytest.mark.slow),
        pytest.param("efficientnet_b1", "EfficientNetB1", {}, marks=pytest.mark.slow),
        pytest.param("efficientnet_b2", "EfficientNetB2", {}, marks=pytest.mark.slow),
        pytest.param("efficientnet_b3", "EfficientNetB3", {}, marks=pytest.mark.slow),
        pytest.param("efficientnet_v2_s", "EfficientNetV2S", {}, marks=pytest.mark.slow),
        pytest.param("mobilenet_v3_large", "MobileNetV3Large", {}, marks=pytest.mark.slow),
        pytest.param("mobilenet_v3_small", "MobileNetV3Small", {}, marks=pytest.mark.ci),
        pytest.param("convnext_small", "ConvNeXtSmall", {}, marks=pytest.mark.slow),
        pytest.param("convnext_tiny", "ConvNeXtTiny", {}, marks=pytest.mark.slow),
        pytest.param("vgg16", "VGG16", {}, marks=pytest.mark.slow),
    ],
)
def test_equals_keras_applications(name, reference, settings, tmp_path):
    size = 224 if name == "vgg16" else 64  # the dense layers of VGG need the size of the file
    images = np.kron(IMAGES[:, :56, :56], np.ones((1, 4, 4, 1), "float32")) if size == 224 else IMAGES
    shape = (size, size, 3)
    theirs = getattr(keras.applications, reference)(
        weights=None, input_shape=shape, classifier_activation=None, **settings
    )
    randomized(theirs, factor=4 if reference.startswith("MobileNetV3") else 2)  # its gates halve what goes through
    theirs.save_weights(tmp_path / "x.weights.h5")
    ours = registry.build(name, input_shape=shape, **({"width": settings["alpha"]} if settings else {}))
    loaded = load_applications_weights(ours, tmp_path / "x.weights.h5")
    assert loaded.kept == ()
    assert loaded.preprocess == PREPROCESS[name]

    normalization = sum(
        layer.count_params() for layer in theirs.layers if isinstance(layer, keras.layers.Normalization)
    )
    assert ours.count_params() == theirs.count_params() - normalization
    expected = output(theirs, MODULES[name].preprocess_input(images.copy()))
    got = output(ours, preprocessed(images, loaded.preprocess))
    assert np.abs(expected[0] - expected[1]).max() > 1e-3 * np.abs(expected).max()  # the images matter
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-4 * np.abs(expected).max())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "count", "reference", "settings"),
    [(name, count, *reference) for name, sizes in REFERENCES.items() for count, reference in sizes.items()],
)
def test_sizes_are_those_of_keras_applications(name, count, reference, settings):
    config = {"width": settings["alpha"]} if settings else SISTERS[reference] if name in FIRST else {}
    shape = (64, 64, 3)
    ours = registry.build(name, input_shape=shape, outputs=1, **config)
    theirs = getattr(keras.applications, reference)(weights=None, include_top=False, input_shape=shape, **settings)
    idle = sum(layer.count_params() for layer in theirs.layers if isinstance(layer, keras.layers.Normalization))
    assert theirs.count_params() - idle == count
    top = sum(layer.count_params() for layer in ours.layers if layer.name in ("top1", "top2", "top_dense", "logits"))
    assert ours.count_params() - top == count
