"""What every source gives: examples with random access, their targets, and what is known of both."""

from __future__ import annotations

import hashlib
import mmap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np

from zoo.data.sources.tables import Column, table_rows
from zoo.data.text import Tokenizer

CHUNK_VALUES = 1 << 22  # numbers in the examples that are worked on at a time, where all are worked on
_HELD_BYTES = 1 << 24  # of a file that is mapped, before they are given back
_AROUND_BYTES = 1 << 16  # that the system maps around what is read
_CHUNK_IMAGES = 16  # images of any size, which may be large


class Inputs(Protocol):
    """Raw examples with random access."""

    def __len__(self) -> int: ...

    def take(self, indices: np.ndarray) -> Any:
        """Return the raw examples at `indices`."""
        ...

    def digest(self) -> str:
        """Return a hash of all the examples."""
        ...


@dataclass(frozen=True)
class ArrayInputs:
    """Examples of one shape in an array, in memory or mapped from a file: `(examples, *shape)`.

    What was read of a file counts as this process's memory until it is given back, which happens every so often.
    """

    array: np.ndarray
    _held: list[int] = field(default_factory=lambda: [0], repr=False, compare=False)  # bytes that were read

    def __len__(self) -> int:
        return len(self.array)

    def take(self, indices: np.ndarray) -> np.ndarray:
        """Return `(len(indices), *shape)`."""
        values = self.array[indices]
        self._give_back(values.nbytes + len(values) * _AROUND_BYTES)
        return values

    def digest(self) -> str:
        """Return SHA-256 over shape, type and values, read in parts."""
        state = hashlib.sha256(f"{self.array.dtype}{self.array.shape}".encode())
        step = max(1, min(4096, CHUNK_VALUES // max(1, self.array[:1].size)))
        for start in range(0, len(self.array), step):
            part = np.ascontiguousarray(self.array[start : start + step])
            state.update(part.data)
            self._give_back(part.nbytes)
        return state.hexdigest()

    def _give_back(self, size: int) -> None:
        mapped = getattr(self.array, "_mmap", None)
        self._held[0] += size
        if mapped is not None and self._held[0] > _HELD_BYTES and hasattr(mmap, "MADV_DONTNEED"):
            self._held[0] = 0
            mapped.madvise(mmap.MADV_DONTNEED)  # the file's pages stay in the system's cache


@dataclass(frozen=True)
class ImageInputs:
    """Images of any size, decoded when they are taken."""

    count: int
    read: Callable[[int], np.ndarray]
    content: str

    def __len__(self) -> int:
        return self.count

    def take(self, indices: np.ndarray) -> list[np.ndarray]:
        """Return uint8 arrays `(height, width, channels)`."""
        return [self.read(int(i)) for i in indices]

    def digest(self) -> str:
        """Return the hash of the files, which the source took when it first read them."""
        return self.content


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

    def content(self, index: int) -> bytes:
        """Return one graph without its padding, so that it is the same wherever it stands."""
        nodes, edges = self.nodes[index], self.edges[index]
        nodes, edges = nodes[~np.isnan(nodes).all(axis=1)], edges[edges[:, 0] >= 0]
        return f"{nodes.shape}{edges.shape}".encode() + nodes.tobytes() + edges.tobytes()

    def digest(self) -> str:
        """Return SHA-256 over the graphs."""
        state = hashlib.sha256()
        for index in range(len(self)):
            state.update(self.content(index))
        return state.hexdigest()


@dataclass(frozen=True)
class Signature:
    """What one raw example looks like.

    Attributes:
        kind: images `(height, width, channels)` uint8; rows of a table; vectors `(features,)` or sequences
            `(steps, features)` float32; texts; sequences of token ids `(length,)` int32; graphs, with `nodes`
            `(nodes, features)` float32 and `edges` `(edges, 2)` int32.
        shape: shape of an image, array, sequence of tokens or the nodes of a graph, None for an axis that varies; the
            most characters that a language model sees. Empty for tables and other texts.
        columns: the columns of a table.
        target: name of what is predicted.
        labels: names of the classes, in the order of the outputs; empty for numbers.
        tokens: number of token ids, where the example is a sequence of them.
        tokenizer: how texts become token ids, once it is fitted.
        season: steps after which a series repeats.
        horizon: steps that are predicted of a series.
    """

    kind: Literal["image", "table", "array", "text", "tokens", "graph"]
    target: str
    shape: tuple[int | None, ...] = ()
    columns: tuple[Column, ...] = ()
    labels: tuple[str, ...] = ()
    tokens: int = 0
    tokenizer: Tokenizer | None = None
    season: int = 1
    horizon: int = 0

    @property
    def tensor_names(self) -> list[str]:
        """Names of the Keras inputs: columns are numbered, because Keras does not take any text as a name."""
        if self.kind == "table":
            return [f"column_{i}" for i in range(len(self.columns))]
        if self.kind == "graph":
            return ["nodes", "edges"]
        return ["tokens" if self.kind == "text" else self.kind]

    @property
    def vocabulary(self) -> int | None:
        """Number of token ids that the model takes; None where it takes no tokens."""
        return len(self.tokenizer) if self.tokenizer else self.tokens or None

    def to_json(self) -> dict[str, Any]:
        """Return the signature as plain data: what an exported file carries."""
        facts: dict[str, Any] = {
            "kind": self.kind,
            "target": self.target,
            "shape": list(self.shape),
            "columns": [{"name": c.name, "type": c.type} for c in self.columns],
            "labels": list(self.labels),
        }
        if self.tokens:
            facts["tokens"] = self.tokens
        if self.tokenizer:
            facts["tokenizer"] = self.tokenizer.to_json()
        if self.horizon:
            facts |= {"season": self.season, "horizon": self.horizon}
        return facts


@dataclass(frozen=True)
class Split:
    """Some of a source's examples.

    Attributes:
        inputs: the raw examples of the source, all of them.
        indices: which of them are in the split.
        targets: the split's targets, one for each example: class indices (int32), numbers (float32), or what the task
            has in their place: values to come, token ids, masks or boxes (`zoo.data.targets`).
    """

    inputs: Inputs
    indices: np.ndarray
    targets: np.ndarray

    def __len__(self) -> int:
        return len(self.indices)

    def take(self, positions: np.ndarray | Sequence[int]) -> Any:
        """Return the raw examples at these positions of the split."""
        return self.inputs.take(self.indices[np.asarray(positions)])

    def chunks(self, most: int = 1024) -> Iterator[np.ndarray]:
        """Yield all positions in order: at most so many at a time, and fewer where the raw examples are large."""
        if isinstance(self.inputs, ImageInputs):
            most = min(most, _CHUNK_IMAGES)
        elif isinstance(self.inputs, ArrayInputs):
            most = min(most, max(1, CHUNK_VALUES // max(1, self.inputs.array[:1].size)))
        elif isinstance(self.inputs, GraphInputs):
            most = min(most, max(1, CHUNK_VALUES // max(1, self.inputs.nodes[:1].size)))
        for start in range(0, len(self), most):
            yield np.arange(start, min(start + most, len(self)))

    def part(self, positions: np.ndarray) -> Split:
        """Return the split that holds only these positions."""
        return Split(self.inputs, self.indices[positions], self.targets[positions])


def whole(inputs: Inputs, targets: np.ndarray) -> Split:
    """Return a split of all the examples."""
    return Split(inputs, np.arange(len(inputs)), targets)


@dataclass(frozen=True)
class Series:
    """The series that windows are cut from.

    Attributes:
        values: `(time,)` float32.
        origins: for each split, the step at which each window's forecast begins.
        train_end: number of steps in the training part.
    """

    values: np.ndarray
    origins: dict[str, np.ndarray]
    train_end: int


@dataclass(frozen=True)
class SourceData:
    """What a source holds: its own splits, before any is cut."""

    signature: Signature
    train: Split
    validation: Split | None = None
    test: Split | None = None
    notes: list[str] = field(default_factory=list)
    series: Series | None = None


@dataclass(frozen=True)
class Dataset:
    """A source, split for one recipe.

    Attributes:
        name: the recipe's `data.source`.
        signature: what one example looks like.
        train: examples to fit on.
        validation: examples to choose by.
        test: examples for the end.
        fingerprint: SHA-256 over the examples and targets of all splits.
        notes: what the source did that a reader of the results should know.
        series: the whole series that forecasts are cut from, `(time,)`, and where each test window's forecast begins.
    """

    name: str
    signature: Signature
    train: Split
    validation: Split
    test: Split
    fingerprint: str
    notes: tuple[str, ...] = ()
    series: Series | None = None
