"""`zoo evaluate RUN --robustness`: the report and its page have the metric by strength, beside the baseline's."""

import json
import shutil

import pytest

import zoo as package
from zoo.errors import ZooError
from zoo.evaluation.robustness import attacked, images, tables, texts
from zoo.evaluation.robustness.corruption import LEVELS

CASES = {
    "image": (images.CORRUPTIONS, attacked.PIXEL_STEPS),
    "table": (tables.CORRUPTIONS, attacked.DEVIATIONS),
    "text": (texts.CORRUPTIONS, ()),
}


@pytest.fixture
def copied(trained, tmp_path):
    """Return a function from a kind of data to a copy of its run, which a test may change."""

    def copy(kind):
        folder = tmp_path / "copied"
        shutil.copytree(trained(kind).run, folder)
        return folder

    return copy


IN_CI = [pytest.param(kind, marks=pytest.mark.ci) for kind in ("table", "text")]


@pytest.mark.parametrize("kind", ["image", *IN_CI])
def test_report_and_page_have_the_metric_by_strength(zoo, copied, kind):
    run, (corruptions, epsilons) = copied(kind), CASES[kind]
    before = json.loads((run / "report.json").read_text())
    code, out, err = zoo("evaluate", str(run), "--robustness", "--json")
    assert code == 0, err
    said, report = json.loads(out), json.loads((run / "report.json").read_text())
    found = report["robustness"]
    assert said["robustness"] == found and said["metrics"] == before["metrics"]["test"]
    assert {**report, "created": 0} == {**before, "robustness": found, "created": 0}
    assert found["examples"] == found["of"] == before["examples"]["test"] and not found["notes"]
    # the baseline is fitted again, and is the one of the report
    assert found["clean"] == {"metric": before["metrics"]["test"]["accuracy"]} | {
        "baseline": before["baseline"]["test"]["accuracy"]
    }
    wanted = [(each.name, level) for each in corruptions for level in range(1, LEVELS + 1)]
    assert [(row["name"], row["level"]) for row in found["corruptions"]] == wanted
    assert all(0 <= row["metric"] <= 1 and 0 <= row["baseline"] <= 1 for row in found["corruptions"])
    assert len({row["metric"] for row in found["corruptions"]}) > 1
    assert [row["strength"] for row in found["attacks"]] == [*epsilons, *epsilons]
    if epsilons:
        one_step, several = [row["metric"] for row in found["attacks"]][LEVELS - 1 :: LEVELS]
        assert several <= one_step <= found["attacked"]["metric"]
    page = (run / "report.html").read_text()
    assert 'href="#robustness"' in page and all(each.name.lower() in page.lower() for each in corruptions)
    assert ("Gradient attacks" in page) == bool(epsilons)
    # the report that is written again keeps it
    assert package.load(run).report.facts["robustness"] == found


@pytest.mark.ci
def test_report_keeps_what_was_added_and_python_adds_it(copied):
    from zoo.commands.report import report

    run = copied("array")
    found = package.evaluate(run, robustness=True)["robustness"]
    assert {row["name"] for row in found["corruptions"]} == {"noise", "missing values"}
    assert found["clean"]["metric"] > min(row["metric"] for row in found["attacks"])
    assert report(run)["robustness"] == found


def test_it_is_refused_for_new_data_and_for_other_tasks(copied, trained, zoo):
    run = trained("tags").run
    code, _, err = zoo("evaluate", str(run), "--robustness")
    assert code == 2 and "--robustness is not computed for sequence_labeling" in err and "forecasting" in err
    with pytest.raises(ZooError, match="test split of the run"):
        package.evaluate(trained("table").run, trained("table").data, robustness=True)


def test_a_recipe_asks_for_it_only_where_it_is_computed(tmp_path):
    code = package.load_recipe("mlp/digits", ["evaluation.robustness=true"])
    assert code.recipe.evaluation.robustness
    with pytest.raises(ZooError, match=r"evaluation\.robustness: .*is not computed for language_modeling"):
        package.load_recipe("transformer/tiny_shakespeare", ["evaluation.robustness=true"])
