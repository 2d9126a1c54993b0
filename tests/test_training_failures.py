"""Failures that are planted in trainings, as `benchmarks/training_failures.py` has them."""

import importlib
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def benchmark():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "benchmarks")
        yield importlib.import_module("training_failures")


@pytest.mark.ci
@pytest.mark.parametrize("name", ["network far too small", "wrong loss", "too few epochs", "mlp/wine"])
def test_a_failure_gets_its_verdict_and_its_first_edit_helps(benchmark, name, tmp_path):
    case = {**benchmark.FAILURES, **benchmark.GOOD}[name]
    row = benchmark.run_case(name, case, tmp_path)
    assert row["state"] == case.state, row["evidence"]
    assert row.get("improved", case.state == "good"), (row["before"], row["after"])


def test_the_results_that_are_kept_are_of_all_cases_and_right(benchmark):
    cases = json.loads(benchmark.RESULTS.read_text(encoding="utf-8"))["cases"]
    assert [row["name"] for row in cases] == [*benchmark.FAILURES, *benchmark.GOOD]
    for row in cases:
        assert row["state"] == row["expected"] and row.get("improved", row["state"] == "good"), row["name"]
