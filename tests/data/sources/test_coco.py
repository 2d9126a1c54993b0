"""`coco:`: what is read, and what is refused with all faults counted."""

import json

import numpy as np
import pytest
from PIL import ExifTags, Image

from tests.data.sources.annotated import COUNT, HEIGHT, WIDTH, all_boxes, box_loader, noted, small_images, write_json
from zoo.data.box_codes import ignored_code
from zoo.errors import ZooError

load = box_loader("coco")


def document(names):
    return {
        "images": [{"id": i, "file_name": n, "height": HEIGHT, "width": WIDTH} for i, n in enumerate(names)],
        "annotations": [
            {"id": i + 1, "image_id": i, "category_id": 4 - 2 * (i % 2), "bbox": [4 + i, 5, 10, 10]}
            for i in range(len(names))
        ],
        "categories": [{"id": 4, "name": "dog"}, {"id": 2, "name": "cat"}],
    }


def write(folder, change=lambda found: None):
    found = document(small_images(folder / "images"))
    change(found)
    write_json(folder / "annotations.json", found)
    return folder


def test_boxes_are_fractions_and_classes_follow_the_ids(tmp_path):
    dataset = load(write(tmp_path))
    assert dataset.signature.labels == ("cat", "dog")
    boxes = all_boxes(dataset)
    assert boxes[0] == [(5 / 20, 4 / 40, 15 / 20, 14 / 40, 1)] and boxes[3][0][4] == 0
    assert len(boxes) == COUNT


def test_what_is_done_to_boxes_is_counted(tmp_path):
    def change(found):
        found["annotations"][0] |= {"bbox": [-4, 5, 10, 10]}  # cut at the left
        found["annotations"][1] |= {"bbox": [35, 15, 30.5, 5]}  # cut at the right
        found["annotations"][2] |= {"iscrowd": 1}
        found["annotations"].append(found["annotations"][3] | {"id": 90})
        del found["annotations"][4]
        found["images"].pop()
        found["annotations"] = [a for a in found["annotations"] if a["image_id"] != COUNT - 1]
        found["categories"].append({"id": 99, "name": "emu"})

    dataset = load(write(tmp_path, change))
    boxes = all_boxes(dataset)
    assert boxes[0] == [(0.25, 0, 0.75, 0.15, 1)] and boxes[1] == [(0.75, 0.875, 1, 1, 0)]
    assert boxes[2][0][4] == ignored_code(1, crowd=True) and len(boxes[3]) == 1 and boxes[4] == []
    assert noted(dataset, "2 of 19 boxes reach beyond their image, and are cut")
    assert noted(dataset, "1 of 19 boxes are crowds (iscrowd): no targets of training")
    assert noted(dataset, "1 of 19 boxes repeat another of their image")
    assert noted(dataset, "1 of 19 images of the train split have no boxes, and are kept")
    assert noted(dataset, "without a box in the training split: 1 classes: emu")
    assert noted(dataset, "left out, as no annotation or split names them: 1 images: images/0019.png")


def test_images_of_different_sizes_keep_their_boxes_in_fractions(tmp_path):
    names = small_images(tmp_path / "images", ((20, 40), (40, 20), (100, 10)))
    found = document(names)
    for image, annotation in zip(found["images"], found["annotations"], strict=True):
        height, width = ((20, 40), (40, 20), (100, 10))[image["id"] % 3]
        image |= {"height": height, "width": width}
        annotation["bbox"] = [width / 4, height / 2, width / 2, height / 4]
    write_json(tmp_path / "annotations.json", found)
    dataset = load(tmp_path)
    assert dataset.signature.shape == (None, None, 1)
    assert {row[:4] for rows in all_boxes(dataset).values() for row in rows} == {(0.5, 0.25, 0.75, 0.75)}


def test_images_that_are_turned_upright(tmp_path):
    """Boxes of the image as it is stored are refused where the size tells, and said where it does not."""

    def turn(found, orientation):
        path = tmp_path / "images/0003.png"
        image, exif = Image.open(path), Image.Exif()
        exif[ExifTags.Base.Orientation] = orientation
        image.save(path, exif=exif)

    with pytest.raises(
        ZooError, match=r"another size than their annotation says: images/0003.png \(40×20, its annotation"
    ):
        load(write(tmp_path, lambda found: turn(found, 6)))
    dataset = load(write(tmp_path, lambda found: turn(found, 3)))
    assert noted(
        dataset, "turned upright by EXIF, and their boxes are taken to be of the upright image: 1 images: images/0003"
    )


def test_splits_by_name(tmp_path):
    for split in ("train2017", "val2017", "other"):
        write_json(
            tmp_path / f"annotations/instances_{split}.json", document(small_images(tmp_path / "images" / split))
        )
    write_json(tmp_path / "annotations/captions_train2017.json", {})
    dataset = load(tmp_path)
    assert len(dataset.validation) == COUNT and len(dataset.train) + len(dataset.test) == COUNT
    assert noted(
        dataset, "not used: 2 JSON files: annotations/captions_train2017.json, annotations/instances_other.json"
    )
    assert len(load(tmp_path, splits={"test": "other"}).test) == COUNT
    with pytest.raises(ZooError, match=r"data.splits.test names the annotation file 'others', .* did you mean 'other'"):
        load(tmp_path, splits={"test": "others"})


def _set(part, place, **values):
    return lambda found: found[part][place].update(values)


def _drop(part, place, *keys):
    return lambda found: [found[part][place].pop(key) for key in keys]


BAD = {  # what is wrong, and the message
    "beyond_right": (
        _set("annotations", 2, bbox=[40, 0, 5, 5]),
        r"outside their image: annotations.json: annotation 3 \(id 3\)",
    ),
    "beyond_top": (_set("annotations", 2, bbox=[0, -9, 5, 9]), "1 boxes outside their image"),
    "no_width": (_set("annotations", 2, bbox=[3, 3, 0, 5]), "1 boxes without an extent"),
    "negative_height": (_set("annotations", 2, bbox=[3, 3, 5, -5]), "1 boxes without an extent"),
    "nan": (_set("annotations", 2, bbox=[3, 3, float("nan"), 5]), "1 annotations without a bbox of four numbers"),
    "text": (_set("annotations", 2, bbox=[3, 3, "4", 5]), "1 annotations without a bbox of four numbers"),
    "three_numbers": (_set("annotations", 2, bbox=[3, 3, 4]), "1 annotations without a bbox of four numbers"),
    "no_bbox": (_drop("annotations", 2, "bbox"), "1 annotations without a bbox"),
    "unknown_category": (
        _set("annotations", 2, category_id=3),
        r"1 annotations of unknown categories: .*category_id 3",
    ),
    "no_category": (_drop("annotations", 2, "category_id"), "1 annotations of unknown categories: .*category_id None"),
    "unknown_image": (
        _set("annotations", 2, image_id=77),
        "1 annotations of images that are not listed: .*image_id 77",
    ),
    "text_id": (_set("annotations", 2, image_id="2"), "1 annotations of images that are not listed: .*image_id '2'"),
    "crowd_of_two": (_set("annotations", 2, iscrowd=2), "1 annotations whose iscrowd is neither 0 nor 1"),
    "no_object": (
        lambda found: found["annotations"].append([1]),
        "1 annotations that are no objects: annotations.json: annotation 21",
    ),
    "missing_file": (_set("images", 2, file_name="none.png"), "1 images that do not exist: images/none.png"),
    "long_name": (_set("images", 2, file_name="x" * 400), "1 images that do not exist: images/xxxx"),
    "leaves_the_folder": (
        _set("images", 2, file_name="../../etc/passwd.png"),
        r"1 images outside the folder: annotations.json: image 3 \(../../etc",
    ),
    "absolute": (_set("images", 2, file_name="/etc/passwd.png"), "1 images outside the folder"),
    "twice_one_id": (
        _set("images", 2, id=1),
        r"1 image ids that several images have: annotations.json: image 3 \(id 1\)",
    ),
    "twice_one_file": (
        _set("images", 2, file_name="0001.png"),
        "1 images that the train split lists more than once: images/0001.png",
    ),
    "other_size": (
        _set("images", 2, height=40, width=20),
        r"1 images of another size than their annotation says: images/0002.png \(20×40, its annotation says 40×20\)",
    ),
    "no_file_name": (
        _drop("images", 2, "file_name"),
        "1 images without an id or a file_name: annotations.json: image 3",
    ),
    "category_twice": (_set("categories", 1, name="dog"), "categories have the same names: dog"),
    "category_id_twice": (_set("categories", 1, id=4), "categories have the same ids: 4"),
    "category_without_name": (_drop("categories", 1, "name"), "1 categories without an id or a name: 2"),
    "no_categories": (lambda found: found.update(categories=[]), "the list of categories is empty"),
    "no_annotations": (
        lambda found: found.pop("annotations"),
        "annotations missing, found the keys categories, images",
    ),
    "nothing_to_train_on": (
        lambda found: found.update(annotations=[]),
        "no image of the training split has a box to train on",
    ),
    "crowds_alone": (
        lambda found: [a.update(iscrowd=1) for a in found["annotations"]],
        "no image of the training split has a box",
    ),
    "no_images": (lambda found: found.update(images=[], annotations=[]), "no image in the split train"),
    "too_many": (
        lambda found: found["annotations"].extend(
            {"image_id": 0, "category_id": 2, "bbox": [0, 0, 1 + i / 999, 2]} for i in range(1001)
        ),
        r"1 images with more than 1,000 boxes: images/0000.png \(1,002\)",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_refused(tmp_path, name):
    change, message = BAD[name]
    with pytest.raises(ZooError, match=message):
        load(write(tmp_path, change))


FILES = {
    "broken": (lambda p: p.write_text('{"images": [', "utf-8"), "annotations.json: not readable as JSON"),
    "deep": (lambda p: p.write_text("[" * 100_000), "not readable as JSON"),
    "a_list": (lambda p: p.write_text("[1, 2]"), "expected COCO's lists .*; annotations, categories, images missing"),
    "latin": (lambda p: p.write_bytes(b'{"a": "\xe4"}'), "not readable as JSON"),
    "missing": (lambda p: p.unlink(), "expected annotations.json, annotations/instances_train.*; found no JSON file"),
    "two_places": (
        lambda p: write_json(p.parent / "annotations/instances_train.json", {}),
        "annotation files in several places: annotations.json, annotations/instances_train.json",
    ),
    "damaged_image": (
        lambda p: (p.parent / "images/0003.png").write_bytes(b"\x89PNG\r\n\x1a\n"),
        r"1 images that cannot be read: images/0003.png \(",
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_refused_files(tmp_path, name):
    act, message = FILES[name]
    act(write(tmp_path) / "annotations.json")
    with pytest.raises(ZooError, match=message):
        load(tmp_path)


def test_splits_with_different_categories(tmp_path):
    for split in ("train", "val"):
        found = document(small_images(tmp_path / split))
        if split == "val":
            found["categories"][0]["name"] = "wolf"
        write_json(tmp_path / split / "_annotations.coco.json", found)
    with pytest.raises(ZooError, match=r"have different categories: 2 ids and names in one alone: 4 dog, 4 wolf"):
        load(tmp_path)


def test_all_faults_are_counted_at_once_or_their_images_left_out(tmp_path):
    def change(found):
        for place in (1, 2, 3):
            found["annotations"][place]["bbox"] = [90, 0, 5, 5]
        found["annotations"][5]["category_id"] = 3
        found["images"][6]["width"] = 41

    folder = write(tmp_path, change)
    (folder / "images/0007.png").unlink()
    with pytest.raises(ZooError) as error:
        load(folder)
    for part in (
        "1 images that do not exist",
        "1 annotations of unknown",
        "3 boxes outside their image",
        "1 images of another",
    ):
        assert part in str(error.value)
    dataset = load(folder, on_error="skip")
    left = np.concatenate([part.indices for part in (dataset.train, dataset.validation, dataset.test)])
    assert len(left) == COUNT - 6 and noted(dataset, f"left out by data.on_error: 6 of {COUNT} examples: 1 images that")


def test_ids_may_be_large_or_text(tmp_path):
    def change(found):
        for image in found["images"]:
            image["id"] = f"a{image['id']}"
        for annotation in found["annotations"]:
            annotation["image_id"] = f"a{annotation['image_id']}"
        found["categories"][0]["id"] = 2**60
        for annotation in found["annotations"][::2]:
            annotation["category_id"] = 2**60

    assert all_boxes(load(write(tmp_path, change)))[0] == [(0.25, 0.1, 0.75, 0.35, 1)]
    assert json.loads((tmp_path / "annotations.json").read_text())["images"][0]["id"] == "a0"
