"""The proposals: the recipe's own first, each tuner's as keras-tuner makes them, the same ones again after a kill."""

import itertools
import math
import random

import keras_tuner
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from searching import RECIPE, recipe_file

from zoo.recipe import load_recipe
from zoo.recipe.space import Dimension, dimensions
from zoo.search.hyperparameters import decoded, hyperparameters, rounded
from zoo.search.oracle import EPOCHS, PARENT, build_oracle

TUNERS = ["random", "grid", pytest.param("bayesian", marks=pytest.mark.slow), "hyperband"]  # each guess takes a while


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return recipe_file(tmp_path_factory.mktemp("oracle"))


def oracle_of(path, tuner, *overrides):
    fewer = ["search.max_trials=8"] if tuner == "bayesian" else []  # each takes a while
    loaded = load_recipe(path, [f"search.tuner={tuner}", *fewer, *overrides])
    space = dimensions(loaded.recipe, loaded.tree())
    return build_oracle(loaded.recipe, space), space


def search(oracle, scores, limit=100):
    """Run an oracle alone; return values and score of each trial."""
    found = []
    for _ in range(limit):
        trial = oracle.create_trial("w")
        if trial.status != "RUNNING":
            break
        score = scores(len(found))
        found.append((dict(trial.hyperparameters.values), score))
        oracle.end(trial.trial_id, score)
    return found


def noise(seed):
    return lambda number: random.Random(seed * 1000 + number).random()


@pytest.mark.parametrize("tuner", TUNERS)
def test_the_recipes_own_values_are_first(tuner, path):
    oracle, space = oracle_of(path, tuner)
    first = oracle.create_trial("w").hyperparameters.values
    assert decoded(space, first) == {d.key: d.own for d in space}


@pytest.mark.parametrize("tuner", TUNERS)
def test_values_lie_in_the_space_and_none_is_tried_twice(tuner, path):
    oracle, space = oracle_of(path, tuner)
    found = search(oracle, noise(1))
    assert len(found) == (8 if tuner == "bayesian" else 12)
    for values, _ in found[1:]:
        for d in space:
            value = decoded([d], values)[d.key]
            assert value in (*d.values, d.own) if d.kind == "choice" else d.values[0] <= value <= d.values[1]
            assert type(value) is type(d.values[0])
    tried = [str({key: v for key, v in values.items() if key != EPOCHS}) for values, _ in found]
    assert len(set(tried)) == len(tried)


@pytest.mark.parametrize("tuner", TUNERS)
@pytest.mark.parametrize("stopped_after", [0, 1, 6])
def test_an_oracle_that_is_told_of_the_trials_proposes_as_the_first_would(tuner, stopped_after, path):
    whole = search(oracle_of(path, tuner)[0], noise(2))
    again, _ = oracle_of(path, tuner)
    for values, score in whole[:stopped_after]:
        again.known_values = values
        trial = again.create_trial("w")
        assert trial.hyperparameters.values == values
        again.end(trial.trial_id, score)
    again.known_values = None
    rest = search(again, lambda number: whole[stopped_after + number][1])
    assert rest == whole[stopped_after:]


@pytest.mark.parametrize("tuner", ["random", TUNERS[2]])
def test_seeds_differ(tuner, path):
    first = search(oracle_of(path, tuner)[0], noise(3))
    assert search(oracle_of(path, tuner, "search.seed=1")[0], noise(3))[1:] != first[1:]
    assert search(oracle_of(path, tuner)[0], noise(3)) == first


def test_the_grid_is_searched_whole(path):
    space = ["search.space.optimizer.learning_rate.peak=[0.001, 0.01]", "search.space.training.batch_size=null"]
    oracle, dims = oracle_of(
        path, "grid", *space, "search.max_trials=1000", "search.space.model.dropout={linear: [0, 0.4], step: 0.2}"
    )
    found = [tuple(sorted((k, str(v)) for k, v in values.items())) for values, _ in search(oracle, noise(0), 1000)]
    own = {d.key: d.own for d in dims}
    count = math.prod(
        len({str(v) for v in d.values} | {str(own[d.key])})
        if d.kind == "choice"
        else 3 + (own[d.key] not in (0, 0.2, 0.4))
        for d in dims
    )
    assert len(found) == len(set(found)) == count


@pytest.mark.ci
def test_a_guess_of_the_gaussian_process_is_made_again_too(path):
    few = ["search.max_trials=6", "search.space.model.widths=null", "search.space.training.batch_size=null"]
    whole = search(oracle_of(path, "bayesian", *few)[0], noise(2))
    again, _ = oracle_of(path, "bayesian", *few)
    for values, score in whole[:5]:
        again.known_values = values
        again.end(again.create_trial("w").trial_id, score)
    again.known_values = None
    assert search(again, lambda number: whole[5][1]) == whole[5:]


@pytest.mark.slow
def test_bayesian_goes_where_it_is_better(path):
    """On a smooth bowl, later proposals lie nearer to its bottom than random ones."""
    space = [f"search.space.{key}=null" for key in ("model.widths", "training.batch_size")]
    overrides = [*space, "search.max_trials=30", "search.space.optimizer.learning_rate.peak={log: [1e-4, 1e-1]}"]

    def far(values):
        return abs(math.log10(values["optimizer.learning_rate.peak"]) + 2.0) + abs(values["model.dropout"] - 0.1)

    oracle, _ = oracle_of(path, "bayesian", *overrides, "search.objective=val_loss")
    distances = []
    for _ in range(30):
        trial = oracle.create_trial("w")
        distances.append(far(trial.hyperparameters.values))
        oracle.end(trial.trial_id, distances[-1])
    drawn = [far(values) for values, _ in search(oracle_of(path, "random", *overrides)[0], noise(0))][1:]
    assert sum(distances[-10:]) / 10 < 0.5 * sum(drawn) / len(drawn)


# --- hyperband ---


def test_hyperband_halves_as_keras_tuner_does(path):
    """Rounds of a bracket: sizes and epochs are keras-tuner's own; the best third is promoted."""
    oracle, _ = oracle_of(path, "hyperband", "search.max_trials=100")
    theirs = keras_tuner.oracles.HyperbandOracle(keras_tuner.Objective("val_accuracy", "max"), max_epochs=9, factor=3)
    first = theirs._current_bracket
    whole = sum(theirs._get_size(first, i) for i in range(first + 1))
    found = search(oracle, noise(4), 1 + whole)
    rounds = [
        [v for v, _ in found if (v.get("tuner/bracket"), v.get("tuner/round")) == (first, i)] for i in range(first + 1)
    ]
    assert [len(r) for r in rounds] == [theirs._get_size(first, i) for i in range(first + 1)]
    assert [{v[EPOCHS] for v in r} for r in rounds] == [{theirs._get_epochs(first, i)} for i in range(first + 1)]
    numbered = {f"{i:03}": (v, s) for i, (v, s) in enumerate(found)}
    for before, after in itertools.pairwise(rounds):
        scores = sorted((s for v, s in found if v in before), reverse=True)
        promoted = sorted((numbered[v[PARENT]][1] for v in after), reverse=True)
        assert promoted == scores[: len(after)]


@pytest.mark.parametrize("most", [2, 5, 12, 20, 50])
def test_hyperband_keeps_to_its_trials_and_trains_some_to_the_end(most, path):
    found = search(oracle_of(path, "hyperband", f"search.max_trials={most}")[0], noise(5))
    assert len(found) == most
    assert found[0][0][EPOCHS] == 9
    assert sum(values[EPOCHS] == 9 for values, _ in found) >= min(most, 3)


# --- values ---


@given(st.floats(1e-6, 1.0), st.floats(1.01, 1e4), st.floats(0, 1))
def test_rounded_numbers_stay_inside_and_are_short(low, ratio, where):
    d = Dimension("x", "log", (low, low * ratio))
    value = low * ratio**where
    found = rounded([d], {"x": value})["x"]
    assert low <= found <= low * ratio
    assert abs(found - value) <= 1e-3 * value
    assert found in (low, low * ratio) or float(f"{found:.4g}") == found


ANY = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-9, 9),
    st.floats(-2, 2),
    st.sampled_from(["a", "true", "1", "null", "x: y"]),
    st.lists(st.integers(0, 3), max_size=2),
    st.dictionaries(st.sampled_from("ab"), st.integers(0, 2), max_size=2),
)


@settings(max_examples=200)
@given(st.lists(ANY, min_size=1, max_size=5, unique_by=lambda v: (type(v).__name__, str(v))), st.booleans())
def test_choices_of_any_kind_come_back_as_they_were(values, with_own):
    own = values[-1] if with_own else None
    d = Dimension("x", "choice", tuple(values), own=own)
    (made,) = hyperparameters([d]).space
    back = [decoded([d], {"x": value})["x"] for value in made.values]
    assert [(type(b), b) for b in back] == [(type(v), v) for v in values]
    if own is not None:
        assert decoded([d], {"x": made.default})["x"] == own


def test_conditions(tmp_path):
    text = (
        RECIPE + "    model.norm: [none, batch]\n    optimizer.ema: {choice: [0.9, 0.99], when: {model.norm: batch}}\n"
    )
    loaded = load_recipe(recipe_file(tmp_path, text), ["training.select=last"])
    space = dimensions(loaded.recipe, loaded.tree())
    found = search(build_oracle(loaded.recipe, space), noise(0))
    kinds = {(values["model.norm"], "optimizer.ema" in values) for values, _ in found}
    assert kinds == {("none", False), ("batch", True)}
