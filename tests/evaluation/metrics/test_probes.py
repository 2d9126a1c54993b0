"""Probes of embeddings: against direct computations, on embeddings whose worth is known."""

import math

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from threadpoolctl import threadpool_info

from zoo.evaluation.metrics import probes
from zoo.evaluation.metrics.probes import few_shot, probe

# --- everything at once -------------------------------------------------------------------------------------------


def test_good_embeddings_and_useless_ones(clouds):
    x, y = clouds(spread=0.3)
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


def test_more_labels_help(clouds):
    x, y = clouds(spread=1.2)
    means = [entry["mean"] for entry in probe(x, y, seed=0)["few_shot"].values()]
    assert means == sorted(means) and means[-1] > means[0] + 0.05


def test_the_same_seed_gives_the_same_results_and_threads_are_given_back(clouds):
    x, y = clouds(spread=1.5)
    before = threadpool_info()
    first = probe(x, y, seed=3)
    assert first == probe(x, y, seed=3) and first != probe(x, y, seed=4)
    assert threadpool_info() == before


def test_float32_and_labels_of_any_number(clouds):
    x, y = clouds(spread=0.3)
    found = probe({s: rows.astype(np.float32) for s, rows in x.items()}, {s: 7 * r - 5 for s, r in y.items()}, seed=0)
    assert found["linear"]["accuracy"] == found["neighbors"]["accuracy"] == found["few_shot"]["5"]["mean"] == 1


def test_embeddings_that_are_all_the_same(clouds):
    x, y = clouds()
    found = probe({split: np.full_like(rows, 0.7) for split, rows in x.items()}, y, seed=0)
    rate = max(np.mean(y["test"] == c) for c in range(3))
    assert found["linear"]["accuracy"] <= rate + 1e-12 and math.isnan(found["clustering"]["silhouette"])
    assert found["clustering"]["ari"] == 0 and found["spectrum"]["verdict"] == "collapsed"


def test_limits(clouds, monkeypatch):
    x, y = clouds()
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


def test_linear_probe_against_scikit_learn(clouds):
    x, y = clouds(seed=5, spread=2.0)
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
def test_neighbors_against_scikit_learn(clouds, distance):
    x, y = clouds(seed=2, spread=2.0)
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


def test_few_shot_does_not_raise_what_hardly_varies(clouds):
    x, y = clouds(spread=0.5)
    generator = np.random.default_rng(1)
    wide = {split: np.concatenate([r, 0.05 * generator.normal(size=(len(r), 200))], axis=1) for split, r in x.items()}
    accuracies = [few_shot(v["train"], y["train"], v["test"], y["test"], seed=0)["5"]["mean"] for v in (x, wide)]
    assert accuracies[1] > accuracies[0] - 0.03
    x, y = clouds(spread=1.5)
    near, far = (
        few_shot(scale * x["train"] + shift, y["train"], scale * x["test"] + shift, y["test"], seed=0)["10"]["mean"]
        for scale, shift in ((1, 0), (1e4, 7e4))
    )
    assert far == pytest.approx(near, abs=0.002)


def test_few_shot_fits_what_it_says(clouds, monkeypatch):
    x, y = clouds(spread=0.5, sizes={"train": 21, "test": 50})
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
def test_wrong_input_is_named(clouds, change, message):
    x, y = clouds()
    change(x, y)
    with pytest.raises(ValueError, match=message):
        probe(x, y, seed=0)
