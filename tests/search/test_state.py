"""Resuming a search: nothing lost, nothing twice, and the same trials as without an interruption."""

import io
import json
import random

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from in_ci import in_ci
from searching import end, objective_of, recipe_file, run_to_the_end, search_state, trials

from zoo.errors import ZooError
from zoo.recipe import load_recipe
from zoo.search.records import TrialRecord, TrialStore, describe, pareto_front
from zoo.search.state import MAX_FAILURES_IN_A_ROW
from zoo.search.trial_job import trial_job

TUNERS = ["random", "grid", pytest.param("bayesian", marks=pytest.mark.slow), "hyperband"]  # whose guesses take long


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return recipe_file(tmp_path_factory.mktemp("state"))


@pytest.fixture(scope="module")
def whole(path, tmp_path_factory):
    """Return what a search that nobody interrupts comes to, by tuner."""

    class Whole(dict):
        def __missing__(self, tuner):
            self[tuner] = run_to_the_end(search_state(path, tmp_path_factory.mktemp(tuner), f"search.tuner={tuner}"))
            return self[tuner]

    return Whole()


# --- resuming ---


@pytest.mark.parametrize("tuner", TUNERS)
@pytest.mark.parametrize("seed", in_ci(range(3), but=[0]))
def test_interrupted_at_random_it_comes_to_the_same_trials(tuner, seed, path, whole, tmp_path):
    chance = random.Random(seed)
    made = search_state(path, tmp_path, f"search.tuner={tuner}")
    while not made.over:
        record = made.take("w")
        if record is not None and chance.random() < 0.6:  # else it is interrupted with the trial under way
            end(made, record)
        if chance.random() < 0.5:
            made = search_state(path, tmp_path, f"search.tuner={tuner}")
    assert trials(made) == whole[tuner]
    assert sorted(r.ended for r in made.store.records.values()) == list(range(len(whole[tuner])))


@pytest.mark.parametrize("tuner", TUNERS)
@pytest.mark.parametrize("cut", [0, 0.5, 0.99])
def test_damaged_files_are_made_again_from_the_runs(tuner, cut, path, whole, tmp_path):
    made = search_state(path, tmp_path, f"search.tuner={tuner}")
    for _ in range(7):
        end(made, made.take("w"))
    for name in ("trials/0002/trial.json", "trials/0006/trial.json", "search.json"):
        file = tmp_path / name
        file.write_bytes(file.read_bytes()[: int(cut * file.stat().st_size)])
    said = io.StringIO()
    again = search_state(path, tmp_path, f"search.tuner={tuner}", said=said)
    assert said.getvalue().count("is damaged") == 3
    assert len(again.store.ended) == 7  # their runs have ended: nothing is to be trained again
    while (record := again.take("w")) is not None:
        end(again, record)
    assert trials(again) == whole[tuner]


def test_runs_of_another_recipe_do_not_count(path, tmp_path):
    made = search_state(path, tmp_path)
    for _ in range(3):
        end(made, made.take("w"))
    (tmp_path / "trials/0001/trial.json").unlink()
    one = tmp_path / "trials/0001/seed-0/outcome.json"
    one.write_text((tmp_path / "trials/0002/seed-0/outcome.json").read_text())
    again = search_state(path, tmp_path)
    assert len(again.store.ended) == 2
    assert again.take("w").number == 1


@pytest.mark.parametrize("tuner", ["random", "grid", "hyperband"])
def test_several_at_a_time_come_to_the_same_set(tuner, path, whole, tmp_path):
    """Of hyperband, as many: which trial is resumed depends on which have ended."""
    made, chance, under_way = search_state(path, tmp_path, f"search.tuner={tuner}"), random.Random(0), []
    while not made.over or under_way:
        record = made.take(f"w{len(under_way)}") if len(under_way) < 3 else None
        if record is not None:
            under_way.append(record)
        elif under_way:
            end(made, under_way.pop(chance.randrange(len(under_way))))
        if chance.random() < 0.2:
            made, under_way = search_state(path, tmp_path, f"search.tuner={tuner}"), []
    if tuner == "hyperband":
        assert len(made.store.finished) == len(whole[tuner])
    else:
        assert trials(made) == whole[tuner]


def test_a_trial_of_a_lost_worker_goes_to_the_next_and_counts_once(path, tmp_path):
    made = search_state(path, tmp_path)
    first, second = made.take("a"), made.take("b")
    made.give_back(first.number)
    again = made.take("c")
    assert (again.number, again.worker) == (first.number, "c")
    assert end(made, again) is not None
    assert end(made, first, objective=0.123) is None  # the lost one ends after all
    assert made.store.records[0].objective_value == objective_of(first)
    assert end(made, second) is not None
    assert [r.number for r in made.store.ended] == [0, 1]


def test_more_trials_can_be_asked_for(path, tmp_path):
    few = run_to_the_end(search_state(path, tmp_path, "search.max_trials=5"))
    more = run_to_the_end(search_state(path, tmp_path, "search.max_trials=12"))
    assert {number: more[number] for number in few} == few
    assert len(more) == 12


@pytest.mark.parametrize(
    ("overrides", "text"),
    [
        (["search.seed=1"], "another search"),
        (["search.space.model.dropout=[0.0, 0.1]"], "another search"),
        (["training.epochs=8"], "other settings"),
    ],
)
def test_another_search_is_refused(overrides, text, path, tmp_path):
    end(made := search_state(path, tmp_path), made.take("w"))
    with pytest.raises(ZooError, match=f"holds a search with {text}.*--folder"):
        search_state(path, tmp_path, *overrides)


def test_hyperband_does_not_change_its_number_of_trials(path, tmp_path):
    end(made := search_state(path, tmp_path, "search.tuner=hyperband"), made.take("w"))
    with pytest.raises(ZooError, match="another search"):
        search_state(path, tmp_path, "search.tuner=hyperband", "search.max_trials=20")


def test_time_is_a_budget(path, tmp_path):
    made = search_state(path, tmp_path, "search.max_minutes=1")
    for _ in range(3):
        end(made, made.take("w"), seconds=25.0)
    assert made.take("w") is None
    assert made.over


# --- failures ---


def test_failed_trials_are_passed_over(path, tmp_path):
    made = search_state(path, tmp_path)
    for number in range(12):
        record = made.take("w")
        if number % 3 == 1:
            made.put(record.number, "the loss became nan")
        else:
            end(made, record)
    assert made.take("w") is None
    assert [r.number for r in made.store.finished] == [0, 2, 3, 5, 6, 8, 9, 11]
    assert made.store.records[4].message == "the loss became nan"
    assert trials(search_state(path, tmp_path)) == trials(made)


def test_a_search_that_only_fails_stops(path, tmp_path):
    made = search_state(path, tmp_path)
    for _ in range(MAX_FAILURES_IN_A_ROW):
        made.put(made.take("w").number, "no room")
    assert made.take("w") is None
    assert made.over
    assert "no room" in made.failed


# --- the best ---


def test_the_best_is_a_small_recipe_that_gives_the_trials_values(path, tmp_path):
    made = search_state(path, tmp_path)
    run_to_the_end(made)
    best = made.best
    assert best.objective_value == max(objective_of(r) for r in made.store.records.values())
    written = tmp_path / "best.yaml"
    assert set(yaml.safe_load(written.read_text())) <= {"extends", "model", "optimizer", "training"}
    assert repr(best.objective_value) in written.read_text()
    recipe = load_recipe(written).recipe
    assert recipe.optimizer.learning_rate.peak == best.values["optimizer.learning_rate.peak"]
    assert recipe.model.config["widths"] == best.values["model.widths"]
    assert recipe.training.batch_size == best.values["training.batch_size"]
    tried = load_recipe(made.store.recipe_file(best.number))
    assert tried.run_yaml() == load_recipe(written).run_yaml()


def test_overrides_are_part_of_the_best(path, tmp_path):
    made = search_state(
        path, tmp_path, "training.epochs=3", "search.max_trials=3", "description=1e3", "model.norm=layer"
    )
    run_to_the_end(made)
    recipe = load_recipe(tmp_path / "best.yaml").recipe
    assert (recipe.training.epochs, recipe.description, recipe.model.config["norm"]) == (3, "1e3", "layer")
    own = load_recipe(made.store.trial_folder(0) / "recipe.yaml").run_yaml()
    assert own == load_recipe(path, ["training.epochs=3", "description=1e3", "model.norm=layer"]).run_yaml()


def test_a_shipped_recipe_is_extended_by_name(tmp_path):
    made = search_state("mlp/digits", tmp_path, "search.max_trials=1")
    end(made, made.take("w"), objective=0.5)
    assert yaml.safe_load((tmp_path / "best.yaml").read_text()) == {"extends": "mlp/digits"}


def test_hyperband_trials_know_from_where_and_how_far(path, tmp_path):
    made = search_state(path, tmp_path, "search.tuner=hyperband")
    run_to_the_end(made)
    short = [r for r in made.store.records.values() if r.epochs is not None]
    later = [r for r in made.store.records.values() if r.parent is not None]
    assert short and later
    for record in short:
        recipe = load_recipe(made.store.trial_folder(record.number) / "recipe.yaml").recipe
        assert (recipe.training.epochs, recipe.training.stop_after) == (9, record.epochs)
    for record in later:
        run = trial_job(made.store, record, made.loaded, 0)
        assert run.parent_run == made.store.run_folder(record.parent, 0)
        assert made.store.records[record.parent].values == record.values


def test_states_are_kept_for_the_best_and_for_those_that_may_go_on(path, tmp_path):
    made = search_state(path, tmp_path, "search.tuner=hyperband")
    while (record := made.take("w")) is not None:
        parent = trial_job(made.store, record, made.loaded, 0).parent_run
        assert parent is None or (parent / "checkpoints").is_dir()
        end(made, record)
    made.remove_checkpoints()
    left = {p.parents[1].name for p in tmp_path.glob("trials/*/seed-0/checkpoints")}
    assert left == {f"{made.best.number:04}"}


def test_several_seeds_count_by_their_mean(path, tmp_path):
    made = search_state(path, tmp_path, "search.seeds=3", "search.max_trials=2")
    first = made.take("w")
    end(made, first, objective=0.5)
    assert made.store.records[0].objective_values == [0.5, 0.51, 0.52]
    assert made.store.records[0].objective_value == pytest.approx(0.51)


def test_a_trial_whose_runs_have_not_ended_is_not_over(path, tmp_path):
    made = search_state(path, tmp_path, "search.seeds=2")
    record = made.take("w")
    assert made.put(record.number) is None
    assert made.store.records[0].status == "running"


def test_the_cost_is_weighed(path, tmp_path):
    made = search_state(path, tmp_path, "search.cost={name: parameters, weight: 0.1}", "search.max_trials=2")
    end(made, made.take("w"), objective=0.9, cost=3.0)
    end(made, made.take("w"), objective=0.8, cost=1.0)
    assert [r.score for r in made.store.finished] == pytest.approx([0.6, 0.7])
    assert made.best.number == 1


# --- records ---


POINTS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=12)


@settings(max_examples=200)
@given(POINTS, st.booleans())
def test_pareto(points, rises):
    records = [
        TrialRecord(number=i, values={}, proposed={}, objective_value=float(f), cost=float(c))
        for i, (f, c) in enumerate(points)
    ]
    found = {
        (r.objective_value, r.cost)
        for r in pareto_front(records, {r.number: r.cost for r in records}, greater_is_better=rises)
    }
    sign = 1 if rises else -1

    def beaten(f, c):
        return any(sign * g >= sign * f and d <= c and (g, d) != (f, c) for g, d in points)

    assert found == {(f, c) for f, c in points if not beaten(f, c)}


def test_what_a_record_holds_is_plain_json(path, tmp_path):
    end(made := search_state(path, tmp_path), made.take("w"))
    record = made.take("w")
    text = (made.store.trial_folder(record.number) / "trial.json").read_text()
    assert TrialRecord.from_json(json.loads(text)) == record
    again = TrialStore(tmp_path)
    again.read()
    assert again.records == made.store.records


def test_a_trial_on_one_line():
    assert describe({}) == "the recipe's own values"
    assert describe({"model.dropout": 0.1, "a.0.height": 2}) == "dropout 0.1, height 2"
    assert describe({"model.name": "cnn", "loss.name": "focal"}) == "model.name cnn, loss.name focal"
