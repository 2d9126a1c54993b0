"""Every task from every source that reads it, as `benchmarks/task_sources.py` writes the files and the recipe."""

import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

import zoo
from zoo.tasks import TASKS

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "benchmarks"))
try:
    import task_sources
finally:
    sys.path.pop(0)
PAIRS = task_sources.pairs()
NAMES = [f"{task}:{source}" for task, source in PAIRS]


def test_the_page_is_what_the_code_says():
    assert task_sources.PAGE.read_text(encoding="utf-8") == task_sources.page()
    assert {task for task, _ in PAIRS} == set(TASKS)


@pytest.mark.parametrize(("task", "source"), PAIRS, ids=NAMES)
def test_the_recipe_loads_its_data(task, source, tmp_path, monkeypatch):
    from zoo.data.memory.datasets import hold
    from zoo.data.sources.load import load_dataset

    monkeypatch.chdir(tmp_path)
    written = task_sources.write(task, source, tmp_path)
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(task_sources.recipe(task, written)))
    given = None if written.given is None else hold(written.given)
    overrides = [] if given is None else [f"data.source={given.source}"]
    recipe = zoo.load_recipe(tmp_path / "mine.yaml", overrides).recipe
    dataset = load_dataset(recipe.data, TASKS[task], recipe.preprocess, given)
    assert min(map(len, (dataset.train, dataset.validation, dataset.test))) > 0


@pytest.mark.slow
@pytest.mark.parametrize(("task", "source"), PAIRS, ids=NAMES)
def test_it_is_trained_exported_and_predicted_on(task, source, tmp_path, monkeypatch, record_property):
    monkeypatch.chdir(tmp_path)
    run, difference, allowed = task_sources.train(task, source, tmp_path)
    value = run.metrics["test"][TASKS[task].primary]
    record_property("figure", value)
    record_property("parity", difference)
    print(f"{task}:{source}: {TASKS[task].primary} {value}, largest difference {difference:.2g} of {allowed:.2g}")
    assert difference <= allowed
    assert value is None or np.isfinite(value)
