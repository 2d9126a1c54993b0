"""Layers that take their weights from the training examples: from those alone, and in every view of the model."""

import numpy as np
import pytest

from zoo.data.sources.load import load_dataset
from zoo.recipe import load_recipe
from zoo.tasks import TASKS
from zoo.training.problem import set_up

RECIPE = """
extends: [_base/sequence_classification, _base/adamw_cosine]
data: {{source: "npz:{}"}}
preprocess: [{{standardize: {{}}}}]
model: {{name: fcn}}
training: {{batch_size: 8, epochs: 2}}
"""
MODEL = "model={name: minirocket, features: 168}"


@pytest.fixture(scope="module")
def series(tmp_path_factory):
    """An npz file with test examples that are nothing like the others."""
    random = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("series") / "series.npz"
    x = random.normal(size=(60, 30, 2)).cumsum(axis=1)
    labels = np.arange(60) % 3
    np.savez(path, x_train=x, y_train=labels, x_test=x[:12] * 1e4, y_test=labels[:12])
    return path


def problem_of(series, *overrides):
    recipe = series.with_suffix(".yaml")
    recipe.write_text(RECIPE.format(series))
    recipe = load_recipe(recipe, [MODEL, *overrides]).recipe
    return set_up(recipe, load_dataset(recipe.data, TASKS[recipe.task]))


@pytest.mark.parametrize("overrides", [[], ["training.precision=mixed_bfloat16"]])
def test_the_examples_of_the_training_split_set_the_weights_of_every_view(series, overrides):
    problem = problem_of(series, *overrides)
    layer = problem.views.network.get_layer("minirocket")
    features = np.concatenate([np.array(layer(x)) for x in [standardized(problem, problem.dataset.train)]])
    np.testing.assert_allclose(features.mean(axis=0), 0, atol=1e-4)
    learner = problem.views.learner.get_layer("minirocket")
    assert (learner is layer) == (not overrides)
    for own, other in zip(layer.get_weights(), learner.get_weights(), strict=True):
        np.testing.assert_array_equal(own, other)
    assert any(np.abs(weights).max() > 0 for weights in layer.get_weights()[1:])


def standardized(problem, split):
    """Return a split as the network takes it, by its own mean and deviation of the training split."""
    train = problem.dataset.train
    raw = np.asarray(train.take(np.arange(len(train))), float)
    values = np.asarray(split.take(np.arange(len(split))), float)
    return ((values - raw.mean(axis=(0, 1))) / raw.std(axis=(0, 1))).astype("float32")


def test_a_model_without_such_layers_is_left_alone(series):
    before = problem_of(series, "model={name: fcn, widths: [4], kernel_sizes: [3]}")
    after = problem_of(series, "model={name: fcn, widths: [4], kernel_sizes: [3]}")
    for own, other in zip(before.views.network.get_weights(), after.views.network.get_weights(), strict=True):
        np.testing.assert_array_equal(own, other)


def test_weights_of_ngrams_come_from_all_training_texts(tmp_path, monkeypatch):
    """In several parts, and from no other split."""
    monkeypatch.setattr("zoo.data.preprocessor._CHUNK_EXAMPLES", 7)
    words = [f"w{i % 9} v{i % 4}" for i in range(60)]
    rows = "".join(f"{text},{'ab'[i % 2]}\n" for i, text in enumerate(words))
    (tmp_path / "t.csv").write_text(f"text,label\n{rows}")
    recipe = tmp_path / "r.yaml"
    recipe.write_text(
        "extends: [_base/sequence_classification, _base/adamw_cosine]\n"
        f"data: {{source: 'csv:{tmp_path}/t.csv', target: label, text: text}}\n"
        "model: {name: fasttext, longest: 1}\ntraining: {batch_size: 8, epochs: 2}\n"
    )
    recipe = load_recipe(recipe).recipe
    problem = set_up(recipe, load_dataset(recipe.data, TASKS[recipe.task], recipe.preprocess))
    train = problem.dataset.train
    texts = [set(text.split()) for text in train.take(np.arange(len(train)))]
    names = problem.dataset.signature.tokenizer.names
    counts = np.array([sum(name in text for text in texts) for name in names])
    expected = np.where(counts, 1 + np.log((1 + len(texts)) / (1 + counts)), 0)
    got = np.array(problem.views.network.get_layer("tf_idf").idf)
    np.testing.assert_allclose(got[4:], expected[4:], rtol=1e-6)
    assert len(texts) > 7 and got[4:].all()
