"""What is computed from the data before training."""

from types import SimpleNamespace

import numpy as np
import pytest

from zoo.errors import ZooError
from zoo.training.problem import class_weights


def problem(weights):
    """Return what `class_weights` reads: splits whose classes are not equally frequent."""

    def split(*counts):
        return SimpleNamespace(targets=np.repeat(np.arange(len(counts)), counts))

    dataset = SimpleNamespace(
        name="made",
        signature=SimpleNamespace(labels=("a", "b")),
        train=split(8, 2),
        validation=split(1, 5),
        test=split(1, 9),
    )
    return SimpleNamespace(dataset=dataset, recipe=SimpleNamespace(loss=SimpleNamespace(class_weights=weights)))


def test_balanced_weights_count_the_training_split():
    np.testing.assert_allclose(class_weights(problem("balanced")), [10 / (2 * 8), 10 / (2 * 2)])


def test_no_weights():
    assert class_weights(problem(None)) is None


def test_the_number_of_weights_is_that_of_the_classes():
    with pytest.raises(ZooError, match=r"expected 2 numbers, one for each class of made, received 3"):
        class_weights(problem([1.0, 2.0, 3.0]))


def test_a_forecaster_that_is_not_trained_repeats_the_last_value(tmp_path):
    """Window and forecast have one unit, though the values to forecast lie above those of the windows."""
    from zoo.data.sources.load import load_dataset
    from zoo.recipe import load_recipe
    from zoo.tasks import TASKS
    from zoo.training.problem import set_up
    from zoo.training.saved_outputs import saved_outcomes

    rows = [f"{year}-01-01,{(year - 1900) ** 2},{-year}" for year in range(1900, 2000)]
    (tmp_path / "series.csv").write_text("day,y,x\n" + "\n".join(rows))
    (tmp_path / "short.yaml").write_text(
        "extends: [_base/forecasting, _base/adamw_cosine]\n"
        f"data: {{source: 'csv:{tmp_path}/series.csv', target: y, window: {{history: 8, horizon: 3}}}}\n"
        "preprocess: [{standardize: {}}]\nmodel: {name: nlinear}\ntraining: {epochs: 2, batch_size: 8}\n"
    )
    recipe = load_recipe(str(tmp_path / "short.yaml")).recipe
    task = TASKS["forecasting"]
    dataset = load_dataset(recipe.data, task, recipe.preprocess)
    problem = set_up(recipe, dataset)
    last = dataset.test.take(np.arange(len(dataset.test)))[:, -1:, 0]
    found = saved_outcomes(problem.views.saved, dataset.test, dataset.signature, task)
    np.testing.assert_allclose(found, np.repeat(last, 3, axis=1), rtol=1e-4)


def test_targets_in_the_unit_of_their_channels():
    from zoo.training.targets import TargetScale, in_units_of_input

    prepared = SimpleNamespace(scale=np.array([0.5, 0.1, 9.0]), offset=np.array([-2.0, -0.3, 1.0]), shape=(8, 3))
    several = in_units_of_input(TargetScale(np.zeros(2), np.ones(2)), prepared)
    np.testing.assert_allclose([several.mean, several.std], [[4, 3], [2, 10]])
    assert in_units_of_input(TargetScale(), prepared).lists() == ([4], [2])
