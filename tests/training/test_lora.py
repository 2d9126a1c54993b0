"""Low-rank adapters: what is trained, what is merged, what a file of them holds."""

import json

import keras
import numpy as np
import pytest

import zoo
from zoo import registry
from zoo.errors import ZooError
from zoo.training.lora import adapted_layers, merged_weights

VIT = {"patch": 4, "width": 16, "depth": 2, "heads": 2}


def network(name="vit_tiny", **settings):
    keras.utils.set_random_seed(1)
    return registry.build(name, input_shape=(8, 8, 1), outputs=3, **(settings or VIT))


def moved(model, seed=2):
    """Return the model with adapters that are no longer 0."""
    draw = np.random.default_rng(seed)
    for layer in adapted_layers(model):
        for variable in layer.weights:
            if variable.name.startswith("lora_"):
                variable.assign(draw.normal(0, 0.3, variable.shape))
    return model


IMAGES = np.random.default_rng(0).normal(size=(5, 8, 8, 1)).astype("float32")


def test_adapters_are_the_product_of_the_paper():
    """W x + alpha / r B A x, computed in NumPy for each projection of attention, merged into another network."""
    model, plain = network(), network()
    before = model.predict_on_batch(IMAGES)
    facts = zoo.add_lora(model, rank=2, alpha=6, targets=["attention"])
    np.testing.assert_array_equal(model.predict_on_batch(IMAGES), before)
    width, layers = VIT["width"], 3 * VIT["depth"]
    of_adapters = VIT["depth"] * 2 * ((width + width) + (width + 2 * width) + (width + width))
    assert facts == {"adapted": layers, "trained": of_adapters + 3 * width + 3, "weights": plain.count_params()}
    moved(model)
    kernels = {}
    for layer in adapted_layers(model):
        own = {v.name: np.array(v) for v in layer.weights}
        kernels[layer.path] = own["kernel"] + 6 / 2 * own["lora_kernel_a"] @ own["lora_kernel_b"]
    assert len(kernels) == layers
    plain.set_weights(merged_weights(model))
    for variable in plain.variables:
        layer, _, name = variable.path.rpartition("/")
        if name == "kernel" and any(path.endswith(layer) for path in kernels):
            expected = next(value for path, value in kernels.items() if path.endswith(layer))
            np.testing.assert_allclose(variable, expected, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(plain.predict_on_batch(IMAGES), model.predict_on_batch(IMAGES), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "settings", "targets", "count"),
    [
        ("vit_tiny", VIT, ["attention"], 6),
        pytest.param("vit_tiny", VIT, ["dense"], 5, marks=pytest.mark.ci),
        pytest.param("vit_tiny", VIT, ["attention", "dense", "convolution"], 11, marks=pytest.mark.ci),
        ("cnn", {"widths": [4, 6], "depth": 1}, ["convolution"], 2),
        ("mlp", {"widths": [8, 6]}, ["dense"], 2),
    ],
)
def test_training_moves_adapters_and_head_alone(name, settings, targets, count):
    model = network(name, **settings)
    assert zoo.add_lora(model, rank=2, targets=targets)["adapted"] == count
    before = {v.path: np.array(v) for v in model.variables}
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(IMAGES, np.arange(5) % 3, epochs=2, verbose=0)
    changed = {path for path, value in before.items() if not np.array_equal(value, dict_of(model)[path])}
    assert changed and all("lora_" in path or "logits" in path for path in changed)
    assert any("lora_kernel_b" in path for path in changed)


def dict_of(model):
    return {v.path: np.array(v) for v in model.variables}


def test_files_of_adapters_are_swapped(tmp_path):
    model = network()
    zoo.add_lora(model, rank=2, targets=["attention"])
    answers = []
    for seed in (3, 4):
        moved(model, seed)
        model.get_layer("logits").bias.assign([seed, 0.0, 0.0])
        zoo.save_adapters(model, tmp_path / f"{seed}.npz")
        answers.append(model.predict_on_batch(IMAGES))
    again = network()
    zoo.add_lora(again, rank=2, targets=["attention"])
    for seed, expected in zip((3, 4), answers, strict=True):
        zoo.load_adapters(again, tmp_path / f"{seed}.npz")
        np.testing.assert_allclose(again.predict_on_batch(IMAGES), expected, rtol=1e-6, atol=1e-6)
    assert not np.allclose(*answers)


@pytest.mark.parametrize(
    ("rank", "targets", "message"),
    [
        (3, ["attention"], "expected adapters of rank 3, as the network has, received 2"),
        (2, ["dense"], "adapters of another network, or of other targets"),
    ],
)
def test_adapters_of_others_are_refused_and_nothing_changes(tmp_path, rank, targets, message):
    model = network()
    zoo.add_lora(model, rank=2, targets=["attention"])
    zoo.save_adapters(model, tmp_path / "a.npz")
    other = network()
    zoo.add_lora(other, rank=rank, alpha=2, targets=targets)
    before = other.get_weights()
    with pytest.raises(ZooError, match=message):
        zoo.load_adapters(other, tmp_path / "a.npz")
    (tmp_path / "b.npz").write_bytes((tmp_path / "a.npz").read_bytes()[:100])
    with pytest.raises(ZooError, match="not readable as adapters"):
        zoo.load_adapters(other, tmp_path / "b.npz")
    assert all(np.array_equal(a, b) for a, b in zip(other.get_weights(), before, strict=True))


def test_what_cannot_be_adapted_is_refused():
    with pytest.raises(ZooError, match="has no layer of the kind attention besides its head"):
        zoo.add_lora(network("mlp", widths=[4]), rank=2, targets=["attention"])
    with pytest.raises(ZooError, match="received heads"):
        zoo.add_lora(network(), rank=2, targets=["heads"])
    with pytest.raises(ZooError, match="has no adapters"):
        zoo.load_adapters(network(), "a.npz")


@pytest.mark.ci
def test_a_recipe_trains_adapters_and_saves_the_merged_model(tmp_path):
    short = ["training.epochs=2", "optimizer.learning_rate.warmup_epochs=0.5", "evaluation.baselines=[]"]
    first = zoo.train("mlp/wine", short, runs=tmp_path, export=False)
    lora = [f"model.pretrained={first}", "model.lora={rank: 2, targets: [dense]}", "optimizer.ema=0.5", *short]
    second = zoo.train("mlp/wine", lora, runs=tmp_path)
    report = json.loads((second / "report.json").read_text())
    assert report["data"]["pretrained"]["lora"]["adapted"] >= 1
    models = [keras.saving.load_model(run / "model.keras", compile=False) for run in (first, second)]
    dense = [
        {layer.name: np.array(layer.kernel) for layer in inner(model) if isinstance(layer, keras.layers.Dense)}
        for model in models
    ]
    assert not any(getattr(layer, "lora_enabled", False) for layer in inner(models[1]))
    with np.load(second / "adapters.npz") as adapters:
        for name in dense[0].keys() - {"logits"}:
            (a,) = [adapters[path] for path in adapters.files if path.endswith(f"{name}/lora_kernel_a")]
            (b,) = [adapters[path] for path in adapters.files if path.endswith(f"{name}/lora_kernel_b")]
            assert np.abs(b).max() > 0
            np.testing.assert_allclose(dense[1][name], dense[0][name] + a @ b, rtol=1e-5, atol=1e-6)


def inner(model):
    for layer in model.layers:
        yield layer
        if isinstance(layer, keras.Model):
            yield from inner(layer)
