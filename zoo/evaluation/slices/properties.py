"""The properties of test examples by which slices are looked for: columns, brightness, length, series."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.evaluation.slices.buckets import Property, category_property, mixed_property, number_property

if TYPE_CHECKING:
    from zoo.data.dataset import Dataset, InputKind, Split

MAX_COLUMNS = 50  # of a table, inputs first


def properties_of(dataset: Dataset, split: Split, series: np.ndarray | None) -> tuple[list[Property], list[str]]:
    """Return the properties of the examples of a split, and the names of the columns that are left out as too many.

    They are the columns of a table, also those that are no inputs; brightness, contrast and size of images; length of
    texts and sequences; level and deviation of arrays; loudness of audio; size of graphs; and the series of a forecast.

    Args:
        dataset: the data.
        split: the examples.
        series: the series that each is of, where they are windows.
    """
    found = list(_MEASURES[dataset.signature.kind](dataset, split).items())
    left_out: list[str] = []
    if dataset.table is not None:
        found += [(name, values[split.indices]) for name, values in dataset.table.columns.items()]
    if len(found) > MAX_COLUMNS:
        left_out = [name for name, _ in found[MAX_COLUMNS:]]
    properties = [_property(name, values) for name, values in found[:MAX_COLUMNS]]
    if series is not None and dataset.series is not None and len(dataset.series.names) > 1:
        properties.append(category_property("series", [dataset.series.names[i] for i in series]))
    return properties, left_out


def _property(name: str, values: np.ndarray) -> Property:
    if np.issubdtype(np.asarray(values).dtype, np.number):
        return number_property(name, values)
    return mixed_property(name, list(values))


def _columns(dataset: Dataset, split: Split) -> dict[str, np.ndarray]:
    raw = split.take(np.arange(len(split)))
    lengths = {c.name: _lengths(raw[c.name]) for c in dataset.signature.columns if c.type == "free_text"}
    return {name: values for name, values in raw.items() if name not in lengths} | {
        f"characters of {name}": values for name, values in lengths.items()
    }


def _images(dataset: Dataset, split: Split) -> dict[str, np.ndarray]:
    def measure(image: np.ndarray) -> tuple[float, float, float, float]:
        return image.mean(), image.std(), image.shape[0] * image.shape[1], image.shape[1] / image.shape[0]

    rows = np.array(_each(split, measure))
    found = {"brightness": rows[:, 0], "contrast": rows[:, 1]}
    return found if np.ptp(rows[:, 2:], axis=0).max() == 0 else found | {"pixels": rows[:, 2], "shape": rows[:, 3]}


def _texts(dataset: Dataset, split: Split) -> dict[str, np.ndarray]:
    texts = split.take(np.arange(len(split)))
    return {"characters": _lengths(texts), "words": np.array([len(str(text).split()) for text in texts])}


def _arrays(dataset: Dataset, split: Split) -> dict[str, np.ndarray]:
    def measure(array: np.ndarray) -> tuple[float, float, float]:
        there = array[np.isfinite(array).all(-1)] if array.ndim > 1 else array
        return there.mean(), there.std(), len(there)

    rows = np.array(_each(split, measure))
    found = {"level": rows[:, 0], "deviation": rows[:, 1]}
    return found if np.ptp(rows[:, 2]) == 0 else found | {"steps": rows[:, 2]}


def _audio(dataset: Dataset, split: Split) -> dict[str, np.ndarray]:
    return {"loudness": np.array(_each(split, lambda clip: np.sqrt(np.mean(np.square(clip)))))}


def _tokens(dataset: Dataset, split: Split) -> dict[str, np.ndarray]:
    return {"tokens": np.array(_each(split, lambda row: np.count_nonzero(row)))}


def _graphs(dataset: Dataset, split: Split) -> dict[str, np.ndarray]:
    raw = split.take(np.arange(len(split)))
    return {
        "nodes": np.isfinite(raw["nodes"]).all(-1).sum(1),
        "edges": (raw["edges"] >= 0).all(-1).sum(1),
    }


def _each(split: Split, measure: Callable[[np.ndarray], Any]) -> list[Any]:
    """Return what a function gives for each raw example; of several arrays, for the one of the series itself."""
    found: list[Any] = []
    for positions in split.chunks():
        raw = split.take(positions)
        found += [measure(np.asarray(each)) for each in (raw["array"] if isinstance(raw, dict) else raw)]
    return found


def _lengths(texts: Any) -> np.ndarray:
    return np.array([len(str(text)) for text in texts])


_MEASURES: dict[InputKind, Callable[[Dataset, Split], dict[str, np.ndarray]]] = {
    "table": _columns,
    "image": _images,
    "text": _texts,
    "array": _arrays,
    "series": _arrays,
    "audio": _audio,
    "tokens": _tokens,
    "graph": _graphs,
}
