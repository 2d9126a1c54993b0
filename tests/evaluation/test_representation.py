"""`zoo evaluate RUN --representation`: what simple methods make of the features before the head."""

import json

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.neighbors import KNeighborsRegressor

import zoo as package
from zoo.errors import ZooError
from zoo.evaluation.metrics.probes import SPLITS, probe
from zoo.evaluation.metrics.value_probes import probe_values
from zoo.evaluation.representation import feature_vectors, value_groups


@pytest.fixture
def numbers():
    """Return features of three splits, and two targets that are linear in them, with noise."""
    generator = np.random.default_rng(0)
    x = {split: generator.normal(size=(n, 6)) for split, n in zip(SPLITS, (400, 100, 200), strict=True)}
    weights = generator.normal(size=(6, 2))
    return x, {split: rows @ weights + 0.3 * generator.normal(size=(len(rows), 2)) for split, rows in x.items()}


def test_probes_of_numbers_are_scikit_learns(numbers):
    x, y = numbers
    found = probe_values(x, y)
    wanted = LinearRegression().fit(x["train"], y["train"]).score(x["test"], y["test"])
    assert found["linear"]["r2"] == pytest.approx(wanted, abs=2e-3) and found["linear"]["penalty"] < 100
    mean, deviation = x["train"].mean(0), x["train"].std(0)
    scaled = {split: (rows - mean) / deviation for split, rows in x.items()}
    near = {
        k: KNeighborsRegressor(k).fit(scaled["train"], y["train"]).score(scaled["validation"], y["validation"])
        for k in (1, 5, 10, 20, 50)
    }
    k = max(near, key=near.get)
    assert found["neighbors"]["k"] == k and found["neighbors"]["validation"] == pytest.approx(near[k])
    test = KNeighborsRegressor(k).fit(scaled["train"], y["train"]).score(scaled["test"], y["test"])
    assert found["neighbors"]["r2"] == pytest.approx(test)
    assert found["spectrum"]["dimensions"] == 6 and found["spectrum"]["effective_rank"] > 5
    one = {split: values[:, 0] for split, values in y.items()}
    assert probe_values(x, one)["linear"]["r2"] > 0.9


def test_numbers_are_coloured_by_fifths():
    values = np.random.default_rng(0).permutation(np.arange(100.0))
    groups, names = value_groups(values)
    assert np.bincount(groups).tolist() == [20] * 5 and names[0] == "0 to 19.8"
    assert (np.diff(groups[np.argsort(values)]) >= 0).all()
    groups, names = value_groups(np.full((4, 2), 3.0))
    assert groups.tolist() == [0] * 4 and names == ["3 to 3"]


def test_report_probes_what_the_head_sees(analysed):
    run, said = analysed("table")
    found, report = said["representation"], json.loads((run / "report.json").read_text())
    assert found == report["representation"] and found["notes"] == []
    assert found["examples"] == {split: report["examples"][split] for split in SPLITS}
    page = (run / "report.html").read_text()
    for words in ("linear probe", "nearest neighbors", "k-means clusters", "effective rank", "t-SNE"):
        assert words in page[page.index('id="representation"') :], words

    from zoo.data.sources.load import load_dataset
    from zoo.tasks import TASKS

    loaded = package.load(run)
    recipe, model = loaded.recipe().recipe, loaded.model
    dataset = load_dataset(recipe.data, TASKS[recipe.task], recipe.preprocess)
    vectors = {s: feature_vectors(package.features(model), getattr(dataset, s), dataset.signature) for s in SPLITS}
    (network,) = [
        layer for layer in model.layers if any(each.name == "logits" for each in getattr(layer, "layers", []))
    ]
    logits = vectors["test"] @ network.get_layer("logits").kernel.numpy() + network.get_layer("logits").bias.numpy()
    odds = np.exp(logits - logits.max(1, keepdims=True))
    accuracy = ((odds / odds.sum(1, keepdims=True)).argmax(1) == dataset.test.targets).mean()
    assert accuracy == pytest.approx(report["metrics"]["test"]["accuracy"])
    again = probe(vectors, {s: getattr(dataset, s).targets for s in SPLITS}, seed=recipe.training.seed)
    assert again["linear"]["accuracy"] == pytest.approx(found["probes"]["linear"]["accuracy"])
    assert again["clustering"]["nmi"] == pytest.approx(found["probes"]["clustering"]["nmi"])


@pytest.mark.ci
@pytest.mark.parametrize(("kind", "name"), [("regression", "r2"), ("text", "accuracy")])
def test_numbers_and_texts_have_probes(analysed, kind, name):
    run, said = analysed(kind)
    found = said["representation"]
    assert found["probes"]["linear"][name] > 0.5 and found["probes"]["spectrum"]["dimensions"] == 8
    assert "linear probe" in (run / "report.html").read_text()


def test_what_has_no_features_is_refused():
    with pytest.raises(ZooError, match=r"evaluation\.representation: probes the features .* model\.ensemble"):
        package.load_recipe("mlp/wine", ["evaluation.representation=true", "model.ensemble=2"])
    with pytest.raises(ZooError, match=r"is not computed for forecasting, only for image_classification"):
        package.load_recipe("lstm/elnino", ["evaluation.representation=true"])
