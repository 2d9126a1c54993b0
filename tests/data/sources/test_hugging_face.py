"""Data sets of Hugging Face: splits, names of classes, boxes, tags, translations; by the package where it is there."""

from types import SimpleNamespace

import numpy as np
import pytest

from zoo.data.memory.datasets import hold
from zoo.data.sources.load import load_dataset
from zoo.errors import ZooError
from zoo.recipe.data_section import Data
from zoo.tasks import TASKS

ROWS = 60
CLASS = SimpleNamespace(names=["no", "yes", "other"])


def load(dataset, task, **settings):
    given = hold(dataset)
    return load_dataset(Data(source=given.source, **settings), TASKS[task], (), given)


class StandIn:
    """What is used of a Hugging Face `Dataset`."""

    def __init__(self, columns, features):
        self.columns, self.features, self.column_names = columns, features, list(columns)

    def __len__(self):
        return len(next(iter(self.columns.values())))

    def __getitem__(self, name):
        return self.columns[name]


def stand_in(columns, classes=(), lists=(), objects=None, languages=None):
    features = dict.fromkeys(columns, SimpleNamespace())
    features |= dict.fromkeys(classes, CLASS) | dict.fromkeys(lists, SimpleNamespace(feature=CLASS))
    if objects:
        features[objects] = {"bbox": SimpleNamespace(), "category": SimpleNamespace(feature=CLASS)}
    if languages:
        features["translation"] = SimpleNamespace(languages=languages)
    return StandIn(columns, features)


def real(columns, classes=(), lists=(), objects=None, languages=None):
    datasets = pytest.importorskip("datasets")
    found = datasets.Dataset.from_dict(columns)
    label = datasets.ClassLabel(names=CLASS.names)
    features = found.features.copy()
    features |= dict.fromkeys(classes, label) | dict.fromkeys(lists, datasets.List(label))
    if "image" in columns:
        features["image"] = datasets.Image()
    if objects:
        boxes = datasets.List(datasets.List(datasets.Value("float32")))
        features[objects] = {"bbox": boxes, "category": datasets.List(label)}
    if languages:
        features["translation"] = datasets.Translation(languages=languages)
    return datasets.Dataset.from_dict(columns, features=datasets.Features(features))


@pytest.fixture(params=[stand_in, real])
def make(request):
    return request.param


LABELS = (np.arange(ROWS) % 3).tolist()


def test_splits_of_a_data_set_dict_are_those_of_training(make):
    whole = make({"a": [float(i) for i in range(ROWS)], "y": LABELS}, classes=["y"])
    part = make({"a": [0.5] * 6, "y": LABELS[:6]}, classes=["y"])
    found = load({"train": whole, "validation": part, "test": part}, "tabular_classification", target="y")
    assert (len(found.train), len(found.validation), len(found.test)) == (ROWS, 6, 6)
    assert found.signature.labels == ("no", "other", "yes")
    with pytest.raises(ZooError, match=r"data: holds the splits train, unsupervised; expected train, and validation"):
        hold({"train": whole, "unsupervised": part})
    with pytest.raises(ZooError, match=r"data: holds the splits dev, validation"):
        hold({"dev": whole, "validation": part})
    with pytest.raises(ZooError, match=r"test=: data has a split of its own for it; leave it out"):
        hold({"train": whole, "test": part}, None, part)


def test_tags_have_their_names(make):
    words, tags = [["in", "Rome"], ["no"]] * 30, [[0, 1], [2]] * 30
    dataset = make({"id": list(range(ROWS)), "tokens": words, "tags": tags}, lists=["tags"])
    found = load(dataset, "sequence_labeling", text="tokens", target="tags")
    assert found.signature.labels == ("<padding>", "no", "other", "yes")
    assert found.train.take(np.array([0]))[0] in ("in Rome", "no")


def test_boxes_have_the_names_of_their_classes(make):
    from PIL import Image

    images = [Image.new("RGB", (20, 10))] * ROWS
    objects = [{"bbox": [[0.0, 0.0, 10.0, 5.0]], "category": [i % 2]} for i in range(ROWS)]
    found = load(make({"image": images, "objects": objects}, objects="objects"), "object_detection", target="objects")
    assert found.signature.labels == ("no", "yes")
    np.testing.assert_allclose(found.train.targets[0, 0, :4], [0, 0, 0.5, 0.5])


def test_a_translation_is_a_column_a_language(make):
    pairs = [{"en": f"a{i}", "de": f"b{i}"} for i in range(ROWS)]
    found = load(make({"translation": pairs}, languages=["en", "de"]), "sequence_to_sequence", text="en", target="de")
    assert {text[0] for text in found.train.take(np.arange(5))} == {"a"}


def test_embeddings_are_vectors(make):
    vectors = np.random.default_rng(0).normal(size=(ROWS, 4)).tolist()
    found = load(make({"x": vectors, "y": LABELS}, classes=["y"]), "tabular_classification", target="y")
    assert found.signature.kind == "array" and found.signature.shape == (4,)


def test_an_unlabelled_row_and_a_stream_are_refused(make):
    dataset = make({"a": [1.0] * ROWS, "y": [-1, *LABELS[1:]]}, classes=["y"])
    with pytest.raises(ZooError, match=r"column 'y': row 1 has no label"):
        load(dataset, "tabular_classification", target="y")
    stream = SimpleNamespace(column_names=["a"], features={"a": None})
    if make is real:
        stream = dataset.to_iterable_dataset()
    with pytest.raises(ZooError, match=r"the data set is streamed \(.*\); load it without streaming=True"):
        hold(stream)
