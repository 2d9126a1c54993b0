"""Targets that are texts, tokens, masks or boxes: their form, and what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.data import structured_targets
from zoo.data.box_codes import ignored_code
from zoo.data.structured_targets import (
    BLANK,
    box_picker,
    box_targets,
    boxes_left_out,
    mask_targets,
    tag_targets,
    text_targets,
    token_targets,
    transcription_targets,
)
from zoo.errors import ZooError
from zoo.tasks import END, UNKNOWN

words = st.lists(st.text(alphabet="abcd", max_size=6), min_size=1, max_size=5)


@given(words, words)
def test_transcriptions_come_back(train, test):
    texts = {"train": [*train, "abcd"], "test": test}
    labels, targets = transcription_targets(texts, "here")
    assert labels == (BLANK, "a", "b", "c", "d")
    for split, rows in texts.items():
        assert ["".join(labels[i] for i in ids if i) for ids in targets[split]] == rows
    assert targets["train"].shape[1] == targets["test"].shape[1]


def test_a_character_that_training_lacks():
    with pytest.raises(ZooError, match=r"here: the split 'test' has characters that no training text has: x z"):
        transcription_targets({"train": ["ab"], "test": ["axz"]}, "here")


def test_text_targets_end_with_the_end_mark():
    labels, targets = text_targets({"train": ["ba", "c"], "test": ["abcd"]})
    assert labels[4:] == ("a", "b", "c")
    assert targets["train"].tolist() == [[5, 4, END, 0, 0], [6, END, 0, 0, 0]]
    assert targets["test"].tolist() == [[4, 5, 6, UNKNOWN, END]]


def test_tokens():
    labels, targets = token_targets({"train": np.array([[0, 3]]), "test": np.array([[5, 0]])}, "here")
    assert labels == ("0", "1", "2", "3", "4", "5") and targets["test"].dtype == np.int32
    with pytest.raises(
        ZooError, match=r"targets of the split 'train': token ids must not be negative, and example 1 at"
    ):
        token_targets({"train": np.array([[-1, 3]])}, "here")
    with pytest.raises(ZooError, match=r"split 'test': token ids must be below 16,777,216, and example 2 at \[1\] has"):
        token_targets({"train": np.array([[0, 3]]), "test": np.array([[0, 1], [2, 2**40 + 5]])}, "here")


def test_masks():
    masks = {"train": np.array([[[[0], [2]]]]), "test": np.array([[[[1], [2]]]])}
    labels, targets = mask_targets(masks, None, "here")
    assert labels == ("0", "1", "2") and targets["train"].tolist() == [[[0, 2]]]
    assert mask_targets(masks, ["a", "b", "c"], "here")[0] == ("a", "b", "c")
    with pytest.raises(ZooError, match="a mask has the class 2, and there are 2"):
        mask_targets(masks, ["a", "b"], "here")


@pytest.mark.parametrize("value", [2, 255, 65_535])
def test_masks_with_pixels_to_ignore(value):
    masks = {"train": np.array([[[0, value], [1, 0]]], np.int32)}
    labels, targets = mask_targets(masks, None, "here", value)
    assert labels == ("0", "1") and targets["train"].tolist() == [[[0, 255], [1, 0]]]


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        ([[0, -1]], r"masks of the split 'test': classes must not be negative, and example 1 at \[0, 1\] has -1"),
        ([[0, 300]], r"classes must be below 255, and example 1 at \[0, 1\] has 300"),
        ([[0, 1.5]], "classes must be whole numbers"),
        ([[0, np.nan]], "classes must be whole numbers"),
        ([[[0, 0, 255], [1, 1, 1]]], r"masks must have one channel, the class of each pixel, received \(1, 2, 3\)"),
    ],
)
def test_masks_that_are_no_classes(mask, message):
    with pytest.raises(ZooError, match=message):
        mask_targets({"train": np.array([[[0, 1]]]), "test": np.array([mask])}, None, "here")


def test_masks_whose_numbers_are_no_classes():
    with pytest.raises(ZooError, match=r"masks hold 2 classes: 0, 254, and each number from 0 to 254 would be one"):
        mask_targets({"train": np.array([[[0, 254]]])}, None, "here")
    with pytest.raises(
        ZooError, match=r"split 'train' hold 255, and classes lie below; .* set data.ignore_index to 255"
    ):
        mask_targets({"train": np.array([[[0, 255]]])}, None, "here")
    assert len(mask_targets({"train": np.array([[[0, 2]]])}, None, "here")[0]) == 3


def test_characters_of_targets_that_no_training_text_has_are_counted():
    notes = []
    text_targets({"train": ["ba", "c"], "test": ["abcd", "xx"]}, notes)
    assert notes == ["the targets of the test split: 3 of 6 characters are unknown to the vocabulary: 'd', 'x'"]


def test_boxes_that_are_left_out_or_ignored_are_counted():
    y = np.full((2, 5, 5), -1.0)
    y[:, 0], y[:, -1] = [0, 0, 1, 1, 0], [[0, 20, 0, 0, 0], [3, 0, 0, 0, 0]]
    y[:, 1, 4], y[0, 2, 4] = ignored_code(4, crowd=True), ignored_code(0, crowd=False)
    said = "no targets of training, and neither hit nor miss in the evaluation"
    assert boxes_left_out({"test": y}) == [
        f"2 of 28 boxes of the test split are crowds: {said}",
        f"1 of 28 boxes of the test split are marked as difficult: {said}",
        "left out of the test split: 3 of 28 boxes, which have no label",
        "left out of the test split: 20 of 28 boxes, which are beyond the first 100 of their image",
    ]


def test_boxes_are_picked_and_what_is_left_out_is_counted():
    import tensorflow as tf

    pick = box_picker({"objects": {"bbox": None, "label": None}}, "objects")
    boxes = np.random.default_rng(0).random((130, 4)).astype(np.float32)
    labels = np.arange(130) % 7 - (np.arange(130) == 5) * 100
    crowd = np.arange(130) < 3

    def picked(count, **marks):
        marks = {key: tf.constant(value[:count]) for key, value in marks.items()}
        objects = {"bbox": tf.constant(boxes[:count]), "label": tf.constant(labels[:count]), **marks}
        return pick({"objects": objects}).numpy()

    kept = [i for i in range(130) if not crowd[i] and labels[i] >= 0]
    found = picked(130, is_crowd=crowd)
    np.testing.assert_array_equal(found[:100], np.column_stack([boxes, labels])[kept[:100]].astype(np.float32))
    assert found[100].tolist() == [1, 29, 0, 0, 0]
    found = picked(10, is_crowd=crowd, is_difficult=np.arange(130) == 9)
    np.testing.assert_array_equal(found[:5], np.column_stack([boxes, labels])[[3, 4, 6, 7, 8]].astype(np.float32))
    codes = [*(ignored_code(int(labels[i]), crowd=True) for i in range(3)), ignored_code(int(labels[9]), crowd=False)]
    assert found[5:9, 4].tolist() == codes and (found[9:100] == -1).all() and found[100].tolist() == [1, 0, 0, 0, 0]
    np.testing.assert_array_equal(found[5:9, :4], boxes[[0, 1, 2, 9]])


def test_boxes_keep_what_the_fullest_image_needs():
    boxes = np.full((2, 6, 5), -1.0)
    boxes[0, 0], boxes[1, :2] = [0, 0, 0.5, 1, 3], [[0.1, 0.2, 0.3, 0.4, 0], [0.5, 0.5, 1, 1, 1]]
    found = box_targets({"train": boxes[:1], "test": boxes}, "here")
    assert found["train"].shape == (1, 2, 5) and found["test"].dtype == np.float32
    np.testing.assert_allclose(found["test"], boxes[:, :2])
    lost = boxes.copy()
    lost[0, 0, 1] = np.nan
    with pytest.raises(ZooError, match="here: 1 boxes of the split 'test' do not lie within their image"):
        box_targets({"train": boxes[:1], "test": lost}, "here")
    boxes[1, 1, 2] = 0.5
    with pytest.raises(ZooError, match="here: 1 boxes of the split 'test' do not lie within their image"):
        box_targets({"train": boxes[:1], "test": boxes}, "here")


def test_a_target_that_makes_all_too_large_is_refused(monkeypatch):
    monkeypatch.setattr(structured_targets, "MAX_PADDED_TARGETS", 30)
    texts = {"train": np.array(["a", "ab", "ab" * 5], object), "test": np.array(["a"] * 4, object)}
    assert text_targets(texts)[1]["train"].shape == (3, 11)
    texts["train"][2] += "b"
    with pytest.raises(
        ZooError, match=r"the targets of the train split: all 3 are .* has 11 characters \(half .* most 2"
    ):
        text_targets(texts)
    tags = np.fromiter([["a"], ["b"] * 11, ["a"]], object, 3)
    with pytest.raises(ZooError, match=r"f: the split 'train': all 3 are padded to the longest, which has 11 tags"):
        tag_targets({"train": tags}, "f")


def test_the_name_of_padding_is_no_tag():
    with pytest.raises(ZooError, match="the tag '<padding>' has the name of padding"):
        tag_targets({"train": np.fromiter([["a", "<padding>"], ["a"]], object, 2)}, "f")
