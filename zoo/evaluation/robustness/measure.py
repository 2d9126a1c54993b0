"""The metric of a trained model, and of its baseline, on corrupted and on attacked test examples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.errors import ZooError
from zoo.evaluation.budget import GRADIENT_PASSES, examples_within
from zoo.evaluation.metrics.common import draw_at_most
from zoo.evaluation.metrics.evaluate import evaluate
from zoo.evaluation.robustness.attacked import attacked
from zoo.evaluation.robustness.attacks import STEPS as PGD_STEPS
from zoo.evaluation.robustness.attacks import fgsm, pgd
from zoo.evaluation.robustness.corruption import LEVELS, Training, corrupted
from zoo.evaluation.robustness.corruptions import corruptions_of, known_of_training
from zoo.evaluation.robustness.forecasts import CORRUPTIONS as SERIES_CORRUPTIONS
from zoo.evaluation.robustness.forecasts import corrupted_series, corrupted_windows
from zoo.postprocessing.kinds import compact_outputs
from zoo.recipe.task import task_of
from zoo.tasks import TASKS
from zoo.utils.console import print_notes

if TYPE_CHECKING:
    from zoo.data.dataset import Dataset, Split
    from zoo.evaluation.result import TaskResult, TrainedTask

CORRUPTIONS_VERSION = 1  # of what their names and strengths stand for; a higher one ignores older results in the cache
MAX_EXAMPLES = 1000  # test examples that are corrupted, drawn at random
MAX_VALUES = 1 << 24  # numbers in them
MAX_ATTACKED = 200  # of these, examples that are attacked: an attack takes eleven gradients of each
MAX_BASELINE_SECONDS = 600.0  # of fitting the baseline: once, or once for each corrupted series


@dataclass(frozen=True, kw_only=True)
class Case:
    """Test examples as they are, or corrupted in one way.

    Attributes:
        split: the examples.
        dataset: what the baseline is fitted to, whose series is corrupted where there is one.
        name: of the corruption; empty for the examples as they are.
        unit: of the strength.
        level: of the strength, 1 to 5; 0 for the examples as they are.
        strength: of the corruption.
    """

    split: Split
    dataset: Dataset
    name: str = ""
    unit: str = ""
    level: int = 0
    strength: float = 0.0


def measure_robustness(trained: TrainedTask, result: TaskResult) -> dict[str, Any]:
    """Corrupt test examples and evaluate the model and the baseline of the report on them; attack the model.

    At most 1,000 test examples (of large ones fewer: 16 million numbers) are corrupted, and 200 of them attacked; of
    images fewer where the network is large (`zoo.evaluation.budget`).

    Returns:
        `metric`, the primary one; `examples` that were corrupted, `of` how many; `clean`, `metric` and `baseline` on
        the same examples as they are; `corruptions` with `name`, `unit`, `level` from 1 to 5, `strength`, `metric` and
        `baseline`; `attacked` with `examples`, their `metric` before an attack, and the `unit` of epsilon, or None;
        `attacks` with `name`, `level`, `strength` and `metric`; and `notes`. The baseline is None where it has none.
    """
    problem, notes = trained.problem, list[str]()
    dataset, seed = problem.dataset, problem.recipe.data.split_seed  # runs with other seeds see the same examples
    training = known_of_training(dataset)
    most = max(1, min(MAX_EXAMPLES, MAX_VALUES // _size(dataset.test)))
    most = examples_within(problem, LEVELS * len(corruptions_of(training)) + 1, most)
    cases = _cases(dataset, draw_at_most(len(dataset.test), most, seed), training, seed)
    clean, count = cases[0].split, len({case.name for case in cases}) - 1
    trained.console.print(f"Robustness: {count} corruptions of {len(clean):,} test examples …")
    baseline = _baseline(trained, result, cases, notes)
    rows = [_measured(trained, case, by) for case, by in zip(cases, baseline, strict=True)]
    found = {
        "metric": task_of(problem.recipe).primary,
        "examples": len(clean),
        "of": len(dataset.test),
        "clean": {name: rows[0][name] for name in ("metric", "baseline")},
        "corruptions": rows[1:],
        **_attack(trained, cases[0], training, notes),
        "notes": notes,
    }
    print_notes(notes, trained.console, indent="  ")
    return found


def _size(split: Split) -> int:
    """Return how many numbers the first raw example has."""
    raw = split.take(np.arange(1))
    return max(1, sum(np.size(values[0]) for values in (raw.values() if isinstance(raw, dict) else [raw])))


def _cases(dataset: Dataset, chosen: np.ndarray, training: Training, seed: int) -> list[Case]:
    """Return the examples as they are, then corrupted in each way."""
    sample, series = dataset.test.part(chosen), dataset.series
    if series is None:
        return [Case(split=sample, dataset=dataset)] + [
            Case(
                split=corrupted(sample, each, strength, training, seed),
                dataset=dataset,
                name=each.name,
                unit=each.unit,
                level=level,
                strength=strength,
            )
            for each in corruptions_of(training)
            for level, strength in enumerate(each.strengths, start=1)
        ]
    origins = {**series.origins, "test": series.origins["test"][chosen]}
    cases = [Case(split=sample, dataset=replace(dataset, series=replace(series, origins=origins)))]
    for each in SERIES_CORRUPTIONS:
        for level, strength in enumerate(each.strengths, start=1):
            worse = corrupted_series(dataset, each, strength, seed)
            cases.append(
                Case(
                    split=corrupted_windows(sample, worse.values),
                    dataset=replace(dataset, series=replace(worse, origins=origins)),
                    name=each.name,
                    unit=each.unit,
                    level=level,
                    strength=strength,
                )
            )
    return cases


def _measured(trained: TrainedTask, case: Case, baseline: np.ndarray | None) -> dict[str, Any]:
    """Return the entry of a case, with the metrics of the model and of the baseline's outputs."""
    from zoo.training.saved_outputs import saved_outcomes

    signature, task = case.dataset.signature, TASKS[trained.problem.recipe.task]
    output = saved_outcomes(trained.model, case.split, signature, task)
    metric = partial(_primary, trained, case.split.targets)
    return {
        "name": case.name,
        "unit": case.unit,
        "level": case.level,
        "strength": case.strength,
        "metric": metric(output),
        "baseline": None if baseline is None else metric(baseline),
    }


def _primary(trained: TrainedTask, y: np.ndarray, output: np.ndarray) -> float:
    task = task_of(trained.problem.recipe)
    return evaluate(task, y, output, trained.problem.dataset.signature.labels)[task.primary]


def _baseline(
    trained: TrainedTask, result: TaskResult, cases: Sequence[Case], notes: list[str]
) -> Sequence[np.ndarray | None]:
    """Return the baseline's outputs in each case, None where there are none.

    It is fitted again as it was for the report, to series once for each case, since it runs over the whole series; the
    outputs stay in the cache for other runs on the data.
    """
    from zoo.evaluation.baselines.run import run_baseline_on

    nothing: list[np.ndarray | None] = [None] * len(cases)
    known = result.baseline
    if known is None:
        return nothing
    recipe, is_series = trained.problem.recipe, cases[0].dataset.series is not None
    seconds = (known.get("seconds") or 0.0) * (len(cases) if is_series else 1)
    if seconds > MAX_BASELINE_SECONDS:
        notes.append(
            f"the baseline, {known['name']}, is left out: to fit it again would take {seconds:.0f} s, "
            f"more than {MAX_BASELINE_SECONDS:.0f}"
        )
        return nothing
    named = {f"{case.name} {case.strength:g}": (case.dataset, case.split) for case in cases}
    try:
        outputs = run_baseline_on(
            recipe, trained.problem.preprocessor, named, name=known["name"], version=CORRUPTIONS_VERSION
        )
    except ZooError as error:
        notes.append(f"the baseline, {known['name']}, is left out: {error}")
        return nothing
    return [outputs[name] for name in named]


def _attack(trained: TrainedTask, clean: Case, training: Training, notes: list[str]) -> dict[str, Any]:
    """Return `attacked` and `attacks` of the first examples of a case."""
    from zoo.training.input_gradients import InputGradients

    problem, kind = trained.problem, TASKS[trained.problem.recipe.task].kind
    nothing: dict[str, Any] = {"attacked": None, "attacks": []}
    most = examples_within(problem, GRADIENT_PASSES * LEVELS * (1 + PGD_STEPS), min(len(clean.split), MAX_ATTACKED))
    sample, series = clean.split.part(np.arange(most)), clean.dataset.series
    if series is not None:
        series = replace(series, origins={**series.origins, "test": series.origins["test"][: len(sample)]})
    changed = attacked(problem, training, series)
    if changed is None:
        return nothing
    trained.console.print(f"Robustness: gradient attacks on {len(sample):,} test examples …")
    model = InputGradients(problem.views.evaluated, kind)
    positions = list(sample.chunks())
    x = np.concatenate([np.asarray(problem.preprocessor.prepare(sample.take(at))) for at in positions])
    x, y = x.astype(model.model.input.dtype), sample.targets
    if not model.of_loss(x, y).any():
        notes.append("no gradient attacks: the loss has no gradient with respect to the input")
        return nothing

    def metric(inputs: np.ndarray) -> float:
        return _primary(trained, y, compact_outputs(kind, model.outputs, [inputs], y))

    rows = []
    for name, attack in (("FGSM", fgsm), ("PGD", partial(pgd, seed=problem.recipe.training.seed))):
        for level, epsilon in enumerate(changed.epsilons, start=1):
            worse = attack(model.of_loss, x, y, epsilon * changed.scale, low=changed.low, high=changed.high)
            rows.append({"name": name, "level": level, "strength": epsilon, "metric": metric(worse)})
    before = {"examples": len(sample), "metric": metric(x), "unit": changed.unit}
    return {"attacked": before, "attacks": rows}
