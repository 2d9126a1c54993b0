"""The recipe's baseline on the recipe's data: the same splits and the same preprocessing as the model's.

It is fitted once for a data set and kept in the cache, since runs with another model or seed use the same one.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from zoo.data.dataset import Dataset, Split
from zoo.data.preprocessor import Preprocessor
from zoo.errors import ZooError, did_you_mean, listing
from zoo.evaluation.baselines.data import EVALUATED_SPLITS, BaselineData
from zoo.evaluation.baselines.inputs import Source
from zoo.evaluation.baselines.kinds import KINDS
from zoo.evaluation.metrics.evaluate import evaluate
from zoo.recipe.schema import Recipe
from zoo.recipe.task import task_of
from zoo.tasks import TASKS
from zoo.utils.cache import cached
from zoo.utils.files import read_json, write_json

_VERSION = 4  # of what the baselines compute; a higher one ignores older results in the cache
_PACKAGES = ("scikit-learn", "statsmodels", "numpy")
MAX_TRIED_VALUES = 1 << 20  # numbers in the training examples, up to which every baseline takes seconds
MAX_ARIMA_STEPS = 300  # of the training part; the fits of all orders to more take a minute
MAX_ARIMA_SEASON = 12  # steps, with which the states of the model grow
MAX_SMOOTHED_SERIES = 50  # exponential smoothing takes a second or two for each
MEAN_LENGTH = 64  # steps, where the length of an example is open
_MAX_TRAIN_VALUES = 1 << 26  # float32 numbers in the training examples, 256 MiB, which most methods hold twice


def run_strongest_baseline(
    recipe: Recipe, dataset: Dataset, preprocessor: Preprocessor, *, code: int = 0
) -> dict[str, Any]:
    """Run the baselines that `baselines_to_try` names, and return the one that is best on the validation split.

    Of equal ones it is the recipe's own. One that cannot be fitted, or whose package is missing, is passed over.

    Args:
        recipe: names the baselines.
        dataset: what they are fitted to.
        preprocessor: prepares their inputs.
        code: numbers in the network's code, where it has one.

    Returns:
        What `fit_and_run_baseline` returns for the best, and `tried`: of each, `name` and its primary metric on
        validation, or `name` and the `problem`.

    Raises:
        ZooError: none can be fitted to the data; the message is that of the recipe's own.
    """
    task, labels = task_of(recipe), dataset.signature.labels
    tried: list[dict[str, Any]] = []
    best: tuple[float, dict[str, Any]] | None = None
    problem: ZooError | None = None
    for name in baselines_to_try(recipe, dataset, preprocessor):
        try:
            found = run_baseline(recipe, dataset, preprocessor, name=name, code=code)
        except ZooError as error:
            problem = problem or error
            tried.append({"name": name, "problem": str(error)})
            continue
        value = evaluate(task, dataset.validation.targets, found["validation"], labels)[task.primary]
        tried.append({"name": name, task.primary: value})
        size = -value if task.greater_is_better else value
        if best is None or size < best[0] or (math.isnan(best[0]) and not math.isnan(size)):
            best = size, found
    if best is None:
        assert problem is not None
        raise problem
    return best[1] | {"tried": tried}


def baselines_to_try(recipe: Recipe, dataset: Dataset, preprocessor: Preprocessor) -> list[str]:
    """Return the recipe's baseline, then those that are tried beside it.

    They are those of `evaluation.baselines`. Where that is left out, they are those of the task: on small data all
    (ARIMA on short series alone, exponential smoothing on few), on large data none, as their fit would take longer
    than the training.
    """
    task, own, named = TASKS[recipe.task], str(recipe.evaluation.baseline), recipe.evaluation.baselines
    if named is None:
        values = len(dataset.train) * math.prod(n or MEAN_LENGTH for n in preprocessor.shape)
        named = [name for name in task.tried if values <= MAX_TRIED_VALUES or task.forecasts]
        series = dataset.series
        if series is not None:
            steps = int((series.train_ends - series.starts).sum())
            if steps > MAX_ARIMA_STEPS or dataset.signature.season > MAX_ARIMA_SEASON:
                named = [name for name in named if name != "arima"]
            if len(series.names) > MAX_SMOOTHED_SERIES:
                named = [name for name in named if name != "exponential_smoothing"]
    return list(dict.fromkeys([own, *named]))


def run_baseline(
    recipe: Recipe, dataset: Dataset, preprocessor: Preprocessor, *, name: str, code: int = 0
) -> dict[str, Any]:
    """Return what `fit_and_run_baseline` returns for a baseline, from the cache where it has been run.

    Args:
        recipe: the task, the splits and the preprocessing.
        dataset: what it is fitted to.
        preprocessor: prepares its inputs.
        name: the baseline.
        code: numbers in the network's code, where it has one.

    Raises:
        ZooError: it cannot be fitted to the data, or a package is missing.
    """

    def fit(folder: Path) -> None:
        data = _data(recipe, dataset, preprocessor, name, code)
        found = fit_and_run_baseline(recipe.task, name, data, seed=recipe.data.split_seed)
        np.savez(folder / "outputs.npz", **{split: found.pop(split) for split in EVALUATED_SPLITS})
        write_json(folder / "facts.json", found)

    folder = cached(f"baselines/{name}-{_key(recipe, dataset, name, code)}", fit)
    with np.load(folder / "outputs.npz", allow_pickle=False) as outputs:
        return {**read_json(folder / "facts.json"), **outputs}


def run_baseline_on(
    recipe: Recipe,
    preprocessor: Preprocessor,
    cases: Mapping[str, tuple[Dataset, Split]],
    *,
    name: str,
    version: int,
) -> dict[str, np.ndarray]:
    """Fit a baseline as `run_baseline` does, and return its outputs on other examples, from the cache if there.

    Args:
        recipe: the task and the preprocessing.
        preprocessor: prepares its inputs.
        cases: by name, a data set and examples in place of its test split, of a series its windows. To data sets that
            are one object it is fitted once.
        name: the baseline.
        version: of what the names of the cases stand for.

    Raises:
        ZooError: it cannot be fitted to the data, or a package is missing.
    """
    first = next(iter(cases.values()))[0]
    known = [_key(recipe, first, name, 0), version, [[case, len(split)] for case, (_, split) in cases.items()]]

    def fit(folder: Path) -> None:
        outputs: dict[str, Any] = {}
        for dataset in {id(each): each for each, _ in cases.values()}.values():
            own = {case: split for case, (each, split) in cases.items() if each is dataset}
            names = dict(zip(own, own if dataset.series is None else ("test",), strict=True))
            splits = {names[case]: split for case, split in own.items()}
            data = _data(recipe, dataset, preprocessor, name, 0, splits)
            found = KINDS[TASKS[recipe.task].kind].methods[name](data, recipe.data.split_seed).outputs
            outputs |= {case: found[names[case]] for case in own}
        np.savez(folder / "outputs.npz", **{str(i): outputs[case] for i, case in enumerate(cases)})

    digest = hashlib.sha256(json.dumps(known).encode()).hexdigest()[:20]
    folder = cached(f"baselines/{name}-other-{digest}", fit)
    with np.load(folder / "outputs.npz", allow_pickle=False) as outputs:
        return {case: outputs[str(i)] for i, case in enumerate(cases)}


def fit_and_run_baseline(task: str, name: str, data: BaselineData, *, seed: int = 0) -> dict[str, Any]:
    """Fit a baseline and run it on validation and test. The same data and seed give the same outputs.

    Args:
        task: name of the task.
        name: one of the task's baselines.
        data: what it is fitted on.
        seed: seed of the method and of the choice of examples.

    Returns:
        `name`; its outputs on `validation` and `test`, as `evaluate` takes them; `seconds` that the fit took (if they
        are not timed apart, fit and prediction); `examples` that it was fitted on; whether it `converged`; and `notes`,
        where there are some.

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
        **({"notes": list(result.notes)} if result.notes else {}),
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


def _data(
    recipe: Recipe,
    dataset: Dataset,
    preprocessor: Preprocessor,
    name: str,
    code: int,
    tested: Mapping[str, Split] | None = None,
) -> BaselineData:
    task, train = TASKS[recipe.task], dataset.train
    most = _MAX_TRAIN_VALUES // max(1, math.prod(n or 1 for n in preprocessor.shape))
    if (task.labeled or task.multi_label) and len(train) > most:
        chosen = np.random.default_rng(recipe.data.split_seed).choice(len(train), max(most, 1), replace=False)
        train = train.part(np.sort(chosen))
    collect = KINDS[task.kind].data
    assert collect is not None, f"the caller collects the data of {task.kind}"
    splits = {"train": train, "validation": dataset.validation, **(tested or {"test": dataset.test})}
    source = Source(recipe=recipe, dataset=dataset, splits=splits, preprocessor=preprocessor, baseline=name, code=code)
    return collect(source)
