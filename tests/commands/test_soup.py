"""One model of several runs: the mean of their weights."""

import json

import numpy as np
import pytest

import zoo
from zoo.errors import ZooError

SHORT = ["training.epochs=6", "optimizer.learning_rate.warmup_epochs=0.5", "evaluation.baselines=[]"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two runs that began with the same weights, and one that began with others."""
    folder = tmp_path_factory.mktemp("runs")
    settings = (
        ["optimizer.learning_rate.peak=0.01"],
        ["optimizer.learning_rate.peak=0.02"],
        ["optimizer.learning_rate.peak=0.02", "training.seed=7"],
    )
    return [zoo.train("mlp/wine", [*SHORT, *each], runs=folder, export=False) for each in settings]


def mean(runs):
    weights = [run.model.get_weights() for run in runs]
    return [np.mean(each, axis=0) for each in zip(*weights, strict=True)]


@pytest.mark.ci
@pytest.mark.parametrize("uniform", [True, False])
def test_the_weights_are_the_mean_of_those_that_were_taken(runs, tmp_path, uniform):
    made = zoo.soup(runs, uniform=uniform, runs=tmp_path)
    facts = json.loads((made / "data.json").read_text())["soup"]
    by_name = {run.folder.name: run for run in runs}
    taken = [by_name[each["run"]] for each in facts["runs"] if each["taken"]]
    assert len(facts["runs"]) == 3 and (len(taken) == 3) == uniform
    for found, expected in zip(made.model.get_weights(), mean(taken), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-7)
    best = max(run.metrics["validation"]["accuracy"] for run in runs)
    assert uniform or made.metrics["validation"]["accuracy"] >= best
    assert made.exported.predict({c.name: [1.0] for c in made.exported.columns}).labels is not None
    assert (
        "pretrained" not in (made / "recipe.yaml").read_text()
        or zoo.load_recipe(made / "recipe.yaml").recipe.model.pretrained is None
    )


@pytest.mark.ci
def test_runs_of_other_networks_or_data_are_refused(runs, tmp_path):
    other = zoo.train("mlp/wine", [*SHORT, "model.widths=[8]"], runs=tmp_path, export=False)
    with pytest.raises(ZooError, match=r"differs from .* in model, and weights of one network add up"):
        zoo.soup([runs[0], other], runs=tmp_path)
    with pytest.raises(ZooError, match="expected two runs or more, received 1"):
        zoo.soup([runs[0], runs[0]][:1], runs=tmp_path)
    with pytest.raises(ZooError, match="expected two runs or more"):
        zoo.soup([runs[0], runs[0]], runs=tmp_path)


@pytest.mark.ci
def test_an_interrupted_soup_does_not_become_a_training(runs, tmp_path):
    made = zoo.soup(runs[:2], runs=tmp_path, export=False)
    (made / "model.keras").unlink()
    with pytest.raises(ZooError, match="this soup was interrupted"):
        zoo.train(resume=made)
