"""Targets that are texts, tokens, masks or boxes: their form, and what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.data.targets import BLANK, box_targets, mask_targets, text_targets, token_targets, transcription_targets
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
    with pytest.raises(ZooError, match="must not be negative"):
        token_targets({"train": np.array([[-1, 3]])}, "here")


def test_masks():
    masks = {"train": np.array([[[[0], [2]]]]), "test": np.array([[[[1], [2]]]])}
    labels, targets = mask_targets(masks, None, "here")
    assert labels == ("0", "1", "2") and targets["train"].tolist() == [[[0, 2]]]
    assert mask_targets(masks, ["a", "b", "c"], "here")[0] == ("a", "b", "c")
    with pytest.raises(ZooError, match="a mask has the class 2, and there are 2"):
        mask_targets(masks, ["a", "b"], "here")


def test_boxes_keep_what_the_fullest_image_needs():
    boxes = np.full((2, 6, 5), -1.0)
    boxes[0, 0], boxes[1, :2] = [0, 0, 0.5, 1, 3], [[0.1, 0.2, 0.3, 0.4, 0], [0.5, 0.5, 1, 1, 1]]
    found = box_targets({"train": boxes[:1], "test": boxes}, "here")
    assert found["train"].shape == (1, 2, 5) and found["test"].dtype == np.float32
    np.testing.assert_allclose(found["test"], boxes[:, :2])
    boxes[1, 1, 2] = 0.5
    with pytest.raises(ZooError, match="here: 1 boxes of the split 'test' do not lie within their image"):
        box_targets({"train": boxes[:1], "test": boxes}, "here")
