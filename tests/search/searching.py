"""Helpers of several tests of the search: a recipe, a state, and trials that are told to have ended."""

from rich.console import Console

from zoo.recipe import load_recipe
from zoo.search.state import SearchState
from zoo.search.trial_job import digest
from zoo.utils.files import write_json

RECIPE = """\
extends: mlp/wine
training: {epochs: 9}
search:
  tuner: random
  max_trials: 12
  space:
    optimizer.learning_rate.peak: {log: [1e-4, 1e-1]}
    model.widths: [[8], [16], [8, 8]]
    model.dropout: {linear: [0.0, 0.5]}
    training.batch_size: {log: [8, 64]}
"""


def recipe_file(folder, text=RECIPE):
    path = folder / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def search_state(path, folder, *overrides, said=None):
    console = Console(file=said, width=300) if said is not None else Console(quiet=True)
    return SearchState(load_recipe(path, overrides), str(path), overrides, folder, console)


def objective_of(record):
    """Return an objective that depends on a trial's values alone."""
    values = record.proposed
    rate, dropout = values["optimizer.learning_rate.peak"], values["model.dropout"]
    return round(1.0 / (1.0 + abs(rate - 0.01) * 50 + dropout) + 0.001 * values["training.batch_size"], 6)


def outcome(value, **more):
    return {
        "objective": value,
        "figures": {"val_accuracy": value},
        "curve": [value / 2, value],
        "epochs": 2,
        "kept_epoch": 2,
        "stopped_after": None,
        "seconds": 1.0,
        "parameters": 100,
        **more,
    }


def end(made, record, objective=None, **more):
    """End a trial, as its runs would."""
    leave(made, record, objective, **more)
    return made.put(record.number)


def leave(made, record, objective=None, **more):
    """Leave what runs leave: an outcome in the run folder of each seed."""
    for i, seed in enumerate(made.trials.seeds):
        value = (objective_of(record) if objective is None else objective) + 0.01 * i
        folder = made.store.run_folder(record.number, seed)
        recipe = load_recipe(made.store.recipe_file(record.number), [f"training.seed={seed}"])
        write_json(folder / "outcome.json", {"recipe": digest(recipe), **outcome(value, **more)})
        (folder / "checkpoints").mkdir(exist_ok=True)


def run_to_the_end(made):
    while (record := made.take("w")) is not None:
        end(made, record)
    assert made.over
    return trials(made)


def trials(made):
    return {
        number: (r.values, r.proposed, r.status, r.objective_value, r.epochs, r.parent)
        for number, r in sorted(made.store.records.items())
    }
