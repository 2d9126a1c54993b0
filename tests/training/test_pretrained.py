"""Beginning with the encoder of another run."""

import keras
import numpy as np
import pytest

from zoo import registry
from zoo.errors import ZooError
from zoo.recipe import load_recipe
from zoo.training.pretrained import load_pretrained
from zoo.training.run import create_run

SMALL = ["model.widths=[4,6]", "model.depth=1"]


def network(seed, **settings):
    keras.utils.set_random_seed(seed)
    return registry.build("cnn", input_shape=(8, 8, 1), outputs=10, **{"widths": [4, 6], "depth": 1, **settings})


@pytest.fixture
def run(tmp_path):
    """A run whose model holds the network within others, statistics of its norms moved from where they begin."""
    run = create_run(load_recipe("cnn/digits", SMALL), tmp_path / "runs")
    source = network(1)
    for variable in source.non_trainable_variables:
        variable.assign(np.full(variable.shape, 0.5, "float32"))
    raw = keras.Input((8, 8, 1))
    inner = keras.Model(source.input, source.get_layer("features").output, name="encoder")
    keras.Model(raw, inner(keras.layers.Rescaling(1 / 255)(raw))).save(run.model_path)
    return run, source


@pytest.mark.parametrize("freeze", [False, True])
def test_all_but_the_head_is_taken_over(run, freeze):
    folder, source = run
    model = network(2)
    before = np.array(model.get_layer("logits").kernel)
    facts = load_pretrained(model, str(folder.folder), freeze=freeze)
    for layer in (layer for layer in model.layers if layer.weights):
        theirs = source.get_layer(layer.name).get_weights()
        equal = all(np.array_equal(a, b) for a, b in zip(layer.get_weights(), theirs, strict=True))
        assert equal or layer.name == "logits"
    assert np.array_equal(model.get_layer("logits").kernel, before)
    assert facts["recipe"] == "cnn/digits" and len(facts["sha256"]) == 64
    learnt = {v.path.split("/")[-2] for v in model.trainable_variables}
    assert (learnt == {"logits"}) == freeze


@pytest.mark.parametrize("freeze", [False, True])
def test_a_network_around_an_encoder_takes_the_encoder_alone(run, freeze):
    folder, source = run
    cnn = {"encoder": "cnn", "encoder_config": {"widths": [4, 6], "depth": 1}}
    model = registry.build("unet", input_shape=(8, 8, 1), outputs=3, widths=(4,), **cnn)
    encoder = model.get_layer("encoder")
    inside = {id(w) for w in encoder.weights}
    before = [np.array(w) for w in model.weights if id(w) not in inside]
    load_pretrained(model, str(folder.folder), freeze=freeze, config=cnn)
    for layer in (layer for layer in encoder.layers if layer.weights):
        for a, b in zip(layer.get_weights(), source.get_layer(layer.name).get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)
    after = [np.array(w) for w in model.weights if id(w) not in inside]
    assert all(np.array_equal(a, b) for a, b in zip(after, before, strict=True))
    assert bool(encoder.trainable_weights) != freeze
    assert {v.path.split("/")[-2] for v in model.trainable_weights} >= {"logits", "up1_1_conv"}


def test_frozen_means_that_training_moves_the_head_alone(run):
    model = network(2)
    load_pretrained(model, str(run[0].folder), freeze=True)
    before = {layer.name: layer.get_weights() for layer in model.layers}
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    x = np.random.default_rng(0).normal(size=(20, 8, 8, 1)).astype("float32")
    model.fit(x, np.arange(20) % 10, verbose=0)
    for layer in (layer for layer in model.layers if layer.weights):
        same = all(np.array_equal(a, b) for a, b in zip(layer.get_weights(), before[layer.name], strict=True))
        assert same == (layer.name != "logits"), layer.name


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"widths": [4, 7]}, r"layer 'stage2_1_conv' has weights .*, 4, 7\).*and its own are .*, 4, 6\)"),
        ({"widths": [4, 6, 8]}, r"layer 'stage3_1_conv' .* and it has no such layer"),
    ],
)
def test_another_architecture_is_refused_and_nothing_is_copied(run, settings, message):
    model = network(3, **settings)
    before = model.get_weights()
    with pytest.raises(ZooError, match=message):
        load_pretrained(model, str(run[0].folder), freeze=True)
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), before, strict=True))


def test_runs_that_are_missing_or_unfinished_are_refused(run, tmp_path):
    model = network(3)
    with pytest.raises(ZooError, match="is not a run folder"):
        load_pretrained(model, str(tmp_path / "nowhere"), freeze=False)
    run[0].model_path.unlink()
    with pytest.raises(ZooError, match=r"model.pretrained: .* has no model.keras"):
        load_pretrained(model, str(run[0].folder), freeze=False)
    run[0].model_path.write_bytes(b"no model")
    with pytest.raises(ZooError, match="not readable as a Keras model"):
        load_pretrained(model, str(run[0].folder), freeze=False)
