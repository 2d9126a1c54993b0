"""Texts that are almost the same, by MinHash of their character n-grams (Broder 1997)."""

from __future__ import annotations

import zlib

import numpy as np

from zoo.audit.subject import HELD_OUT, Subject
from zoo.audit.tabular import sampled
from zoo.errors import import_extra

_MAX_TEXTS = 20_000  # of a split
_CHARACTERS = 5  # of an n-gram
_MIN_LENGTH = 60  # characters of a text; shorter ones are alike by nature
_MAX_LENGTH = 2000  # characters that are read
_SIMILARITY = 0.7  # Jaccard, from which texts are almost the same
_PERMUTATIONS = 64
_MAX_CANDIDATES = 10  # of a text


def close_texts(subject: Subject) -> dict[str, tuple[np.ndarray, np.ndarray, int]]:
    """Return, by split, texts that are almost the same as one of training, and its position.

    Raises:
        ZooError: datasketch is not installed.
    """
    datasketch = import_extra("datasketch", "the search for near duplicates of texts")
    index = datasketch.MinHashLSH(threshold=_SIMILARITY, num_perm=_PERMUTATIONS)
    known: dict[int, frozenset[bytes]] = {}
    found: dict[str, tuple[np.ndarray, np.ndarray, int]] = {}
    for name in ("train", *HELD_OUT):
        split = subject.splits[name]
        rows = sampled(len(split), _MAX_TEXTS)
        pairs = []
        for position, text in zip(rows.tolist(), split.take(rows) if len(rows) else [], strict=True):
            if len(text) < _MIN_LENGTH:
                continue
            grams = _grams(text)
            sketch = datasketch.MinHash(num_perm=_PERMUTATIONS, hashfunc=zlib.crc32)
            sketch.update_batch(grams)
            twin = next((at for at in index.query(sketch)[:_MAX_CANDIDATES] if _alike(grams, known[at])), None)
            if twin is not None:
                pairs.append((position, twin))
            elif name == "train":
                index.insert(position, sketch)
                known[position] = grams
        if pairs:
            positions, twins = np.array(pairs).T
            found[name] = (positions, twins, len(rows))
    return found


def _grams(text: str) -> frozenset[bytes]:
    words = " ".join(text[:_MAX_LENGTH].lower().split())
    return frozenset(words[i : i + _CHARACTERS].encode() for i in range(max(1, len(words) - _CHARACTERS + 1)))


def _alike(a: frozenset[bytes], b: frozenset[bytes]) -> bool:
    return len(a & b) >= _SIMILARITY * len(a | b)
