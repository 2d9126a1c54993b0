"""Numbers and categories that describe raw examples of each kind: what is compared with training."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.data.columns import Column
from zoo.data.dataset import KNOWN
from zoo.data.tokenizer import Tokenizer
from zoo.errors import prefixed
from zoo.serving.examples import check_examples
from zoo.serving.history import SeriesWindows
from zoo.serving.metadata import FileSignature
from zoo.tasks import PADDING, TASKS, UNKNOWN

if TYPE_CHECKING:
    from zoo.serving.exported_model import ExportedModel

MAX_POSITIONS = 100  # numbers of a vector, or channels of a sequence, that are features of their own
_SILENCE = 1e-6  # added to a level before its logarithm


UNKNOWN_TOKENS = "unknown tokens"  # the rate, behind the name of the column in a table


@dataclass(frozen=True)
class Feature:
    """One number or category of each example.

    Attributes:
        name: what it is.
        values: float64 `(examples,)`, NaN where missing; or texts (object), empty where missing.
    """

    name: str
    values: np.ndarray

    @property
    def is_number(self) -> bool:
        """Whether the values are numbers."""
        return self.values.dtype != object

    def __len__(self) -> int:
        """Return the number of examples."""
        return len(self.values)


def number(name: str, values: Iterable[Any] | np.ndarray) -> Feature:
    """Return a feature of numbers; infinite ones are missing."""
    array = np.asarray(values, np.float64)
    return Feature(name, np.where(np.isfinite(array), array, np.nan))


def category(name: str, values: Iterable[Any]) -> Feature:
    """Return a feature of categories; None is missing."""
    return Feature(name, np.array(["" if value is None else str(value) for value in values], dtype=object))


def joined(parts: Sequence[Sequence[Feature]]) -> list[Feature]:
    """Return the features of several batches as those of all their examples."""
    if not parts:
        return []
    return [Feature(each[0].name, np.concatenate([f.values for f in each])) for each in zip(*parts, strict=True)]


def rows_of(features: Sequence[Feature]) -> np.ndarray:
    """Return the examples as rows of numbers that are equal where all features are."""
    columns = [f.values if f.is_number else f.values.astype(str) for f in features]
    return np.stack([np.unique(values, return_inverse=True)[1] for values in columns], axis=1)


def input_features(model: ExportedModel, raw: Any) -> list[Feature]:
    """Return what describes raw examples, as `ExportedModel.predict` takes them.

    Raises:
        ZooError: an example does not fit.
    """
    with prefixed(model.path):
        examples = check_examples(raw.inputs if isinstance(raw, SeriesWindows) else raw, model.signature)
    return _FEATURES[model.kind](examples, model.signature)


# === Tables and texts ===


def _table(examples: dict[str, np.ndarray], signature: FileSignature) -> list[Feature]:
    return [
        feature
        for column in signature.columns
        if column.form != "time"  # later moments are no drift
        for feature in _column(examples[column.name], column)
    ]


def _column(values: np.ndarray, column: Column) -> list[Feature]:
    if column.type == "number":
        return [number(column.name, values)]
    if column.type == "category":
        return [category(column.name, values)]
    return _of_texts(values, column.tokenizer, f"{column.name}: ")


def _texts(examples: Any, signature: FileSignature) -> list[Feature]:
    found = _of_texts(examples, signature.tokenizer, "")
    if TASKS[signature.task].reads_corpus:  # windows of one length, of which a prompt has any
        return [feature for feature in found if feature.name != "length"]
    return found


def _of_texts(texts: Any, tokenizer: Tokenizer | None, prefix: str) -> list[Feature]:
    lengths = number(f"{prefix}length", [len(text) or np.nan for text in texts])
    if tokenizer is None:
        return [lengths]
    return [lengths, *_of_ids(tokenizer.encode(texts), len(tokenizer), prefix)]


def _of_ids(ids: np.ndarray, vocabulary: int | None, prefix: str) -> list[Feature]:
    """Return the rate of unknown tokens, and the mean id, which is a rank where the vocabulary is in order."""
    given = ids != PADDING
    count = np.where(given.any(axis=1), given.sum(axis=1), np.nan)
    found = [number(f"{prefix}token rank", (ids * given).sum(axis=1) / count / (vocabulary or 1))]
    if vocabulary:
        found.insert(0, number(f"{prefix}{UNKNOWN_TOKENS}", (ids == UNKNOWN).sum(axis=1) / count))
    return found


def _tokens(ids: np.ndarray, signature: FileSignature) -> list[Feature]:
    length = number("length", (ids != PADDING).sum(axis=1))
    rank = _of_ids(ids, signature.vocabulary, "")[-1]
    return [length, rank, number("distinct tokens", [len(np.unique(row)) for row in ids])]


# === Images and audio ===


def _images(images: Any, signature: FileSignature) -> list[Feature]:
    each = [image[0] for image in images] if isinstance(images, list) else images
    colours = signature.shape[2] == 3
    names = ["brightness", "contrast", "sharpness", *["saturation"] * colours]
    rows = np.array([_of_image(image) for image in each], float).reshape(len(each), len(names))
    found = [number(name, column) for name, column in zip(names, rows.T, strict=True)]
    for axis, name in enumerate(("height", "width")):
        if signature.shape[axis] is None:
            found.append(number(name, [image.shape[axis] for image in each]))
    return found


def _of_image(image: np.ndarray) -> list[float]:
    """Return mean, standard deviation, mean difference of neighbours and, of colours, saturation, in units of white."""
    pixels = image.astype(np.float32) / 255
    grey = pixels.mean(axis=2)
    steps = [np.abs(np.diff(grey, axis=axis)).mean() if grey.shape[axis] > 1 else 0.0 for axis in (0, 1)]
    found = [float(grey.mean()), float(grey.std()), float(np.mean(steps))]
    if image.shape[2] == 3:
        found.append(float((pixels.max(axis=2) - pixels.min(axis=2)).mean()))
    return found


def _clips(clips: np.ndarray, signature: FileSignature) -> list[Feature]:
    rows = np.array([_of_clip(clip, signature.sample_rate) for clip in clips], float).reshape(len(clips), 2)
    return [number(name, column) for name, column in zip(("level", "spectral centroid"), rows.T, strict=True)]


def _of_clip(clip: np.ndarray, rate: int) -> tuple[float, float]:
    """Return the level in decibels of full scale, and the mean frequency in hertz, by power."""
    level = 20 * np.log10(np.sqrt(np.mean(clip.astype(float) ** 2)) + _SILENCE)
    power = np.abs(np.fft.rfft(clip)) ** 2
    total = power.sum()
    return float(level), float((power * np.fft.rfftfreq(len(clip), 1 / rate)).sum() / total) if total else np.nan


# === Vectors, sequences, series and graphs ===


def _arrays(x: np.ndarray, signature: FileSignature) -> list[Feature]:
    names = [column.name for column in signature.columns]
    if x.ndim == 2:
        return _positions(x, names, "feature")
    found = _channels(x.astype(float), names)
    if signature.shape[0] is None:
        found.append(number("length", (~np.isnan(x).all(axis=2)).sum(axis=1)))
    return found


def _positions(x: np.ndarray, names: Sequence[str], word: str) -> list[Feature]:
    if x.shape[1] > MAX_POSITIONS:
        return [number("mean", x.mean(axis=1)), number("standard deviation", x.std(axis=1))]
    names = names if len(names) == x.shape[1] else [f"{word} {i}" for i in range(1, x.shape[1] + 1)]
    return [number(name, column) for name, column in zip(names, x.T, strict=True)]


def _channels(x: np.ndarray, names: Sequence[str]) -> list[Feature]:
    """Return level, scale and scale of the differences of each channel of sequences, NaN behind their last step."""
    if 3 * x.shape[2] > MAX_POSITIONS:
        x, names = np.nanmean(x, axis=2, keepdims=True), []
    count = x.shape[2]
    names = names if len(names) == count else [f"channel {i}" for i in range(1, count + 1)]
    found = []
    for i, name in enumerate(names):
        prefix, channel = f"{name}: " if count > 1 else "", x[:, :, i]
        found += [
            number(f"{prefix}level", np.nanmean(channel, axis=1)),
            number(f"{prefix}scale", np.nanstd(channel, 1)),
        ]
        if x.shape[1] > 1:
            steps = np.diff(channel, axis=1)
            given = ~np.isnan(steps)
            sizes = np.where(given, steps**2, 0).sum(axis=1) / np.maximum(1, given.sum(axis=1))
            found.append(number(f"{prefix}difference scale", np.sqrt(sizes)))
    return found


def _series(examples: dict[str, np.ndarray], signature: FileSignature) -> list[Feature]:
    found = _channels(examples["array"].astype(float), [column.name for column in signature.columns])
    if KNOWN in examples:
        means = examples[KNOWN].mean(axis=1)
        found += _positions(means, [f"{name}: steps to forecast" for name in signature.known], "known covariate")
    for column in signature.static:
        found += _column(examples[signature.inputs[column.name]], column)
    return found


def _graphs(examples: dict[str, np.ndarray], signature: FileSignature) -> list[Feature]:
    nodes = examples["nodes"].astype(float)
    given = ~np.isnan(nodes).all(axis=2)
    count = np.maximum(1, given.sum(axis=1))
    means = np.where(given[:, :, None], nodes, 0).sum(axis=1) / count[:, None]
    return [
        number("nodes", given.sum(axis=1)),
        number("edges", (examples["edges"] >= 0).all(axis=2).sum(axis=1)),
        *_positions(means, [column.name for column in signature.columns], "node feature"),
    ]


_FEATURES: dict[str, Callable[[Any, FileSignature], list[Feature]]] = {
    "image": _images,
    "array": _arrays,
    "series": _series,
    "audio": _clips,
    "table": _table,
    "text": _texts,
    "tokens": _tokens,
    "graph": _graphs,
}
