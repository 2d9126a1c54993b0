"""MVTec's layout: good images to train on, faults in the test split, and masks that say where they are."""

import numpy as np
import pytest
from PIL import Image

from zoo.data.sources.load import load_dataset
from zoo.data.sources.mask_image import read_mask
from zoo.errors import ZooError
from zoo.recipe.data_section import Data
from zoo.tasks import TASKS


def picture(number, size=(12, 10)):
    return np.random.default_rng(number).integers(0, 100, (*size, 3), np.uint8)


def write_mvtec(folder, masks=True, size=(12, 10)):
    """Write 20 good training images, 4 good and 6 faulty test images with masks, and return the folder."""
    number = 0
    for place, count in (("train/good", 20), ("test/good", 4), ("test/crack", 4), ("test/hole", 2)):
        (folder / place).mkdir(parents=True)
        for i in range(count):
            pixels = picture(number, size)
            if place.endswith(("crack", "hole")):
                pixels[2:5, 3:7] = 255
                if masks:
                    (folder / place.replace("test", "ground_truth")).mkdir(parents=True, exist_ok=True)
                    mask = np.zeros(size, np.uint8)
                    mask[2:5, 3:7] = 255
                    Image.fromarray(mask).save(folder / place.replace("test", "ground_truth") / f"{i:03}_mask.png")
            Image.fromarray(pixels).save(folder / place / f"{i:03}.png")
            number += 1
    return folder


def load(folder, **settings):
    return load_dataset(Data(source=f"mvtec:{folder}", **settings), TASKS["anomaly_detection"])


@pytest.fixture
def folder(tmp_path):
    return write_mvtec(tmp_path / "bottle")


def test_images_targets_and_masks_are_those_of_the_folder(folder):
    dataset = load(folder)
    assert dataset.signature.labels == ("normal", "abnormal") and dataset.signature.shape == (12, 10, 3)
    assert len(dataset.train) == 18 and len(dataset.validation) == 2
    assert not dataset.train.targets.any() and not dataset.validation.targets.any()
    assert dataset.test.targets.tolist() == [1] * 4 + [0] * 4 + [1] * 2  # crack, good, hole
    numbers = [*range(24, 28), *range(20, 24), *range(28, 30)]
    for position, number in enumerate(numbers):
        (image,) = dataset.test.take([position])
        expected = picture(number)
        if dataset.test.targets[position]:
            marked = read_mask(dataset.masks[position]) != 0
            assert (image[marked] == 255).all()
            expected[marked] = 255
        np.testing.assert_array_equal(image, expected)
    assert sorted(dataset.masks) == [0, 1, 2, 3, 8, 9]
    assert "test images by their folder: crack (4), good (4), hole (2)" in dataset.notes


def test_masks_may_be_left_out_and_a_validation_split_be_there(tmp_path):
    folder = write_mvtec(tmp_path / "nut", masks=False)
    (folder / "validation/good").mkdir(parents=True)
    Image.fromarray(picture(99)).save(folder / "validation/good/0.png")
    dataset = load(folder)
    assert len(dataset.train) == 20 and len(dataset.validation) == 1 and not dataset.masks
    assert any(note.startswith("no masks of faults") for note in dataset.notes)


def save(folder, name, pixels):
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(folder / name)


def remove(folder, *names):
    for name in names:
        for file in [folder / name] if (folder / name).is_file() else sorted((folder / name).iterdir()):
            file.unlink()


BAD = {
    "no folder": (lambda f: f.rename(f.with_name("other")), r"bottle does not exist"),
    "no train": (
        lambda f: (f / "train").rename(f / "learn"),
        r"expected train/good, .* found the folders ground_truth",
    ),
    "no test": (lambda f: (f / "test").rename(f / "tst"), r"expected train/good, test/good and test/FAULT"),
    "no good in train": (lambda f: (f / "train/good").rename(f / "train/ok"), r"train: expected .*; found ok"),
    "no good in test": (
        lambda f: (f / "test/good").rename(f / "test/fine"),
        r"test: expected .*found crack, fine",
    ),
    "faults in train": (
        lambda f: save(f, "train/crack/0.png", picture(0)),
        r"train: only good images are learned from; beside them lie 1 folders: crack",
    ),
    "flat": (lambda f: [(f / "train/good").rename(f / "g"), save(f, "train/0.png", picture(0))], r"found no folders"),
    "empty train": (lambda f: remove(f, "train/good"), r"the train split has no normal images"),
    "empty good": (lambda f: remove(f, "test/good"), r"the test split has no normal images"),
    "one mask missing": (
        lambda f: remove(f, "ground_truth/hole/001_mask.png"),
        r"1 images of faults without a mask in ground_truth: test/hole/001.png; mend them, or leave",
    ),
    "masks of one fault missing": (lambda f: remove(f, "ground_truth/crack"), r"4 images of faults without a mask"),
    "mask of another size": (
        lambda f: save(f, "ground_truth/hole/000_mask.png", np.ones((4, 10), np.uint8)),
        r"1 masks of another size than their image: test/hole/000.png \(12×10, its mask 4×10\)",
    ),
    "colour mask": (
        lambda f: save(f, "ground_truth/hole/000_mask.png", picture(3)),
        r"1 masks that cannot be used: ground_truth/hole/000_mask.png \(its pixels are RGB",
    ),
    "empty mask": (
        lambda f: save(f, "ground_truth/hole/000_mask.png", np.zeros((12, 10), np.uint8)),
        r"1 masks of faults that mark nothing: ground_truth/hole/000_mask.png",
    ),
    "damaged mask": (
        lambda f: (f / "ground_truth/hole/000_mask.png").write_bytes(b"x"),
        r"masks that cannot be used: ground_truth/hole/000_mask.png \(no PNG or TIFF",
    ),
    "damaged image": (lambda f: (f / "train/good/003.png").write_bytes(b""), r"train/good/003.png \(the file is empty"),
    "damaged fault": (
        lambda f: (f / "test/hole/000.png").write_bytes(b"no"),
        r"1 images that cannot be read: test/hole/000.png",
    ),
    "dead link": (lambda f: (f / "train/good/link.png").symlink_to("gone"), r"train/good/link.png"),
    "no faults": (
        lambda f: [remove(f, "test/hole", "test/crack"), (f / "test/hole").rmdir(), (f / "test/crack").rmdir()],
        r"found no folder of faults beside good",
    ),
    "two training folders": (lambda f: save(f, "training/good/0.png", picture(0)), r"are all for the train split"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_is_refused(name, folder):
    change, message = BAD[name]
    change(folder)
    with pytest.raises(ZooError, match=message):
        load(folder)


def test_faults_can_be_left_out(folder):
    remove(folder, "ground_truth/hole/001_mask.png")
    (folder / "train/good/003.png").write_bytes(b"")
    dataset = load(folder, on_error="skip")
    assert len(dataset.test) == 9 and sorted(dataset.masks) == [0, 1, 2, 3, 8]
    assert any(note.startswith("left out by data.on_error: 2 of 30 examples") for note in dataset.notes)
