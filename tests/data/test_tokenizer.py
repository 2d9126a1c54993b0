"""Tokenizers: against a plain reference, and round trips on any text."""

import json
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.data.tokenizer import SPECIAL, Tokenizer, fit_tokenizer
from zoo.tasks import END, PADDING, UNKNOWN


@given(st.lists(st.text(), min_size=1))
def test_characters_come_back(texts):
    tokenizer = fit_tokenizer(texts, level="character")
    ids = tokenizer.encode(texts, end=True)
    assert [tokenizer.decode(row) for row in ids] == texts
    assert ids.dtype == np.int32 and ids.shape == (len(texts), max(map(len, texts)) + 1)
    assert [int((row != PADDING).sum()) - 1 for row in ids] == [len(t) for t in texts]
    assert all(row[len(t)] == END for row, t in zip(ids, texts, strict=True))


@given(st.lists(st.text(), min_size=1), st.text())
def test_what_training_lacked_is_unknown(texts, text):
    tokenizer = fit_tokenizer(texts, level="character")
    known = set("".join(texts))
    ids = tokenizer.encode([text])[0]
    assert [int(i) == UNKNOWN for i in ids[: len(text)]] == [c not in known for c in text]
    assert Tokenizer.from_json(json.loads(json.dumps(tokenizer.to_json()))) == tokenizer


def test_the_most_frequent_words_are_kept():
    texts = ["The cat, the CAT and the dog.", "a dog; the end"]
    tokenizer = fit_tokenizer(texts, level="word", lowercase=True, max_ids=len(SPECIAL) + 3)
    counts = Counter(["the", "cat", ",", "the", "cat", "and", "the", "dog", ".", "a", "dog", ";", "the", "end"])
    assert set(tokenizer.symbols) == {word for word, _ in counts.most_common(3)} == {"the", "cat", "dog"}
    assert len(tokenizer) == len(SPECIAL) + 3
    ids = tokenizer.encode(["The DOG bit the cat"])
    assert tokenizer.decode(ids[0]) == "the dog \N{REPLACEMENT CHARACTER} the cat"


@pytest.mark.parametrize(("length", "width"), [(3, 3), (None, 5)])
def test_length_cuts(length, width):
    tokenizer = fit_tokenizer(["abcde"], level="character", length=length)
    assert tokenizer.encode(["abcde", "", "e"]).shape == (3, width)
    assert tokenizer.encode([""]).tolist() == [[PADDING]]


@pytest.mark.parametrize(
    ("settings", "texts", "note"),
    [
        ({"level": "character"}, ["ab", "ba"], None),
        ({"level": "character"}, ["abxy", "x"], "here: 3 of 5 characters are unknown to the vocabulary: 'x', 'y'"),
        ({"level": "character", "lowercase": True}, ["AB"], None),
        ({"level": "character", "length": 3}, ["abxy"], "here: 1 of 3 characters are unknown"),
        ({"level": "character", "length": 2}, ["abxy", "a"], "here: 1 of 2 texts are cut at 2 characters"),
        ({"level": "word"}, ["ab cd", "ab"], "here: 1 of 3 words are unknown to the vocabulary: 'cd'"),
        (
            {"level": "character"},
            ["cdefghijk"],
            "here: 9 of 9 characters are unknown to the vocabulary: 'c', 'd', 'e', ",
        ),
    ],
)
def test_what_a_vocabulary_lacks_is_counted(settings, texts, note):
    found = fit_tokenizer(["ab", "b a ba"], **settings).note(texts, "here")
    assert found == note if note is None else note in found
