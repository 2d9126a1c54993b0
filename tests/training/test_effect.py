"""What a run is too short for, where it takes the data to know."""

import pytest

from zoo.errors import ZooError
from zoo.recipe import load_recipe
from zoo.training.effect import check_steps, step_notes


def recipe(*overrides):
    return load_recipe("mlp/digits", ["training.epochs=3", *overrides]).recipe


def test_a_run_without_an_update_is_refused():
    check_steps(recipe("optimizer.accumulate=21"), 7)
    with pytest.raises(
        ZooError, match=r"optimizer.accumulate: an update in 22 steps, and the run has 21 .* at most 21"
    ):
        check_steps(recipe("optimizer.accumulate=22"), 7)


def test_steps_after_the_last_update_are_counted():
    assert step_notes(recipe("optimizer.accumulate=7"), 7) == []
    assert "the last 1 of 21 steps change nothing" in step_notes(recipe("optimizer.accumulate=4"), 7)[0]
    assert "the last 2 of 14 steps" in step_notes(recipe("optimizer.accumulate=4", "training.stop_after=2"), 7)[0]


def test_augmentation_that_ends_before_it_begins_is_refused():
    check_steps(recipe("training.augment_until=10%"), 7)
    with pytest.raises(ZooError, match=r"augment_until: 1% is less than one of the run's 21 steps"):
        check_steps(recipe("training.augment_until=1%"), 7)
