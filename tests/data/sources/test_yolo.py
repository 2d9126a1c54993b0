"""`yolo:`: what is read, and what is refused by file and line."""

import numpy as np
import pytest

from tests.data.sources.annotated import COUNT, all_boxes, box_loader, noted, small_images
from zoo.errors import ZooError

load = box_loader("yolo")


def write(folder, images="images", labels="labels", text="names: [cat, dog]\ntrain: images\n"):
    """Write a box an image: class 0 and 1 in turn."""
    names = small_images(folder / images)
    (folder / labels).mkdir(parents=True, exist_ok=True)
    for i, name in enumerate(names):
        (folder / labels / name).with_suffix(".txt").write_text(f"{i % 2} 0.5 0.25 0.2 0.5\n")
    if text:
        (folder / "data.yaml").write_text(text)
    return folder


def put(folder, number, text):
    (folder / f"labels/{number:04}.txt").write_text(text)


def test_lines_become_boxes(tmp_path):
    folder = write(tmp_path)
    put(folder, 0, "\n1 0.1 0.5 0.2 1.0\n0 .25 .25 5e-1 0.5 \r\n\n")
    dataset = load(folder)
    assert dataset.signature.labels == ("cat", "dog")
    assert all_boxes(dataset)[0] == [(0, 0, 1, 0.2, 1), (0, 0, 0.5, 0.5, 0)]


def test_what_is_done_to_boxes_is_counted(tmp_path):
    folder = write(tmp_path)
    put(folder, 0, "1 0.1 0.5 0.4 0.5\n")  # reaches beyond the left edge
    put(folder, 1, "")
    put(folder, 3, "0 0.1 0.2 0.5 0.2 0.3 0.8\n1 0.5 0.5 0.1 0.1\n1 0.5 0.5 0.1 0.1\n")
    (folder / "labels/0002.txt").unlink()
    dataset = load(folder)
    boxes = all_boxes(dataset)
    assert boxes[0] == [(0.25, 0, 0.75, 0.3, 1)] and boxes[1] == boxes[2] == []
    assert boxes[3] == [(0.2, 0.1, 0.8, 0.5, 0), (0.45, 0.45, 0.55, 0.55, 1)]
    assert noted(dataset, "1 of 20 objects are polygons, of which the box around is taken")
    assert noted(dataset, "1 of 20 boxes reach beyond their image, and are cut")
    assert noted(dataset, "1 of 20 boxes repeat another")
    assert noted(dataset, "without a label file, and so without boxes: 1 images: images/0002.png")
    assert noted(dataset, f"2 of {COUNT} images of the train split have no boxes, and are kept")


def test_six_decimals_at_the_edge_are_not_beyond_it(tmp_path):
    folder = write(tmp_path)
    put(folder, 0, "1 0.166667 0.5 0.333335 1.0\n")
    dataset = load(folder)
    assert all_boxes(dataset)[0] == [(0, 0, 1, 0.333335, 1)] and not noted(dataset, "beyond")


@pytest.mark.parametrize("classes_in", ["classes.txt", "labels/classes.txt", None])
def test_without_a_yaml_file(tmp_path, classes_in):
    folder = write(tmp_path, text=None)
    if classes_in:
        (folder / classes_in).write_text("cat\ndog\nemu\n")
    dataset = load(folder)
    assert dataset.signature.labels == (("cat", "dog", "emu") if classes_in else ("0", "1"))
    assert bool(noted(dataset, "the classes are the 2 ids")) == (classes_in is None)
    if classes_in is None:
        assert load(folder, classes=["a", "b"]).signature.labels == ("a", "b")


@pytest.mark.parametrize(
    ("places", "text"),
    [
        (("train/{}", "valid/{}"), "names: {0: cat, 1: dog}\ntrain: ../train/images\nval: ../valid/images\n"),
        (
            ("train/{}", "valid/{}"),
            "names: [cat, dog]\npath: /content/pets\ntrain: train/images\nval: [valid/images]\n",
        ),
        (("{}/train", "{}/val"), "names: [cat, dog]\npath: .\ntrain: images/train\nval: images/val\ntest:\n"),
        (("a/{}/train", "a/{}/val"), "names: [cat, dog]\npath: a\ntrain: images/train\nval: images/val\n"),
        (("train/{}", "val/{}"), None),
        (("{}/train", "{}/valid"), None),
    ],
)
def test_splits(tmp_path, places, text):
    for place in places:
        write(tmp_path, place.format("images"), place.format("labels"), text)
    dataset = load(tmp_path)
    assert len(dataset.validation) == COUNT and len(dataset.train) + len(dataset.test) == COUNT
    assert {row[4] for rows in all_boxes(dataset).values() for row in rows} == {0, 1}


def test_lists_of_images(tmp_path):
    folder = write(tmp_path, text="names: [cat, dog]\ntrain: train.txt\nval: val.txt\n")
    for name, chosen in (("train", range(15)), ("val", range(15, COUNT))):
        (folder / f"{name}.txt").write_text("".join(f"./images/{i:04}.png\n" for i in chosen))
    assert len(load(folder).validation) == COUNT - 15
    with open(folder / "val.txt", "a") as file:
        file.write("images/none.png\n../../x.png\n")
    with pytest.raises(
        ZooError, match=r"2 listed images that do not exist or lie outside: val.txt:6 \(images/none.png\)"
    ):
        load(folder)
    assert noted(load(folder, on_error="skip"), f"left out by data.on_error: 2 of {COUNT + 2} examples")


LINES = {  # the second of three lines, and the message
    "four_fields": ("0 0.5 0.5 0.2", "neither class and four numbers nor class and a polygon"),
    "six_fields": ("0 0.5 0.5 0.2 0.2 0.9", "neither class and four numbers"),
    "no_class": ("0.5 0.5 0.2 0.2", "neither class and four numbers"),
    "commas": ("0,0.5,0.5,0.2,0.2", "neither class and four numbers"),
    "decimal_commas": ("0 0,5 0,5 0,2 0,2", "hold something else than numbers"),
    "class_name": ("cat 0.5 0.5 0.2 0.2", "hold something else than numbers"),
    "negative": ("0 -0.1 0.5 0.2 0.2", "numbers outside 0 to 1, which are fractions of the image"),
    "pixels": ("0 320 240 20 40", "numbers outside 0 to 1"),
    "above_one": ("0 0.5 1.0001 0.2 0.2", "numbers outside 0 to 1"),
    "negative_width": ("0 0.5 0.5 -0.2 0.2", "numbers outside 0 to 1"),
    "nan": ("0 nan 0.5 0.2 0.2", "a number that is not finite"),
    "infinite": ("0 0.5 inf 0.2 0.2", "a number that is not finite"),
    "negative_class": ("-1 0.5 0.5 0.2 0.2", "whose class is no whole number from 0"),
    "fractional_class": ("0.5 0.5 0.5 0.2 0.2", "whose class is no whole number from 0"),
    "unknown_class": ("2 0.5 0.5 0.2 0.2", "boxes of a class that has no name"),
    "no_width": ("0 0.5 0.5 0 0.2", "boxes without an extent"),
    "no_height": ("0 0.5 0.5 0.1 0", "boxes without an extent"),
    "flat_polygon": ("0 0.5 0.1 0.5 0.2 0.5 0.3", "boxes without an extent"),
    "polygon_outside": ("0 0.5 0.1 0.7 0.2 1.5 0.3", "numbers outside 0 to 1"),
    "odd_polygon": ("0 0.5 0.1 0.7 0.2 0.5 0.3 0.4", "neither class and four numbers nor class and a polygon"),
}


@pytest.mark.parametrize("name", LINES)
def test_refused_lines(tmp_path, name):
    line, message = LINES[name]
    folder = write(tmp_path)
    for number in (3, 4):
        put(folder, number, f"0 0.5 0.5 0.1 0.1\n{line}\n1 0.5 0.5 0.2 0.2\n")
    with pytest.raises(ZooError, match=rf": 2 [a-z0, ]*{message}.*: labels/0003.txt:2.*labels/0004.txt:2"):
        load(folder)
    dataset = load(folder, on_error="skip")
    assert noted(dataset, f"left out by data.on_error: 2 of {COUNT} examples: 2")
    assert len(all_boxes(dataset)) == COUNT - 2


def _yaml(text):
    return lambda folder: (folder / "data.yaml").write_text(text)


FILES = {
    "no_names": (_yaml("train: images\n"), "names: expected a list of the classes' names, received None"),
    "names_with_gaps": (_yaml("names: {0: a, 2: b}\ntrain: images\n"), "expected the numbers 0 to 1, received 0, 2"),
    "names_from_one": (_yaml("names: {1: a, 2: b}\ntrain: images\n"), "expected the numbers 0 to 1, received 1, 2"),
    "name_twice": (_yaml("names: [a, a]\ntrain: images\n"), "names a class twice: a"),
    "empty_name": (_yaml("names: [a, '']\ntrain: images\n"), "1 numbers have no name: 1"),
    "another_count": (_yaml("names: [a, b]\nnc: 3\ntrain: images\n"), "nc is 3, and names has 2"),
    "no_train": (_yaml("names: [a, b]\nval: images\n"), "expected the key train, a folder of images; found names, val"),
    "missing_folder": (
        _yaml("names: [a, b]\ntrain: pictures\n"),
        "1 paths are not there, or outside the folder: train: pictures",
    ),
    "long_name": (_yaml(f"names: [a, b]\ntrain: {'x' * 400}\n"), "1 paths are not there, or outside the folder"),
    "outside": (_yaml("names: [a, b]\ntrain: /etc\n"), "1 paths are not there, or outside the folder: train: /etc"),
    "climbs": (_yaml("names: [a, b]\ntrain: ../../etc\n"), "1 paths are not there, or outside the folder"),
    "no_mapping": (_yaml("- a\n"), "expected a mapping with names, train and val, received list"),
    "no_yaml": (_yaml("names: [a\n"), "data.yaml: not readable as YAML"),
    "python_object": (_yaml("names: !!python/object/apply:os.system [ls]\n"), "not readable as YAML"),
    "keypoints": (_yaml("names: [a]\nkpt_shape: [17, 3]\ntrain: images\n"), "labels with keypoints are not read"),
    "two_keys": (
        _yaml("names: [a, b]\ntrain: images\nval: images\nvalid: images\n"),
        "the keys val, valid are all for the validation",
    ),
    "label_alone": (lambda f: put(f, 77, "0 0.5 0.5 0.1 0.1"), "1 label files without an image: labels/0077.txt"),
    "binary_label": (
        lambda f: (f / "labels/0003.txt").write_bytes(b"\xff\xfe\x00"),
        r"1 label files that cannot be read: labels/0003.txt \(not UTF-8\)",
    ),
    "label_folder": (
        lambda f: [(f / "labels/0003.txt").unlink(), (f / "labels/0003.txt").mkdir()],
        r"1 label files that cannot be read: labels/0003.txt \(a folder",
    ),
    "no_labels": (
        lambda f: (f / "labels").rename(f / "boxes"),
        "no image has a label file; expected labels/0000.txt for images/0000.png",
    ),
    "damaged_image": (
        lambda f: (f / "images/0003.png").write_bytes(b"x"),
        "1 images that cannot be read: images/0003.png",
    ),
    "no_boxes": (
        lambda f: [put(f, i, "") for i in range(COUNT)],
        "no image of the training split has a box to train on",
    ),
    "no_images": (lambda f: [p.unlink() for p in f.rglob("*.png")], "no images in the split train"),
    "nothing": (
        lambda f: [(f / "data.yaml").unlink(), (f / "images").rename(f / "x")],
        "expected data.yaml, images/ with labels/",
    ),
    "classes_too": (lambda f: None, "names the classes; leave data.classes out"),
}


@pytest.mark.parametrize("name", FILES)
def test_refused_files(tmp_path, name):
    act, message = FILES[name]
    act(write(tmp_path))
    with pytest.raises(ZooError, match=message):
        load(tmp_path, **({"classes": ["a", "b"]} if name == "classes_too" else {}))


def test_all_faults_are_counted_at_once(tmp_path):
    folder = write(tmp_path)
    for number in range(7):
        put(folder, number, "0 1.5 0.5 0.1 0.1\n9 0.5 0.5 0.1 0.1\n")
    (folder / "images/0008.png").write_bytes(b"x")
    with pytest.raises(ZooError) as error:
        load(folder)
    for part in (
        "7 lines with numbers outside",
        "7 boxes of a class",
        "labels/0004.txt:1 (0 1.5 0.5 0.1 0.1), …",
        "1 images",
    ):
        assert part in str(error.value)
    assert len(np.unique(list(all_boxes(load(folder, on_error="skip"))))) == COUNT - 8
