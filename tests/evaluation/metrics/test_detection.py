"""Average precision, against COCO's reference implementation."""

import contextlib
import io

import numpy as np
import pytest

from zoo.data.box_codes import ignored_boxes, ignored_code
from zoo.evaluation.metrics.evaluate import details, evaluate


def coco(y, output, side=1000.0):
    """Return AP50, AP and AP75 as pycocotools computes them."""
    pytest.importorskip("pycocotools")
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    def entry(i, row):
        top, left, bottom, right = (float(v) * side for v in row[:4])
        return {
            "image_id": i + 1,
            "category_id": int(row[4]) + 1,
            "bbox": [left, top, right - left, bottom - top],
            "area": (right - left) * (bottom - top),
            "iscrowd": 0,
        }

    def ignored(i, row):
        """An area beyond the largest that counts is how COCO's evaluation ignores one object."""
        _, label, crowd = (int(v) for v in ignored_boxes(row[4]))
        more = {"iscrowd": 1} if crowd else {"area": 1e11}
        return entry(i, [*row[:4], label]) | more

    true = [entry(i, row) for i, rows in enumerate(y) for row in rows if row[4] >= 0]
    true += [ignored(i, row) for i, rows in enumerate(y) for row in rows if row[4] < -1]
    found = [entry(i, row) | {"score": float(row[5])} for i, rows in enumerate(output) for row in rows if row[5] > 0]
    with contextlib.redirect_stdout(io.StringIO()):
        data = COCO()
        data.dataset = {
            "images": [{"id": i + 1} for i in range(len(y))],
            "annotations": [box | {"id": k + 1} for k, box in enumerate(true)],
            "categories": [{"id": label + 1} for label in range(10)],
        }
        data.createIndex()
        evaluation = COCOeval(data, data.loadRes(found), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return dict(zip(("ap", "ap50", "ap75"), evaluation.stats[:3], strict=True))


@pytest.mark.parametrize("seed", range(6))
def test_against_coco(made, seed):
    y, output = made.detection(seed, n=30, detections=20)
    assert evaluate("object_detection", y, output) == pytest.approx(coco(y, output), abs=1e-12)


def test_against_coco_with_equal_scores_and_more_than_a_hundred_detections(made):
    y, output = made.detection(7, n=4, detections=400, classes=2)
    output[..., 5] = np.ceil(output[..., 5] * 10) / 10
    assert evaluate("object_detection", y, output) == pytest.approx(coco(y, output), abs=1e-12)


@pytest.mark.parametrize("seed", range(6))
def test_ignored_boxes_against_coco(made, seed):
    """Crowds match by the part of the detection within them and any number of times, others once."""
    generator = np.random.default_rng(seed)
    y, output = made.detection(seed, n=40, detections=25, most=8, noise=0.02)
    plain = evaluate("object_detection", y, output)
    for i, k in np.argwhere((y[..., 4] >= 0) & (generator.random(y.shape[:2]) < 0.4)):
        crowd = bool(generator.random() < 0.5)
        if crowd:
            y[i, k, 2:4] = np.minimum(y[i, k, 2:4] + 0.2, 1)
        y[i, k, 4] = ignored_code(int(y[i, k, 4]), crowd=crowd)
    found = evaluate("object_detection", y, output)
    assert found == pytest.approx(coco(y, output), abs=1e-12)
    assert abs(found["ap50"] - plain["ap50"]) > 1e-3


def test_ignored_boxes_are_neither_hit_nor_miss():
    y = boxes([0, 0, 0.5, 0.5, 0], [0.5, 0.5, 1, 1, ignored_code(0, crowd=False)])
    right, beside = [0, 0, 0.5, 0.5, 0, 0.8], [0.5, 0.5, 1, 1, 0, 0.9]
    assert evaluate("object_detection", y, boxes(beside, right)) == {"ap50": 1, "ap": 1, "ap75": 1}
    report = details("object_detection", y, boxes(beside, right), ("a",))
    assert report["worst"] == [] and report["per_class"][0]["support"] == 1
    assert details("object_detection", y, boxes(beside, beside, right), ("a",))["worst"][0]["false"] == 1
    crowd = boxes([0, 0, 0.5, 0.5, 0], [0.5, 0.5, 1, 1, ignored_code(0, crowd=True)])
    assert evaluate("object_detection", crowd, boxes(beside, beside, right))["ap50"] == 1


@pytest.mark.parametrize("crowd", [False, True])
def test_codes_of_ignored_boxes(crowd):
    codes = np.array([0, 4, -1, *(ignored_code(label, crowd=crowd) for label in range(5))])
    ignored, labels, crowds = ignored_boxes(codes)
    assert labels.tolist() == [-1, -1, -1, 0, 1, 2, 3, 4]
    assert ignored.tolist() == [False] * 3 + [True] * 5 and (crowds == (ignored & crowd)).all()


def boxes(*rows):
    return np.array([rows], dtype=float)


def test_by_hand():
    y = boxes([0, 0, 0.5, 0.5, 0], [0.5, 0.5, 1, 1, 0])
    first, second, beside = [0, 0, 0.5, 0.5, 0], [0.5, 0.5, 1, 1, 0], [0, 0.5, 0.5, 1, 0]
    ap50 = [
        ([*first, 0.9], [*second, 0.8]),  # both found
        ([*first, 0.9], [*beside, 0.8], [*second, 0.7]),  # a false one between
        ([*first, 0.9], [*first, 0.8], [*second, 0.7]),  # one found twice: the second time it is false
        ([*first[:4], 1, 0.9], [*second, 0.8]),  # one of the wrong class
    ]
    expected = [1.0, (51 + 50 * 2 / 3) / 101, (51 + 50 * 2 / 3) / 101, 51 / 101]
    assert [evaluate("object_detection", y, boxes(*o))["ap50"] for o in ap50] == pytest.approx(expected)


def test_the_threshold_is_included_and_the_best_free_box_is_taken():
    y = boxes([0, 0, 1, 1, 0])
    assert evaluate("object_detection", y, boxes([0, 0, 1, 0.75, 0, 0.5]))["ap75"] == pytest.approx(1)
    assert evaluate("object_detection", y, boxes([0, 0, 1, 0.74, 0, 0.5]))["ap75"] == 0
    y = boxes([0, 0, 1, 0.8, 0], [0, 0, 1, 1, 0])
    output = boxes([0, 0, 1, 1, 0, 0.9], [0, 0, 1, 0.82, 0, 0.8])
    assert evaluate("object_detection", y, output)["ap75"] == pytest.approx(1)


def test_nothing_there_and_nothing_found():
    nothing = np.zeros((2, 0, 6))
    assert np.isnan(evaluate("object_detection", boxes([0, 0, 0, 0, -1]), boxes([0, 0, 1, 1, 0, 0.9]))["ap50"])
    y = np.concatenate([boxes([0, 0, 1, 1, 0]), boxes([0, 0, 1, 1, -1])])
    assert evaluate("object_detection", y, nothing) == {"ap50": 0, "ap": 0, "ap75": 0}
    inside_out = np.concatenate([boxes([1, 1, 0, 0, 0, 0.9]), boxes([0, 0, 0, 0, 0, 0.9])])
    assert evaluate("object_detection", y, inside_out)["ap50"] == 0


def test_details(made):
    y, output = made.detection(3, n=30)
    found = details("object_detection", y, output, ("disc", "square", "cross", "none such"))
    ap50 = [row["ap50"] for row in found["per_class"]]
    assert ap50[3] is None and np.mean(ap50[:3]) == pytest.approx(evaluate("object_detection", y, output)["ap50"])
    assert np.mean(found["precision_recall"]["precision"]) == pytest.approx(np.mean(ap50[:3]))
    assert list(found["precision_recall"]["classes"]) == ["disc", "square", "cross"]
    mistakes = [entry["missed"] + entry["false"] for entry in found["worst"]]
    assert mistakes == sorted(mistakes, reverse=True) and min(mistakes) > 0
    for entry in found["worst"]:
        assert entry["boxes"] == (y[entry["index"], :, 4] >= 0).sum() >= entry["missed"]
        assert entry["false"] - entry["missed"] == (output[entry["index"], :, 5] >= 0.3).sum() - entry["boxes"]
