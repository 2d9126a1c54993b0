"""Probes of embeddings: against direct computations, on embeddings whose worth is known."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from threadpoolctl import threadpool_info

from zoo.evaluation.metrics import embedding_space, probes
from zoo.evaluation.metrics.embedding_space import clustering, effective_rank, spectrum, tsne
from zoo.evaluation.metrics.probes import few_shot, probe

SIZES = {"train": 300, "validation": 120, "test": 150}
seeds = st.integers(0, 10_000)


def embeddings(seed=0, spread=1.0, classes=3, d=6, sizes=SIZES):
    """Return embeddings around one point a class, at a distance of 4 from each other, and the classes."""
    generator = np.random.default_rng(seed)
    y = {
        split: np.concatenate([np.arange(classes), generator.integers(0, classes, n - classes)])
        for split, n in sizes.items()
    }
    centers = 4 / math.sqrt(2) * np.eye(d)[:classes]
    x = {split: centers[labels] + spread * generator.normal(size=(len(labels), d)) for split, labels in y.items()}
    return x, y


# --- everything at once -------------------------------------------------------------------------------------------


def test_good_embeddings_and_useless_ones():
    x, y = embeddings(spread=0.3)
    found = probe(x, y, seed=0)
    assert set(found) == {"linear", "neighbors", "few_shot", "clustering", "spectrum"}
    assert found["linear"]["accuracy"] == found["neighbors"]["accuracy"] == 1
    assert found["few_shot"]["1"]["mean"] > 0.95 and set(found["few_shot"]) == {"1", "5", "10"}
    assert found["clustering"]["nmi"] == found["clustering"]["ari"] == 1 and found["clustering"]["silhouette"] > 0.5
    assert found["spectrum"]["verdict"] == "no collapse"
    generator = np.random.default_rng(1)
    noise = probe({split: generator.normal(size=rows.shape) for split, rows in x.items()}, y, seed=0)
    for accuracy in (noise["linear"]["accuracy"], noise["neighbors"]["accuracy"], noise["few_shot"]["10"]["mean"]):
        assert 0.2 < accuracy < 0.5
    assert abs(noise["clustering"]["ari"]) < 0.1 and noise["clustering"]["nmi"] < 0.1


def test_more_labels_help():
    x, y = embeddings(spread=1.2)
    means = [entry["mean"] for entry in probe(x, y, seed=0)["few_shot"].values()]
    assert means == sorted(means) and means[-1] > means[0] + 0.05


def test_the_same_seed_gives_the_same_results_and_threads_are_given_back():
    x, y = embeddings(spread=1.5)
    before = threadpool_info()
    first = probe(x, y, seed=3)
    assert first == probe(x, y, seed=3) and first != probe(x, y, seed=4)
    assert threadpool_info() == before


def test_float32_and_labels_of_any_number():
    x, y = embeddings(spread=0.3)
    found = probe({s: rows.astype(np.float32) for s, rows in x.items()}, {s: 7 * r - 5 for s, r in y.items()}, seed=0)
    assert found["linear"]["accuracy"] == found["neighbors"]["accuracy"] == found["few_shot"]["5"]["mean"] == 1


def test_embeddings_that_are_all_the_same():
    x, y = embeddings()
    found = probe({split: np.full_like(rows, 0.7) for split, rows in x.items()}, y, seed=0)
    rate = max(np.mean(y["test"] == c) for c in range(3))
    assert found["linear"]["accuracy"] <= rate + 1e-12 and math.isnan(found["clustering"]["silhouette"])
    assert found["clustering"]["ari"] == 0 and found["spectrum"]["verdict"] == "collapsed"


def test_limits(monkeypatch):
    x, y = embeddings()
    sizes = {}
    for name in ("linear_probe", "nearest_neighbors"):
        monkeypatch.setattr(
            probes, name, lambda x, y: sizes.update({s: (rows.shape, len(y[s])) for s, rows in x.items()})
        )
    for name, most in (("MAX_TRAIN", 90), ("MAX_VALIDATION", 40), ("MAX_TEST", 50)):
        monkeypatch.setattr(probes, name, most)
    probe(x, y, seed=0)
    assert sizes == {"train": ((90, 6), 90), "validation": ((40, 6), 40), "test": ((50, 6), 50)}


# --- one by one ---------------------------------------------------------------------------------------------------


def test_linear_probe_against_scikit_learn():
    x, y = embeddings(seed=5, spread=2.0)
    x = {split: rows * [1, 1, 100, 0.01, 1, 0] + [0, 5, 0, 0, 0, 0.3] for split, rows in x.items()}
    found = probe(x, y, seed=0)["linear"]
    mean, deviation = x["train"].mean(0), x["train"].std(0)
    scaled = {split: ((rows - mean) / deviation)[:, :5] for split, rows in x.items()}
    scores = {}
    for c in probes.INVERSE_PENALTIES:
        model = LogisticRegression(C=c, max_iter=1000, tol=1e-8).fit(scaled["train"], y["train"])
        scores[c] = [model.score(scaled[split], y[split]) for split in ("validation", "test")]
    best = max(scores, key=lambda c: scores[c][0])
    assert found == {
        "accuracy": pytest.approx(scores[best][1], abs=0.01),
        "validation": pytest.approx(scores[best][0], abs=0.01),
        "c": best,
        "converged": True,
    }


@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
def test_neighbors_against_scikit_learn(distance):
    x, y = embeddings(seed=2, spread=2.0)
    generator = np.random.default_rng(0)
    for rows in x.values():  # lengths or directions that say nothing about the class
        rows *= generator.lognormal(0, 2, (len(rows), 1)) if distance == "cosine" else 1
        rows += 0 if distance == "cosine" else [20, -10, 5, 0, 0, 0]
    found = probe(x, y, seed=0)["neighbors"]
    assert found["distance"] == distance
    model = KNeighborsClassifier(found["k"], metric=distance).fit(x["train"], y["train"])
    for key, split in (("validation", "validation"), ("accuracy", "test")):
        assert found[key] == pytest.approx(model.score(x[split], y[split]), abs=0.03)  # ties are broken otherwise
    one = KNeighborsClassifier(1, metric=distance).fit(x["train"], y["train"])
    assert found["validation"] >= one.score(x["validation"], y["validation"]) - 1e-12


def test_of_equal_votes_the_nearer_wins():
    train, y = np.array([[0.0], [1.0], [3.0], [4.0]]), np.array([1, 0, 0, 1])
    votes = probes._votes(train, y, np.array([[0.4], [3.4]]), (1, 2, 4, 50))
    assert {k: v.tolist() for k, v in votes.items()} == {1: [1, 0], 2: [1, 0], 4: [1, 0]}


def test_few_shot_does_not_raise_what_hardly_varies():
    x, y = embeddings(spread=0.5)
    generator = np.random.default_rng(1)
    wide = {split: np.concatenate([r, 0.05 * generator.normal(size=(len(r), 200))], axis=1) for split, r in x.items()}
    accuracies = [few_shot(v["train"], y["train"], v["test"], y["test"], seed=0)["5"]["mean"] for v in (x, wide)]
    assert accuracies[1] > accuracies[0] - 0.03
    x, y = embeddings(spread=1.5)
    near, far = (
        few_shot(scale * x["train"] + shift, y["train"], scale * x["test"] + shift, y["test"], seed=0)["10"]["mean"]
        for scale, shift in ((1, 0), (1e4, 7e4))
    )
    assert far == pytest.approx(near, abs=0.002)


def test_few_shot_fits_what_it_says(monkeypatch):
    x, y = embeddings(spread=0.5, sizes={"train": 21, "test": 50})
    y["train"] = np.repeat([0, 1, 2], [12, 5, 4])
    fitted = []
    original = probes._logistic

    def spy(rows, labels, c):
        fitted.append(np.bincount(labels).tolist())
        return original(rows, labels, c)

    monkeypatch.setattr(probes, "_logistic", spy)
    found = few_shot(x["train"], y["train"], x["test"], y["test"], seed=0)
    assert list(found) == ["1"] and fitted == [[1, 1, 1]] * 10  # no class of 4 has 5
    assert 0 <= found["1"]["mean"] <= 1 and found["1"]["std"] > 0


def test_clustering_against_scikit_learn(monkeypatch):
    x, y = embeddings(spread=0.4)
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


# --- the picture --------------------------------------------------------------------------------------------------


def test_neighbors_stay_together_in_the_plane():
    x, y = embeddings(spread=0.3, d=60, sizes={"train": 120})
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


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x, y: x.pop("validation"), "validation is missing"),
        (lambda x, y: y.pop("test"), "test is missing"),
        (lambda x, y: x.update(test=x["test"][:-1]), r"received \(149, 6\), \(150,\)"),
        (lambda x, y: x.update(test=x["test"][:, :5]), "one width"),
        (lambda x, y: x["train"].__setitem__((0, 0), np.nan), "the embeddings of train are not finite"),
        (lambda x, y: y.update(train=np.zeros(300, int)), "at least 2 classes"),
        (lambda x, y: (x.update(test=x["test"][:0]), y.update(test=y["test"][:0])), "received"),
    ],
)
def test_wrong_input_is_named(change, message):
    x, y = embeddings()
    change(x, y)
    with pytest.raises(ValueError, match=message):
        probe(x, y, seed=0)
