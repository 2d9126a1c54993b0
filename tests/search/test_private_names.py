"""Private names of keras-tuner: each that zoo uses is there, and one file alone uses any."""

import ast
import importlib
from pathlib import Path

import keras_tuner
import pytest
from keras_tuner import oracles

from zoo.search import keras_tuner_internals as internals

FILE = Path(internals.__file__)
SEARCH = FILE.parent
MODULE_NAMES = [
    "keras_tuner.src.engine.conditions.Parent",
    "keras_tuner.src.engine.oracle.LOCKS",
    "keras_tuner.src.engine.oracle.THREADS",
    "keras_tuner.src.protos.get_service",
]
ATTRIBUTES = {
    oracles.RandomSearchOracle: ["_seed_state", "_retry_queue", "_save_trial"],
    oracles.BayesianOptimizationOracle: ["_random_state"],
    oracles.HyperbandOracle: [
        "_brackets",
        "_current_bracket",
        "_get_num_brackets",
        "_get_num_rounds",
        "_get_size",
        "_increment_bracket_num",
        "_start_new_bracket",
    ],
}
OWN = {"_trials_left", "_trials_of"}  # zoo's own, in classes that inherit from keras-tuner's


def objective():
    return keras_tuner.Objective("val_loss", "min")


@pytest.fixture(scope="module")
def made():
    return {kind: kind(objective=objective()) for kind in ATTRIBUTES}


def is_private(name):
    return name.startswith("_") and not name.startswith("__")


@pytest.mark.parametrize("name", MODULE_NAMES)
def test_the_module_has(name):
    module, _, name = name.rpartition(".")
    assert hasattr(importlib.import_module(module), name)


@pytest.mark.parametrize(
    ("kind", "name"), [pytest.param(k, n, id=f"{k.__name__}.{n}") for k, names in ATTRIBUTES.items() for n in names]
)
def test_the_oracle_has(kind, name, made):
    assert hasattr(made[kind], name)


def test_the_lists_above_are_complete(made):
    tree = ast.parse(FILE.read_text(encoding="utf-8"))
    imported = {
        f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module.startswith("keras_tuner.src")
        for alias in node.names
    }
    used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and is_private(node.attr)}
    used |= {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and is_private(node.name)}
    assert imported == set(MODULE_NAMES)
    assert used == {name for names in ATTRIBUTES.values() for name in names} | OWN
    assert not any(hasattr(oracle, name) for oracle in made.values() for name in OWN)


@pytest.mark.parametrize("path", [p for p in sorted(SEARCH.glob("*.py")) if p != FILE], ids=lambda path: path.name)
def test_other_files_use_public_names(path, made):
    theirs = {name for oracle in made.values() for name in dir(oracle) if is_private(name)}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert not node.module.startswith("keras_tuner.src"), f"{path}:{node.lineno}"
        elif isinstance(node, ast.Import):
            assert not any(a.name.startswith("keras_tuner.src") for a in node.names), f"{path}:{node.lineno}"
        elif isinstance(node, ast.Attribute | ast.FunctionDef):
            name = node.attr if isinstance(node, ast.Attribute) else node.name
            assert name not in theirs, f"{path}:{node.lineno}: {name}"


# --- what they are used for ---


class Failing(internals.StatelessOracle, oracles.RandomSearchOracle):
    fails = True

    def populate_space(self, trial_id):
        if self.fails:
            raise ArithmeticError("no proposal")
        return super().populate_space(trial_id)

    def score_trial(self, trial):
        if self.fails:
            raise ArithmeticError("no score")


@pytest.fixture
def failing():
    space = keras_tuner.HyperParameters()
    space.Float("x", 0.0, 1.0)
    oracle = Failing(objective=objective(), hyperparameters=space, seed=1)
    oracle.verbose = 0
    return oracle


def test_a_call_that_fails_releases_the_lock(failing):
    """keras-tuner alone would keep it, and every other thread would wait for ever."""
    with pytest.raises(ArithmeticError):
        failing.create_trial("a")
    assert not internals.LOCKS[failing].locked()
    failing.fails = False
    trial = failing.create_trial("a")
    failing.fails, trial.status = True, "COMPLETED"
    with pytest.raises(ArithmeticError):
        failing.end_trial(trial)
    assert not internals.LOCKS[failing].locked()
    assert internals.THREADS[failing] is None


def test_trials_that_are_requeued_come_in_that_order_before_new_ones(failing):
    failing.fails = False
    first, second = failing.create_trial("a"), failing.create_trial("b")
    failing.ongoing_trials.clear()
    failing.requeue(first.trial_id)
    failing.requeue(second.trial_id)
    assert [failing.create_trial(w).trial_id for w in "cde"] == [first.trial_id, second.trial_id, "02"]


def test_no_files_are_written(failing, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    failing.fails = False
    trial = failing.create_trial("a")
    trial.status, trial.score = "COMPLETED", 1.0
    failing.end_trial(trial)
    assert list(tmp_path.iterdir()) == []


def test_a_trials_random_numbers_depend_on_its_number_alone(failing):
    failing.fails = False
    failing.seed_trial(7)
    fresh = failing.populate_space("x")
    for _ in range(3):
        failing.create_trial("a")
        failing.ongoing_trials.clear()
    failing.seed_trial(7)
    assert failing.populate_space("x") == fresh
