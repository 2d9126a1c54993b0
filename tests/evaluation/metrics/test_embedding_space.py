"""Clusters, collapse and layout of embeddings whose shape is known."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics
from sklearn.neighbors import KNeighborsClassifier

from zoo.evaluation.metrics import embedding_space
from zoo.evaluation.metrics.embedding_space import clustering, effective_rank, spectrum, tsne

seeds = st.integers(0, 10_000)


def test_clustering_against_scikit_learn(clouds, monkeypatch):
    x, y = clouds(spread=0.4)
    found = clustering(x["test"], y["test"], seed=0)
    clusters = y["test"]  # far apart: the clusters are the classes
    assert found["silhouette"] == pytest.approx(metrics.silhouette_score(x["test"], clusters))
    crossed = clustering(x["test"], np.arange(150) % 2, seed=0)
    assert abs(crossed["ari"]) < 0.05 and crossed["nmi"] < 0.05
    monkeypatch.setattr(embedding_space, "MAX_SILHOUETTE", 30)
    few = clustering(x["test"], y["test"], seed=0)
    assert few["ari"] == found["ari"] and few["silhouette"] == pytest.approx(found["silhouette"], abs=0.1)


# --- the spectrum -------------------------------------------------------------------------------------------------


def test_effective_rank_of_known_matrices():
    assert effective_rank(np.eye(7)) == pytest.approx(7)
    assert effective_rank(5 * np.eye(9, 4)) == pytest.approx(4)
    assert effective_rank(np.outer([1, 2, 3], [4, 5])) == pytest.approx(1)
    assert effective_rank(np.zeros((3, 2))) == 0
    assert effective_rank(np.diag([0.5, 0.25, 0.25])) == pytest.approx(2**1.5)  # an entropy of 1.5 bits


@settings(max_examples=30)
@given(seeds, st.integers(1, 9), st.integers(1, 9), st.floats(1e-3, 1e3))
def test_effective_rank_properties(seed, n, d, scale):
    matrix = np.random.default_rng(seed).normal(size=(n, d))
    found = effective_rank(matrix)
    assert 1 - 1e-9 <= found <= min(n, d) + 1e-9
    assert effective_rank(scale * matrix.T) == pytest.approx(found)
    assert effective_rank(np.concatenate([matrix, matrix])) == pytest.approx(found)


@pytest.mark.parametrize(
    ("scales", "shift", "verdict"),
    [
        ([1] * 8, 0, "no collapse"),
        ([1] * 8, 100, "no collapse"),  # a mean of a hundred deviations is no collapse
        ([1] * 8, 5000, "collapsed"),
        ([0] * 8, 0, "collapsed"),
        ([1] + [0] * 7, 0, "dimensional collapse"),
        ([1, 1, 1, 0, 0, 0, 0, 0], 0, "no collapse"),
        ([1], 0, "no collapse"),
        ([1, 1], 0, "no collapse"),
        ([1, 0.5, 0, 0], 3, "dimensional collapse"),
        ([1] * 4 + [0] * 96, 0, "dimensional collapse"),
        ([1] * 7 + [0] * 93, 0, "no collapse"),
    ],
)
def test_verdicts(scales, shift, verdict):
    x = np.random.default_rng(0).normal(size=(500, len(scales))) * scales + shift
    found = spectrum(x)
    assert (found["verdict"], found["dimensions"]) == (verdict, len(scales))
    if verdict != "collapsed":
        assert found["effective_rank"] == pytest.approx(effective_rank(x - x.mean(0)))
        expected = math.sqrt(((x - x.mean(0)) ** 2).sum() / (x**2).sum())
        assert found["spread"] == pytest.approx(expected)


# --- the layout ---------------------------------------------------------------------------------------------------


def test_neighbors_stay_together_in_the_plane(clouds):
    x, y = clouds(spread=0.3, d=60, sizes={"train": 120})
    points, chosen = tsne(x["train"], seed=0, most=90)
    assert points.shape == (90, 2) and points.dtype == np.float32 and np.isfinite(points).all()
    assert chosen.tolist() == sorted(set(chosen.tolist())) and chosen.max() < 120
    model = KNeighborsClassifier(2).fit(points, y["train"][chosen])
    assert model.score(points, y["train"][chosen]) == 1
    np.testing.assert_array_equal(points, tsne(x["train"], seed=0, most=90)[0])


@pytest.mark.parametrize("shape", [(1, 3), (3, 3), (4, 2), (5, 1)])
def test_few_embeddings_in_the_plane(shape):
    points, chosen = tsne(np.random.default_rng(0).normal(size=shape), seed=0)
    assert points.shape == (shape[0], 2) and np.isfinite(points).all() and len(chosen) == shape[0]


def test_equal_embeddings_lie_at_one_point():
    assert not tsne(np.full((20, 5), 0.1), seed=0)[0].any()


def test_clusters_that_differ_from_the_classes_against_scikit_learn():
    """The two scores of an imperfect grouping are not alike, so that neither can stand for the other."""
    from sklearn.cluster import KMeans
    from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

    generator = np.random.default_rng(0)
    y = generator.integers(0, 3, 200)
    x = np.eye(3)[y] + 0.6 * generator.normal(size=(200, 3))
    clusters = KMeans(3, n_init=4, random_state=5).fit_predict(x)
    found = clustering(x, y, seed=5)
    nmi, ari = normalized_mutual_info_score(y, clusters), adjusted_rand_score(y, clusters)
    assert abs(nmi - ari) > 0.03
    assert (found["nmi"], found["ari"]) == (pytest.approx(nmi), pytest.approx(ari))
