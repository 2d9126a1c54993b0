"""The logits of each text's next token from an exported file: by the whole text each time, or by steps with a cache."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from zoo.postprocessing.sampling import Rows
from zoo.serving.feeds import MAX_BATCH, Feeds
from zoo.serving.step_model import MIN_CAPACITY, StepCache, StepModel

Run = Callable[[Feeds], Feeds]  # runs the file


def window_starts(lengths: np.ndarray, context: int) -> np.ndarray:
    """Return where the part of each text begins that a model of a limited context reads.

    A text is read from its beginning until it is longer than the context. Then the first half of a context is left out
    and the rest is read anew; so on each time that the context is full.

    Args:
        lengths: tokens of each text.
        context: the most tokens that are read; 0 for no limit.
    """
    if not context:
        return np.zeros_like(lengths)
    half = max(1, context // 2)
    return np.maximum(0, -((context - lengths) // half)) * half


class WholePass:
    """Reads the window of each text anew for each token; for files without a step.

    Args:
        run: runs the file.
        context: the most tokens that are read; 0 for no limit.
    """

    def __init__(self, run: Run, context: int) -> None:
        self._run, self._context = run, context

    def __call__(self, rows: Rows, tokens: np.ndarray, lengths: Rows) -> np.ndarray:
        """Return the logits after the last token of each row, as `zoo.postprocessing.sampling.draw_tokens` asks."""
        starts = window_starts(lengths, self._context)
        counts, logits = lengths - starts, dict[int, np.ndarray]()
        for count in np.unique(counts):
            places = np.flatnonzero(counts == count)
            windows = np.stack([tokens[i, starts[i] : lengths[i]] for i in places]).astype(np.int32)
            logits |= dict(zip(places.tolist(), self._run({"tokens": windows})["logits"][:, -1], strict=True))
        return np.stack([logits[i] for i in range(len(rows))])


class CachedPass:
    """Reads each token once, and the window again where it has moved.

    Args:
        model: the step model.
        rows: number of texts.
        context: the most tokens that are read; 0 for no limit.
        longest: tokens of the longest text in the end.
    """

    def __init__(self, model: StepModel, rows: int, *, context: int, longest: int) -> None:
        capacity = min(context, longest) if context else MIN_CAPACITY
        self._context = context
        self._cache = StepCache(model, rows, capacity=capacity)
        self._rows = np.arange(rows)  # of the texts, in the cache

    def __call__(self, rows: Rows, tokens: np.ndarray, lengths: Rows) -> np.ndarray:
        """Return the logits after the last token of each row; rows that are left out once do not come back."""
        if len(rows) < len(self._rows):
            kept = np.searchsorted(self._rows, rows)
            self._cache.take(kept)
            self._rows = rows
        starts = window_starts(lengths, self._context)
        goes_on = self._cache.lengths == lengths - starts - 1  # else it is new, or its window has moved
        if goes_on.all():
            return self._cache.read(tokens[np.arange(len(rows)), lengths - 1][:, None])[:, -1]
        logits: dict[int, np.ndarray] = {}
        counts = np.where(goes_on, 0, lengths - starts)  # tokens that are read anew
        for count in np.unique(counts):
            places = np.flatnonzero(counts == count)
            if not count:
                given = tokens[places, lengths[places] - 1][:, None]
            else:
                self._cache.clear(places)
                given = np.stack([tokens[i, starts[i] : lengths[i]] for i in places])
            for part in range(0, len(places), MAX_BATCH):
                some = slice(part, part + MAX_BATCH)
                answers = self._cache.read(given[some], places[some])[:, -1]
                logits |= dict(zip(places[some].tolist(), answers, strict=True))
        return np.stack([logits[i] for i in range(len(rows))])


class SourceSteps:
    """The steps of greedy and beam search: each beginning of an answer is read once, and continues from its own cache.

    Args:
        model: the step model.
        source: token ids `(examples, length)`.
    """

    def __init__(self, model: StepModel, source: np.ndarray) -> None:
        self._model, self._source = model, source
        self._encoded = _joined([model.encode(source[i : i + MAX_BATCH]) for i in range(0, len(source), MAX_BATCH)])
        self._cache: StepCache | None = None
        self._places: dict[tuple[int, bytes], int] = {}  # of the beginnings that were read, in the cache

    def __call__(self, rows: np.ndarray, tokens: np.ndarray) -> np.ndarray:
        """Return the logits after the last token of each beginning, as `zoo.postprocessing.decoding` asks."""
        keys = [(int(row), beginning.tobytes()) for row, beginning in zip(rows, tokens, strict=True)]
        before = [self._places.get((row, tokens[i, :-1].tobytes())) for i, (row, _) in enumerate(keys)]
        if self._cache is None or None in before:
            encoded = {name: values[rows] for name, values in self._encoded.items()}
            self._cache, given = StepCache(self._model, len(rows), encoded=encoded), tokens
        else:
            self._cache.take(np.array(before))
            given = tokens[:, -1:]
        self._places = {key: place for place, key in enumerate(keys)}
        return self._cache.read(given)[:, -1]


def _joined(parts: list[Feeds]) -> Feeds:
    """Join what was encoded in parts; all have the length of the same array of sources."""
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]} if parts else {}
