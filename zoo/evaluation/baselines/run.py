"""The recipe's baseline on the recipe's data: the same splits and the same preprocessing as the model's.

It is fitted once for a data set and kept in the cache, since runs that differ in model or seed share it.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from zoo.data.dataset import Dataset, Split
from zoo.data.inputs import CHUNK_VALUES
from zoo.data.preprocessing import Preprocessor, chunks
from zoo.errors import ZooError
from zoo.evaluation.baselines.graphs import graph_statistics, own_features
from zoo.evaluation.baselines.kinds import SCORED, BaselineData, fit_and_run_baseline
from zoo.recipe.schema import Recipe
from zoo.tasks import TASKS
from zoo.utils.cache import cached
from zoo.utils.files import read_json, write_json

_VERSION = 1  # of what the baselines compute; a higher one leaves older results in the cache alone
_PACKAGES = ("scikit-learn", "statsmodels", "numpy")
_MOST_VALUES = 1 << 26  # float32 numbers in the training examples that a baseline is fitted on, at most
_DENSE = ("gradient_boosting", "k_nearest_neighbors", "support_vector_machine")  # of no use on word counts


def run_baseline(recipe: Recipe, dataset: Dataset, preprocessor: Preprocessor, *, code: int = 0) -> dict[str, Any]:
    """Return the baseline's name, its outputs on validation and test in compact form, and facts of its fit.

    Args:
        recipe: names the baseline.
        dataset: what it is fitted to.
        preprocessor: what prepares its inputs.
        code: numbers in the network's code, where it has one.

    Raises:
        ZooError: it cannot be fitted to the data, or a package is missing.
    """
    name = str(recipe.evaluation.baseline)

    def fit(folder: Path) -> None:
        data = _data(recipe, dataset, preprocessor, code)
        found = fit_and_run_baseline(recipe.task, name, data, seed=recipe.data.split_seed)
        np.savez(folder / "outputs.npz", **{split: found.pop(split) for split in SCORED})
        write_json(folder / "facts.json", found)

    folder = cached(f"baselines/{name}-{_key(recipe, dataset, name, code)}", fit)
    with np.load(folder / "outputs.npz", allow_pickle=False) as outputs:
        return {**read_json(folder / "facts.json"), **outputs}


def _key(recipe: Recipe, dataset: Dataset, name: str, code: int) -> str:
    """Return a hash of all that the result depends on."""
    versions = []
    for package in _PACKAGES:
        try:
            versions.append(version(package))
        except PackageNotFoundError:
            versions.append("")
    steps = [step.model_dump(mode="json") for step in recipe.preprocess]
    facts = [_VERSION, recipe.task, name, dataset.fingerprint, recipe.data.split_seed, steps, versions]
    facts += [code] if code else []
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:20]


def _data(recipe: Recipe, dataset: Dataset, preprocessor: Preprocessor, code: int) -> BaselineData:
    task, signature = TASKS[recipe.task], dataset.signature
    train = dataset.train
    most = _MOST_VALUES // max(1, math.prod(n or 1 for n in preprocessor.shape))
    if task.labeled and len(train) > most:  # these methods hold all their examples in memory
        chosen = np.random.default_rng(recipe.data.split_seed).choice(len(train), max(most, 1), replace=False)
        train = train.part(np.sort(chosen))
    splits = {"train": train, "validation": dataset.validation, "test": dataset.test}
    targets = {name: split.targets for name, split in splits.items()}
    classes = len(signature.labels)
    if task.kind == "forecasting":
        series = dataset.series
        assert series is not None
        return BaselineData(
            targets,
            series=series.values.astype(np.float64),
            origins={split: series.origins[split] for split in SCORED},
            season=signature.season,
            train_end=series.train_end,
        )

    @cache
    def prepared(name: str) -> np.ndarray:
        return np.concatenate(list(chunks(splits[name], preprocessor)))

    if task.reconstructs or task.kind == "representation":

        def images(name: str) -> np.ndarray:
            return (prepared(name) * preprocessor.scale + preprocessor.offset).astype(np.float32)

        return BaselineData(targets, images, classes=classes, code=code)
    if task.kind in ("classification", "regression"):
        if signature.kind == "text":
            if recipe.evaluation.baseline in _DENSE:
                raise ZooError(
                    f"evaluation.baseline: {recipe.evaluation.baseline} does not take the thousands of word counts "
                    "of a text; choose logistic_regression or random_forest"
                )
            words = _word_counts(prepared("train"), len(signature.tokenizer or ()))
            return BaselineData(targets, lambda name: words(prepared(name)), classes=classes, scale=False)

        def features(name: str) -> np.ndarray:
            if signature.kind == "graph":
                return _graph_features(splits[name], preprocessor, recipe.task)
            return _features(splits[name], preprocessor)

        def parts(name: str) -> Iterator[np.ndarray]:
            split = splits[name]
            size = max(1, CHUNK_VALUES // int(np.prod(preprocessor.shape)))
            for start in range(0, len(split), size):
                yield _features(split.part(np.arange(start, min(start + size, len(split)))), preprocessor)

        scale, alone = signature.kind != "image", signature.kind != "graph"
        return BaselineData(targets, features, parts if alone else None, classes=classes, scale=scale)
    text = None
    if task.reads_corpus:
        said = dataset.train.targets
        text = said[said != 0]
        if not task.fills_in:
            text = np.concatenate([prepared("train")[:1, 0], text])
    return BaselineData(targets, prepared, classes=classes, text=text)


def _features(split: Split, preprocessor: Preprocessor) -> np.ndarray:
    """Return the prepared examples as float32 vectors, `(examples, features)`."""
    vectors, done = np.empty((0, 0), np.float32), 0
    for chunk in chunks(split, preprocessor):
        rows = (chunk * preprocessor.scale + preprocessor.offset).astype(np.float32).reshape(len(chunk), -1)
        if not done:  # once, for all: parts that are joined at the end are in memory twice
            vectors = np.empty((len(split), rows.shape[1]), np.float32)
        vectors[done : done + len(rows)] = rows
        done += len(rows)
    return vectors


def _graph_features(split: Split, preprocessor: Preprocessor, task: str) -> np.ndarray:
    """Return what a method without message passing knows of each example: its own node, or the graph's statistics."""
    parts = []
    for chunk in chunks(split, preprocessor):
        nodes = (chunk["nodes"] * preprocessor.scale + preprocessor.offset).astype(np.float32)
        parts.append(own_features(nodes) if task == "node_classification" else graph_statistics(nodes, chunk["edges"]))
    return np.concatenate(parts)


def _word_counts(train: np.ndarray, vocabulary: int) -> Any:
    """Return a function from token ids to weighted counts (TF-IDF, weights from the training texts), sparse."""
    from scipy.sparse import csr_matrix
    from sklearn.feature_extraction.text import TfidfTransformer

    def counts(ids: np.ndarray) -> Any:
        rows, columns = np.nonzero(ids)
        ones = np.ones(len(rows), np.float64)
        return csr_matrix((ones, (rows, ids[rows, columns])), shape=(len(ids), vocabulary))

    weights = TfidfTransformer(sublinear_tf=True).fit(counts(train))
    return lambda ids: weights.transform(counts(ids))
