"""Weights from files, packages and the hub: all of a file fits, or nothing is loaded."""

import json
import socket

import keras
import numpy as np
import pytest
from in_ci import in_ci
from safetensors.numpy import load_file, save_file

import zoo
from zoo import ZooError
from zoo.pretrained.build import settings_for
from zoo.pretrained.load import load_weights
from zoo.pretrained.source import find_weights

SIZE = (32, 32, 3)


@pytest.fixture
def lite0(reference):
    """Return the file of a small head's EfficientNet-Lite0."""
    return reference("efficientnet_lite0")[2]


def weights(model):
    return [w.copy() for w in model.get_weights()]


def test_a_new_head_is_kept_and_said(lite0):
    model = zoo.build("efficientnet_lite0", input_shape=SIZE, outputs=3)
    before = model.get_layer("logits").get_weights()
    loaded = load_weights(model, f"file:{lite0}")
    assert loaded.kept == ("logits",)
    assert "the head is new: it has 3 outputs, and the file's 5" in loaded.notes
    assert any(note.startswith("left out: 49 tensors: ") for note in loaded.notes)
    for old, new in zip(before, model.get_layer("logits").get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("channels", in_ci([1, 4], but=[1]))
def test_other_channels_see_what_the_first_ones_saw(channels, lite0):
    """An image whose channels are equal gives the same features, as with timm."""
    three = zoo.build("efficientnet_lite0", input_shape=SIZE, outputs=5, weights=f"file:{lite0}")
    other = zoo.build("efficientnet_lite0", input_shape=(*SIZE[:2], channels), outputs=5, weights=f"file:{lite0}")
    kernel = load_file(lite0)["_conv_stem.weight"].transpose(2, 3, 1, 0)
    found = other.get_layer("stem_conv").kernel.numpy()
    if channels == 1:
        gray = np.random.default_rng(0).normal(size=(2, 32, 32, 1)).astype("float32")
        same = three(np.repeat(gray, 3, axis=3), training=False)
        np.testing.assert_allclose(other(gray, training=False), same, atol=2e-5)
    else:
        np.testing.assert_allclose(found[:, :, 0], kernel[:, :, 0] * 3 / channels, rtol=1e-6)
        np.testing.assert_allclose(found[:, :, -1], kernel[:, :, (channels - 1) % 3] * 3 / channels, rtol=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.pop("_blocks.3._bn0.bias"), "the file lacks the tensor '_blocks.3._bn0.bias'"),
        (lambda t: t.update(more=np.zeros(3, "float32")), "the network has no place for 1 tensors: more"),
        (lambda t: t.update({"_conv_head.weight": np.zeros((9, 320, 1, 1), "float32")}), "of the shape"),
        (lambda t: t.update({"_bn1.weight": np.zeros(1280, "int32")}), "holds int32"),
        (lambda t: t.update({"_fc.bias": np.full(5, np.inf, "float32")}), "not finite"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_loaded(change, message, lite0, tmp_path):
    tensors = load_file(lite0)
    change(tensors)
    save_file(tensors, tmp_path / "x.safetensors")
    model = zoo.build("efficientnet_lite0", input_shape=SIZE, outputs=5)
    before = weights(model)
    with pytest.raises(ZooError, match=message):
        load_weights(model, f"file:{tmp_path / 'x.safetensors'}")
    for old, new in zip(before, weights(model), strict=True):
        np.testing.assert_array_equal(old, new)


def test_another_architecture_is_refused(lite0, reference):
    with pytest.raises(ZooError, match=r"does not fit model 'efficientnet_lite0': .* none is known"):
        zoo.build("efficientnet_lite0", weights=f"file:{reference('bert')[2]}")
    with pytest.raises(ZooError, match="and the file's has"):
        zoo.build("efficientnet_lite0", input_shape=SIZE, depth=2.0, weights=f"file:{lite0}")
    with pytest.raises(ZooError, match=r"none is known for it \(there are maps for bert, convnext_small"):
        zoo.build("mlp", input_shape=(4,), weights=f"file:{lite0}")


def test_networks_of_torchvision_have_their_padding_and_epsilon(reference):
    path = reference("mobilenet_v2")[2]
    small = {"input_shape": (32, 32, 3), "outputs": 5, "width": 0.25}
    model = zoo.build("mobilenet_v2", **small, weights=f"file:{path}")
    assert (model.get_layer("stem_conv").padding, model.get_layer("stem_norm").epsilon) == ("valid", 1e-5)
    with pytest.raises(ZooError, match=r"'stem_conv' has another padding .* torchvision: set padding='symmetric'"):
        zoo.build("mobilenet_v2", **small, padding="same", weights=f"file:{path}")
    with pytest.raises(ZooError, match=r"'stem_norm' has epsilon 0.001, .* torchvision have 1e-05: set epsilon=1e-05"):
        zoo.build("mobilenet_v2", **small, epsilon=1e-3, weights=f"file:{path}")


def test_padding_and_epsilon_of_timm_follow_from_the_architecture(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"")
    found = {}
    for name in ("tf_efficientnet_b0", "efficientnet_b0"):
        (tmp_path / "config.json").write_text(json.dumps({"architecture": name}))
        found[name] = settings_for("efficientnet_b0", f"file:{tmp_path / 'model.safetensors'}", {"width": 0.5})
    assert found["tf_efficientnet_b0"] == {"padding": "same", "epsilon": 1e-3, "width": 0.5}
    assert found["efficientnet_b0"] == {"padding": "symmetric", "epsilon": 1e-5, "width": 0.5}


def test_what_a_file_of_timm_does_not_say_is_said(reference, tmp_path):
    facts, _, path = reference("mobilenet_v2-timm")
    model = zoo.build("mobilenet_v2", input_shape=(32, 32, 3), outputs=5, **facts["settings"])
    assert any("does not say how its network pads" in note for note in load_weights(model, f"file:{path}").notes)
    path.rename(tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(json.dumps({"architecture": "mobilenetv2_100"}))
    assert not any("pads" in note for note in load_weights(model, f"file:{tmp_path}").notes)


@pytest.mark.parametrize("suffix", ["weights.h5", "keras", "npz"])
def test_files_of_the_same_network_by_its_own_names(suffix, tmp_path):
    settings = {"input_shape": (16, 16, 3), "patch": 8, "width": 12, "heads": 3, "depth": 1}
    first = zoo.build("vit_tiny", **settings, outputs=4)
    path = tmp_path / f"x.{suffix}"
    if suffix == "weights.h5":
        first.save_weights(path)
    elif suffix == "keras":  # behind preprocessing, as in a run
        raw = keras.Input((16, 16, 3))
        keras.Model(raw, first(keras.layers.Rescaling(0.1)(raw))).save(path)
    else:
        np.savez(path, **{w.path: w.numpy() for w in first.weights})
    second = zoo.build("vit_tiny", **settings, outputs=4, weights=f"file:{path}")
    for one, other in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    third = zoo.build("vit_tiny", **settings, outputs=5)
    assert load_weights(third, f"file:{path}").kept == ("logits",)
    with pytest.raises(ZooError, match=r"the file lacks 1 layers|of the shape"):
        zoo.build("vit_tiny", **{**settings, "width": 24}, outputs=4, weights=f"file:{path}")


def test_special_ids_have_the_vectors_that_the_tokenizer_names(reference):
    _, tensors, path = reference("bert")
    special = {"[PAD]": 0, "[UNK]": 7, "[CLS]": 8, "[SEP]": 9}
    facts = {"added_tokens": [{"id": i, "content": name} for name, i in special.items()]}
    (path.parent / "tokenizer.json").write_text(json.dumps(facts))
    settings = {"width": 24, "depth": 2, "heads": 3, "mlp_ratio": 40 / 24, "maximum_length": 12}
    model = zoo.build("bert", input_shape=(None,), vocabulary=54, **settings)
    loaded = load_weights(model, f"file:{path}")
    found, given = model.get_layer("embedding").get_weights()[0], tensors["embeddings.word_embeddings.weight"]
    np.testing.assert_array_equal(found, np.concatenate([given[[0, 7, 8, 9]], given]))
    assert "the network has 12 positions, and the file 20: the first of them are taken" in loaded.notes
    with pytest.raises(ZooError, match="the file has 20 positions; set maximum_length"):
        zoo.build(
            "bert", input_shape=(None,), vocabulary=50, weights=f"file:{path}", **{**settings, "maximum_length": 30}
        )


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("file:nowhere.pth", "there is no file nowhere.pth"),
        ("package:no-such-package-here", "no package 'no-such-package-here' is installed"),
        ("package:keras", "the package holds no file of weights"),
        ("package:numpy", "the package holds 2 files of weights: .* name one: package:numpy/"),
        ("hf:only-a-name", "expected hf:ORG/NAME"),
        ("torch:resnet18", "expected file:PATH"),
        ("resnet18", "expected file:PATH"),
    ],
)
def test_what_is_no_source_is_refused(source, message):
    with pytest.raises(ZooError, match=message):
        find_weights(source)


def test_without_a_network_the_hub_is_refused_at_once(monkeypatch, tmp_path):
    asked = []

    def unreachable(host, *arguments, **options):
        asked.append(host)
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unreachable)
    with pytest.raises(ZooError, match=r"not in the cache of the hub .* cannot be reached .* take file:PATH"):
        find_weights("hf:nobody/nothing-of-that-name")
    assert len(asked) <= 2


def test_a_package_is_found_without_importing_it(monkeypatch, tmp_path):
    inside = {
        "some_weights/__init__.py": b"raise SystemExit",
        "some_weights/model.npz": b"",
        "some_weights-1.dist-info/METADATA": (b"Metadata-Version: 2.1\nName: some-weights\nVersion: 1\n"),
    }
    record = "".join(f"{name},,\n" for name in inside)
    for name, content in {**inside, "some_weights-1.dist-info/RECORD": record.encode()}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    monkeypatch.syspath_prepend(tmp_path)
    assert find_weights("package:some-weights").path == tmp_path / "some_weights" / "model.npz"
    with pytest.raises(ZooError, match="no package 'other-weights' is installed here: pip install other-weights"):
        find_weights("package:other-weights")
