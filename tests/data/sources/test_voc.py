"""`voc:`: what is read, and what is refused with all faults counted."""

import pytest

from tests.data.sources.annotated import COUNT, HEIGHT, WIDTH, all_boxes, box_loader, noted, small_images
from zoo.data.box_codes import ignored_code
from zoo.errors import ZooError

load = box_loader("voc")
SIZE = f"<size><width>{WIDTH}</width><height>{HEIGHT}</height><depth>1</depth></size>"


def entry(name="cat", edges=(5, 6, 14, 15), difficult="<difficult>0</difficult>", tail=""):
    """Return an object; edges are xmin, ymin, xmax, ymax."""
    values = "".join(f"<{key}>{v}</{key}>" for key, v in zip(("xmin", "ymin", "xmax", "ymax"), edges, strict=True))
    return f"<object><name>{name}</name>{difficult}<bndbox>{values}</bndbox>{tail}</object>"


def annotation(*objects, size=SIZE):
    return f"<annotation><folder>x</folder>{size}{''.join(objects)}</annotation>"


def write(folder, images="JPEGImages", annotations="Annotations"):
    """Write a box an image: cat and dog in turn."""
    (folder / annotations).mkdir(parents=True, exist_ok=True)
    for i, name in enumerate(small_images(folder / images)):
        text = annotation(entry(("cat", "dog")[i % 2]))
        (folder / annotations / name).with_suffix(".xml").write_text(text)
    return folder


def put(folder, number, text):
    content = text if isinstance(text, bytes) else text.encode()
    (folder / f"Annotations/{number:04}.xml").write_bytes(content)


def lists(folder, **splits):
    (folder / "ImageSets/Main").mkdir(parents=True, exist_ok=True)
    for split, numbers in splits.items():
        (folder / f"ImageSets/Main/{split}.txt").write_text("".join(f"{i:04}\n" for i in numbers))


def test_pixels_count_from_1_and_the_last_belongs_to_the_box(tmp_path):
    folder = write(tmp_path)
    put(folder, 0, annotation(entry("dog", (1, 1, WIDTH, HEIGHT)), entry("cat", (11, 6, 20, 10))))
    dataset = load(folder)
    assert dataset.signature.labels == ("cat", "dog")
    assert all_boxes(dataset)[0] == [(0, 0, 1, 1, 1), (0.25, 0.25, 0.5, 0.5, 0)]
    assert not noted(dataset, "cut")


def test_what_is_done_to_boxes_is_counted(tmp_path):
    folder = write(tmp_path)
    part = "<part><name>head</name><bndbox><xmin>1</xmin></bndbox></part>"
    put(folder, 0, annotation(entry("cat", (0, 0, 10, 10)), entry("cat", (31, 11, 99, 20))))
    put(folder, 1, annotation(entry(difficult="<difficult>1</difficult>"), entry("dog", (1.5, 1, 3.5, 4), "", part)))
    put(folder, 2, annotation())
    put(folder, 3, annotation(entry(), entry(), size=""))
    put(folder, 4, b"\xef\xbb\xbf<?xml version='1.0' encoding='UTF-8'?>\n" + annotation(entry()).encode())
    dataset = load(folder)
    boxes = all_boxes(dataset)
    assert boxes[0] == [(0, 0, 0.5, 0.25, 0), (0.5, 0.75, 1, 1, 0)]
    assert boxes[1] == [(0, 0.0125, 0.2, 0.0875, 1), (0.25, 0.1, 0.75, 0.35, ignored_code(0, crowd=False))]
    assert boxes[2] == [] and boxes[3] == [(0.25, 0.1, 0.75, 0.35, 0)] == boxes[4]
    assert noted(dataset, "1 boxes begin at pixel 0, and VOC counts from 1")
    assert noted(dataset, "2 of 22 boxes reach beyond their image, and are cut")
    assert noted(dataset, "1 of 22 boxes are marked as difficult: no targets")
    assert noted(dataset, "1 of 22 boxes repeat another")
    assert noted(dataset, f"1 of {COUNT} images of the train split have no boxes, and are kept")
    assert noted(dataset, "without a size, which is not compared with the image: 1 annotations: 0003.png")


def test_splits_by_lists(tmp_path):
    folder = write(tmp_path)
    lists(folder, train=range(10), val=range(10, 15), trainval=range(15), cat_train=range(3))
    dataset = load(folder)
    assert len(dataset.validation) == 5 and len(dataset.train) + len(dataset.test) == 10
    assert noted(dataset, "left out, as no list names them: 5 annotated images: JPEGImages/0015.png")
    assert noted(dataset, "of Main are not used: 2 lists: cat_train.txt, trainval.txt")
    assert len(load(folder, splits={"train": "trainval", "validation": "val"}).validation) == 5


def test_folders_of_splits_and_other_names(tmp_path):
    for split in ("train", "valid"):
        write(tmp_path / "a", split, split)
    assert len(load(tmp_path / "a").validation) == COUNT
    assert len(all_boxes(load(write(tmp_path / "b", "images", "annotations")))) == COUNT


def test_named_classes(tmp_path):
    folder = write(tmp_path)
    dataset = load(folder, classes=["emu", "dog", "cat"])
    assert dataset.signature.labels == ("emu", "dog", "cat") and all_boxes(dataset)[0][0][4] == 2
    assert noted(dataset, "without a box in the training split: 1 classes: emu")
    with pytest.raises(
        ZooError, match=r"10 objects of a class .* \(classes: cat, emu\): Annotations/0001.xml: object 1 \(dog\)"
    ):
        load(folder, classes=["emu", "cat"])


BOMB = """<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
<annotation><object><name>&b;</name></object></annotation>"""
READS = """<?xml version="1.0"?><!DOCTYPE a [<!ENTITY f SYSTEM "file:///etc/hostname">]>
<annotation><object><name>&f;</name></object></annotation>"""
BAD = {  # the annotation of two images, and the message
    "outside": (annotation(entry(edges=(41, 1, 50, 9))), "2 boxes outside their image: Annotations/0003.xml: object 1"),
    "negative": (annotation(entry(edges=(-9, 1, 0, 9))), "2 boxes outside their image"),
    "turned": (annotation(entry(edges=(14, 6, 5, 15))), "2 boxes without an extent"),
    "text": (annotation(entry(edges=("x", 6, 5, 15))), "2 objects without a bndbox of four numbers"),
    "nan": (annotation(entry(edges=("nan", 6, 5, 15))), "2 objects without a bndbox of four numbers"),
    "comma": (annotation(entry(edges=("1,5", 6, 5, 15))), "2 objects without a bndbox of four numbers"),
    "no_box": (annotation("<object><name>cat</name></object>"), "2 objects without a bndbox of four numbers"),
    "no_edge": (annotation(entry().replace("<xmax>14</xmax>", "")), "2 objects without a bndbox of four numbers"),
    "no_name": (annotation(entry(" ")), "2 objects without a name: Annotations/0003.xml: object 1"),
    "difficult": (annotation(entry(difficult="<difficult>yes</difficult>")), "2 objects whose difficult is neither"),
    "other_size": (
        annotation(entry(), size="<size><width>20</width><height>40</height></size>"),
        r"2 images of another size than their annotation says: JPEGImages/0003.png \(20×40, its annotation",
    ),
    "other_root": ("<html></html>", r"2 files that are no VOC annotation: Annotations/0003.xml \(<html>\)"),
    "cut": (annotation(entry())[:-9], "2 annotations that cannot be read: .*not readable as XML"),
    "empty": ("", "2 annotations that cannot be read"),
    "json": ('{"a": 1}', "2 annotations that cannot be read"),
    "entities": (BOMB, "2 annotations that cannot be read: .*declares a document type"),
    "entities_of_utf16": (BOMB.encode("utf-16"), "2 annotations that cannot be read: .*declares a document type"),
    "external_entity": (READS, "2 annotations that cannot be read: .*declares a document type"),
    "unknown_encoding": (b"<?xml version='1.0' encoding='none-8'?><annotation/>", "2 annotations that cannot be read"),
    "wrong_encoding": (annotation(entry("k\xe4tzchen")).encode("latin-1"), "2 annotations that cannot be read"),
    "too_many": (annotation(*(entry(edges=(1, 1, 2 + i / 99, 9)) for i in range(1001))), "2 images with more than"),
}


@pytest.mark.parametrize("name", BAD)
def test_refused_annotations(tmp_path, name):
    text, message = BAD[name]
    folder = write(tmp_path)
    for number in (3, 4):
        put(folder, number, text)
    with pytest.raises(ZooError, match=message):
        load(folder)
    assert len(all_boxes(load(folder, on_error="skip"))) == COUNT - 2


FILES = {
    "no_annotation": (
        lambda f: (f / "Annotations/0003.xml").unlink(),
        "1 images without an annotation: JPEGImages/0003.png",
    ),
    "no_image": (
        lambda f: (f / "JPEGImages/0003.png").unlink(),
        "1 annotations without an image: Annotations/0003.xml",
    ),
    "damaged_image": (
        lambda f: (f / "JPEGImages/0003.png").write_bytes(b"x"),
        "1 images that cannot be read: JPEGImages/0003.png",
    ),
    "two_images": (
        lambda f: (f / "JPEGImages/0003.jpg").write_bytes(b"x"),
        "1 names that several images have: JPEGImages/0003.jpg and",
    ),
    "listed": (
        lambda f: lists(f, train=range(25)),
        r"5 listed images that lack a file or an annotation: train.txt:21 \(0020\)",
    ),
    "listed_twice": (
        lambda f: lists(f, train=[1, 2, 3, 2, *range(5, 15)]),
        "1 images that the train split lists more than once: JPEGImages/0002.png",
    ),
    "no_train_list": (
        lambda f: lists(f, trainval=range(9)),
        "expected train.txt; found trainval; name one under data.splits.train",
    ),
    "class_of_test_alone": (
        lambda f: [put(f, 0, annotation(entry("emu"))), lists(f, train=range(1, 15), test=[0])],
        r"1 objects of a class that is not named or that the training split lacks \(classes: cat, dog\)",
    ),
    "nothing": (
        lambda f: (f / "Annotations").rename(f / "a"),
        "expected JPEGImages/ with Annotations/, or folders of splits .*found the folders JPEGImages, a",
    ),
    "no_objects": (
        lambda f: [put(f, i, annotation()) for i in range(COUNT)],
        "no image of the training split has a box to train on",
    ),
    "difficult_alone": (
        lambda f: [put(f, i, annotation(entry(difficult="<difficult>1</difficult>"))) for i in range(COUNT)],
        "no image of the training split has a box",
    ),
    "list_of_bytes": (
        lambda f: [lists(f, train=[1]), (f / "ImageSets/Main/train.txt").write_bytes(b"\xff")],
        "train.txt: not readable",
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_refused_files(tmp_path, name):
    act, message = FILES[name]
    act(write(tmp_path))
    with pytest.raises(ZooError, match=message):
        load(tmp_path)
