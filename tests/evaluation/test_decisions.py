"""Decisions by cost against a search over all thresholds, and conformal sets against the rate they promise."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.data.class_decisions import ClassDecisions
from zoo.errors import ZooError
from zoo.evaluation.decisions import (
    add_decisions,
    cheapest_threshold,
    check_decisions,
    decisions_of,
    set_probability,
    threshold_costs,
)
from zoo.evaluation.result import TaskResult
from zoo.recipe.evaluation_section import Cost, Evaluation


def problem(labels, validation=1000, **evaluation):
    return SimpleNamespace(
        recipe=SimpleNamespace(task="tabular_classification", evaluation=Evaluation(**evaluation)),
        dataset=SimpleNamespace(
            name="mine", signature=SimpleNamespace(labels=labels), validation=np.zeros(validation), test=None
        ),
    )


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.sampled_from([0.2, 1.0, 7.0]))
def test_no_threshold_is_cheaper(seed, count, miss):
    generator = np.random.default_rng(seed)
    scores = generator.choice([0.0, 0.1, 0.3, 0.35, 0.8, 0.99, 1.0], count)
    positive = generator.random(count) < scores

    def cost(threshold):
        return (~positive & (scores > threshold)).sum() + miss * (positive & (scores <= threshold)).sum()

    found = cheapest_threshold(scores, positive, false_positive=1.0, false_negative=miss)
    tried = np.concatenate([[-1, 2], np.linspace(0, 1, 201)])
    assert cost(found) == pytest.approx(min(map(cost, tried)))
    for place in (0, 1):  # the same decision as costs, for the exported graph
        rule = ClassDecisions(costs=threshold_costs(found, place))
        p = np.stack([1 - scores, scores] if place == 1 else [scores, 1 - scores], axis=1)
        np.testing.assert_array_equal(rule.classes(p) == place, scores > found)


def test_where_several_are_as_cheap_it_is_the_one_of_calibrated_probabilities():
    scores, positive = np.array([0.01, 0.02, 0.97]), np.array([False, False, True])
    assert cheapest_threshold(scores, positive, false_positive=1, false_negative=4) == pytest.approx(0.2)
    assert cheapest_threshold(scores, positive, false_positive=1, false_negative=99) == pytest.approx(0.495)


def test_the_least_expected_cost_of_several_classes():
    labels = ("ant", "bee", "fly")
    generator = np.random.default_rng(0)
    y, p = generator.integers(0, 3, (2, 300)), generator.dirichlet(np.ones(3), (2, 300))
    result = TaskResult({"validation": (y[0], p[0]), "test": (y[1], p[1])}, None)
    mine = problem(labels, cost=Cost(matrix={"ant": {"bee": 6.0}, "fly": {"ant": 0.5}}))
    rule = add_decisions(mine, result)
    costs = np.array([[0, 6, 1], [1, 0, 1], [0.5, 1, 0]])
    expected = [min(range(3), key=lambda answer: sum(row[t] * costs[t][answer] for t in range(3))) for row in p[1]]
    np.testing.assert_array_equal(rule.classes(p[1]), expected)
    facts = result.facts["decision"]
    assert facts["costs"] == costs.tolist() and facts["threshold"] is None
    assert facts["cost"]["test"] == pytest.approx(np.mean([costs[t][a] for t, a in zip(y[1], expected, strict=True)]))
    assert facts["cost_of_most_probable"]["test"] == pytest.approx(costs[y[1], p[1].argmax(1)].mean())
    assert np.sum(facts["confusion_matrix"]) == 300 and ClassDecisions.from_json(rule.to_json()) == rule


def test_a_dear_miss_lowers_the_threshold_and_the_cost():
    generator = np.random.default_rng(2)
    p = generator.beta(0.6, 2, 2000)
    y = (generator.random(2000) < p).astype(int)
    both = np.stack([1 - p, p], axis=1)
    result = TaskResult({"validation": (y[:1000], both[:1000]), "test": (y[1000:], both[1000:])}, None)
    rule = add_decisions(problem(("no", "yes"), cost=Cost(false_positive=1.0, false_negative=9.0)), result)
    facts = result.facts["decision"]
    assert facts["positive"] == "yes" and facts["threshold"] == pytest.approx(0.1, abs=0.08)
    assert facts["cost"]["test"] < 0.8 * facts["cost_of_most_probable"]["test"]
    np.testing.assert_array_equal(rule.classes(both), (p > facts["threshold"]).astype(int))


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_sets_hold_the_right_class_at_the_stated_rate(level):
    """Of exchangeable examples: averaged over calibrations, at least `level` and at most 1 / (n + 1) more."""
    generator = np.random.default_rng(0)
    covered, examples = [], 40
    for _ in range(600):
        p = generator.dirichlet([0.5, 0.5, 0.5, 0.5], 240)
        wrong = p**0.3 / (p**0.3).sum(1, keepdims=True)  # what the model says, which is not how the classes are drawn
        y = (p.cumsum(1) > generator.random((240, 1))).argmax(1)
        least = set_probability(wrong[:examples], y[:examples], level)
        sets = ClassDecisions(level=level, set_probability=least).sets(wrong[examples:])
        covered.append(sets[np.arange(200), y[examples:]].mean())
    error = 3 * np.std(covered) / np.sqrt(len(covered))
    assert level - error < np.mean(covered) < level + 1 / (examples + 1) + error


def test_facts_of_the_sets():
    p = np.array([[0.9, 0.1], [0.6, 0.4], [0.3, 0.7], [0.2, 0.8]] * 5, np.float32)
    y = np.array([0, 0, 1, 1] * 5)
    result = TaskResult({"validation": (y, p), "test": (y, p)}, None)
    rule = add_decisions(problem(("a", "b"), conformal=0.7), result)
    found = result.facts["prediction_sets"]
    assert rule.set_probability == pytest.approx(0.7) and found["probability"] == rule.set_probability
    assert found["coverage"] == 0.75 and found["mean_size"] == 0.75 and found["sizes"] == {"0": 0.25, "1": 0.75}
    assert found["coverage_by_class"] == {"a": 0.5, "b": 1.0} and found["examples"] == 20
    assert decisions_of(result.facts) == rule and decisions_of({}) is None


@pytest.mark.parametrize(
    ("labels", "evaluation", "message"),
    [
        ("abc", {"cost": Cost()}, r"of two classes, and there are 3; give evaluation.cost.matrix"),
        (
            ("ant", "bee"),
            {"cost": Cost(matrix={"ant": {"bea": 2.0}})},
            r"'bea'; did you mean 'bee'\? .*: ant, bee\)",
        ),
        ("ab", {"conformal": 0.95}, "0.95 needs the probabilities of at least 19 examples, and .* has 18"),
    ],
)
def test_what_does_not_fit_is_refused_before_training(labels, evaluation, message):
    with pytest.raises(ZooError, match=message):
        check_decisions(problem(tuple(labels), validation=18, **evaluation))


def test_damaged_costs():
    with pytest.raises(ValueError, match="square matrix"):
        ClassDecisions.from_json({"costs": [[0.0, 1.0]], "threshold": None, "level": None, "set_probability": 0.0})
