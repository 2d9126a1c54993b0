"""A data set: what its examples look like, and the splits that a recipe cuts it into."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from zoo.data.class_decisions import ClassDecisions
from zoo.data.columns import Column
from zoo.data.graph_form import GraphForm
from zoo.data.input_names import input_names
from zoo.data.inputs import Inputs
from zoo.data.prediction_intervals import PredictionIntervals
from zoo.data.tables.reading import Reading
from zoo.data.tables.time_order import TimeColumn
from zoo.data.tokenizer import SPECIAL, Tokenizer
from zoo.tasks import PADDING

if TYPE_CHECKING:
    from zoo.data.cuts import Cut
    from zoo.data.tables.file import Table
    from zoo.recipe.steps import PreprocessStep

InputKind = Literal["image", "table", "array", "series", "audio", "text", "tokens", "graph"]
KNOWN = "known_covariates"  # the input with the values of known covariates for the steps to forecast


@dataclass(frozen=True)
class Signature:
    """What one raw example looks like.

    Attributes:
        kind: images `(height, width, channels)` uint8; rows of a table; vectors `(features,)` or sequences
            `(steps, features)` float32; windows of series with known or static covariates, which are inputs of their
            own; audio clips `(samples,)` float32; texts; sequences of token ids `(length,)` int32; graphs, with `nodes`
            `(nodes, features)` float32 and `edges` `(edges, 2)` int32.
        shape: shape of an image, array, sequence of tokens or the nodes of a graph, None for an axis that varies; for
            a language model, the number of characters that it sees at most. Empty for tables and other texts.
        columns: the columns of a table, of the table that a series comes from (the target first), or the column of the
            table that texts or images (their paths, or `data.image` as it stands) come from.
        target: name of what is predicted; of several targets, all names in one text.
        targets: names of the numbers that are predicted, in the order of the outputs, where there are several;
            of a series the first of `columns`.
        labels: names of the classes, in the order of the outputs; empty for numbers.
        tokens: number of token ids, where the example is a sequence of them.
        tokenizer: turns texts into token ids; None until it is fitted.
        season: steps after which a series repeats.
        horizon: steps of a series that are predicted.
        time: the column of time of a series from a table.
        series: the columns of a table that tell its series apart; empty where it holds one.
        known: the known covariates of a series, the last of its columns.
        static: the columns that tell something of a whole series.
        reading: how the file of a table is read, where it is not as usual.
        double: arrays, and numbers that are predicted, are float64, because float32 would lose what differs between
            them; of a table, each column says so for itself.
        sample_rate: samples a second of audio.
        graph: names of the files and columns that graphs come from; None where they come from no tables.
        intervals: bounds that the exported file gives around its predictions; None for none.
        decisions: how the file's probabilities become answers; None for the most probable class alone.
        numeric_only: the exported file gives places in `labels` instead of texts.
    """

    kind: InputKind
    target: str
    shape: tuple[int | None, ...] = ()
    _: KW_ONLY
    columns: tuple[Column, ...] = ()
    labels: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    tokens: int = 0
    tokenizer: Tokenizer | None = None
    season: int = 1
    horizon: int = 0
    time: TimeColumn | None = None
    series: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    static: tuple[Column, ...] = ()
    reading: Reading = field(default_factory=Reading)
    double: bool = False
    sample_rate: int = 0
    graph: GraphForm | None = None
    intervals: PredictionIntervals | None = None
    decisions: ClassDecisions | None = None
    numeric_only: bool = False

    @property
    def tensor_names(self) -> list[str]:
        """Names of the Keras inputs. Columns are numbered, because Keras does not accept every text as a name."""
        if self.kind == "table":
            return [f"column_{i}" for i in range(len(self.columns))]
        if self.kind == "graph":
            return ["nodes", "edges"]
        if self.kind == "series":
            return ["array", *([KNOWN] if self.known else []), *(f"static_{i}" for i in range(len(self.static)))]
        return ["tokens" if self.kind == "text" else self.kind]

    @property
    def input_names(self) -> list[str]:
        """Names of the exported file's inputs, in the order of `tensor_names`."""
        if self.kind == "series":
            arrays = self.tensor_names[: len(self.tensor_names) - len(self.static)]
            return [*arrays, *input_names([c.name for c in self.static])]
        return input_names([c.name for c in self.columns]) if self.kind == "table" else self.tensor_names

    @property
    def tags_tokens(self) -> bool:
        """Whether each token of a text has a label of its own; the first label is that of padding."""
        words = self.tokenizer is not None and self.tokenizer.level == "whitespace"
        return words and self.labels[:1] == (SPECIAL[PADDING],)

    @property
    def vocabulary(self) -> int | None:
        """Number of token ids that the model takes; None where it takes no tokens."""
        return len(self.tokenizer) if self.tokenizer else self.tokens or None

    def to_json(self) -> dict[str, Any]:
        """Return the signature as plain data, which an exported file carries."""
        facts: dict[str, Any] = {
            "kind": self.kind,
            "target": self.target,
            "shape": list(self.shape),
            "columns": [column.to_json() for column in self.columns],
            "labels": list(self.labels),
        }
        if self.kind == "table":
            facts["inputs"] = dict(zip([c.name for c in self.columns], self.input_names, strict=True))
        if self.targets:
            facts["targets"] = list(self.targets)
        if self.tokens:
            facts["tokens"] = self.tokens
        if self.tokenizer:
            facts["tokenizer"] = self.tokenizer.to_json()
        if self.horizon:
            facts |= {"season": self.season, "horizon": self.horizon}
        if self.time is not None:
            facts["time"] = self.time.to_json()
        if self.series:
            facts["series"] = list(self.series)
        if self.kind == "series":
            facts["known"] = list(self.known)
            facts["static"] = [column.to_json() for column in self.static]
            names = self.input_names[len(self.input_names) - len(self.static) :]
            facts["inputs"] = dict(zip([c.name for c in self.static], names, strict=True))
        if self.reading.to_json():
            facts["reading"] = self.reading.to_json()
        if self.double:
            facts["double"] = True
        if self.sample_rate:
            facts["sample_rate"] = self.sample_rate
        if self.graph is not None:
            facts["graph"] = self.graph.to_json()
        if self.intervals is not None:
            facts["intervals"] = self.intervals.to_json()
        if self.decisions is not None:
            facts["decisions"] = self.decisions.to_json()
        return facts


@dataclass(frozen=True)
class Split:
    """Some of a source's examples.

    Attributes:
        inputs: all raw examples of the source.
        indices: which of them are in the split.
        targets: the split's targets, one for each example: class indices (int32), numbers (float32,
            `(examples,)` or `(examples, targets)`), a 1 for
            each label that it has (uint8 `(examples, labels)`), or future values, token ids, masks or boxes
            (`zoo.data.kinds`).
    """

    inputs: Inputs
    indices: np.ndarray
    targets: np.ndarray

    def __len__(self) -> int:
        return len(self.indices)

    def take(self, positions: np.ndarray | Sequence[int]) -> Any:
        """Return the raw examples at these positions of the split."""
        return self.inputs.take(self.indices[np.asarray(positions)])

    def chunks(self, limit: int = 1024) -> Iterator[np.ndarray]:
        """Yield all positions in order: at most `limit` at a time, and fewer where the raw examples are large."""
        size = self.inputs.chunk_size(limit)
        for start in range(0, len(self), size):
            yield np.arange(start, min(start + size, len(self)))

    def part(self, positions: np.ndarray) -> Split:
        """Return a split of these positions alone."""
        return Split(self.inputs, self.indices[positions], self.targets[positions])


def whole(inputs: Inputs, targets: np.ndarray) -> Split:
    """Return a split of all the examples."""
    return Split(inputs, np.arange(len(inputs)), targets)


@dataclass(frozen=True, kw_only=True)
class Series:
    """The series that windows are cut from: one, or several that stand one behind the other.

    Attributes:
        values: `(time,)` float32 or float64; `(time, targets)` where there are several targets.
        origins: of each split, the step at which each window's forecast begins.
        names: of the series; one empty name where there is one series.
        starts: the step at which each series begins.
        train_ends: the step at which the training part of each series ends.
        known: covariates that are known in advance, `(time, covariates)`; None for none.
    """

    values: np.ndarray
    origins: dict[str, np.ndarray]
    names: tuple[str, ...]
    starts: np.ndarray
    train_ends: np.ndarray
    known: np.ndarray | None = None

    def series_of(self, split: str) -> np.ndarray:
        """Return which series each window of a split is cut from."""
        return np.searchsorted(self.starts, self.origins[split], side="right") - 1

    def before(self, split: str, window: int) -> np.ndarray:
        """Return the values of a series before the forecast of a window begins."""
        origin = int(self.origins[split][window])
        return self.values[self.starts[self.series_of(split)[window]] : origin]


@dataclass(frozen=True, kw_only=True)
class SourceData:
    """What a source holds.

    Attributes:
        signature: what one example looks like.
        splits: the source's own: "train" and, where it has them, "validation" and "test".
        notes: what loading did that a reader of the results should know.
        series: the series that windows are cut from, where the task forecasts.
        cut: the column along which splits that are missing are cut; they are drawn where there is none.
        masks: anomaly detection: of test images, by their index, the file that marks where they are abnormal.
        table: the columns that are neither inputs nor targets, of a table whose rows are the examples.
    """

    signature: Signature
    splits: dict[str, Split]
    notes: list[str] = field(default_factory=list)
    series: Series | None = None
    cut: Cut | None = None
    masks: Mapping[int, Path] = field(default_factory=dict)
    table: Table | None = None


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """A source, cut into the splits of one recipe.

    Attributes:
        name: the recipe's `data.source`.
        signature: what one example looks like.
        train: examples to fit on.
        validation: examples to choose the epoch and the settings by.
        test: examples that are evaluated once, at the end.
        fingerprint: SHA-256 over the examples and targets of all splits.
        notes: what loading and cutting did that a reader of the results should know.
        series: the series that windows are cut from, where the task forecasts.
        resize: the step that images of different sizes get, where the recipe has none.
        masks: anomaly detection: of test images, by their index, the file that marks where they are abnormal.
        table: the columns that are neither inputs nor targets, of a table whose rows are the examples.
        cut: the column along which splits were cut.
        held_out: splits that were held out of the training examples: drawn, or along `cut`; others are the source's.
    """

    name: str
    signature: Signature
    train: Split
    validation: Split
    test: Split
    fingerprint: str
    notes: tuple[str, ...] = ()
    series: Series | None = None
    resize: PreprocessStep | None = None
    masks: Mapping[int, Path] = field(default_factory=dict)
    table: Table | None = None
    cut: Cut | None = None
    held_out: tuple[str, ...] = ()
