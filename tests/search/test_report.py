"""What a search's report says of its trials."""

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from in_ci import in_ci
from searching import end, objective_of, recipe_file, run_to_the_end, search_state

from zoo.search.importance import MIN_TRIALS, importance
from zoo.search.records import TrialRecord
from zoo.search.report import write_report


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return recipe_file(tmp_path_factory.mktemp("report"))


def page(folder):
    text = (folder / "report.html").read_text(encoding="utf-8")
    HTMLParser().feed(text)
    assert not re.search(r'(src|href)="(?!#|data:)', text)  # no other file, no network
    return text


@pytest.mark.parametrize("tuner", in_ci(["random", "hyperband"], but=["hyperband"]))
def test_report(tuner, path, tmp_path):
    made = search_state(path, tmp_path, f"search.tuner={tuner}")
    run_to_the_end(made)
    report = write_report(made)
    assert json.loads((tmp_path / "report.json").read_text()) == json.loads(json.dumps(report))
    objectives = {r.number: objective_of(r) for r in made.store.records.values()}
    assert report["best"]["figure"] == max(objectives.values())
    assert report["own"]["figure"] == objectives[0]
    assert [t["figure"] for t in report["trials"]] == list(objectives.values())
    assert report["seconds"] == pytest.approx(sum(t["seconds"] for t in report["trials"]))
    text = page(tmp_path)
    assert text.count("<svg") == 3 if tuner == "hyperband" else text.count("<svg") >= 3
    assert all(key in text for key in report["keys"])
    assert "extends: " in text


def test_cost_and_failures_are_shown(path, tmp_path):
    made = search_state(path, tmp_path, "search.cost={name: latency, weight: 0.0}", "search.max_trials=4")
    for number, (objective, cost) in enumerate([(0.5, 2.0), (0.6, 3.0), (0.4, 2.5)]):
        assert made.take("w").number == number
        end(made, made.store.records[number], objective=objective, cost=cost)
    made.put(made.take("w").number, "<b>no</b> room")
    report = write_report(made)
    assert report["pareto"] == [0, 1]
    text = page(tmp_path)
    assert "ms for one example" in text
    assert "&lt;b&gt;no&lt;/b&gt; room" in text


def test_one_trial_has_a_report(path, tmp_path):
    made = search_state(path, tmp_path, "search.max_trials=1")
    end(made, made.take("w"))
    assert write_report(made)["importance"] is None
    assert "Too few trials" in page(tmp_path)


def test_importance_finds_what_the_score_depends_on():
    generator = np.random.default_rng(0)
    trials = []
    for i in range(60):
        values = {"a": float(generator.random()), "b": [int(generator.integers(3))], "c": float(generator.random())}
        trials.append(TrialRecord(number=i, values=values, proposed={}, score=3 * values["a"] + values["b"][0]))
    found = importance(trials, ["a", "b", "c"])
    assert sum(found["shares"].values()) == pytest.approx(1)
    assert found["shares"]["c"] < 0.05 < 0.2 < min(found["shares"]["a"], found["shares"]["b"])
    assert found["out_of_bag_r2"] > 0.7
    assert importance(trials[: MIN_TRIALS - 1], ["a"]) is None
    assert (
        importance([TrialRecord(number=i, values={"a": i}, proposed={}, score=1.0) for i in range(20)], ["a"]) is None
    )


def test_noise_is_told_from_importance():
    generator = np.random.default_rng(1)
    trials = [
        TrialRecord(number=i, values={"a": float(generator.random())}, proposed={}, score=float(generator.random()))
        for i in range(40)
    ]
    assert importance(trials, ["a"])["out_of_bag_r2"] < 0.2
