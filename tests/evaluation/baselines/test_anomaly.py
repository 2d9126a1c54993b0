"""Detectors of anomalies, on images with planted ones."""

import numpy as np

from zoo.evaluation.baselines import anomaly
from zoo.evaluation.baselines.anomaly import isolation_forest_scores, pca_scores
from zoo.evaluation.metrics.threshold import choose_threshold, ranking_metrics, threshold_metrics


def planted(seed=0, n=300):
    """Return images near a plane in pixel space to train on, and others of which every third is far from it."""
    generator = np.random.default_rng(seed)
    basis = generator.normal(size=(2, 36))

    def draw(count):
        rows = 0.5 + 0.06 * generator.normal(size=(count, 2)) @ basis + 0.01 * generator.normal(size=(count, 36))
        return np.clip(rows, 0, 1).reshape(count, 6, 6, 1)

    x, y = draw(60), np.arange(60) % 3 == 0
    x[y] = np.clip(x[y] + 0.1 * generator.normal(size=x[y].shape), 0, 1)
    return draw(n), x, y.astype(int)


def test_baselines_find_what_was_planted():
    train, x, y = planted()
    linear = pca_scores(train, {"test": x, "train": train}, 2)
    forest = isolation_forest_scores(train, {"test": x}, seed=1)
    assert ranking_metrics(y, linear["test"])["auroc"] > 0.99
    assert ranking_metrics(y, forest["test"])["auroc"] > 0.8
    assert linear["train"].shape == (300,) and linear["test"].dtype == forest["test"].dtype == np.float64
    assert forest["test"].min() > 0 and forest["test"].max() < 1
    threshold = choose_threshold(linear["train"], false_positive_rate=0.02)
    assert threshold_metrics(y, linear["test"], threshold)["balanced_accuracy"] > 0.9


def test_linear_score_is_the_distance_from_the_plane():
    train, x, _ = planted()
    rows, mean = train.reshape(len(train), -1), train.reshape(len(train), -1).mean(0)
    basis = np.linalg.svd(rows - mean, full_matrices=False)[2][:2]
    left = (x.reshape(len(x), -1) - mean) @ (np.eye(36) - basis.T @ basis)
    np.testing.assert_allclose(pca_scores(train, {"x": x}, 2)["x"], (left**2).mean(1), rtol=1e-3)


def test_scores_repeat_and_do_not_depend_on_the_parts(monkeypatch):
    train, x, _ = planted()
    whole = isolation_forest_scores(train, {"x": x}, seed=3)["x"], pca_scores(train, {"x": x}, 2, seed=3)["x"]
    monkeypatch.setattr(anomaly, "_CHUNK_EXAMPLES", 7)
    parts = isolation_forest_scores(train, {"x": x}, seed=3)["x"], pca_scores(train, {"x": x}, 2, seed=3)["x"]
    for first, second in zip(whole, parts, strict=True):
        np.testing.assert_allclose(first, second, rtol=1e-4)
    assert (isolation_forest_scores(train, {"x": x}, seed=4)["x"] != whole[0]).any()
