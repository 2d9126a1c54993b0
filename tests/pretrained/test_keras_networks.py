"""Networks of Keras Applications: what is known of them, and their files."""

import dataclasses
import importlib

import keras
import numpy as np
import pytest
from PIL import Image
from test_applications import write_legacy

import zoo
from zoo import ZooError, registry
from zoo.pretrained import known
from zoo.pretrained.applications import PREPROCESS, REFERENCES, _reference_of
from zoo.pretrained.keras_networks import NETWORKS

MODULES = {
    "vgg16": "vgg16",
    "vgg19": "vgg19",
    "mobilenet_v2": "mobilenet_v2",
    "mobilenet_v3_large": "mobilenet_v3",
    "mobilenet_v3_small": "mobilenet_v3",
    "densenet_bc": "densenet",
    **{f"efficientnet_b{i}": "efficientnet" for i in range(4)},
    "efficientnet_v2_s": "efficientnet_v2",
    "convnext_tiny": "convnext",
    "convnext_small": "convnext",
}
INSIDE = ("mobilenet_v3", "efficientnet", "efficientnet_v2", "convnext")  # modules whose networks prepare the pixels
EVERY = [pytest.param(name, each, id=each.source) for name, listed in NETWORKS.items() for each in listed]


@pytest.mark.parametrize(("name", "published"), EVERY)
def test_mean_and_deviation_are_those_of_the_module(name, published):
    pixels = np.random.default_rng(0).uniform(0, 255, (1, 4, 5, 3)).astype("float32")
    module = importlib.import_module(f"keras.applications.{MODULES[name]}")
    expected = module.preprocess_input(pixels.copy())
    given = published.preprocessing
    found = (pixels - np.float32(given.mean)) / np.float32(given.std)
    if MODULES[name].startswith("vgg"):
        found = found[..., ::-1]  # BGR: loading reverses the first kernel instead
    if MODULES[name] in INSIDE:  # `preprocess_input` does nothing
        np.testing.assert_array_equal(expected, pixels)
        for step in PREPROCESS[name]:
            own = step.get("rescale", {})
            expected = expected * own.get("scale", 1) + own.get("offset", 0)
            if standardize := step.get("standardize"):
                expected = (expected - np.float32(standardize["mean"])) / np.float32(standardize["std"])
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_every_reference_is_known_with_its_size():
    named = {name: {options[0] for options in sizes.values()} for name, sizes in REFERENCES.items()}
    assert {name: {each.source[6:] for each in listed} for name, listed in NETWORKS.items()} == named
    sizes = {"EfficientNetB0": 224, "EfficientNetB3": 300, "EfficientNetB7": 600}
    assert {name: known.known_weights("efficientnet_b0", f"keras:{name}").preprocessing.size for name in sizes} == sizes


@pytest.mark.parametrize(
    ("name", "published"),
    [pytest.param(*each.values, marks=[] if "MobileNetV2" in each.id else pytest.mark.slow) for each in EVERY],
)
def test_settings_make_the_network_of_that_name(name, published):
    model = registry.build(name, input_shape=(64, 64, 3), **published.settings)
    assert _reference_of(model)[0] == published.source[6:]


@pytest.fixture
def cached(tmp_path, monkeypatch):
    """Put random weights of a narrow MobileNetV2 for images of 32 pixels into an empty cache of Keras; return it."""
    monkeypatch.setattr("keras.src.backend.config._KERAS_DIR", str(tmp_path / "keras"))
    (full,) = NETWORKS["mobilenet_v2"]
    small = dataclasses.replace(full.preprocessing, size=32, resize=32)
    one = dataclasses.replace(full, preprocessing=small, settings={"width": 0.35})
    monkeypatch.setitem(NETWORKS, "mobilenet_v2", (one,))
    keras.utils.set_random_seed(0)
    reference = keras.applications.MobileNetV2(weights=None, alpha=0.35, input_shape=(32, 32, 3))
    for layer in reference.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.gamma.assign(np.random.default_rng(1).uniform(1, 2, layer.gamma.shape))
    (tmp_path / "keras" / "models").mkdir(parents=True)
    write_legacy(reference, tmp_path / "keras/models/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_224.h5")
    return reference


@pytest.mark.ci
def test_a_network_in_the_cache_of_keras_becomes_a_file_with_its_preprocessing_and_labels(cached, tmp_path):
    file = tmp_path / "mobilenet.onnx"
    certificate = zoo.export("mobilenet_v2", weights="keras:MobileNetV2", output=file)
    assert certificate["max_abs_difference"] < 1e-4 and certificate["label_flips"] == 0
    pixels = np.random.default_rng(2).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    prepared = keras.applications.mobilenet_v2.preprocess_input(pixels[None].astype("float32"))
    expected = np.asarray(cached(prepared))[0]
    (found,) = zoo.predict(file, tmp_path / "photo.png")
    assert list(found["probabilities"]) == list(known.labels_of("imagenet"))
    np.testing.assert_allclose(list(found["probabilities"].values()), expected, rtol=1e-3)
    assert found["label"] == known.labels_of("imagenet")[expected.argmax()]


def test_without_cache_and_network_the_reason_is_said(tmp_path, monkeypatch):
    def unreachable(*arguments, **options):
        raise OSError("Name or service not known")

    monkeypatch.setattr(keras.applications, "MobileNetV2", unreachable)
    with pytest.raises(ZooError, match=r"keras:MobileNetV2: not in Keras's cache .* Name or service not known"):
        zoo.export("mobilenet_v2", weights="keras:MobileNetV2", output=tmp_path / "x.onnx")
    with pytest.raises(ZooError, match="Applications for 'vgg16'; of it there are keras:VGG16"):
        zoo.export("vgg16", weights="keras:VGG11", output=tmp_path / "x.onnx")
    with pytest.raises(ZooError, match="for 'resnet18'; there are some for convnext_small, convnext_tiny"):
        zoo.export("resnet18", weights="keras:ResNet50", output=tmp_path / "x.onnx")
    assert not (tmp_path / "x.onnx").exists()
