"""Folders of images: their classes, splits and fingerprints, and what is refused."""

import numpy as np
import pytest
from loading import IMAGES, load, refused
from PIL import Image


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
