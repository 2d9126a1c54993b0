"""The inputs of baselines: a recipe's splits, preprocessed as for the network."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from zoo.data.dataset import Dataset, Split
from zoo.data.inputs import CHUNK_VALUES
from zoo.data.preprocessor import Preprocessor, chunks
from zoo.data.table_encoding import Embedded
from zoo.data.tables.seasons import usual_seasons
from zoo.errors import ZooError
from zoo.evaluation.baselines.data import BaselineData
from zoo.evaluation.baselines.graphs import graph_statistics, own_features
from zoo.evaluation.baselines.sequences import as_texts
from zoo.recipe.schema import Recipe
from zoo.tasks import TASKS
from zoo.utils.padding import pad_rows

CHARACTER_NGRAM = 5  # characters: word stems and endings, which single characters do not show
MAX_DENSE_WORDS = 300  # counted where a method takes no sparse counts, and of a text beside other columns
MAX_ONE_HOT_CATEGORIES = 100  # of a column whose categories the network embeds
WORD_NGRAM = 2  # words
MAX_NGRAMS = 100_000  # the most frequent; a classifier has a weight for each and each class
MAX_NGRAM_TOKENS = 2_000_000  # of the training texts; of more, single tokens are counted
TEXT_PENALTIES = (10.0, 1.0, 100.0, 0.1)  # rows of length 1 need larger weights than standardised columns
_SLOW = ("k_nearest_neighbors", "support_vector_machine")  # with thousands of word counts


@dataclass(frozen=True, kw_only=True)
class Source:
    """A recipe's data, from which the inputs are computed.

    Attributes:
        recipe: names the task.
        dataset: the data set.
        splits: `train`, `validation` and `test`, or others in its place; of a large training split, the part that is
            fitted on.
        preprocessor: prepares the inputs.
        baseline: the baseline that the inputs are for.
        code: numbers in the network's code, where it has one.
    """

    recipe: Recipe
    dataset: Dataset
    splits: dict[str, Split]
    preprocessor: Preprocessor
    baseline: str
    code: int = 0

    @property
    def targets(self) -> dict[str, np.ndarray]:
        """Targets of each split."""
        return {name: split.targets for name, split in self.splits.items()}

    def prepared(self, name: str) -> np.ndarray:
        """Return the prepared examples of a split."""
        parts = list(chunks(self.splits[name], self.preprocessor))
        return pad_rows(parts) if self.dataset.signature.kind == "text" else np.concatenate(parts)


def series_data(source: Source) -> BaselineData:
    """Return the series and the origins of its windows."""
    series, time = source.dataset.series, source.dataset.signature.time
    assert series is not None
    return BaselineData(
        source.targets,
        series=series.values.astype(np.float64),
        origins={split: series.origins[split] for split in source.splits if split != "train"},
        season=source.dataset.signature.season,
        seasons=usual_seasons(time.step) if time is not None and time.name else (),
        starts=series.starts,
        train_ends=series.train_ends,
        names=series.names,
        known=None if series.known is None else series.known.astype(np.float64),
        history=source.dataset.signature.shape[0] or 0,
    )


def image_data(source: Source) -> BaselineData:
    """Return images in [0, 1]."""
    prepared = cache(source.prepared)

    def images(name: str) -> np.ndarray:
        return (prepared(name) * source.preprocessor.scale + source.preprocessor.offset).astype(np.float32)

    return BaselineData(source.targets, images, classes=len(source.dataset.signature.labels), code=source.code)


def prepared_data(source: Source) -> BaselineData:
    """Return the prepared examples as they are, and the training text of language models."""
    task, prepared = TASKS[source.recipe.task], cache(source.prepared)
    text = None
    if task.reads_corpus:
        said = source.dataset.train.targets
        text = said[said != 0]
        if not task.fills_in:
            text = np.concatenate([prepared("train")[:1, 0], text])
    return BaselineData(source.targets, prepared, classes=len(source.dataset.signature.labels), text=text)


def feature_data(source: Source) -> BaselineData:
    """Return one vector an example."""
    return _FEATURES.get(source.dataset.signature.kind, _vectors)(source)


def _vectors(source: Source) -> BaselineData:
    """Return the numbers of images, tables and arrays, side by side."""
    splits, preprocessor, spread = source.splits, source.preprocessor, _spread_embedded(source)

    def features(name: str) -> np.ndarray:
        return _flat(splits[name], preprocessor, spread)

    def parts(name: str) -> Iterator[np.ndarray]:
        split = splits[name]
        size = max(1, CHUNK_VALUES // int(np.prod(preprocessor.shape)))
        for start in range(0, len(split), size):
            yield _flat(split.part(np.arange(start, min(start + size, len(split)))), preprocessor, spread)

    signature = source.dataset.signature
    scale = signature.kind != "image"  # pixels have one unit
    return BaselineData(source.targets, features, parts, classes=len(signature.labels), scale=scale)


def _words(source: Source) -> BaselineData:
    """Return weighted word counts of texts."""
    signature, tokenizer = source.dataset.signature, source.dataset.signature.tokenizer
    if source.baseline in _SLOW:
        raise ZooError(
            f"evaluation.baseline: {source.baseline} does not take the thousands of word counts of a text; choose "
            f"{'logistic_regression' if TASKS[source.recipe.task].classifies else 'ridge'} or gradient_boosting"
        )
    prepared = cache(source.prepared)
    if source.baseline == "gradient_boosting":  # takes no sparse counts
        few = _word_counts(prepared("train"), 1, MAX_DENSE_WORDS)
        return BaselineData(
            source.targets, lambda name: few(prepared(name)).toarray(), classes=len(signature.labels), scale=False
        )
    characters = tokenizer is not None and tokenizer.level == "character"
    words = _word_counts(prepared("train"), CHARACTER_NGRAM if characters else WORD_NGRAM)
    return BaselineData(
        source.targets,
        cache(lambda name: words(prepared(name))),
        classes=len(signature.labels),
        scale=False,
        penalties=TEXT_PENALTIES,
    )


def _graphs(source: Source) -> BaselineData:
    """Return what a method without message passing knows of a graph: its first node, or statistics."""
    preprocessor, node = source.preprocessor, source.recipe.task == "node_classification"

    def features(name: str) -> np.ndarray:
        parts = []
        for chunk in chunks(source.splits[name], preprocessor):
            nodes = (chunk["nodes"] * preprocessor.scale + preprocessor.offset).astype(np.float32)
            parts.append(own_features(nodes) if node else graph_statistics(nodes, chunk["edges"]))
        return np.concatenate(parts)

    return BaselineData(source.targets, features, classes=len(source.dataset.signature.labels))


def _audio(source: Source) -> BaselineData:
    """Return mean, standard deviation and largest value over time of each band, and of its change between frames."""
    preprocessor = source.preprocessor

    def features(name: str) -> np.ndarray:
        parts = []
        for chunk in chunks(source.splits[name], preprocessor):
            bands = (chunk[..., 0] * preprocessor.scale + preprocessor.offset).astype(np.float32)
            steps = np.abs(np.diff(bands, axis=1)) if bands.shape[1] > 1 else np.zeros_like(bands)
            parts.append(
                np.concatenate([bands.mean(axis=1), bands.std(axis=1), bands.max(axis=1), steps.mean(axis=1)], axis=1)
            )
        return np.concatenate(parts)

    return BaselineData(source.targets, features, classes=len(source.dataset.signature.labels))


_FEATURES = {"text": _words, "graph": _graphs, "audio": _audio}  # by kind of input


def _flat(split: Split, preprocessor: Preprocessor, spread: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Return the prepared examples as float32 vectors, `(examples, features)`."""
    vectors, done = np.empty((0, 0), np.float32), 0
    signature = preprocessor.signature
    is_ragged = signature.kind == "array" and signature.shape[:1] == (None,)  # padding, and the number of steps
    for chunk in chunks(split, preprocessor):
        rows = (chunk * preprocessor.scale + preprocessor.offset).astype(np.float32).reshape(len(chunk), -1)
        if is_ragged:
            steps = (~np.isnan(chunk).all(axis=-1)).mean(axis=1, keepdims=True)
            rows = np.concatenate([np.nan_to_num(rows), steps.astype(np.float32)], axis=1)
        rows = spread(rows)
        if not done:  # allocated once: joining parts at the end would hold them in memory twice
            vectors = np.empty((len(split), rows.shape[1]), np.float32)
        vectors[done : done + len(rows)] = rows
        done += len(rows)
    return vectors


def _spread_embedded(source: Source) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function from prepared rows to rows without the numbers of categories and tokens that stand last.

    A category becomes its rank by how frequent it is, 0 for those that are rare or unseen, and 0 or 1 for each of the
    most frequent. A text becomes the weighted counts of its most telling words.
    """
    embedded = source.preprocessor.embedded
    columns = sum(each.columns for each in embedded)

    @cache
    def counters() -> list[Callable[[np.ndarray], Any]]:
        ids = source.prepared("train")[:, -columns:]
        return [_word_counts(ids[:, part], 1, MAX_DENSE_WORDS) for part, each in _parts(embedded) if each.length]

    def spread(rows: np.ndarray) -> np.ndarray:
        first = rows.shape[1] - columns
        numbers, found, counted = rows[:, first:], [rows[:, :first]], iter(counters())
        for part, each in _parts(embedded):
            values = numbers[:, part]
            if each.length:
                found.append(next(counted)(values).toarray())
            else:
                found += [values, values == np.arange(1, min(each.size - 1, MAX_ONE_HOT_CATEGORIES) + 1)]
        return np.concatenate(found, axis=1, dtype=np.float32)

    return spread if embedded else lambda rows: rows


def _parts(embedded: Sequence[Embedded]) -> Iterator[tuple[slice, Embedded]]:
    """Yield where the numbers of each column stand among the last ones."""
    start = 0
    for each in embedded:
        yield slice(start, start + each.columns), each
        start += each.columns


def _word_counts(train: np.ndarray, longest: int, most: int = MAX_NGRAMS) -> Callable[[np.ndarray], Any]:
    """Return a function from token ids to weighted counts of their n-grams (TF-IDF of the training texts), sparse.

    Args:
        train: token ids, 0 for padding, `(texts, length)`.
        longest: tokens of the longest n-gram that is counted.
        most: n-grams that are counted, the most frequent.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    if np.count_nonzero(train) > MAX_NGRAM_TOKENS:
        longest = 1
    counter = TfidfVectorizer(
        analyzer="char",
        ngram_range=(1, longest),
        lowercase=False,
        sublinear_tf=True,
        max_features=most,
    )
    if not train.any():
        raise ZooError("baseline: no text of the training split has a token")
    counter.fit(as_texts(train))
    return lambda ids: counter.transform(as_texts(ids))
