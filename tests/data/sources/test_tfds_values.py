"""Values of TFDS data sets are looked at before they are narrowed; what cannot be taken is refused or counted."""

import numpy as np
import pytest

from zoo.data.sources.load import LOADERS, load_dataset
from zoo.data.sources.tfds import load_builder
from zoo.errors import ZooError
from zoo.recipe.data_section import Data
from zoo.recipe.steps import PreprocessStep, Tokenize
from zoo.tasks import TASKS


@pytest.fixture
def made(tmp_path):
    """Return a function that prepares a builder: its features, the examples of each split, and its keys."""
    import tensorflow_datasets as tfds

    tfds.disable_progress_bar()

    def prepare(features, splits, keys):
        class Made(tfds.core.GeneratorBasedBuilder, skip_registration=True):
            VERSION = tfds.core.Version("1.0.0")
            pkg_dir_path = None
            name = "made"

            def _info(self):
                described = tfds.features.FeaturesDict(features(tfds))
                return tfds.core.DatasetInfo(builder=self, features=described, supervised_keys=keys)

            def _split_generators(self, manager):
                return {name: iter(enumerate(examples)) for name, examples in splits.items()}

            def _generate_examples(self):
                raise NotImplementedError

        builder = Made(data_dir=tmp_path / "tfds")
        builder.download_and_prepare()
        return builder

    return prepare


def load(builder, task, **settings):
    return load_builder(builder, Data(source="tfds:made", test=0.2, **settings), TASKS[task])


def of_tokens(tfds):
    return {
        "x": tfds.features.Tensor(shape=(4,), dtype=np.int64),
        "y": tfds.features.Tensor(shape=(4,), dtype=np.int64),
    }


@pytest.mark.parametrize(
    ("feature", "value", "message"),
    [
        (
            "x",
            2**40 + 5,
            r"split 'train': feature 'x': token ids must be below 16,777,216, and example \d at \[1\] has 1099",
        ),
        ("x", -1, "feature 'x': token ids must not be negative"),
        ("y", 2**32 + 1, "targets of the split 'train': token ids must be below"),
    ],
)
def test_token_ids_that_would_wrap(feature, value, message, made):
    examples = [{"x": np.arange(4), "y": np.arange(4)} for _ in range(6)]
    examples[2][feature] = np.array([0, value, 1, 2])
    with pytest.raises(ZooError, match=message):
        load(made(of_tokens, {"train": examples}, ("x", "y")), "sequence_labeling")


def of_texts_and_ids(tfds):
    return {"x": tfds.features.Text(), "y": tfds.features.Tensor(shape=(2,), dtype=np.int64)}


def test_texts_whose_words_are_not_known_are_not_tagged(made):
    source = made(of_texts_and_ids, {"train": [{"x": "a b", "y": np.arange(2)}] * 6}, ("x", "y"))
    with pytest.raises(ZooError, match="'x' holds texts; sequence_labeling takes words from conll and tables"):
        load(source, "sequence_labeling")


def of_numbers(tfds, shape=(3,), dtype=np.int64):
    return {
        "x": tfds.features.Tensor(shape=shape, dtype=dtype),
        "y": tfds.features.ClassLabel(names=["no", "yes"]),
    }


def test_features_that_float32_would_merge(made):
    rows = [{"x": np.array([i, i * i, 1_700_000_000 + 30 * i]), "y": i % 2} for i in range(600)]
    with pytest.raises(
        ZooError, match=r"feature 'x': float32, which models take, rounds 1 of 3 features .* feature 3, "
    ):
        load(made(of_numbers, {"train": rows}, ("x", "y")), "tabular_classification")


def test_numbers_that_are_not_finite(made):
    rows = [{"x": np.array([i, 1, 2]) * (np.nan if i == 2 else 1.0), "y": i % 2} for i in range(6)]
    builder = made(lambda tfds: of_numbers(tfds, dtype=np.float64), {"train": rows}, ("x", "y"))
    with pytest.raises(
        ZooError, match=r"feature 'x': numbers must be finite, and example \d at \[0\] has nan \(3 such"
    ):
        load(builder, "tabular_classification")


def test_arrays_of_unknown_length_and_empty_splits(made):
    rows = [{"x": np.zeros((2 + i, 3), np.float32), "y": i % 2} for i in range(4)]
    builder = made(lambda tfds: of_numbers(tfds, (None, 3), np.float32), {"train": rows}, ("x", "y"))
    with pytest.raises(ZooError, match=r"feature 'x' has shape \(None, 3\), and zoo takes arrays of one length; pad"):
        load(builder, "sequence_classification")


def test_splits_without_examples_and_splits_that_are_not_used(made):
    rows = [{"x": np.array([i, 1, 2]), "y": i % 2} for i in range(6)]
    builder = made(of_numbers, {"train": rows, "validation": rows, "extra": rows[:2]}, ("x", "y"))
    source = load(builder, "tabular_classification")
    assert source.notes == ["of the source are not used: 2 splits: 'validation' (6 examples), 'extra' (2 examples)"]
    with pytest.raises(ZooError, match=r"the split 'train\[:0\]' holds no examples; name another"):
        load(builder, "tabular_classification", splits={"test": "train[:0]"})
    with pytest.raises(ZooError, match=r"'train\[:a\]' names no part of a split"):
        load(builder, "tabular_classification", splits={"test": "train[:a]"})


def test_an_edge_that_would_wrap(made):
    def features(tfds):
        graph = {
            "nodes": tfds.features.Tensor(shape=(None, 2), dtype=np.float32),
            "edges": tfds.features.Tensor(shape=(None, 2), dtype=np.int64),
        }
        return {"graph": tfds.features.FeaturesDict(graph), "y": tfds.features.ClassLabel(names=["no", "yes"])}

    rows = [
        {"graph": {"nodes": np.ones((3, 2), np.float32), "edges": np.array([[0, 1]])}, "y": i % 2} for i in range(4)
    ]
    rows[1]["graph"]["edges"] = np.array([[0, 2**32]])
    with pytest.raises(ZooError, match=r"graph \d: edges must join nodes 0 to 2, received the edge \[0, 4294967296\]"):
        load(made(features, {"train": rows}, ("graph", "y")), "graph_classification")


def test_words_that_no_training_text_has_are_counted(made, monkeypatch):
    def features(tfds):
        return {"x": tfds.features.Text(), "y": tfds.features.ClassLabel(names=["no", "yes"])}

    rows = [{"x": "good one" if i % 2 else "bad one", "y": i % 2} for i in range(20)]
    test = [{"x": f"unseen {'good' if i % 2 else 'bad'}", "y": i % 2} for i in range(4)]
    builder = made(features, {"train": rows, "test": test}, ("x", "y"))
    monkeypatch.setitem(LOADERS, "tfds", lambda name, data, task: load_builder(builder, data, task))
    steps = [PreprocessStep(tokenize=Tokenize(level="word", length=1))]
    notes = load_dataset(Data(source="tfds:made"), TASKS["sequence_classification"], steps).notes
    assert notes[-1] == (
        "the texts of the test split: 4 of 4 words are unknown to the vocabulary: 'unseen'; "
        "4 of 4 texts are cut at 1 words"
    )
