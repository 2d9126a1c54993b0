"""Folders of images: their classes, splits and fingerprints, and what is refused."""

import os

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
    (note,) = dataset.notes
    assert note.startswith("the images have different sizes (of 18 training images")
    assert len(load(f"folder:{tmp_path}", IMAGES).validation) == 9  # found by its name
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
    refused(r"data: 1 of 42 images cannot be read: dog/04\.png \(image file is trunc", f"folder:{folder}", IMAGES)


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


def sizes(dataset):
    return [len(split) for split in (dataset.train, dataset.validation, dataset.test)]


@pytest.mark.parametrize(
    "names",
    [("train", "validation", "test"), ("Training", "Valid", "Testing"), ("TRAIN", "dev", "Test")],
    ids=lambda names: names[0],
)
def test_splits_are_found_by_their_usual_names(names, tmp_path, write_images):
    for name, count in zip(names, (6, 3, 2), strict=True):
        write_images(tmp_path / name, count=count)
    dataset = load(f"folder:{tmp_path}", IMAGES)
    assert sizes(dataset) == [18, 9, 6] and dataset.signature.labels == ("cat", "dog", "emu")
    said = " ".join(dataset.notes)
    for name, split in zip(names, ("train", "validation", "test"), strict=True):
        assert (f"'{name}' is the {split} split" in said) == (name not in ("train", "test"))


def test_splits_that_the_recipe_names(tmp_path, write_images):
    for name, count in (("seg_train", 6), ("seg_val", 3), ("test", 2)):
        write_images(tmp_path / name, count=count)
    source = f"folder:{tmp_path}"
    named = {"train": "seg_train", "validation": "seg_val"}
    assert sizes(load(source, IMAGES, splits=named)) == [18, 9, 6]
    refused(
        r"names the folder 'seg_vol', which is not there; did you mean 'seg_val'",
        source,
        IMAGES,
        splits={**named, "validation": "seg_vol"},
    )
    refused(r"test hold splits, and no folder holds the training split", source, IMAGES)
    without = load(source, IMAGES, splits={**named, "test": None}, test=0.5)
    assert sizes(without) == [9, 9, 9] and "the folder 'test' is not used: data.splits.test is null" in without.notes


@pytest.mark.parametrize(
    ("folders", "message"),
    [
        (["train/a", "train/b", "c"], r"train are splits, and beside them lie images in 1 folders: c; move"),
        (
            ["train/a", "train/b", "test"],
            r"test: expected one subfolder a class, as in .*train; found none; or leave it",
        ),
        (["train/a", "train/b", "Training/a"], r"the folders Training, train are all for the train split"),
        (["train/a", "train/b", "val/a", "valid/a"], r"the folders val, valid are all for the validation split"),
        (["train", "test"], r"folders named as splits without folders of classes in them: test, train; sort"),
        (["cat", "dog", "test"], r"without folders of classes in them: test \(beside cat, dog\)"),
        (["a/train", "a/test", "b/train", "b/test"], r"a: a class folder holds folders of splits \(test, train\)"),
        (["train/a", "train/b", "test/a", "test/B"], r"test: classes that the training split does not have: B"),
        (
            ["train/caf\u00e9", "train/cafe\u0301"],
            r"two class folders have the name 'caf\u00e9', written with different",
        ),
    ],
)
def test_folders_that_can_be_read_in_two_ways_are_refused(folders, message, tmp_path):
    for folder in folders:
        (tmp_path / folder).mkdir(parents=True)
        Image.new("L", (4, 4)).save(tmp_path / folder / "0.png")
    refused(message, f"folder:{tmp_path}", IMAGES)


def test_a_class_is_one_whatever_the_system_that_wrote_its_name(tmp_path, write_images):
    write_images(tmp_path / "train", classes=("caf\u00e9", "dog"), count=5)
    write_images(tmp_path / "test", classes=("cafe\u0301", "dog"), count=2)
    dataset = load(f"folder:{tmp_path}", IMAGES, validation=0.2)
    assert dataset.signature.labels == ("caf\u00e9", "dog") and len(dataset.test) == 4


def test_names_that_differ_in_case_alone_are_said(tmp_path, write_images):
    write_images(tmp_path, classes=("A", "a", "b "), count=14)
    notes = load(f"folder:{tmp_path}", IMAGES).notes
    assert notes[0] == "classes whose names differ only in case or blanks: 'A' and 'a'"


def test_a_class_folder_whose_name_is_no_text_is_refused_by_name(folder):
    (folder / "dog").rename(os.fsdecode(os.fsencode(folder) + b"/caf\xe9"))
    refused(
        r"data/caf\\udce9: the name of this class folder is not UTF-8; rename it, for example to 'caf\?'",
        f"folder:{folder}",
        IMAGES,
    )


def test_images_are_found_by_content_and_everything_else_is_counted(folder):
    image = Image.open(folder / "dog" / "00.png")
    image.convert("RGB").save(folder / "dog" / "a.jfif", "JPEG")
    image.convert("RGB").save(folder / "dog" / "b", "WEBP")
    image.convert("RGB").save(folder / "dog" / "c.dat", "PNG")
    image.convert("RGB").save(folder / "dog" / "d.TGA", "TGA")
    (folder / "dog" / "sub").mkdir()
    image.save(folder / "dog" / "sub" / "e.png")
    for name in ("f.png~", "g.dng", "h.bak"):  # copies, and a raw file that Pillow would take for its thumbnail
        image.save(folder / "dog" / name, "TIFF")
    (folder / "dog" / "i.heic").write_bytes(b"\0\0\0\x18ftypheic")
    (folder / "dog" / "notes.txt").write_text("notes")
    for name in (".hidden.png", "__MACOSX/j.png", "._00.png", "Thumbs.db"):
        (folder / "dog" / name).parent.mkdir(exist_ok=True)
        image.save(folder / "dog" / name, "PNG") if name != "._00.png" else (folder / "dog" / name).touch()
    image.save(folder / "loose.png")
    dataset = load(f"folder:{folder}", IMAGES)
    assert sum(sizes(dataset)) == 42 + 5
    assert list(dataset.notes[:5]) == [
        "left out, no images that can be read: 5 files: .png~ (1), .dng (1), .bak (1), .heic (1), .txt (1)",
        "left out by the name of the file or its folder: 2 images: dog/.hidden.png, dog/__MACOSX/j.png",
        "images by their content, whatever the suffix: 2 files: no suffix (1), .dat (1)",
        "images in subfolders count for the class above them: 1 in 1 subfolders: dog/sub (1)",
        "left out, as they lie in no class folder: 1 images: loose.png",
    ]


def damage(folder):
    """Damage images in every way, and return the names that a message has to have."""
    ways = {
        "cat/00.png": lambda path: path.write_bytes(path.read_bytes()[:-40]),
        "cat/01.jpg": lambda path: path.write_bytes(b""),
        "dog/00.png": lambda path: path.write_text("<html>404</html>"),
        "dog/01.jpg": lambda path: (path.unlink(), path.symlink_to("moved.png")),
        "emu/00.png": lambda path: (path.unlink(), path.symlink_to("00.png")),
        "emu/01.jpg": lambda path: (path.unlink(), os.mkfifo(path)),
    }
    for name, way in ways.items():
        way(folder / name)
    return list(ways)


def test_all_damaged_images_are_named_or_left_out_and_counted(folder):
    names = damage(folder)
    shown = ", ".join(rf"{name} \(.+\)" for name in names[:5])
    refused(
        rf"data: 6 of 42 images cannot be read: {shown}, …; mend or remove them, or leave", f"folder:{folder}", IMAGES
    )
    dataset = load(f"folder:{folder}", IMAGES, on_error="skip")
    assert sum(sizes(dataset)) == 36
    assert (
        "left out by data.on_error: 6 of 42 images cannot be read: cat/00.png (image file is truncated"
        in dataset.notes[0]
    )
    for file in folder.glob("dog/*"):
        file.unlink()
        file.write_bytes(b"")
    refused(r"data/dog: the class has no images", f"folder:{folder}", IMAGES, on_error="skip")


def test_folders_that_cannot_be_read_are_named(folder, monkeypatch):
    (folder / "cat" / "circle").symlink_to("..", target_is_directory=True)
    refused(r"cat/circle/cat \(a link to a folder that is read already\)", f"folder:{folder}", IMAGES)
    (folder / "cat" / "circle").unlink()
    (folder / "cat" / "closed").mkdir()
    scandir = os.scandir

    def closed(path):
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", closed)  # the tests may run as root, who may read everything
    refused(r"1 of 43 images cannot be read: cat/closed \(Permission denied\)", f"folder:{folder}", IMAGES)


def test_links_to_folders_and_files_are_followed(folder, tmp_path):
    (folder / "dog").rename(tmp_path / "elsewhere")
    (folder / "dog").symlink_to(tmp_path / "elsewhere")
    (folder / "emu" / "more").symlink_to(tmp_path / "elsewhere")
    assert sum(sizes(load(f"folder:{folder}", IMAGES))) == 42 + 14


def test_grey_and_colour_files_together_are_colour_as_pillow_converts_them(tmp_path):
    draw = np.random.default_rng(0)
    for label in "ab":
        (tmp_path / label).mkdir()
        for i in range(6):
            pixels = draw.integers(0, 256, (4, 4) if i % 2 else (4, 4, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / label / f"{i}.png")
    files = sorted(tmp_path.rglob("*.png"))
    for memory in ("resident", "streamed"):
        dataset = load(f"folder:{tmp_path}", IMAGES, memory=memory, validation=0.2)
        assert dataset.signature.shape[-1] == 3
        for position, index in enumerate(dataset.train.indices):
            wanted = np.asarray(Image.open(files[index]).convert("RGB"))
            np.testing.assert_array_equal(dataset.train.take([position])[0], wanted)


@pytest.mark.parametrize("layout", ["", "photos", "train"])
@pytest.mark.parametrize("task", ["image_generation", "reconstruction"])
def test_images_that_need_no_classes_may_lie_in_one_folder(tmp_path, layout, task):
    (tmp_path / layout).mkdir(exist_ok=True)
    for number in range(30):
        Image.fromarray(np.full((6, 5), number, np.uint8)).save(tmp_path / layout / f"{number:02}.png")
    if layout == "train":
        (tmp_path / "test").mkdir()
        Image.fromarray(np.full((6, 5), 99, np.uint8)).save(tmp_path / "test/a.png")
    dataset = load(f"folder:{tmp_path}", task)
    assert dataset.signature.labels == ("image",) and "no folders of classes: all images are of one class, 'image'" in (
        dataset.notes
    )
    splits = (dataset.train, dataset.validation, dataset.test)
    shades = [int(image[0, 0, 0]) for split in splits for image in split.take(np.arange(len(split)))]
    assert sorted(shades) == [*range(30), *([99] if layout == "train" else [])]
    assert not any(split.targets.any() for split in splits)


def test_images_of_several_folders_keep_their_classes(folder, tmp_path):
    assert load(f"folder:{folder}", "image_generation").signature.labels == ("cat", "dog", "emu")
    refused(r"expected one subfolder a class, at least two; found none", f"folder:{folder / 'cat'}", IMAGES)
    (tmp_path / "none").mkdir()
    refused(r"expected one subfolder a class", f"folder:{tmp_path / 'none'}", "image_generation")
    (folder / "loose.png").write_bytes((folder / "cat").iterdir().__next__().read_bytes())
    noted = load(f"folder:{folder}", "image_generation")
    assert any("lie in no class folder: 1 images: loose.png" in note for note in noted.notes)
