"""TFDS data sets, mocked or made up: images, tables and vectors, the decoded cache, and what is refused."""

import numpy as np
import pytest
from loading import CLASSES, IMAGES, NUMBERS, load, refused

from zoo.backend.startup import cache_root
from zoo.data.sources.tfds import load_builder
from zoo.errors import ZooError
from zoo.recipe.data_section import Data
from zoo.tasks import TASKS


@pytest.fixture
def mocked():
    import tensorflow_datasets as tfds

    with tfds.testing.mock_data(num_examples=150, policy=tfds.testing.MockPolicy.USE_CODE):
        yield


@pytest.mark.parametrize(
    ("name", "shape"), [("mnist", (28, 28, 1)), ("fashion_mnist", (28, 28, 1)), ("cifar10", (32, 32, 3))]
)
def test_tfds_images(mocked, name, shape):
    dataset = load(f"tfds:{name}", IMAGES)
    assert dataset.signature.shape == shape and len(dataset.signature.labels) == 10
    assert [len(s) for s in (dataset.train, dataset.validation, dataset.test)] == [135, 15, 150]
    assert dataset.test.take([0, 1]).shape == (2, *shape) and dataset.test.take([0]).dtype == np.uint8
    assert not list(cache_root().glob(f"*/{name}*"))  # what is made up must not be kept


def test_tfds_images_of_different_sizes(mocked):
    dataset = load("tfds:cats_vs_dogs", IMAGES)
    assert dataset.signature.shape == (None, None, 3) and dataset.signature.labels == ("cat", "dog")
    taken = dataset.train.take(np.arange(20))
    assert len({image.shape for image in taken}) > 1 and all(i.dtype == np.uint8 and i.ndim == 3 for i in taken)
    assert load("tfds:cats_vs_dogs", IMAGES).fingerprint == dataset.fingerprint


def test_tfds_tables_and_vectors(mocked):
    dataset = load("tfds:titanic")
    types = {c.name: c.type for c in dataset.signature.columns}
    assert types["age"] == types["fare"] == "number" and types["sex"] == types["name"] == "category"
    assert dataset.signature.target == "survived" and "survived" not in types
    assert set(dataset.train.take(np.arange(50))["sex"]) == {"male", "female"}
    assert "name" not in [c.name for c in load("tfds:titanic", ignore=["name"]).signature.columns]
    assert load("tfds:titanic", NUMBERS, target="fare").train.targets.dtype == np.float32
    assert load("tfds:iris").signature.shape == (4,)


def test_tfds_errors(mocked):
    refused(r"tfds has no data set 'fashion_mnis'; did you mean 'fashion_mnist'\?", "tfds:fashion_mnis", IMAGES)
    refused(r"its inputs are of the kind 'image', and this task takes table or array", "tfds:mnist", CLASSES)
    refused(r"data\.target must name a feature, received 'labl'", "tfds:mnist", IMAGES, target="labl")
    refused(r"feature 'features' has shape", "tfds:wine_quality", NUMBERS)


def test_tfds_without_a_network_says_so_at_once(tmp_path, monkeypatch):
    import socket

    import tensorflow_datasets as tfds

    def unreachable(*_):
        raise socket.gaierror("Name or service not known")

    builder = tfds.builder("mnist", data_dir=tmp_path)
    monkeypatch.setattr(tfds, "builder", lambda name: builder)
    monkeypatch.setattr(socket, "getaddrinfo", unreachable)
    for proxy in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(proxy, raising=False)
    message = r"tfds:mnist is not prepared in .*, and storage\.googleapis\.com, .* cannot be reached"
    refused(message, "tfds:mnist", IMAGES)


@pytest.fixture
def prepared(tmp_path):
    """Return a function that prepares a TFDS builder with made-up images of two classes."""
    import tensorflow_datasets as tfds

    def prepare(labels, channels=3):
        class Made(tfds.core.GeneratorBasedBuilder, skip_registration=True):
            VERSION = tfds.core.Version("1.0.0")
            pkg_dir_path = None
            name = "made"

            def _info(self):
                features = {
                    "image": tfds.features.Image(shape=(None, None, channels), encoding_format="png"),
                    "label": tfds.features.ClassLabel(names=["no", "yes"]),
                }
                keys = ("image", "label")
                return tfds.core.DatasetInfo(
                    builder=self, features=tfds.features.FeaturesDict(features), supervised_keys=keys
                )

            def _split_generators(self, manager):
                return {"train": self._generate_examples(), "extra": self._generate_examples()}

            def _generate_examples(self):
                for i, label in enumerate(labels):
                    image = np.random.default_rng(i).integers(0, 256, (4 + i % 3, 6, channels), dtype=np.uint8)
                    yield i, {"image": image, "label": label}

        tfds.disable_progress_bar()
        builder = Made(data_dir=tmp_path / "tfds")
        builder.download_and_prepare()
        return builder

    return prepare


def test_tfds_sets_that_are_prepared_are_decoded_once(prepared, monkeypatch):
    builder = prepared([0, 1] * 10)
    data = Data(source="tfds:made")
    first = load_builder(builder, data, TASKS[IMAGES])
    images = (np.random.default_rng(i).integers(0, 256, (4 + i % 3, 6, 3), dtype=np.uint8) for i in range(20))
    expected = {image.tobytes() for image in images}
    assert {image.tobytes() for image in first.splits["train"].take(np.arange(20))} == expected
    assert set(first.splits) == {"train"}  # the test split is cut later
    monkeypatch.setattr(type(builder), "as_dataset", None)
    again = load_builder(builder, data, TASKS[IMAGES])
    assert again.splits["train"].inputs.digest() == first.splits["train"].inputs.digest()
    message = r"tfds:made has no split 'extr'; did you mean 'extra'\? \(splits: extra, train\)"
    with pytest.raises(ZooError, match=message):
        load_builder(builder, Data(source="tfds:made", splits={"validation": "extr"}), TASKS[IMAGES])


def test_tfds_examples_without_a_label_are_refused(prepared):
    with pytest.raises(ZooError, match=r"2 of 6 examples of the split 'train' have no label; name another split"):
        load_builder(prepared([0, 1, -1, 0, 1, -1]), Data(source="tfds:made"), TASKS[IMAGES])


def test_tfds_images_with_an_alpha_channel_are_refused(prepared):
    with pytest.raises(ZooError, match=r"images must have 1 or 3 channels of uint8, received \(None, None, 4\)"):
        load_builder(prepared([0, 1], channels=4), Data(source="tfds:made"), TASKS[IMAGES])
