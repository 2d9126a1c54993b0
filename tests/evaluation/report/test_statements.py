"""No two statements of a report contradict each other, whatever the figures are."""

import re

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zoo.evaluation.metrics.evaluate import evaluate
from zoo.evaluation.metrics.intervals import draws
from zoo.evaluation.report.build import build_report
from zoo.evaluation.report.page import render
from zoo.tasks import TASKS

SETTINGS = settings(max_examples=25, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
RELATION = re.compile(r"(not clearly better|no better|better|worse) than (?:the old way|PCA)")


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Draw fewer resamples, and no plots: neither is what is tested."""
    monkeypatch.setattr("zoo.evaluation.report.build.draws", lambda *a, **k: draws(*a, **k, resamples=60))
    monkeypatch.setattr("zoo.evaluation.report.plots.curves", lambda history, name, marked: f"[{name}: {marked}]")
    monkeypatch.setattr("zoo.evaluation.report.plots.learning_rate", lambda history: None)


def classifier(y, rate, generator):
    chosen = np.where(generator.random(len(y)) < rate, y, 1 - y)
    return 0.8 * np.eye(2)[chosen] + 0.1


def outputs_of(task, rates, size, seed):
    """Return targets and outputs of splits: a rate is the accuracy, or the size of the error."""
    generator, made = np.random.default_rng(seed), {}
    for split, rate in rates.items():
        if TASKS[task].greater_is_better:
            y = generator.integers(0, 2, size)
            made[split] = (y, classifier(y, rate, generator))
        else:
            y = generator.normal(size=size)
            made[split] = (y, y + (1.05 - rate) * generator.normal(size=size))
    return made


@SETTINGS
@given(
    task=st.sampled_from(["image_classification", "tabular_regression"]),
    rates=st.tuples(*[st.sampled_from([0.5, 0.7, 0.75, 0.8, 1.0])] * 3),
    simple=st.tuples(*[st.sampled_from([0.5, 0.7, 0.75, 0.8, 1.0])] * 2),
    size=st.sampled_from([12, 60, 300]),
    losses=st.lists(st.sampled_from([1.0, 0.9, 0.5, 0.49, 0.4]), min_size=1, max_size=8),
    keeps_last=st.booleans(),
    seed=st.integers(0, 5),
)
def test_one_relation_to_the_baseline_and_one_kept_epoch(task, rates, simple, size, losses, keeps_last, seed):
    outputs = outputs_of(task, dict(zip(("train", "validation", "test"), rates, strict=True)), size, seed)
    baseline = {"name": "the_old_way", "seconds": 1.0}
    for split, rate in zip(("validation", "test"), simple, strict=True):
        y, generator = outputs[split][0], np.random.default_rng(seed + 1)
        error = (1.05 - rate) * generator.normal(size=size)
        baseline[split] = y + error if y.dtype.kind == "f" else classifier(y, rate, generator)
    monitor = TASKS[task].monitor
    history = [{"loss": loss, "val_loss": loss, f"val_{monitor}": loss, "learning_rate": 0.1} for loss in losses]
    report = build_report(
        task=task,
        recipe="mlp/made",
        model="mlp",
        outputs=outputs,
        labels=["a", "b"] if TASKS[task].greater_is_better else [],
        history=history,
        data={},
        seed=seed,
        seconds=1.0,
        parameters=1,
        versions={},
        hardware="",
        config="",
        baseline=baseline,
        kept_epoch=len(history) if keeps_last else None,
    )
    page = re.sub(r"<style>.*?</style>", "", render(report), flags=re.DOTALL)
    primary, rises = TASKS[task].primary, TASKS[task].greater_is_better
    model, other = (evaluate(task, outputs["test"][0], o)[primary] for o in (outputs["test"][1], baseline["test"]))
    ahead = (model > other) if rises else (model < other)

    said = set(RELATION.findall(page))
    assert len(said) == 1  # the headline, the diagnosis and the command line read the same
    (relation,) = said
    assert relation in (("better", "not clearly better") if ahead else ("worse", "no better"))
    assert report["verdict"].startswith(f"{relation} than the old way")
    assert "beats" not in page and "nor is training" not in page
    state = report["diagnosis"]["state"]
    assert not (relation == "worse" and state == "good")
    assert not (ahead and state in ("underfitting", "inconclusive"))
    bounds = report["comparison"]["interval"]
    if relation in ("better", "worse"):
        assert bounds[0] > 0 if relation == "better" else bounds[1] < 0

    kept = set(map(int, re.findall(r"epoch (\d+) was kept", page)))
    if re.search(r"epoch (\d+)[^;.]*; it was kept", page):
        kept.add(int(re.search(r"epoch (\d+)[^;.]*; it was kept", page)[1]))
    assert kept == ({len(history)} if keeps_last else set())
    marked = set(map(int, re.findall(r"\[\w+: \('\w+', (\d+)\)\]", page)))
    best = report["diagnosis"]["best_epoch"]
    assert marked == {len(history) if keeps_last else best}


@pytest.mark.parametrize(
    ("kind", "title"),
    [
        ("generation", "Images"),
        ("tokens", "Texts"),
        ("reconstruction", "Reconstructions"),
        ("forecasting", "Forecasts"),
    ],
)
def test_what_is_no_mistake_does_not_stand_under_mistakes(made, written, tmp_path, kind, title):
    inputs, predictions = made.report_inputs(kind)
    _, text, _ = written(tmp_path, inputs, predictions)
    assert f'<h2 id="mistakes">{title}</h2>' in text and f'<a href="#mistakes">{title}</a>' in text
    assert "Mistakes" not in text
