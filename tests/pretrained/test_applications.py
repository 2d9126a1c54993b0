import h5py
import keras
import numpy as np
import pytest

import zoo
from zoo import registry
from zoo.errors import ZooError
from zoo.pretrained.applications import PREPROCESS, REFERENCES

SHAPE = (32, 32, 3)


def reference(**options):
    return keras.applications.MobileNetV2(weights=None, alpha=0.35, **{"input_shape": SHAPE, **options})


def mobilenet(outputs=4, **config):
    return registry.build("mobilenet_v2", input_shape=SHAPE, outputs=outputs, **{"width": 0.35, **config})


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Write the kinds of files: with a head for 1,000 and for 4 classes, and without; in the new and the old format."""
    folder = tmp_path_factory.mktemp("weights")
    models = {
        "full": reference(),
        "four": reference(classes=4),
        "notop": reference(include_top=False),
    }
    for name, model in models.items():
        model.save_weights(folder / f"{name}.weights.h5")
    write_legacy(models["full"], folder / "full.h5")
    write_legacy(models["notop"], folder / "notop.h5")
    (folder / "text.h5").write_text("not HDF5")
    with h5py.File(folder / "other.h5", "w") as file:
        file["numbers"] = np.zeros(3)
    return folder, models


def write_legacy(model, path):
    """Write the format of the published files: a group for each layer, named in attributes."""
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [layer.name.encode() for layer in model.layers]
        for layer in model.layers:
            group = file.create_group(layer.name)
            names = [f"{layer.name}/{i}_{w.name}:0" for i, w in enumerate(layer.weights)]
            group.attrs["weight_names"] = [name.encode() for name in names]
            for name, value in zip(names, layer.get_weights(), strict=True):
                group[name] = value


def body(model):
    return [w for layer in model.layers if layer.name not in ("logits", "predictions") for w in layer.get_weights()]


def assert_equal(ours, theirs):
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("file", "outputs", "kept"),
    [
        pytest.param("full.weights.h5", 4, ("logits",), marks=pytest.mark.ci),
        pytest.param("full.weights.h5", 1000, (), marks=pytest.mark.slow),
        pytest.param("full.h5", 1000, (), marks=pytest.mark.ci),
        pytest.param("four.weights.h5", 4, (), marks=pytest.mark.ci),
        pytest.param("notop.weights.h5", 4, ("logits",), marks=pytest.mark.slow),
        ("notop.h5", 4, ("logits",)),
    ],
)
def test_loads_what_fits(files, file, outputs, kept):
    folder, models = files
    model = mobilenet(outputs)
    before = model.get_layer("logits").get_weights()
    loaded = zoo.load_applications_weights(model, folder / file)
    assert loaded.kept == kept
    assert loaded.preprocess == [{"rescale": {"scale": 1 / 127.5, "offset": -1.0}}]
    source = models[file.partition(".")[0]]
    assert_equal(body(model), body(source))
    head = before if kept else source.get_layer("predictions").get_weights()
    assert_equal(model.get_layer("logits").get_weights(), head)


def test_dense_layers_of_vgg_stay_where_the_image_has_another_size(tmp_path):
    theirs = keras.applications.VGG16(weights=None, include_top=False)
    theirs.save_weights(tmp_path / "vgg16_notop.weights.h5")
    model = registry.build("vgg16", input_shape=SHAPE, outputs=4, top_width=8)
    loaded = zoo.load_applications_weights(model, tmp_path / "vgg16_notop.weights.h5")
    assert loaded.kept == ("top1", "top2", "logits")
    kernel = model.get_layer("stage1_1_conv").get_weights()[0]
    np.testing.assert_array_equal(kernel[:, :, ::-1], theirs.get_layer("block1_conv1").get_weights()[0])
    last = model.get_layer("stage5_3_conv").get_weights()
    assert_equal(last, theirs.get_layer("block5_conv3").get_weights())


def test_every_reference_has_its_preprocessing():
    assert PREPROCESS.keys() == REFERENCES.keys()


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("missing.h5", "missing.h5: there is no such file; give a file of weights for MobileNetV2, alpha 0.35"),
        ("text.h5", "text.h5: not a file of Keras weights"),
        ("other.h5", "other.h5: not weights of MobileNetV2, alpha 0.35"),
        ("full.keras", "there is no such file"),
    ],
)
def test_files_that_hold_no_weights_are_refused(files, file, message):
    with pytest.raises(ZooError, match=message):
        zoo.load_applications_weights(mobilenet(), files[0] / file)


def test_another_suffix_is_refused(files):
    path = files[0] / "full.bin"
    path.write_bytes(b"")
    with pytest.raises(ZooError, match=r"full.bin: .*ends in .h5"):
        zoo.load_applications_weights(mobilenet(), path)


@pytest.mark.parametrize(
    "file",
    [
        pytest.param("full.weights.h5", marks=pytest.mark.slow),
        pytest.param("full.h5", marks=pytest.mark.ci),
        "notop.h5",
    ],
)
def test_weights_of_another_architecture_are_refused_and_nothing_changes(files, file):
    model = mobilenet(width=0.5)
    before = model.get_weights()
    with pytest.raises(ZooError, match=r"not weights of MobileNetV2, alpha 0.5: ."):
        zoo.load_applications_weights(model, files[0] / file)
    assert_equal(model.get_weights(), before)


@pytest.mark.parametrize(
    ("name", "config", "message"),
    [
        ("cnn", {}, "no Keras Applications weights for 'cnn' \\(known: convnext_small, convnext_tiny, densenet_bc"),
        ("mobilenet_v2", {"width": 0.2}, "of this size: it has .* parameters.*410,208 of MobileNetV2, alpha 0.35"),
        ("mobilenet_v2", {"input_shape": (28, 28, 1)}, "3 channels; model 'mobilenet_v2' has 1"),
    ],
)
def test_models_without_published_weights_are_refused(files, name, config, message):
    model = registry.build(name, **{"input_shape": SHAPE, "outputs": 4, **config})
    with pytest.raises(ZooError, match=message):
        zoo.load_applications_weights(model, files[0] / "full.h5")


def test_what_keras_cannot_download_is_refused_without_a_word_on_standard_output(monkeypatch, capsys):
    def unreachable(*arguments, **options):
        print("Downloading data")
        raise OSError("Name or service not known")

    monkeypatch.setattr(keras.applications, "MobileNetV2", unreachable)
    with pytest.raises(ZooError, match=r"keras:MobileNetV2: not in Keras's cache .* Name or service not known"):
        zoo.build("mobilenet_v2", input_shape=(64, 64, 3), outputs=2, width=0.35, weights="keras:MobileNetV2")
    with pytest.raises(ZooError, match=r"is MobileNetV2, alpha 0\.35: take keras:MobileNetV2"):
        zoo.build("mobilenet_v2", input_shape=(64, 64, 3), outputs=2, width=0.35, weights="keras:VGG16")
    assert capsys.readouterr().out == ""
