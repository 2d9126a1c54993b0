"""The recipe's baseline on the recipe's data: the same splits and the same preprocessing as the model's.

It is fitted once for a data set and kept in the cache, since runs with another model or seed use the same one.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from zoo.data.dataset import Dataset
from zoo.data.preprocessing import Preprocessor
from zoo.errors import ZooError, did_you_mean, listing
from zoo.evaluation.baselines.data import EVALUATED_SPLITS, BaselineData
from zoo.evaluation.baselines.inputs import Source
from zoo.evaluation.baselines.kinds import KINDS
from zoo.recipe.schema import Recipe
from zoo.tasks import TASKS
from zoo.utils.cache import cached
from zoo.utils.files import read_json, write_json

_VERSION = 1  # of what the baselines compute; a higher one ignores older results in the cache
_PACKAGES = ("scikit-learn", "statsmodels", "numpy")
_MAX_TRAIN_VALUES = 1 << 26  # float32 numbers in the training examples, 256 MiB, which most methods hold twice


def run_baseline(recipe: Recipe, dataset: Dataset, preprocessor: Preprocessor, *, code: int = 0) -> dict[str, Any]:
    """Return what `fit_and_run_baseline` returns for the recipe's baseline.

    Args:
        recipe: names the baseline.
        dataset: what it is fitted to.
        preprocessor: prepares its inputs.
        code: numbers in the network's code, where it has one.

    Raises:
        ZooError: it cannot be fitted to the data, or a package is missing.
    """
    name = str(recipe.evaluation.baseline)

    def fit(folder: Path) -> None:
        data = _data(recipe, dataset, preprocessor, code)
        found = fit_and_run_baseline(recipe.task, name, data, seed=recipe.data.split_seed)
        np.savez(folder / "outputs.npz", **{split: found.pop(split) for split in EVALUATED_SPLITS})
        write_json(folder / "facts.json", found)

    folder = cached(f"baselines/{name}-{_key(recipe, dataset, name, code)}", fit)
    with np.load(folder / "outputs.npz", allow_pickle=False) as outputs:
        return {**read_json(folder / "facts.json"), **outputs}


def fit_and_run_baseline(task: str, name: str, data: BaselineData, *, seed: int = 0) -> dict[str, Any]:
    """Fit a baseline and run it on validation and test. The same data and seed give the same outputs.

    Args:
        task: name of the task.
        name: one of the task's baselines.
        data: what it is fitted on.
        seed: seed of the method and of the choice of examples.

    Returns:
        `name`; its outputs on `validation` and `test`, as `evaluate` takes them; `seconds` that the fit took (if they
        are not timed apart, fit and prediction); `examples` that it was fitted on; and whether it `converged`.

    Raises:
        ZooError: the name is unknown, the baseline cannot be fitted to the data, or a package is missing.
    """
    valid = TASKS[task].baselines
    if name not in valid:
        raise ZooError(f"unknown baseline '{name}'; valid for {task}: {listing(valid)}{did_you_mean(name, valid)}")
    started = time.perf_counter()
    result = KINDS[TASKS[task].kind].methods[name](data, seed)
    return {
        "name": name,
        "examples": len(data.targets["train"]) if result.examples is None else result.examples,
        "converged": result.converged,
        "seconds": time.perf_counter() - started if result.seconds is None else result.seconds,
        **{split: result.outputs[split] for split in EVALUATED_SPLITS},
    }


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
    task, train = TASKS[recipe.task], dataset.train
    most = _MAX_TRAIN_VALUES // max(1, math.prod(n or 1 for n in preprocessor.shape))
    if task.labeled and len(train) > most:
        chosen = np.random.default_rng(recipe.data.split_seed).choice(len(train), max(most, 1), replace=False)
        train = train.part(np.sort(chosen))
    collect = KINDS[task.kind].data
    assert collect is not None, f"the caller collects the data of {task.kind}"
    splits = {"train": train, "validation": dataset.validation, "test": dataset.test}
    return collect(Source(recipe=recipe, dataset=dataset, splits=splits, preprocessor=preprocessor, code=code))
