"""Whatever has happened to a file of a run, each command gives what it gives of the whole run, or names the file."""

import importlib.util
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

_spec = importlib.util.spec_from_file_location("damaged_runs", Path(__file__).with_name("damaged_runs.py"))
damaged_runs = sys.modules[_spec.name] = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(damaged_runs)


@pytest.fixture(scope="module")
def check(trained, tmp_path_factory):
    """Return a function that damages runs and returns how often each command was right or refused."""
    import zoo

    recipe, data = trained("array").recipe, trained("array").data
    folder = tmp_path_factory.mktemp("runs")
    arrays = np.load(data)
    inputs = folder / "inputs.npz"
    np.savez(inputs, x=arrays["x_test"], y=arrays["y_test"])
    every = ["training.checkpoints.every_steps=3"]
    run, other = (zoo.train(recipe, [*every, f"training.seed={seed}"], runs=folder / str(seed)) for seed in (0, 1))

    def check(numbers, **settings):
        scratch = tmp_path_factory.mktemp("damaged")
        found = list(damaged_runs.outcomes(run, other, inputs, numbers, scratch, **settings))
        wrong = [f"{what}: {command}: {o}" for what, command, o in found if o not in ("right", "refused")]
        assert not wrong
        return Counter(o for _, _, o in found)

    return check


@pytest.mark.ci
def test_some_damages_of_each_kind(check):
    counts = check(range(200, 210), all_commands=False)
    assert counts["right"] >= 20 and counts["refused"] >= 5


@pytest.mark.slow
def test_sixty_damages_with_each_command(check):
    counts = check(range(60))
    assert counts["right"] + counts["refused"] == 60 * 9
