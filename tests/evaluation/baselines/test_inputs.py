"""The inputs of baselines for texts."""

from collections import Counter

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from zoo.errors import ZooError
from zoo.evaluation.baselines import inputs
from zoo.evaluation.baselines.data import BaselineData
from zoo.evaluation.baselines.inputs import TEXT_PENALTIES, _word_counts
from zoo.evaluation.baselines.run import fit_and_run_baseline

TEXTS = np.array([[4, 5, 6, 0], [5, 6, 0, 0], [4, 4, 4, 4]])


def ngrams(row, longest):
    ids = [i for i in row if i]
    return Counter(tuple(ids[k : k + n]) for n in range(1, longest + 1) for k in range(len(ids) - n + 1))


@pytest.mark.parametrize("longest", [1, 2, 3])
def test_ngrams_of_texts_are_weighted_as_tfidf(longest):
    """Against the formula: (1 + log count) (1 + log((1 + texts) / (1 + texts with it))), rows of length 1."""
    counts = [ngrams(row, longest) for row in TEXTS]
    known = sorted(set().union(*counts))
    rows = np.zeros((3, len(known)))
    for i, count in enumerate(counts):
        for j, gram in enumerate(known):
            holding = sum(gram in other for other in counts)
            if gram in count:
                rows[i, j] = (1 + np.log(count[gram])) * (1 + np.log(4 / (1 + holding)))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    found = _word_counts(TEXTS, longest)(TEXTS).toarray()
    np.testing.assert_allclose(np.sort(found, axis=1), np.sort(rows, axis=1), rtol=1e-6)


def test_weights_come_from_the_training_texts_alone():
    counts = _word_counts(TEXTS, 2)
    unseen = counts(np.array([[9, 9], [4, 5]])).toarray()
    assert not unseen[0].any() and unseen[1].any()


def test_of_many_tokens_single_ones_are_counted(monkeypatch):
    monkeypatch.setattr(inputs, "MAX_NGRAM_TOKENS", 5)
    assert _word_counts(TEXTS, 5)(TEXTS).shape == (3, 3)


def test_texts_without_a_token_are_refused():
    with pytest.raises(ZooError, match="no text of the training split has a token"):
        _word_counts(np.zeros((3, 4), int), 2)


@pytest.mark.parametrize(("noise", "is_strong"), [(0.0, False), (0.4, True)])
def test_validation_chooses_the_penalty_of_texts(noise, is_strong):
    """The more words are wrong, the stronger the penalty; chosen by the log loss on validation."""
    random = np.random.default_rng(0)
    y = {split: np.arange(count) % 2 for split, count in (("train", 40), ("validation", 200), ("test", 9))}
    telling = {}
    for split, labels in y.items():
        is_wrong = random.random((len(labels), 1)) < noise
        telling[split] = 4 + 3 * (labels[:, None] ^ is_wrong) + random.integers(0, 3, (len(labels), 2))
    texts = {s: np.hstack([ids, random.integers(20, 60, (len(ids), 3))]) for s, ids in telling.items()}
    words = _word_counts(texts["train"], 2)
    x = {split: words(ids) for split, ids in texts.items()}
    fits = {c: LogisticRegression(C=c, max_iter=1000).fit(x["train"], y["train"]) for c in TEXT_PENALTIES}
    best = min(fits, key=lambda c: log_loss(y["validation"], fits[c].predict_proba(x["validation"])))
    data = BaselineData(y, x.__getitem__, classes=2, scale=False, penalties=TEXT_PENALTIES)
    found = fit_and_run_baseline("sequence_classification", "logistic_regression", data)
    assert found["notes"] == [f"C = {best:g}, chosen on validation"] and (best < 10) == is_strong
    np.testing.assert_allclose(found["test"], fits[best].predict_proba(x["test"]), atol=1e-3)
