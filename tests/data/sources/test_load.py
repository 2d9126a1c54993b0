"""Every kind of source: the values, the fingerprint, and what is said of data that is not right."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from zoo.data.dataset import ArrayInputs
from zoo.data.sources.load import load_dataset
from zoo.errors import ZooError
from zoo.recipe.schema import Data
from zoo.tasks import TASKS
from zoo.utils.cache import cache_folder

CLASSES, NUMBERS, IMAGES = "tabular_classification", "tabular_regression", "image_classification"


def load(source, task=CLASSES, **settings):
    return load_dataset(Data(source=source, **settings), TASKS[task])


def refused(message, *args, **settings):
    with pytest.raises(ZooError, match=message):
        load(*args, **settings)


def everything(dataset):
    """Return inputs and targets of all three splits together, as float64 rows in a canonical order."""
    rows = []
    for split in (dataset.train, dataset.validation, dataset.test):
        raw = split.take(np.arange(len(split)))
        if isinstance(raw, dict):
            inputs = np.stack([raw[name] for name in sorted(raw)], axis=1)
        else:
            inputs = raw.reshape(len(raw), -1)
        rows.append(np.column_stack([inputs.astype(np.float64), split.targets]))
    return canonical(np.concatenate(rows))


def canonical(rows):
    return rows[np.lexsort(rows.T)]


# --- builtin ------------------------------------------------------------------------------------------------------


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


def test_splits_depend_on_their_seed_alone():
    first, again, other = (load("builtin:wine", split_seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.test.indices, again.test.indices)
    assert set(first.test.indices) != set(other.test.indices)
    assert first.fingerprint == again.fingerprint != other.fingerprint
    np.testing.assert_array_equal(everything(first), everything(other))


# --- folder -------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path, write_images):
    write_images(tmp_path / "data", count=14)
    return tmp_path / "data"


def test_folder_of_classes(folder):
    dataset = load(f"folder:{folder}", IMAGES)
    assert dataset.signature.labels == ("cat", "dog", "emu")
    assert dataset.signature.shape == (None, None, 3)
    assert [len(s) for s in (dataset.train, dataset.validation, dataset.test)] == [31, 3, 8]
    files = sorted(folder.rglob("*.*"))
    for split in (dataset.train, dataset.validation, dataset.test):
        for position, index in enumerate(split.indices):
            expected = np.asarray(Image.open(files[index]).convert("RGB"))
            np.testing.assert_array_equal(split.take([position])[0], expected)
            assert dataset.signature.labels[split.targets[position]] == files[index].parent.name


def test_grey_files_are_read_as_grey_unless_told_otherwise(tmp_path):
    for label in "ab":
        (tmp_path / label).mkdir()
        for i in range(8):
            Image.fromarray(np.full((6, 5), 10 * i, np.uint8)).save(tmp_path / label / f"{i}.png")
    assert load(f"folder:{tmp_path}", IMAGES, validation=0.2).signature.shape == (6, 5, 1)
    assert load(f"folder:{tmp_path}", IMAGES, validation=0.2, channels=3).signature.shape == (6, 5, 3)


def test_folder_of_splits(tmp_path, write_images):
    write_images(tmp_path / "train", count=6)
    write_images(tmp_path / "test", count=2)
    write_images(tmp_path / "val", count=3)
    dataset = load(f"folder:{tmp_path}", IMAGES, splits={"validation": "val"})
    assert [len(s) for s in (dataset.train, dataset.validation, dataset.test)] == [18, 9, 6]
    assert dataset.notes == ()
    assert len(load(f"folder:{tmp_path}", IMAGES, validation=0.2).validation) == 4
    (tmp_path / "test" / "fox").mkdir()
    refused(r"test: classes that the training split does not have: fox", f"folder:{tmp_path}", IMAGES)
    (tmp_path / "test" / "fox").rmdir()
    for file in (tmp_path / "test" / "dog").iterdir():
        file.unlink()
    refused(r"test/dog: the class has no images; add some, or remove the folder", f"folder:{tmp_path}", IMAGES)


def test_folders_that_are_not_right(tmp_path, folder):
    refused(r"folder .*gone does not exist", f"folder:{tmp_path}/gone", IMAGES)
    refused(r"expected one subfolder a class, at least two; found none", f"folder:{folder / 'cat'}", IMAGES)
    (tmp_path / "one" / "cat").mkdir(parents=True)
    refused(r"at least two; found cat", f"folder:{tmp_path}/one", IMAGES)
    (folder / "empty").mkdir()
    refused(r"data/empty: the class has no images", f"folder:{folder}", IMAGES)
    (folder / "empty").rmdir()
    image = folder / "dog" / "04.png"
    image.write_bytes(image.read_bytes()[:-40])
    refused(r"data/dog/04\.png: not readable as an image", f"folder:{folder}", IMAGES)


def test_fingerprint_of_a_folder(folder):
    def fingerprint():
        return load(f"folder:{folder}", IMAGES).fingerprint

    first = fingerprint()
    assert fingerprint() == first
    image = folder / "cat" / "00.png"
    pixels = np.array(Image.open(image))
    Image.fromarray(pixels ^ np.eye(*pixels.shape, dtype=np.uint8)).save(image)
    changed = fingerprint()
    assert changed != first
    Image.fromarray(pixels).save(image)
    image.rename(folder / "dog" / "00b.png")
    assert fingerprint() not in (first, changed)


# --- npz ----------------------------------------------------------------------------------------------------------

RNG = np.random.default_rng(0)
PIXELS, VECTORS = RNG.integers(0, 256, (60, 6, 5), dtype=np.uint8), RNG.normal(size=(60, 4))
LABELS = np.arange(60) % 3


def npz(tmp_path, **arrays):
    np.savez(tmp_path / "d.npz", **arrays)
    return f"npz:{tmp_path / 'd.npz'}"


@pytest.mark.parametrize(
    ("names", "validation"), [("x_{0} y_{0}", "val"), ("x_{0} y_{0}", "validation"), ("{0}_images {0}_labels", "val")]
)
def test_npz_with_its_own_splits(tmp_path, names, validation):
    arrays = {}
    for name, at in (("train", slice(0, 30)), (validation, slice(30, 45)), ("test", slice(45, 60))):
        x, y = names.format(name).split()
        arrays |= {x: PIXELS[at], y: LABELS[at, None]}
    dataset = load(npz(tmp_path, **arrays), IMAGES)
    assert [len(s) for s in (dataset.train, dataset.validation, dataset.test)] == [30, 15, 15]
    assert dataset.signature.shape == (6, 5, 1) and dataset.signature.labels == ("0", "1", "2")
    np.testing.assert_array_equal(dataset.validation.take([0, 14])[..., 0], PIXELS[[30, 44]])
    np.testing.assert_array_equal(dataset.test.targets, LABELS[45:])


def test_npz_of_x_and_y(tmp_path):
    dataset = load(npz(tmp_path, x=VECTORS, y=np.array(["b", "a", "c"])[LABELS]))
    assert dataset.signature.kind == "array" and dataset.signature.labels == ("a", "b", "c")
    expected = np.column_stack([VECTORS.astype(np.float32), np.array([1, 0, 2])[LABELS]])
    np.testing.assert_array_equal(everything(dataset), canonical(expected))
    numbers = load(npz(tmp_path, x=VECTORS, y=VECTORS[:, 0]), NUMBERS)
    assert numbers.signature.labels == () and numbers.train.targets.dtype == np.float32


def test_fingerprint_of_arrays(tmp_path):
    def fingerprint(x, y):
        return load(npz(tmp_path, x=x, y=y), IMAGES).fingerprint

    first = fingerprint(PIXELS, LABELS)
    assert fingerprint(PIXELS, LABELS) == first
    pixels, labels = PIXELS.copy(), LABELS.copy()
    pixels[7, 0, 0] ^= 1
    labels[[0, 1]] = labels[[1, 0]]
    prints = {first, fingerprint(pixels, LABELS), fingerprint(PIXELS, labels), fingerprint(PIXELS[..., ::-1], LABELS)}
    assert len(prints) == 4


@pytest.mark.parametrize(
    ("arrays", "task", "message"),
    [
        ({"a": PIXELS}, IMAGES, r"expected arrays x_train and y_train or train_images and .* found a$"),
        ({"x": PIXELS}, IMAGES, "expected arrays"),
        ({"x": PIXELS / 255, "y": LABELS}, IMAGES, r"images must be uint8 .* received float64 \(60, 6, 5\)"),
        ({"x": PIXELS[..., 0], "y": LABELS}, IMAGES, r"received uint8 \(60, 6\)"),
        ({"x": PIXELS.reshape(60, 3, 2, 5), "y": LABELS}, IMAGES, r"received uint8 \(60, 3, 2, 5\)"),
        ({"x": PIXELS, "y": LABELS}, CLASSES, r"vectors must be numbers \(examples, features\), received uint8"),
        ({"x": VECTORS.astype(str), "y": LABELS}, CLASSES, "vectors must be numbers"),
        ({"x": VECTORS * np.nan, "y": LABELS}, CLASSES, "the inputs hold NaN or infinity"),
        ({"x": VECTORS * 1e39, "y": LABELS}, CLASSES, "the inputs hold NaN or infinity"),
        ({"x": VECTORS, "y": LABELS[:-1]}, CLASSES, "train has 60 inputs and 59 targets"),
        ({"x": VECTORS, "y": np.eye(3)[LABELS]}, CLASSES, "targets must be one number or name an example"),
        ({"x": VECTORS, "y": LABELS * 0}, CLASSES, "a classifier needs at least two classes, found 0"),
        ({"x": VECTORS, "y": np.where(LABELS, 1.0, np.nan)}, CLASSES, "row 1 has no label"),
        ({"x": VECTORS, "y": np.where(LABELS == 1, np.inf, 1)}, NUMBERS, "row 2 has the target inf, not a finite"),
        ({"x": VECTORS, "y": LABELS.astype(object)}, CLASSES, r"array 'y' is not readable \(Object arrays cannot be"),
        ({"x": np.array([object()] * 60), "y": LABELS}, CLASSES, "array 'x' is not readable"),
        (
            {"x_train": VECTORS, "y_train": LABELS, "x_test": VECTORS[:, :3], "y_test": LABELS},
            CLASSES,
            r"the splits have different shapes: \(3,\), \(4,\)",
        ),
        (
            {"x_train": VECTORS, "y_train": LABELS, "x_test": VECTORS, "y_test": LABELS + 1},
            CLASSES,
            r"row 3 has the class '3', which the training split does not \(0, 1, 2\)",
        ),
    ],
)
def test_arrays_that_are_not_right(tmp_path, arrays, task, message):
    refused(message, npz(tmp_path, **arrays), task)


def test_npz_files_that_are_damaged(tmp_path):
    refused(r"gone\.npz: not readable as an npz file", f"npz:{tmp_path}/gone.npz")
    np.savez_compressed(tmp_path / "d.npz", x=VECTORS, y=LABELS)
    content = (tmp_path / "d.npz").read_bytes()
    (tmp_path / "short.npz").write_bytes(content[:-50])
    refused(r"short\.npz: not readable as an npz file", f"npz:{tmp_path}/short.npz")
    (tmp_path / "rot.npz").write_bytes(content[:300] + bytes(200) + content[500:])
    refused(r"rot\.npz: array 'x' is not readable", f"npz:{tmp_path}/rot.npz")


def test_large_arrays_are_mapped(tmp_path, monkeypatch):
    source = npz(tmp_path, x=PIXELS, y=LABELS)
    resident = load(source, IMAGES)
    monkeypatch.setattr("zoo.data.sources.npz.MAP_BYTES", 100)
    mapped = load(source, IMAGES)
    base = mapped.train.inputs.array
    while base.base is not None and not isinstance(base, np.memmap):
        base = base.base
    assert isinstance(base, np.memmap)
    assert mapped.fingerprint == resident.fingerprint


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="counts the pages of the process in Linux's way")
def test_what_was_read_of_a_mapped_file_is_given_back(tmp_path):
    """Reading all of it, in order and at random, leaves little of it in memory; the values are those of the file."""

    def held():
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssFile"))

    array = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", np.uint8, (20_000, 16_384))  # 328 MB
    array[:] = np.arange(20_000)[:, None] % 251
    array.flush()
    del array
    inputs, before = ArrayInputs(np.load(tmp_path / "x.npy", mmap_mode="r")), held()
    inputs.digest()
    assert held() - before < 150e6
    generator = np.random.default_rng(0)
    for _ in range(200):
        indices = generator.integers(0, 20_000, 100)
        assert np.array_equal(inputs.take(indices)[:, 7], indices % 251)
    assert held() - before < 250e6


# --- csv, parquet -------------------------------------------------------------------------------------------------

FRAME = pd.DataFrame(
    {"height": RNG.normal(size=60), "colour": np.array(["red", "blue"])[LABELS % 2], "code": LABELS, "kind": LABELS}
)


@pytest.fixture(params=["csv", "parquet"])
def table(request, tmp_path):
    def write(frame=FRAME, **changes):
        frame = frame.assign(**changes)
        path = tmp_path / f"t.{request.param}"
        frame.to_csv(path, index=False) if request.param == "csv" else frame.to_parquet(path)
        return f"{request.param}:{path}"

    return write


def test_tables(table):
    dataset = load(table(), target="kind", categorical=["code"], ignore=["colour"])
    assert [(c.name, c.type) for c in dataset.signature.columns] == [("height", "number"), ("code", "category")]
    assert dataset.signature.labels == ("0", "1", "2") and dataset.signature.target == "kind"
    rows = dataset.train.take([0, 5])
    np.testing.assert_array_equal(rows["height"], FRAME["height"].astype(np.float32)[dataset.train.indices[[0, 5]]])
    assert load(table(), NUMBERS, target="height").train.targets.dtype == np.float32


def test_labels_and_fingerprints_of_tables(table):
    def dataset(**changes):
        return load(table(**changes), target="kind")

    first = dataset()
    assert dataset().fingerprint == first.fingerprint
    assert dataset(height=FRAME["height"].where(FRAME.index != 3, 0.0)).fingerprint != first.fingerprint
    assert dataset(kind=FRAME["kind"].replace({0: 1, 1: 0})).fingerprint != first.fingerprint
    assert dataset(kind=FRAME["kind"].astype(float)).signature.labels == ("0", "1", "2")
    assert dataset(kind=FRAME["kind"] + 9).signature.labels == ("9", "10", "11")


@pytest.mark.parametrize(
    ("settings", "changes", "message"),
    [
        ({"target": "kin"}, {}, r"data\.target names the column 'kin', which the table lacks; did you mean 'kind'\?"),
        ({"target": "kind", "ignore": ["hight"]}, {}, r"data\.ignore names the column 'hight', .* 'height'\?"),
        ({"target": "kind", "categorical": ["x"]}, {}, r"data\.categorical names the column 'x', which the table"),
        ({"target": "kind", "ignore": ["height", "colour", "code"]}, {}, "no input column is left beside the target"),
        ({"target": "kind"}, {"kind": FRAME["kind"].where(FRAME.index != 6)}, "column 'kind': row 7 has no label"),
        ({"target": "kind"}, {"kind": 1}, "column 'kind': a classifier needs at least two classes, found 1"),
    ],
)
def test_tables_that_are_not_right(table, settings, changes, message):
    refused(message, table(**changes), **settings)


def test_numbers_that_are_missing(table):
    source = table(height=FRAME["height"].where(FRAME.index != 6))
    refused(r"column 'height': row 7 has no target \(1 such of 60 rows\)", source, NUMBERS, target="height")
    refused(r"row 1 has the target 'red', and this task predicts numbers", table(), NUMBERS, target="colour")


# --- tfds ---------------------------------------------------------------------------------------------------------


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
    assert not list(cache_folder().glob(f"*/{name}*"))  # what is made up must not be kept


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
    from zoo.data.sources.tfds import load_tfds

    builder = prepared([0, 1] * 10)
    data = Data(source="tfds:made")
    first = load_tfds(builder, data, TASKS[IMAGES])
    images = (np.random.default_rng(i).integers(0, 256, (4 + i % 3, 6, 3), dtype=np.uint8) for i in range(20))
    expected = {image.tobytes() for image in images}
    assert {image.tobytes() for image in first.train.take(np.arange(20))} == expected
    assert first.test is None  # there is none, so it is cut
    monkeypatch.setattr(type(builder), "as_dataset", None)
    again = load_tfds(builder, data, TASKS[IMAGES])
    assert again.train.inputs.digest() == first.train.inputs.digest()
    message = r"tfds:made has no split 'extr'; did you mean 'extra'\? \(splits: extra, train\)"
    with pytest.raises(ZooError, match=message):
        load_tfds(builder, Data(source="tfds:made", splits={"validation": "extr"}), TASKS[IMAGES])


def test_tfds_examples_without_a_label_are_refused(prepared):
    from zoo.data.sources.tfds import load_tfds

    with pytest.raises(ZooError, match=r"2 of 6 examples of the split 'train' have no label; name another split"):
        load_tfds(prepared([0, 1, -1, 0, 1, -1]), Data(source="tfds:made"), TASKS[IMAGES])


def test_tfds_images_with_an_alpha_channel_are_refused(prepared):
    from zoo.data.sources.tfds import load_tfds

    with pytest.raises(ZooError, match=r"images must have 1 or 3 channels of uint8, received \(None, None, 4\)"):
        load_tfds(prepared([0, 1], channels=4), Data(source="tfds:made"), TASKS[IMAGES])
