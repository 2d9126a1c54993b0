"""What a run is too short for, where it takes the data to know."""

import numpy as np
import pytest

from zoo.errors import ZooError
from zoo.recipe import load_recipe
from zoo.training.effect import check_steps, long_text_notes, step_notes


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


def test_texts_that_need_more_steps_than_there_are_are_counted():
    """As the loss counts them: equal neighbors need a step between them."""
    from zoo.losses import build_loss

    targets = np.array([[1, 2, 3], [1, 1, 2], [2, 2, 0], [3, 0, 0]], np.int32)
    (note,) = long_text_notes(targets, 3)
    assert note.startswith("1 of 4 training texts need up to 4 steps, and images of this width give 3")
    assert long_text_notes(targets, 4) == long_text_notes(targets, None) == []
    with pytest.raises(ZooError, match=r"2 of 2 training texts need up to 4 steps, .* nothing would be trained"):
        long_text_notes(targets[:2], 2)
    loss = build_loss(load_recipe("lstm/digit_strips").recipe.loss, kind="transcription")
    logits = np.random.default_rng(0).normal(size=(1, 3, 4)).astype(np.float32)
    assert [float(loss(row[None], logits)) == 0 for row in targets] == [False, True, False, False]
