"""`zoo evaluate RUN --robustness`: the report and its page have the metric by strength, beside the baseline's."""

import json
import shutil
from types import SimpleNamespace

import pytest

import zoo as package
from zoo.errors import ZooError
from zoo.evaluation.analyses import check_analyses
from zoo.evaluation.baselines import run
from zoo.evaluation.robustness import attacked, images, measure, tables, texts
from zoo.evaluation.robustness.corruption import LEVELS

CASES = {
    "image": (images.CORRUPTIONS, attacked.PIXEL_STEPS),
    "table": (tables.CORRUPTIONS, attacked.DEVIATIONS),
    "text": (texts.CORRUPTIONS, ()),
}


IN_CI = [pytest.param(kind, marks=pytest.mark.ci) for kind in ("image", "text")]


@pytest.mark.parametrize("kind", ["table", *IN_CI])
@pytest.mark.ci
def test_report_and_page_have_the_metric_by_strength(analysed, trained, kind):
    (run, said), (corruptions, epsilons) = analysed(kind), CASES[kind]
    before, report = (json.loads((folder / "report.json").read_text()) for folder in (trained(kind).run, run))
    found = report["robustness"]
    assert said["robustness"] == found and said["metrics"] == before["metrics"]["test"]
    added = {name: report[name] for name in ("robustness", "attribution", "representation", "created")}
    assert report == {**before, **added}
    assert found["examples"] == found["of"] == before["examples"]["test"] and not found["notes"]
    # the baseline is fitted again, and is the one of the report
    assert found["clean"] == {"metric": before["metrics"]["test"]["accuracy"]} | {
        "baseline": before["baseline"]["test"]["accuracy"]
    }
    wanted = [(each.name, level) for each in corruptions for level in range(1, LEVELS + 1)]
    assert [(row["name"], row["level"]) for row in found["corruptions"]] == wanted
    assert all(0 <= row["metric"] <= 1 and 0 <= row["baseline"] <= 1 for row in found["corruptions"])
    assert len({row["metric"] for row in found["corruptions"]}) > 1
    if kind == "table":  # whose classes one column tells apart
        by_name = {(row["name"], row["level"]): row for row in found["corruptions"]}
        for who in ("metric", "baseline"):
            assert by_name["missing values", LEVELS][who] < by_name["unseen categories", LEVELS][who]
    assert [row["strength"] for row in found["attacks"]] == [*epsilons, *epsilons]
    if epsilons:
        one_step, several = [row["metric"] for row in found["attacks"]][LEVELS - 1 :: LEVELS]
        assert several <= one_step <= found["attacked"]["metric"]
    page = (run / "report.html").read_text()
    assert 'href="#robustness"' in page and all(each.name.lower() in page.lower() for each in corruptions)
    assert ("Gradient attacks" in page) == bool(epsilons)
    assert package.load(run).report.facts["robustness"] == found


@pytest.mark.ci
def test_the_command_adds_it_and_a_report_made_again_keeps_it(trained, tmp_path, zoo):
    run = tmp_path / "copied"
    shutil.copytree(trained("array").run, run)
    code, out, err = zoo("evaluate", str(run), "--robustness", "--json")
    assert code == 0, err
    found = json.loads(out)["robustness"]
    assert {row["name"] for row in found["corruptions"]} == {"noise", "missing values"}
    assert found["clean"]["metric"] > min(row["metric"] for row in found["attacks"])
    code, out, err = zoo("report", str(run), "--json")
    assert code == 0 and json.loads(out)["robustness"] == found


def test_it_is_refused_for_new_data_and_for_other_tasks(trained):
    with pytest.raises(ZooError, match=r"--robustness is not computed for sequence_labeling, only for .* forecasting"):
        check_analyses("sequence_labeling", ["robustness"])
    with pytest.raises(ZooError, match="test split of the run"):
        package.evaluate(trained("table").run, trained("table").data, robustness=True)


def test_a_recipe_asks_for_it_only_where_it_is_computed(tmp_path):
    code = package.load_recipe("mlp/digits", ["evaluation.robustness=true"])
    assert code.recipe.evaluation.robustness
    with pytest.raises(ZooError, match=r"evaluation\.robustness: .*is not computed for language_modeling"):
        package.load_recipe("transformer/tiny_shakespeare", ["evaluation.robustness=true"])


@pytest.mark.ci
def test_forecasts_get_worse_with_their_past(tmp_path):
    changes = [
        "training.epochs=2",
        "evaluation.baseline=ridge",
        "evaluation.baselines=[]",
        "evaluation.robustness=true",
    ]
    run = package.train("lstm/elnino", [*changes, "evaluation.attribution=true"], runs=tmp_path, export=False)
    report = run.report.facts
    found, task = report["robustness"], report["metrics"]["test"]
    assert found["clean"]["metric"] == pytest.approx(task["mase"])
    assert found["clean"]["baseline"] == pytest.approx(report["baseline"]["test"]["mase"])
    assert {row["name"] for row in found["corruptions"]} == {"noise", "missing stretches", "offset"}
    worst = [row for row in found["corruptions"] if row["level"] == LEVELS]
    assert all(row["baseline"] > 1.3 * found["clean"]["baseline"] for row in worst)
    assert found["attacks"][-1]["metric"] > found["attacked"]["metric"]
    for entry in report["attribution"]["mistakes"]:
        assert len(entry["by_step"]) == 48
        assert sum(entry["by_step"]) == pytest.approx(entry["output"] - entry["reference"] - entry["gap"], abs=1e-4)
    assert report["attribution"]["importance"][0]["name"].startswith("step -")


def test_outputs_of_the_baseline_stand_beside_their_case_or_are_left_out(monkeypatch):
    monkeypatch.setattr(run, "run_baseline_on", lambda recipe, preprocessor, cases, **_: {name: name for name in cases})
    data = SimpleNamespace(series=None)
    cases = [measure.Case(split=None, dataset=data)]
    cases += [measure.Case(split=None, dataset=data, name=name, strength=0.5) for name in ("noise", "blur")]
    trained = SimpleNamespace(problem=SimpleNamespace(recipe=None, preprocessor=None))
    notes = []
    quick, slow = (SimpleNamespace(baseline={"name": "ridge", "seconds": seconds}) for seconds in (1, 1000))
    assert measure._baseline(trained, quick, cases, notes) == [" 0", "noise 0.5", "blur 0.5"] and not notes
    assert measure._baseline(trained, slow, cases, notes) == [None] * 3
    assert "would take 1000 s, more than 600" in notes[0]
    assert measure._baseline(trained, SimpleNamespace(baseline=None), cases, []) == [None] * 3
