"""Strips and scenes of digits: splits without common digits, right targets, boxes around the strokes."""

import itertools
import re

import numpy as np
import pytest
from builtin_examples import examples, rows, sizes

from zoo.data.builtin import builtin_builder
from zoo.data.builtin.glyphs import split_glyphs


def test_the_digits_are_parted_before_anything_is_drawn():
    glyphs = split_glyphs()
    train, test = (rows(glyphs[split].images) for split in ("train", "test"))
    assert not train & test
    assert [len(glyphs[split].labels) for split in ("train", "test")] == [1438, 359]
    for part in glyphs.values():
        counts = np.bincount(part.labels, minlength=10) / len(part.labels)
        assert counts.min() > 0.05 and counts.max() < 0.15


@pytest.mark.ci
def test_digit_strips():
    assert sizes("digit_strips") == {"train": 8_000, "test": 1_000}
    for split in ("train", "test"):
        columns = examples("digit_strips", split)
        assert columns["image"].shape[1:] == (16, 96, 1) and columns["image"].dtype == np.uint8
        labels = columns["label"].tolist()
        assert all(re.fullmatch("[0-9]{1,8}", label) for label in labels)
        lengths = np.bincount([len(label) for label in labels], minlength=9)[1:] / len(labels)
        assert lengths.min() > 0.09 and lengths.max() < 0.16
        assert any(a == b for label in labels for a, b in itertools.pairwise(label))
    train, test = (rows(examples("digit_strips", split)["image"]) for split in ("train", "test"))
    assert len(train) == 8_000 and not train & test


@pytest.mark.parametrize("split", ["train", "test"])
@pytest.mark.ci
def test_strips_can_be_read_with_the_digits_of_their_split(split):
    """Find the glyphs again, among those of both splits: which they are, where they stand, what they read."""
    parts = split_glyphs()
    glyphs = np.concatenate([part.images for part in parts.values()]).reshape(-1, 64)
    labels = np.concatenate([part.labels for part in parts.values()])
    owner = np.repeat(list(parts), [len(part.labels) for part in parts.values()])
    columns = examples("digit_strips", split)
    seen = 0
    for image, text in zip(columns["image"][:40, ..., 0], columns["label"][:40].tolist(), strict=True):
        windows = np.lib.stride_tricks.sliding_window_view(image, (8, 8))
        match = normal(windows.reshape(-1, 64)) @ normal(glyphs).T
        best = match.max(axis=1).reshape(windows.shape[:2])
        found = []
        for _ in text:
            top, left = np.unravel_index(best.argmax(), best.shape)
            glyph = match.reshape(*best.shape, -1)[top, left].argmax()
            found.append((left, labels[glyph], owner[glyph]))
            best[:, max(0, left - 7) : left + 8] = -1
        found.sort()
        assert "".join(str(label) for _, label, _ in found) == text
        assert {part for *_, part in found} == {split}
        assert (np.diff([left for left, *_ in found]) >= 9).all()
        seen += len(found)
    assert seen > 100


def normal(vectors):
    vectors = vectors.astype(np.float64) - vectors.mean(axis=1, keepdims=True)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.ci
def test_digit_scenes():
    assert sizes("digit_scenes") == {"train": 4_000, "test": 500}
    builder = builtin_builder("digit_scenes")
    assert builder.info.metadata["mask_labels"] == ["background", *"0123456789"]
    assert builder.info.features["objects"]["label"].names == list("0123456789")
    for split in ("train", "test"):
        columns = examples("digit_scenes", split)
        assert columns["image"].shape[1:] == columns["mask"].shape[1:] == (64, 64, 1)
        assert columns["image"].dtype == columns["mask"].dtype == np.uint8
        counts = np.bincount((columns["bbox"].max(axis=-1) > 0).sum(axis=1), minlength=6)
        assert counts[0] == 0 and len(counts) == 6 and counts[1:].min() > 0.1 * counts.sum()
        classes = np.bincount(columns["label"][columns["bbox"].max(axis=-1) > 0], minlength=10)
        assert classes.min() > 0.05 * classes.sum() and set(np.unique(columns["mask"])) == set(range(11))
        half = slice(None, 500)
        for mask, boxes, labels in zip(
            columns["mask"][half, ..., 0], columns["bbox"][half], columns["label"][half], strict=True
        ):
            real = boxes.max(axis=-1) > 0
            check_boxes(mask, boxes[real] * 64, labels[real])
    train, test = (rows(examples("digit_scenes", split)["image"]) for split in ("train", "test"))
    assert len(train) == 4_000 and not train & test


def check_boxes(mask, boxes, labels):
    """Each box touches its digit's strokes on all sides, each stroke is in a box of its class."""
    left_over = mask.copy()
    for (top, left, bottom, right), label in zip(boxes, labels, strict=True):
        assert all(edge == int(edge) for edge in (top, left, bottom, right))
        area = np.s_[int(top) : int(bottom), int(left) : int(right)]
        stroke = mask[area] == label + 1
        for edge in (stroke[0], stroke[-1], stroke[:, 0], stroke[:, -1]):
            assert edge.any()
        left_over[area][stroke] = 0
    assert not left_over.any()
    for a, b in itertools.combinations(boxes, 2):
        high, wide = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
        intersection = max(0, high) * max(0, wide)
        assert intersection / (np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - intersection) < 0.1


def test_scenes_show_strokes_on_an_uneven_ground():
    columns = examples("digit_scenes", "test")
    image, mask = columns["image"][..., 0].astype(float), columns["mask"][..., 0] > 0
    contrast = np.array([i[m].mean() - i[~m].mean() for i, m in zip(image, mask, strict=True)])
    assert (np.abs(contrast) > 20).all()
    assert 0.4 < (contrast > 0).mean() < 0.6
    assert np.std([i[~m].mean() for i, m in zip(image, mask, strict=True)]) > 10
