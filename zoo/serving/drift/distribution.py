"""The distribution of training examples that an exported file carries: counts in cells, and no example."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from zoo.errors import ZooError
from zoo.serving.drift.features import Feature, rows_of
from zoo.serving.drift.statistics import effective_size

DISTRIBUTION_KEY = "zoo.distribution"
VERSION = 1
MAX_BYTES = 64 << 10  # of the entry in the metadata
_RESOLUTIONS = ((20, 50), (10, 20), (5, 10))  # bins and categories of a feature, fewer where many features need room
_MIN_IN_BIN = 10  # training examples
_MAX_CATEGORY = 80  # characters of a category that are kept
_DIGITS = 9  # of an edge
_MIN_EFFECTIVE = 0.5  # of the training examples: where fewer differ, repeats are usual


@dataclass(frozen=True, kw_only=True)
class FeatureDistribution:
    """How many examples lie in each cell of one feature.

    Attributes:
        name: of the feature.
        edges: of bins of numbers, which hold what is above one edge up to the next; None for categories.
        categories: the most frequent ones; empty for numbers.
        counts: of the bins, or of the categories and of all others.
        missing: examples without a value.
        split: what the examples are of; of a prediction, those that the file was asked.
    """

    name: str
    edges: tuple[float, ...] | None = None
    categories: tuple[str, ...] = ()
    counts: tuple[int, ...]
    missing: int
    split: str = "train"

    @property
    def is_number(self) -> bool:
        """Whether the feature is a number."""
        return self.edges is not None

    @property
    def cells(self) -> np.ndarray:
        """Counts of all cells, the missing ones last."""
        return np.array([*self.counts, self.missing], float)

    def count(self, values: np.ndarray) -> np.ndarray:
        """Return how many of other values lie in each of the cells."""
        if self.edges is None:
            return _count_categories(values, self.categories)
        return _count_numbers(values, self.edges)

    def to_json(self) -> dict[str, Any]:
        """Return the distribution as plain data."""
        what = {"categories": list(self.categories)} if self.edges is None else {"edges": list(self.edges)}
        return {"name": self.name, "split": self.split, **what, "counts": list(self.counts), "missing": self.missing}


@dataclass(frozen=True, kw_only=True)
class Distribution:
    """How training examples and predictions are distributed.

    Attributes:
        examples: training examples that were counted.
        effective: how many they are worth, as some may repeat or overlap.
        repeats: equal examples are usual, and each counts in full.
        inputs: of raw examples.
        predictions: of predictions.
        left_out: features for which there was no room.
    """

    examples: int
    effective: float
    repeats: bool
    inputs: tuple[FeatureDistribution, ...]
    predictions: tuple[FeatureDistribution, ...]
    left_out: int = 0

    def of(self, name: str) -> FeatureDistribution | None:
        """Return the distribution of an input; None where it has none."""
        return next((feature for feature in self.inputs if feature.name == name), None)

    def to_json(self) -> dict[str, Any]:
        """Return the distribution as plain data."""
        return {
            "version": VERSION,
            "examples": self.examples,
            "effective": self.effective,
            "repeats": self.repeats,
            "inputs": [feature.to_json() for feature in self.inputs],
            "predictions": [feature.to_json() for feature in self.predictions],
            "left_out": self.left_out,
        }


# === From examples ===


def distribution_of(
    inputs: Sequence[Feature],
    predictions: Mapping[str, Sequence[Feature]],
    *,
    unseen: Sequence[Feature] = (),
    overlap: int = 1,
    max_bytes: int = MAX_BYTES,
) -> Distribution:
    """Return the distribution of some features, with as many bins and categories as there is room for.

    Args:
        inputs: of the training examples.
        predictions: by the split that they are of.
        unseen: inputs that are counted on validation instead, as they are of another kind on what training has seen.
        overlap: examples in which each step occurs, where they are windows of a series.
        max_bytes: room for the distribution as JSON.
    """
    others = {feature.name: feature for feature in unseen}
    examples = len(inputs[0]) if inputs else 0
    effective = effective_size(rows_of(inputs)) if examples else 0.0
    repeats = effective < _MIN_EFFECTIVE * examples
    for bins, categories in _RESOLUTIONS:
        found = Distribution(
            examples=examples,
            effective=round((examples if repeats else effective) / overlap, 1),
            repeats=repeats,
            inputs=tuple(
                replace(_summary(others[feature.name], bins, categories), split="validation")
                if feature.name in others
                else _summary(feature, bins, categories)
                for feature in inputs
            ),
            predictions=tuple(
                replace(_summary(feature, bins, categories), split=split)
                for split, features in predictions.items()
                for feature in features
            ),
        )
        if _size(found.to_json()) <= max_bytes:
            return found
    room = max_bytes - _size({**found.to_json(), "inputs": []}) - 16
    sizes = np.cumsum([_size(feature.to_json()) + 2 for feature in found.inputs])
    kept = int((sizes <= room).sum())
    return replace(found, inputs=found.inputs[:kept], left_out=len(found.inputs) - kept)


def _size(facts: Any) -> int:
    return len(json.dumps(facts, ensure_ascii=False).encode())


def _summary(feature: Feature, bins: int, categories: int) -> FeatureDistribution:
    if not feature.is_number:
        counts = Counter(text[:_MAX_CATEGORY] for text in feature.values if text)
        names = tuple(name for name, _ in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:categories])
        cells = _count_categories(feature.values, names)
        return FeatureDistribution(name=feature.name, categories=names, **_parts(cells))
    edges = _edges(feature.values[~np.isnan(feature.values)], bins)
    return FeatureDistribution(name=feature.name, edges=edges, **_parts(_count_numbers(feature.values, edges)))


def _parts(cells: np.ndarray) -> dict[str, Any]:
    return {"counts": tuple(int(count) for count in cells[:-1]), "missing": int(cells[-1])}


def _edges(values: np.ndarray, bins: int) -> tuple[float, ...]:
    """Return the edges of quantile bins; a value that fills the lowest one alone has an edge below it, too."""
    if not len(values):
        return ()
    bins = max(2, min(bins, len(values) // _MIN_IN_BIN))
    edges = np.quantile(values, np.linspace(0, 1, bins + 1)[1:-1])
    least = float(values.min())
    if edges[0] <= least:
        edges = np.append(edges, least - 1e-6 * (abs(least) or 1.0))
    return tuple(sorted({float(f"{edge:.{_DIGITS}g}") for edge in edges}))


def _count_numbers(values: np.ndarray, edges: Sequence[float]) -> np.ndarray:
    given = values[~np.isnan(values)]
    places = np.searchsorted(np.array(edges, float), given, side="left")
    return np.append(np.bincount(places, minlength=len(edges) + 1), len(values) - len(given)).astype(float)


def _count_categories(values: np.ndarray, names: Sequence[str]) -> np.ndarray:
    places = {name: place for place, name in enumerate(names)} | {"": len(names) + 1}
    found = [places.get(text[:_MAX_CATEGORY], len(names)) for text in values]
    return np.bincount(np.array(found, int), minlength=len(names) + 2).astype(float)


# === From a file ===


def read_distribution(metadata: Mapping[str, str], path: Path) -> Distribution:
    """Return the distribution that an exported file carries.

    Raises:
        ZooError: the file has none, or one that is damaged or of a later version.
    """
    if DISTRIBUTION_KEY not in metadata:
        raise ZooError(
            f"{path}: lacks the metadata '{DISTRIBUTION_KEY}', the distribution of its training data: the file was "
            "written by an earlier version, or makes images; export the run again (zoo export RUN)"
        )
    try:
        facts = json.loads(metadata[DISTRIBUTION_KEY])
        version = int(facts["version"])
        if version <= VERSION:
            return _from_json(facts)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ZooError(f"{path}: the metadata '{DISTRIBUTION_KEY}' are damaged ({error}); export it again") from error
    raise ZooError(
        f"{path}: '{DISTRIBUTION_KEY}' is of version {version}, and this package reads versions up to {VERSION}; "
        "install the version that exported the file, or a later one"
    )


def _from_json(facts: Mapping[str, Any]) -> Distribution:
    return Distribution(
        examples=int(facts["examples"]),
        effective=float(facts["effective"]),
        repeats=bool(facts["repeats"]),
        inputs=tuple(map(_feature_from_json, facts["inputs"])),
        predictions=tuple(map(_feature_from_json, facts["predictions"])),
        left_out=int(facts["left_out"]),
    )


def _feature_from_json(facts: Mapping[str, Any]) -> FeatureDistribution:
    edges = tuple(map(float, facts["edges"])) if "edges" in facts else None
    categories = () if edges is not None else tuple(map(str, facts["categories"]))
    counts = tuple(map(int, facts["counts"]))
    if len(counts) != len(categories if edges is None else edges) + 1 or min(*counts, facts["missing"]) < 0:
        raise ValueError(f"expected a count for each cell of '{facts['name']}'")
    if edges is not None and list(edges) != sorted(edges):
        raise ValueError(f"expected rising edges of '{facts['name']}'")
    return FeatureDistribution(
        name=str(facts["name"]),
        split=str(facts["split"]),
        edges=edges,
        categories=categories,
        counts=counts,
        missing=int(facts["missing"]),
    )
