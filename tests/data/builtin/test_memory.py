"""The adding problem and the copy problem, against their definitions."""

import numpy as np
import pytest
from builtin_examples import examples, rows, sizes


def test_adding_problem():
    assert sizes("adding_problem") == {"train": 20_000, "test": 2_000}
    for split in ("train", "test"):
        columns = examples("adding_problem", split)
        values, markers = np.moveaxis(columns["sequence"], -1, 0)
        assert columns["sequence"].shape[1:] == (100, 2)
        assert columns["sequence"].dtype == columns["target"].dtype == np.float32
        assert 0 <= values.min() < 0.001 < 0.999 < values.max() < 1
        assert set(np.unique(markers)) == {0.0, 1.0}
        for half in (markers[:, :50], markers[:, 50:]):
            assert (half.sum(axis=1) == 1).all()
            assert set(half.argmax(axis=1)) == set(range(50))
        np.testing.assert_allclose(columns["target"], (values * markers).sum(axis=1), rtol=1e-6)
        assert np.square(columns["target"] - 1).mean() == pytest.approx(1 / 6, abs=0.006)
    train, test = (rows(examples("adding_problem", split)["sequence"]) for split in ("train", "test"))
    assert len(train) == 20_000 and not train & test


def test_copy_memory():
    assert sizes("copy_memory") == {"train": 10_000, "test": 1_000}
    for split in ("train", "test"):
        columns = examples("copy_memory", split)
        tokens, labels = columns["tokens"], columns["labels"]
        assert tokens.shape[1:] == labels.shape[1:] == (70,)
        assert tokens.dtype == labels.dtype == np.int32
        counts = np.bincount(tokens[:, :10].reshape(-1), minlength=9)
        assert counts[0] == 0 and len(counts) == 9
        np.testing.assert_allclose(counts[1:] / counts.sum(), 1 / 8, atol=0.01)
        assert (tokens[:, 10:59] == 9).all() and (tokens[:, 59] == 10).all() and (tokens[:, 60:] == 9).all()
        assert (labels[:, :60] == 0).all()
        np.testing.assert_array_equal(labels[:, 60:], tokens[:, :10])
    train, test = (rows(examples("copy_memory", split)["tokens"]) for split in ("train", "test"))
    assert len(train) == 10_000 and not train & test
