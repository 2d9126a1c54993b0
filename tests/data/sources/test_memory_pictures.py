"""Boxes and masks of a Python program: the targets of the same data in files, and what they may not hold."""

from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from tests.data.sources.annotated import DIGITS, expected_boxes, scenes
from zoo.data.builtin.scenes import MASK_LABELS, SIZE
from zoo.data.memory.datasets import hold
from zoo.data.sources.load import load_dataset
from zoo.errors import ZooError
from zoo.recipe.data_section import Data
from zoo.tasks import TASKS

BOXES, MASKS = "object_detection", "semantic_segmentation"


def memory(train, task, *, test=None, **settings):
    given = hold(train, None, test)
    return load_dataset(Data(source=given.source, **settings), TASKS[task], (), given)


def dicts(split, form="torchvision"):
    """Return the boxes of each scene: edges in pixels, or corner and size as COCO has them; labels by name."""
    found = []
    for objects in scenes()[split][2]:
        edges = np.array([[left, top, right, bottom] for (top, left, bottom, right), _ in objects]) * SIZE
        labels = [DIGITS[label] for _, label in objects]
        if form == "torchvision":
            found.append({"boxes": edges, "labels": labels})
        else:
            sizes = np.concatenate([edges[:, :2], edges[:, 2:] - edges[:, :2]], axis=1)
            found.append({"bbox": sizes.tolist(), "category": labels, "area": [1] * len(labels)})
    return found


@pytest.mark.parametrize("form", ["torchvision", "coco", "rows", "columns"])
def test_boxes_are_those_that_were_drawn(form):
    images = {split: list(scenes()[split][0]) for split in ("train", "test")}
    targets = {split: dicts(split, form) for split in images}
    settings = {}
    if form == "rows":
        data = {s: [{"image": i, **t} for i, t in zip(images[s], targets[s], strict=True)] for s in images}
    elif form == "columns":
        settings["target"] = "objects"
        data = {s: {"image": images[s], "objects": targets[s]} for s in images}
    else:
        data = {s: (images[s], targets[s]) for s in images}
    found = memory(data["train"], BOXES, test=data["test"], **settings)
    assert found.signature.labels == tuple(sorted(DIGITS))
    train = np.concatenate([found.train.targets, found.validation.targets])
    order = np.argsort(np.concatenate([found.train.indices, found.validation.indices]))
    np.testing.assert_allclose(train[order], expected_boxes("train"), atol=1e-6)
    np.testing.assert_allclose(found.test.targets, expected_boxes("test"), atol=1e-6)
    assert np.array_equal(found.test.take(np.arange(20)), scenes()["test"][0])


def test_crowds_and_difficult_boxes_are_no_targets():
    images = [np.zeros((10, 20), np.uint8)] * 20
    box = [[0, 0, 10, 5], [2, 2, 8, 8]]
    targets = [{"boxes": box, "labels": [3, 7], "iscrowd": [1, 0]}] * 10
    targets += [{"boxes": box, "labels": [3, 7], "difficult": [0, 1]}] * 10
    found = memory((images, targets), BOXES)
    assert found.signature.labels == ("3", "7")
    codes = {tuple(codes) for codes in found.train.targets[..., 4].astype(int).tolist()}
    assert codes == {(1, -3), (0, -4)}  # a crowd of class 0, a difficult one of class 1
    assert found.train.targets[0, 0, :4].max() <= 1
    said = " ".join(found.notes)
    assert "10 of 40 boxes are crowds (iscrowd)" in said and "10 of 40 boxes are marked as difficult" in said
    assert "the classes are the 2 ids that the training boxes have (3, 7)" in said


@pytest.mark.parametrize("form", ["arrays", "one array", "pillow", "columns"])
def test_masks_are_those_that_were_drawn(form):
    data, settings = {}, {"classes": list(MASK_LABELS)}
    for split, (images, masks, _) in scenes().items():
        if form == "pillow":
            palette = [Image.fromarray(mask).convert("P") for mask in masks]
            for picture, mask in zip(palette, masks, strict=True):
                picture.putdata(mask.reshape(-1).tolist())
            data[split] = [Image.fromarray(image[..., 0]) for image in images], palette
        elif form == "columns":
            settings["target"] = "annotation"
            data[split] = {"image": list(images), "annotation": list(masks)}
        else:
            data[split] = (images, masks[..., None]) if form == "one array" else (list(images), list(masks))
    found = memory(data["train"], MASKS, test=data["test"], **settings)
    assert found.signature.labels == tuple(MASK_LABELS) and found.test.targets.dtype == np.uint8
    assert np.array_equal(found.test.targets, scenes()["test"][1])
    assert np.array_equal(found.test.take(np.arange(20)), scenes()["test"][0])


def test_ids_of_masks_are_classes_or_ignored():
    images = [np.zeros((4, 4), np.uint8)] * 20
    masks = [np.array([[0, 0, 2, 2]] * 3 + [[9, 9, 9, 9]])] * 20
    found = memory((images, masks), MASKS, ignore_index=9)
    assert found.signature.labels == ("0", "2") and set(np.unique(found.train.targets)) == {0, 1, 255}
    assert any("ignored by data.ignore_index (9): 80 of 320 pixels of the train split" in note for note in found.notes)


IMAGE = np.zeros((10, 20), np.uint8)
GOOD = {"boxes": [[0, 0, 5, 5]], "labels": [1]}
BAD_BOXES = {
    "no dict": ([[0, 0, 5, 5]], r"images whose boxes have another form: train image 3 \(expected a dict"),
    "no labels": ({"boxes": [[0, 0, 5, 5]]}, r"expected 'boxes' and 'labels', received the keys boxes"),
    "no boxes": ({"labels": [1]}, r"expected 'boxes' and 'labels', received the keys labels"),
    "an empty dict": ({}, r"received the keys none"),
    "three edges": ({"boxes": [[0, 0, 5]], "labels": [1]}, r"expected numbers \(boxes, 4\), received int64 \(1, 3\)"),
    "one axis": ({"boxes": [0, 0, 5, 5], "labels": [1]}, r"expected numbers \(boxes, 4\), received int64 \(4,\)"),
    "text": ({"boxes": [["a", "b", "c", "d"]], "labels": [1]}, r"expected numbers \(boxes, 4\), received <U1"),
    "ragged": ({"boxes": [[0, 0, 5, 5], [1]], "labels": [1, 1]}, r"expected numbers \(boxes, 4\), received object"),
    "NaN": ({"boxes": [[0, 0, 5, np.nan]], "labels": [1]}, r"boxes: holds NaN or infinity"),
    "infinity": ({"boxes": [[0, 0, 5, np.inf]], "labels": [1]}, r"boxes: holds NaN or infinity"),
    "fewer labels": ({"boxes": [[0, 0, 5, 5], [1, 1, 2, 2]], "labels": [1]}, r"2 boxes and 1 labels"),
    "other crowds": ({**GOOD, "iscrowd": [0, 1]}, r"1 boxes and 2 of 'iscrowd'"),
    "no width": ({"boxes": [[5, 0, 5, 5]], "labels": [1]}, r"boxes without an extent: train image 3 box 1"),
    "turned": ({"boxes": [[5, 5, 0, 0]], "labels": [1]}, r"boxes without an extent: train image 3 box 1"),
    "outside": ({"boxes": [[30, 0, 40, 5]], "labels": [1]}, r"boxes outside their image: train image 3 box 1"),
    "a class by name": ({"boxes": [[0, 0, 5, 5]], "labels": ["cat"]}, r"of a class that there is not: .* \('cat'\)"),
    "a class that is a fraction": ({"boxes": [[0, 0, 5, 5]], "labels": [1.5]}, r"a class that there is not: .*1\.5"),
    "too many": ({"boxes": [[0, 0, 5, 5]] * 1001, "labels": [1] * 1001}, r"images with more than 1,000 boxes"),
}


@pytest.mark.parametrize("name", BAD_BOXES)
def test_bad_boxes_are_refused_by_image_or_left_out(name):
    target, message = BAD_BOXES[name]
    images, targets = [IMAGE] * 20, [GOOD] * 2 + [target] + [GOOD] * 17
    with pytest.raises(ZooError, match=message):
        memory((images, targets), BOXES)
    found = memory((images, targets), BOXES, on_error="skip")
    assert len(found.train) + len(found.validation) + len(found.test) == 19
    assert any(note.startswith("left out by data.on_error: 1 of 20 examples") for note in found.notes)


BAD_MASKS = {
    "another size": (
        np.zeros((10, 10), np.uint8),
        r"masks of another size .*: train image 3 \(10×20, its mask 10×10\)",
    ),
    "colour": (Image.new("RGB", (20, 10)), r"train image 3 \(its pixels are RGB; expected one class id each"),
    "three channels": (np.zeros((10, 20, 3), np.uint8), r"expected class ids \(height, width\), received uint8"),
    "fractions": (np.full((10, 20), 0.5), r"expected whole numbers, received float64"),
    "negative": (np.full((10, 20), -1), r"train image 3 \(ids from -1 to -1\)"),
    "too large": (np.full((10, 20), 70_000), r"train image 3 \(ids from 70000 to 70000\)"),
    "an unknown id": (np.full((10, 20), 7), r"ids that no class has \(ids: 0 to 1\): .*train image 3 \(ids 7\)"),
    "none": (None, r"masks that cannot be used: train image 3 \(expected class ids"),
}


@pytest.mark.parametrize("name", BAD_MASKS)
def test_bad_masks_are_refused_by_image_or_left_out(name):
    mask, message = BAD_MASKS[name]
    good = np.arange(200).reshape(10, 20) % 2
    data = [IMAGE] * 20, [good] * 2 + [mask] + [good] * 17
    with pytest.raises(ZooError, match=message):
        memory(data, MASKS, classes=["a", "b"])
    assert len(memory(data, MASKS, classes=["a", "b"], on_error="skip").train) == 13


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (([IMAGE] * 20, [GOOD] * 19), r"expected \(images, boxes\).*lengths: x 20, y 19"),
        (([IMAGE] * 20, 5), r"expected \(images, boxes\).*lengths: x 20, y no"),
        (([], []), r"data: holds no examples"),
        ("boxes", r"expected \(images, boxes\): .*, received str"),
        (
            ([IMAGE] * 20, [{"boxes": [[0, 0, 1, 0.5]], "labels": [1]}] * 20),
            r"edges of boxes lie between 0 and 1; .*pixels",
        ),
        (([IMAGE] * 20, [{"boxes": [], "labels": []}] * 20), r"no box of the training images has a label"),
        (([IMAGE] * 19 + [np.zeros(5)], [GOOD] * 20), r"images that cannot be read: train image 20: expected \(height"),
        (([IMAGE] * 19 + [object()], [GOOD] * 20), r"images that cannot be read: train image 20: expected \(height"),
        ({"image": [IMAGE] * 20, "objects": [GOOD] * 20}, r"data: target= is missing \(columns: image, objects\)"),
    ],
)
def test_other_forms_are_refused(data, message):
    with pytest.raises(ZooError, match=message):
        memory(data, BOXES)


def test_tensors_are_read_as_arrays():
    class Tensor:
        def __init__(self, values):
            self.numpy = lambda: np.asarray(values)

    images = [IMAGE] * 20
    boxes = [{"boxes": Tensor([[0, 0, 5, 5]]), "labels": Tensor([1])}] * 20
    assert memory((images, boxes), BOXES).fingerprint == memory((images, [GOOD] * 20), BOXES).fingerprint
    mask = np.arange(200).reshape(10, 20) % 2
    found = memory((images, [SimpleNamespace(numpy=lambda: mask)] * 20), MASKS)
    assert found.fingerprint == memory((images, [mask] * 20), MASKS).fingerprint
