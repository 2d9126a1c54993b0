"""Files of arrays: names, shapes and fingerprints, what is refused, and what is mapped from disk."""

from pathlib import Path

import numpy as np
import pytest
from loading import CLASSES, IMAGES, NUMBERS, canonical, everything, load, refused

from zoo.data.inputs import ArrayInputs
from zoo.data.sources.load import load_dataset
from zoo.errors import ZooError
from zoo.recipe.data_section import Data
from zoo.recipe.steps import PreprocessStep, Tokenize
from zoo.tasks import TASKS

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
        (
            {"x": PIXELS / 255, "y": LABELS},
            IMAGES,
            r"images must be uint8, 0 to 255, received float64 \(60, 6, 5\); save them as",
        ),
        ({"x": PIXELS[..., 0], "y": LABELS}, IMAGES, r"received uint8 \(60, 6\)"),
        ({"x": PIXELS.reshape(60, 3, 2, 5), "y": LABELS}, IMAGES, r"received uint8 \(60, 3, 2, 5\)"),
        ({"x": PIXELS, "y": LABELS}, CLASSES, r"vectors must be numbers \(examples, features\), received uint8"),
        ({"x": VECTORS.astype(str), "y": LABELS}, CLASSES, "vectors must be numbers"),
        (
            {"x": VECTORS * np.nan, "y": LABELS},
            CLASSES,
            r"60 of 60 examples whose inputs hold NaN or infinity: 1, 2, 3, 4, 5, …",
        ),
        ({"x": VECTORS * 1e39, "y": LABELS}, CLASSES, r"float32 must hold numbers, and example 1 at \[\d\] has .*e\+"),
        ({"x": VECTORS, "y": LABELS[:-1]}, CLASSES, "train has 60 inputs and 59 targets"),
        ({"x": VECTORS, "y": np.eye(3)[LABELS]}, CLASSES, "targets must be one number or name an example"),
        ({"x": VECTORS, "y": LABELS * 0}, CLASSES, "a classifier needs at least two classes, found 0"),
        ({"x": VECTORS, "y": np.where(LABELS, 1.0, np.nan)}, CLASSES, "row 1 has no label"),
        ({"x": VECTORS, "y": np.where(LABELS == 1, np.inf, 1)}, NUMBERS, "row 2 has the target inf, not a finite"),
        ({"x": VECTORS, "y": LABELS.astype(object)}, CLASSES, r"array 'y' is not readable \(it holds Python objects"),
        ({"x": np.array([object()] * 60), "y": LABELS}, CLASSES, "array 'x' is not readable"),
        (
            {"x_train": VECTORS, "y_train": LABELS, "x_test": VECTORS[:, :3], "y_test": LABELS},
            CLASSES,
            r"the splits have different shapes: \(3,\), \(4,\)",
        ),
        (
            {"x_train": VECTORS, "y_train": LABELS, "x_test": VECTORS, "y_test": LABELS + 1},
            CLASSES,
            r"row 3 has the class '3', which the training split lacks \(its classes: 0, 1, 2\)",
        ),
    ],
)
def test_arrays_that_are_not_right(tmp_path, arrays, task, message):
    refused(message, npz(tmp_path, **arrays), task)


@pytest.mark.parametrize("dtype", [np.int16, np.int64, np.uint16, np.uint64])
def test_whole_numbers_from_0_to_255_are_images(dtype, tmp_path):
    dataset = load(npz(tmp_path, x=PIXELS.astype(dtype), y=LABELS), IMAGES)
    assert dataset.fingerprint == load(npz(tmp_path, x=PIXELS, y=LABELS), IMAGES).fingerprint
    wrong = PIXELS.astype(np.int64)
    wrong[7, 1, 2], wrong[9, 0, 0] = 256, -1
    message = r"array 'x': pixels must be 0 to 255, and example 8 at \[1, 2\] has 256 \(2 such of 1,800 values\)"
    refused(message, npz(tmp_path, x=wrong, y=LABELS), IMAGES)


def test_a_split_without_examples_is_refused_by_its_arrays(tmp_path):
    arrays = {"x_train": PIXELS, "y_train": LABELS, "x_test": PIXELS[:0], "y_test": LABELS[:0]}
    refused("the arrays x_test and y_test hold no examples; leave both out", npz(tmp_path, **arrays), IMAGES)


def test_arrays_of_no_split_are_named(tmp_path):
    dataset = load(npz(tmp_path, x=VECTORS, y=LABELS, x_test=VECTORS, ids=LABELS))
    assert dataset.notes[0] == "of the file are not used: 2 arrays: x_test, ids"


def test_examples_with_gaps_are_left_out_on_request_and_counted(tmp_path):
    x, y = VECTORS.copy(), np.array(["a", "b", "c"])[LABELS]
    x[3, 1], x[5, 0], y[8] = np.nan, np.inf, ""
    source = npz(tmp_path, x=x, y=y)
    refused(r"arrays 'x' and 'y': 2 of 60 examples whose inputs hold NaN or infinity: 4, 6; fill", source)
    dataset = load(source, on_error="skip")
    assert list(dataset.notes[:2]) == [
        "left out by data.on_error: arrays 'x' and 'y': 2 of 60 examples whose inputs hold NaN or infinity: 4, 6",
        "left out by data.on_error: arrays 'x' and 'y': 1 examples without a target: 9",
    ]
    kept = [i for i in range(60) if i not in (3, 5, 8)]
    expected = np.column_stack([VECTORS.astype(np.float32), LABELS])[kept]
    np.testing.assert_array_equal(everything(dataset), canonical(expected))


def test_seconds_that_float32_would_merge_are_refused(tmp_path):
    seconds = np.column_stack([VECTORS[:, 0] * 1e3, 1_700_000_000 + 30 * np.arange(60)]).astype(np.int64)
    refused(
        r"array 'x': float32, which models take, rounds 1 of 2 features .* the first is feature 2, with values such as "
        r"1700000000",
        npz(tmp_path, x=seconds, y=LABELS),
    )


def test_numbers_under_a_recipe_for_texts_are_refused(tmp_path):
    source = npz(tmp_path, x=np.zeros((60, 5, 3)), y=LABELS)
    steps = [PreprocessStep(tokenize=Tokenize())]
    with pytest.raises(ZooError, match=r"holds numbers, and preprocess\.tokenize is for texts; leave it out"):
        load_dataset(Data(source=source), TASKS["sequence_classification"], steps)


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
    monkeypatch.setattr("zoo.data.sources.archive.MAX_RESIDENT_BYTES", 100)
    mapped = load(source, IMAGES)
    base = mapped.train.inputs.array
    while base.base is not None and not isinstance(base, np.memmap):
        base = base.base
    assert isinstance(base, np.memmap)
    assert mapped.fingerprint == resident.fingerprint


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="counts the pages of the process in Linux's way")
def test_pages_of_a_mapped_file_are_released(tmp_path):
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
