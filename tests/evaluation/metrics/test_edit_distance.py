from functools import cache

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from zoo.evaluation.metrics import edit_distance as distances
from zoo.evaluation.metrics.edit_distance import cut, edit_distances, lengths

words = st.lists(st.integers(1, 3), max_size=6)


def naive(first, second):
    @cache
    def distance(i, j):
        if not i or not j:
            return i + j
        replaced = distance(i - 1, j - 1) + (first[i - 1] != second[j - 1])
        return min(replaced, distance(i - 1, j) + 1, distance(i, j - 1) + 1)

    return distance(len(first), len(second))


def padded(rows, extra=0):
    found = np.zeros((len(rows), max(map(len, rows)) + extra), int)
    for i, row in enumerate(rows):
        found[i, : len(row)] = row
    return found


@given(st.lists(st.tuples(words, words), min_size=1, max_size=8), st.integers(0, 2))
def test_against_the_recursion(pairs, extra):
    first, second = ([pair[i] for pair in pairs] for i in (0, 1))
    found = edit_distances(padded(first), padded(second, extra))
    assert found.tolist() == [naive(a, b) for a, b in pairs]


def test_known_words():
    def row(text):
        return [ord(c) for c in text]

    first, second = padded([row("kitten"), row("flaw"), row("")]), padded([row("sitting"), row("lawn"), row("abc")])
    assert edit_distances(first, second).tolist() == [3, 2, 3]


def test_many_pairs_go_in_parts(monkeypatch):
    first, second = np.random.default_rng(0).integers(1, 4, (2, 50, 7))
    whole = edit_distances(first, second)
    monkeypatch.setattr(distances, "_CHUNK_CELLS", 8 * 7)
    np.testing.assert_array_equal(edit_distances(first, second), whole)


def test_cut_and_lengths():
    rows = np.array([[4, 5, 3, 6, 0], [3, 4, 5, 6, 7], [4, 5, 6, 7, 8]])
    assert cut(rows, 3).tolist() == [[4, 5, 0, 0, 0], [0] * 5, [4, 5, 6, 7, 8]]
    assert rows[0, 3] == 6 and lengths(cut(rows, 3)).tolist() == [2, 0, 5]
