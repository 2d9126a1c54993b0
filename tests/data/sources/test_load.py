"""Built-in sets against their origin; cuts, fingerprints, and the table of sources."""

import numpy as np
import pytest
from loading import CLASSES, IMAGES, NUMBERS, canonical, everything, load, refused

from zoo.data.dataset import Signature, SourceData, Split
from zoo.data.inputs import TextInputs
from zoo.data.sources.load import LOADERS, load_dataset
from zoo.recipe.data_section import Data
from zoo.recipe.steps import PreprocessStep, Tokenize
from zoo.tasks import SOURCES, TASKS


def test_every_kind_of_source_has_a_loader():
    assert set(LOADERS) == set(SOURCES)


@pytest.mark.parametrize("name", ["wine", "breast_cancer", "digits", "diabetes"])
def test_builtin_sets_are_those_of_scikit_learn(name):
    from sklearn import datasets

    bunch = datasets.load_diabetes(scaled=False) if name == "diabetes" else getattr(datasets, f"load_{name}")()
    if name == "digits":
        inputs = np.rint(bunch.images * 255 / 16).reshape(len(bunch.images), -1)
    else:
        inputs = bunch.data[:, np.argsort(bunch.feature_names)]
    task = {"digits": IMAGES, "diabetes": NUMBERS}.get(name, CLASSES)
    dataset = load(f"builtin:{name}", task)
    expected = np.column_stack([inputs, bunch.target]).astype(np.float32).astype(np.float64)
    np.testing.assert_array_equal(everything(dataset), canonical(expected))
    if name != "diabetes":
        assert dataset.signature.labels == tuple(map(str, bunch.target_names))
    if name != "digits":
        assert {c.name for c in dataset.signature.columns} == set(bunch.feature_names)
    assert dataset.fingerprint == load(f"builtin:{name}", task).fingerprint
    assert "no test split of its own: 20% of the examples were held out for it" in dataset.notes


def test_unknown_builtin():
    refused(r"unknown built-in data set 'digit'; did you mean 'digits'\? \(known: adding", "builtin:digit", IMAGES)


def test_the_vocabulary_of_texts_is_that_of_the_training_split(monkeypatch):
    def texts(name, data, task):
        inputs = TextInputs(np.array([f"word{i}" for i in range(40)], object))
        signature = Signature(kind="text", target="label", labels=("a", "b"))
        splits = {"train": Split(inputs, np.arange(40), np.arange(40) % 2)}
        return SourceData(signature=signature, splits=splits)

    monkeypatch.setitem(LOADERS, "builtin", texts)
    data = Data(source="builtin:words", test=0.25, validation=0.25)
    dataset = load_dataset(data, TASKS["sequence_classification"], [PreprocessStep(tokenize=Tokenize(level="word"))])
    words = {str(text) for text in dataset.train.take(np.arange(len(dataset.train)))}
    assert len(words) == len(dataset.train) < 40
    assert set(dataset.signature.tokenizer.symbols) == words


def test_splits_depend_on_their_seed_alone():
    first, again, other = (load("builtin:wine", split_seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.test.indices, again.test.indices)
    assert set(first.test.indices) != set(other.test.indices)
    assert first.fingerprint == again.fingerprint != other.fingerprint
    np.testing.assert_array_equal(everything(first), everything(other))
