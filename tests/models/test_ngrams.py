"""Bags of n-grams: hashes by Python's integers, weights by scikit-learn, and what padding and empty rows do."""

import keras
import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

import zoo
from zoo.layers.adapted import adapting
from zoo.layers.ngrams import FACTORS, JOIN, PRIMES, NgramIds, TfIdf

VOCABULARY, BUCKETS = 1_000_000, 50_021
RANDOM = np.random.default_rng(0)


def numbered(text, shortest, longest, vocabulary=VOCABULARY, buckets=BUCKETS):
    """Return the numbers of the n-grams of a text, a list of ids without padding."""
    found = list(text) if shortest == 1 else []
    marked = [2, *text, 3]
    for length in range(max(2, shortest), longest + 1):
        for start in range(len(marked) - length + 1):
            hashes = [0, 0]
            for token in marked[start : start + length]:
                hashes = [(h * f + token) % p for h, f, p in zip(hashes, FACTORS, PRIMES, strict=True)]
            found.append(vocabulary + (hashes[0] * JOIN + hashes[1]) % buckets)
    return found


def padded(texts, steps):
    ids = np.zeros((len(texts), steps), "int32")
    for row, text in zip(ids, texts, strict=True):
        row[: len(text)] = text
    return ids


TEXTS = [RANDOM.integers(4, VOCABULARY, size).tolist() for size in (9, 5, 1, 0)]


@pytest.mark.parametrize(("shortest", "longest"), [(1, 1), (1, 2), (1, 5), (3, 4)])
def test_numbers_of_ngrams(shortest, longest):
    layer = NgramIds(VOCABULARY, shortest, longest, BUCKETS)
    for steps in (9, 12):
        got = np.array(layer(padded(TEXTS, steps)))
        assert got.shape[1] == layer(keras.Input((steps,), dtype="int32")).shape[1]
        for row, text in zip(got, TEXTS, strict=True):
            assert sorted(row[row != 0]) == sorted(numbered(text, shortest, longest))


@pytest.mark.parametrize("buckets", [4096, 5000])
def test_hashes_are_spread_evenly(buckets):
    pairs = np.stack(np.meshgrid(np.arange(4, 304), np.arange(4, 304)), axis=-1).reshape(-1, 2).astype("int32")
    numbers = np.array(NgramIds(304, 2, 2, buckets)(pairs))[:, 1] - 304  # 0 and 2 hold the begin and the end
    counts = np.bincount(numbers, minlength=buckets)
    assert len(counts) == buckets
    expected = len(pairs) / buckets
    assert np.var(counts) / expected < 1.2  # 1 is that of a random function


@pytest.mark.parametrize("parts", [1, 3])
def test_weights_are_those_of_scikit_learn(parts):
    texts = [RANDOM.integers(1, 12, size).tolist() for size in (9, 30, 3, 1, 14, 7)]
    counted = [[n for n in set(text) for _ in range(min(8, text.count(n)))] for text in texts]
    reference = TfidfVectorizer(analyzer=list, sublinear_tf=True).fit(counted)
    others = [[*RANDOM.integers(1, 12, 40).tolist(), 14], [13, 13], []]
    layer = TfIdf(15)
    model = keras.Sequential([keras.Input((None,), dtype="int32"), layer])
    with adapting(model):
        for chosen in np.array_split(np.arange(6), parts):
            model(padded([texts[i] for i in chosen], 30))
    for given in (texts, others):
        numbers, weights = map(np.array, layer(padded(given, 42)))
        got = np.zeros((len(given), 15))
        np.add.at(got, (np.arange(len(given))[:, None], numbers), weights)
        few = [[n for n in set(text) for _ in range(min(8, text.count(n)))] for text in given]
        expected = np.zeros_like(got)
        expected[:, list(reference.vocabulary_)] = reference.transform(few).toarray()[
            :, [*reference.vocabulary_.values()]
        ]
        np.testing.assert_allclose(got, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("weighting", ["tf_idf", "mean"])
def test_the_model_is_linear_in_the_ngrams(weighting):
    model = zoo.build(
        "fasttext", input_shape=(None,), outputs=3, vocabulary=50, buckets=101, width=4, weighting=weighting
    )
    for weight in model.trainable_weights:
        weight.assign(RANDOM.normal(size=weight.shape))
    texts = [RANDOM.integers(4, 50, size).tolist() for size in (9, 5, 1, 0)]
    table, kernel, bias = map(np.array, (*model.get_layer("embedding").weights, *model.get_layer("logits").weights))
    expected = []
    for text in texts:
        numbers = numbered(text, 1, 2, 50, 101)
        counts = {n: numbers.count(n) for n in numbers}
        weights = {n: 1 + np.log(c) if weighting == "tf_idf" else c for n, c in counts.items()}
        total = np.linalg.norm([*weights.values()]) if weighting == "tf_idf" else sum(weights.values())
        expected.append(sum(w * table[n] for n, w in weights.items()) / total @ kernel + bias)
    for steps in (9, 20):
        np.testing.assert_allclose(model(padded(texts, steps)), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [({"vocabulary": None}, "needs tokens"), ({"shortest": 3}, "shortest must be at most longest")],
)
def test_refused(settings, problem):
    with pytest.raises(zoo.ZooError, match=problem):
        zoo.build("fasttext", **{"input_shape": (5,), "outputs": 2, "vocabulary": 9, **settings})
