"""Raw examples with random access: arrays, images of any size, clips, tables, texts and graphs."""

from __future__ import annotations

import hashlib
import mmap
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from zoo.data.columns import table_rows

CHUNK_VALUES = 1 << 22  # numbers to hold at a time where all examples are processed
_CHUNK_CLIPS = 256  # decoded clips to hold at a time
_CHUNK_IMAGES = 16  # decoded images to hold at a time: they have any size and may be large
_MAX_MAPPED_BYTES = 1 << 24  # read from a mapped file before its pages are released
_READAHEAD_BYTES = 1 << 16  # that the system maps around each example it reads


class Inputs(Protocol):
    """Raw examples with random access."""

    def __len__(self) -> int: ...

    def take(self, indices: np.ndarray) -> Any:
        """Return the raw examples at `indices`."""
        ...

    def digest(self) -> str:
        """Return a hash of all the examples."""
        ...

    def chunk_size(self, limit: int) -> int:
        """Return how many examples to take at a time: `limit`, or fewer where examples are large."""
        ...


@dataclass(frozen=True)
class ArrayInputs:
    """Examples of one shape in an array, in memory or mapped from a file: `(examples, *shape)`.

    The pages of a mapped file count as this process's memory until they are released, which `take` does now and then.

    Attributes:
        array: the examples.
        names: what messages call each: its file; None for its number.
    """

    array: np.ndarray
    names: Sequence[object] | None = field(default=None, repr=False, compare=False)
    _mapped: list[int] = field(default_factory=lambda: [0], repr=False, compare=False)  # bytes since the last release

    def __len__(self) -> int:
        return len(self.array)

    def take(self, indices: np.ndarray) -> np.ndarray:
        """Return `(len(indices), *shape)`."""
        values = self.array[indices]
        self._release(values.nbytes + len(values) * _READAHEAD_BYTES)
        return values

    def digest(self) -> str:
        """Return SHA-256 over shape, type and values."""
        state = hashlib.sha256(f"{self.array.dtype}{self.array.shape}".encode())
        step = self.chunk_size(4096)
        for start in range(0, len(self.array), step):
            part = np.ascontiguousarray(self.array[start : start + step])
            state.update(part.data)
            self._release(part.nbytes)
        return state.hexdigest()

    def chunk_size(self, limit: int) -> int:
        """Return how many examples to take at a time."""
        return _chunk_size(self.array, limit)

    def _release(self, size: int) -> None:
        """Count `size` bytes as read and, once there are many, tell the system that they are not needed."""
        mapped = getattr(self.array, "_mmap", None)
        self._mapped[0] += size
        if mapped is not None and self._mapped[0] > _MAX_MAPPED_BYTES and hasattr(mmap, "MADV_DONTNEED"):
            self._mapped[0] = 0
            mapped.madvise(mmap.MADV_DONTNEED)  # the file's pages stay in the system's cache


@dataclass(frozen=True)
class ImageInputs:
    """Images of any size, decoded when they are taken.

    Attributes:
        count: their number.
        read: takes an index; returns the image.
        content: a hash of all of them.
        sizes: height and width of each, `(count, 2)`, where they are known.
        names: what messages call each: its file; None for its number.
    """

    count: int
    read: Callable[[int], np.ndarray]
    content: str
    sizes: np.ndarray | None = None
    names: Sequence[object] | None = field(default=None, repr=False, compare=False)

    def __len__(self) -> int:
        return self.count

    def take(self, indices: np.ndarray) -> list[np.ndarray]:
        """Return uint8 arrays `(height, width, channels)`."""
        return [self.read(int(i)) for i in indices]

    def digest(self) -> str:
        """Return the hash of the files, which the source computed when it first read them."""
        return self.content

    def chunk_size(self, limit: int) -> int:
        """Return how many images to take at a time."""
        return min(limit, _CHUNK_IMAGES)


@dataclass(frozen=True)
class ClipInputs:
    """Audio clips of one rate and length, read when they are taken."""

    count: int
    read: Callable[[int], np.ndarray]
    content: str

    def __len__(self) -> int:
        return self.count

    def take(self, indices: np.ndarray) -> np.ndarray:
        """Return float32 `(len(indices), samples)`."""
        return np.stack([self.read(int(i)) for i in indices])

    def digest(self) -> str:
        """Return the hash of the clips, which the source computed when it first read them."""
        return self.content

    def chunk_size(self, limit: int) -> int:
        """Return how many clips to take at a time."""
        return min(limit, _CHUNK_CLIPS)


@dataclass(frozen=True)
class TableInputs:
    """Rows of a table, held by column."""

    columns: dict[str, np.ndarray]

    def __len__(self) -> int:
        return table_rows(self.columns)

    def take(self, indices: np.ndarray) -> dict[str, np.ndarray]:
        """Return each column's values at `indices`."""
        return {name: values[indices] for name, values in self.columns.items()}

    def digest(self) -> str:
        """Return SHA-256 over names and values."""
        state = hashlib.sha256()
        for name, values in self.columns.items():
            content = "\0".join(values).encode() if values.dtype == object else values.tobytes()
            state.update(f"{name}:{values.dtype}:".encode() + content)
        return state.hexdigest()

    def chunk_size(self, limit: int) -> int:
        """Return how many rows to take at a time."""
        return limit


@dataclass(frozen=True)
class WindowInputs:
    """Windows of series with covariates.

    Attributes:
        windows: `(places, history, channels)`.
        futures: known covariates at the steps that follow each window, `(places, horizon, covariates)`; None for none.
        series: of each place, the series.
        static: by input name, a value for each series.
    """

    windows: np.ndarray
    futures: np.ndarray | None
    series: np.ndarray
    static: dict[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.windows)

    def take(self, indices: np.ndarray) -> dict[str, np.ndarray]:
        """Return window, known covariates and static covariates at `indices`."""
        found = {"array": self.windows[indices]}
        if self.futures is not None:
            found["known_covariates"] = self.futures[indices]
        return found | {name: values[self.series[indices]] for name, values in self.static.items()}

    def digest(self) -> str:
        """Return SHA-256 over the windows and the static covariates; what is known of the future is in the windows."""
        state = hashlib.sha256(ArrayInputs(self.windows).digest().encode())
        state.update(f"{self.futures is None}".encode() + np.ascontiguousarray(self.series, np.int64).data)
        for name, values in self.static.items():
            state.update(f"{name}:{values.dtype}:".encode())
            state.update("\0".join(values).encode() if values.dtype == object else values.tobytes())
        return state.hexdigest()

    def chunk_size(self, limit: int) -> int:
        """Return how many windows to take at a time."""
        return _chunk_size(self.windows, limit)


@dataclass(frozen=True)
class TextInputs:
    """Texts, in memory: `(examples,)` of `str`."""

    texts: np.ndarray

    def __len__(self) -> int:
        return len(self.texts)

    def take(self, indices: np.ndarray) -> np.ndarray:
        """Return the texts `(len(indices),)`."""
        return self.texts[indices]

    def digest(self) -> str:
        """Return SHA-256 over the texts."""
        state = hashlib.sha256()
        for text in self.texts:
            content = text.encode()
            state.update(len(content).to_bytes(8, "big") + content)
        return state.hexdigest()

    def chunk_size(self, limit: int) -> int:
        """Return how many texts to take at a time."""
        return limit


@dataclass(frozen=True)
class GraphInputs:
    """Graphs of any size, in memory, padded to the largest.

    Attributes:
        nodes: features of the nodes, float32 `(examples, nodes, features)`, padded with NaN.
        edges: source and target of each edge, int32 `(examples, edges, 2)`, padded with -1.
    """

    nodes: np.ndarray
    edges: np.ndarray

    def __len__(self) -> int:
        return len(self.nodes)

    def take(self, indices: np.ndarray) -> dict[str, np.ndarray]:
        """Return `nodes` and `edges` at `indices`."""
        return {"nodes": self.nodes[indices], "edges": self.edges[indices]}

    @property
    def most_nodes(self) -> int:
        """Nodes of the largest graph."""
        return int(self.nodes.shape[1])

    def content(self, index: int) -> bytes:
        """Return one graph as bytes, without its padding, so that equal graphs give equal bytes."""
        nodes, edges = self.nodes[index], self.edges[index]
        return graph_content(nodes[~np.isnan(nodes).all(axis=1)], edges[edges[:, 0] >= 0])

    def digest(self) -> str:
        """Return SHA-256 over the graphs."""
        state = hashlib.sha256()
        for index in range(len(self)):
            state.update(self.content(index))
        return state.hexdigest()

    def chunk_size(self, limit: int) -> int:
        """Return how many graphs to take at a time."""
        return _chunk_size(self.nodes, limit)


def graph_content(nodes: np.ndarray, edges: np.ndarray) -> bytes:
    """Return a graph without padding as bytes, so that equal graphs give equal bytes."""
    return f"{nodes.shape}{edges.shape}".encode() + nodes.tobytes() + edges.tobytes()


def _chunk_size(examples: np.ndarray, limit: int) -> int:
    """Return how many examples `(examples, *shape)` hold `CHUNK_VALUES` numbers: from 1 to `limit`."""
    return min(limit, max(1, CHUNK_VALUES // max(1, examples[:1].size)))
