"""Decisions of a classifier that are calibrated on validation: a threshold by cost, and conformal prediction sets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.data.class_decisions import ClassDecisions
from zoo.data.prediction_intervals import min_examples, rank_of_bound
from zoo.errors import ZooError, did_you_mean, listing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zoo.evaluation.result import Outputs, TaskResult
    from zoo.recipe.evaluation_section import Cost
    from zoo.recipe.schema import Recipe
    from zoo.training.problem import Problem

_USUAL_COST = 1.0  # of an error that a recipe gives no cost


def check_decisions(problem: Problem) -> None:
    """Check that the classes of a recipe's costs are there, and that validation is large enough for prediction sets.

    Raises:
        ZooError: they are not.
    """
    evaluation, dataset = problem.recipe.evaluation, problem.dataset
    if evaluation.cost is not None:
        cost_matrix(evaluation.cost, dataset.signature.labels, problem.recipe)
    level, count = evaluation.conformal, len(dataset.validation)
    if level is not None and count < min_examples(level):
        raise ZooError(
            f"evaluation.conformal: {level:g} needs the probabilities of at least {min_examples(level)} examples, and "
            f"the validation split of {dataset.name} has {count}; raise data.validation, or leave it out"
        )


def cost_matrix(cost: Cost, labels: Sequence[str], recipe: Recipe) -> np.ndarray:
    """Return the cost of each answer (columns) for an example of each class (rows).

    Raises:
        ZooError: false positives of other than two classes, or a class that is not there.
    """
    found = _USUAL_COST * (1 - np.eye(len(labels)))
    if cost.matrix is None:
        if len(labels) != 2:
            raise ZooError(
                f"evaluation.cost: false_positive and false_negative are of two classes, and there are {len(labels)}; "
                "give evaluation.cost.matrix: {TRUE_CLASS: {ANSWER: COST}}"
            )
        positive = positive_class(recipe, labels)
        found[1 - positive, positive] = cost.false_positive or 1.0
        found[positive, 1 - positive] = cost.false_negative or 1.0
        return found
    for true, row in cost.matrix.items():
        for answer, value in row.items():
            for name in map(str, (true, answer)):
                if name not in labels:
                    raise ZooError(
                        f"evaluation.cost.matrix: no class '{name}'{did_you_mean(name, labels)} "
                        f"(classes: {listing(labels)})"
                    )
            found[labels.index(str(true)), labels.index(str(answer))] = value
    return found


def positive_class(recipe: Recipe, labels: Sequence[str]) -> int:
    """Return the number of the class that is looked for: the recipe's, or the second."""
    positive = recipe.evaluation.positive
    return 1 if positive is None else list(labels).index(str(positive))


def cheapest_threshold(
    scores: np.ndarray, positive: np.ndarray, *, false_positive: float, false_negative: float
) -> float:
    """Return the threshold with the least cost, a score above it being positive.

    Of a range of thresholds with that cost it is the one nearest to `false_positive / (false_positive +
    false_negative)`, the best for calibrated probabilities (Elkan, "The foundations of cost-sensitive learning", 2001).

    Args:
        scores: probabilities of the positive class, shape `(n,)`.
        positive: which examples are positive, bool of shape `(n,)`.
        false_positive: cost of a positive answer for a negative example.
        false_negative: cost of a negative answer for a positive example.
    """
    order = np.argsort(scores, kind="stable")
    values, places = np.unique(scores[order], return_index=True)
    missed = np.concatenate([[0], np.cumsum(positive[order])])[np.append(places, len(order))]
    alarms = (~positive).sum() - np.concatenate([[0], np.cumsum(~positive[order])])[np.append(places, len(order))]
    costs = false_positive * alarms + false_negative * missed  # with the threshold between two distinct scores
    edges = np.concatenate([[min(0.0, values[0] - 1e-6)], values, [max(1.0, values[-1] + 1e-6)]])
    wanted = false_positive / (false_positive + false_negative)
    cheapest = np.flatnonzero(costs <= costs.min() + 1e-9 * max(1.0, abs(costs.min())))
    low, high = edges[cheapest], edges[cheapest + 1]
    inside = (low < wanted) & (wanted < high)
    if inside.any():
        return float(wanted)
    middle = (low + high) / 2  # between two scores, so that rounding decides on neither
    return float(middle[np.argmin(np.abs(middle - wanted))])


def set_probability(probabilities: np.ndarray, y: np.ndarray, level: float) -> float:
    """Return the probability from which a class is in the prediction set.

    Split conformal prediction with the least ambiguous sets (Sadinle, Lei and Wasserman, "Least ambiguous set-valued
    classifiers with bounded error levels", 2019, arXiv:1609.00451): of n probabilities of the true classes the
    ceil((n + 1) level)-th largest.

    Args:
        probabilities: of validation examples, shape `(n, classes)`.
        y: their classes, shape `(n,)`.
        level: fraction of examples whose class is to be in the set.
    """
    true = np.sort(probabilities[np.arange(len(y)), y])[::-1]
    return float(true[rank_of_bound(len(true), level) - 1])


def add_decisions(problem: Problem, result: TaskResult) -> ClassDecisions | None:
    """Add `decision` and `prediction_sets` to the facts of a result, where the recipe asks for them.

    `decision` holds `labels`, `costs`, of two classes `positive` and `threshold`, the mean `cost` of the decisions and
    that of the most probable class, `cost_of_most_probable`, on validation and test, and the answers on the test
    split, `confusion_matrix`. `prediction_sets` holds `level`, `probability`, the `examples` it was calibrated on, and
    of the test split `coverage`, `mean_size`, the fraction of sets of each size, `sizes`, and `coverage_by_class`.
    """
    if not all(np.isfinite(output).all() for _, output in result.outputs.values()):
        return None
    evaluation, labels = problem.recipe.evaluation, problem.dataset.signature.labels
    if evaluation.cost is not None:
        result.facts["decision"] = _decision(problem.recipe, evaluation.cost, labels, result.outputs)
    if evaluation.conformal is not None:
        result.facts["prediction_sets"] = _prediction_sets(evaluation.conformal, labels, result.outputs)
    return decisions_of(result.facts)


def decisions_of(facts: dict[str, Any]) -> ClassDecisions | None:
    """Return the decisions that a report's facts describe; None where it has none."""
    decision, sets, ood = (facts.get(key) for key in ("decision", "prediction_sets", "out_of_distribution"))
    if decision is None and sets is None and ood is None:
        return None
    costs = threshold = None
    if decision is not None:
        threshold = decision["threshold"]
        costs = tuple(map(tuple, decision["costs"]))
        if threshold is not None:
            costs = threshold_costs(threshold, decision["labels"].index(decision["positive"]))
    return ClassDecisions(
        costs=costs,
        threshold=threshold,
        level=None if sets is None else sets["level"],
        set_probability=0.0 if sets is None else sets["probability"],
        ood_quantiles=None if ood is None else (ood["quantiles"]["0.95"], ood["quantiles"]["0.99"]),
    )


def threshold_costs(threshold: float, positive: int) -> tuple[tuple[float, ...], ...]:
    """Return costs by which the positive class is the cheaper answer where its probability is above the threshold."""
    rows = [[0.0, threshold], [1 - threshold, 0.0]]
    return tuple(map(tuple, rows if positive == 1 else [row[::-1] for row in rows[::-1]]))


def _decision(recipe: Recipe, cost: Cost, labels: Sequence[str], outputs: Outputs) -> dict[str, Any]:
    costs, threshold, positive = cost_matrix(cost, labels, recipe), None, None
    used = tuple(map(tuple, costs.tolist()))
    if len(labels) == 2:
        place = positive_class(recipe, labels)
        y, p = outputs["validation"]
        threshold = cheapest_threshold(
            np.asarray(p[:, place], np.float64),
            y == place,
            false_positive=costs[1 - place, place],
            false_negative=costs[place, 1 - place],
        )
        positive, used = labels[place], threshold_costs(threshold, place)
    rule = ClassDecisions(costs=used)
    chosen = {split: rule.classes(outputs[split][1]) for split in ("validation", "test")}
    matrix = np.zeros((len(labels), len(labels)), int)
    np.add.at(matrix, (outputs["test"][0], chosen["test"]), 1)
    return {
        "labels": list(labels),
        "costs": costs.tolist(),
        "positive": positive,
        "threshold": threshold,
        "cost": {split: float(costs[outputs[split][0], found].mean()) for split, found in chosen.items()},
        "cost_of_most_probable": {
            split: float(costs[outputs[split][0], outputs[split][1].argmax(1)].mean()) for split in chosen
        },
        "confusion_matrix": matrix.tolist(),
    }


def _prediction_sets(level: float, labels: Sequence[str], outputs: Outputs) -> dict[str, Any]:
    y, p = outputs["validation"]
    rule = ClassDecisions(level=level, set_probability=set_probability(p, y, level))
    y_test, sets = outputs["test"][0], rule.sets(outputs["test"][1])
    covered, sizes = sets[np.arange(len(sets)), y_test], sets.sum(1)
    return {
        "level": level,
        "probability": rule.set_probability,
        "examples": len(y),
        "coverage": float(covered.mean()),
        "mean_size": float(sizes.mean()),
        "sizes": {str(size): float((sizes == size).mean()) for size in np.unique(sizes).tolist()},
        "coverage_by_class": {
            label: float(covered[y_test == i].mean()) if (y_test == i).any() else None for i, label in enumerate(labels)
        },
    }
