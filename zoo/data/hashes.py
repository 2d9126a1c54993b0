"""Hashes of examples, by which repeats are found: the same bits, the same hash."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np

from zoo.data.dataset import Split
from zoo.data.inputs import GraphInputs, TableInputs
from zoo.data.neighborhoods import NeighborhoodInputs

_BYTES = 8


def split_hashes(split: Split) -> np.ndarray:
    """Return a hash of 64 bits of each example, uint64 `(examples,)`."""
    if isinstance(split.inputs, TableInputs):
        return table_hashes({name: values[split.indices] for name, values in split.inputs.columns.items()})
    if isinstance(split.inputs, GraphInputs | NeighborhoodInputs):
        return _digests(split.inputs.content(int(index)) for index in split.indices)
    found = [_hash_chunk(split.take(positions)) for positions in split.chunks()]
    return np.concatenate(found) if found else np.empty(0, np.uint64)


def table_hashes(columns: dict[str, np.ndarray]) -> np.ndarray:
    """Return a hash of each row."""
    import pandas as pd

    frame = pd.DataFrame(dict(enumerate(columns.values())))
    return pd.util.hash_pandas_object(frame, index=False).to_numpy()


def _hash_chunk(raw: object) -> np.ndarray:
    if isinstance(raw, dict):  # windows with covariates
        rows = zip(*raw.values(), strict=True)
        return _digests(repr([_content(value) for value in row]).encode() for row in rows)
    return _digests(_content(example) for example in raw)  # type: ignore[attr-defined]  # arrays and lists


def _content(value: object) -> bytes:
    if isinstance(value, np.ndarray):
        return f"{value.shape}".encode() + value.tobytes()
    return value.encode() if isinstance(value, str) else repr(value).encode()


def _digests(contents: Iterable[bytes]) -> np.ndarray:
    joined = b"".join(hashlib.blake2b(content, digest_size=_BYTES).digest() for content in contents)
    return np.frombuffer(joined, np.uint64)
