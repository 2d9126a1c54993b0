"""What an exported classifier gives beside probabilities: a class by its cost, and sets of classes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

OOD_SCORE = "ood_score"  # output of a file, and of the Keras model that it is compared with


@dataclass(frozen=True, kw_only=True)
class ClassDecisions:
    """How probabilities become answers, where it is not by the most probable class alone.

    Attributes:
        costs: cost of each answer (columns) for an example of each class (rows), the label being the class with the
            least expected cost; None where it is the most probable one.
        threshold: of two classes, the probability of the positive one above which it is the label.
        level: fraction of examples whose class is to be in their prediction set; None where there are no sets.
        set_probability: the probability from which a class is in the set.
        ood_quantiles: the 95% and 99% quantiles of the score of validation examples that tells how unlike training an
            example is; above the second it is unusual. None where there is no score.
    """

    costs: tuple[tuple[float, ...], ...] | None = None
    threshold: float | None = None
    level: float | None = None
    set_probability: float = 0.0
    ood_quantiles: tuple[float, float] | None = None

    def classes(self, probabilities: np.ndarray) -> np.ndarray:
        """Return the class of each example, `(n,)`, from probabilities `(n, classes)`."""
        if self.costs is None:
            return np.asarray(probabilities.argmax(1))
        return self.expected_costs(probabilities).argmin(1)

    def expected_costs(self, probabilities: np.ndarray) -> np.ndarray:
        """Return the expected cost of each answer, float32 `(n, classes)`."""
        return np.asarray(probabilities, np.float32) @ np.array(self.costs, np.float32)

    def sets(self, probabilities: np.ndarray) -> np.ndarray:
        """Return which classes are in the prediction set of each example, bool `(n, classes)`."""
        return np.asarray(probabilities, np.float32) >= np.float32(self.set_probability)

    def to_json(self) -> dict[str, Any]:
        """Return the decisions as plain data."""
        return {
            "costs": None if self.costs is None else [list(row) for row in self.costs],
            "threshold": self.threshold,
            "level": self.level,
            "set_probability": self.set_probability,
            "ood_quantiles": None if self.ood_quantiles is None else list(self.ood_quantiles),
        }

    @classmethod
    def from_json(cls, facts: Mapping[str, Any]) -> ClassDecisions:
        """Return what `to_json` wrote.

        Raises:
            ValueError: it holds something else.
        """
        costs = facts["costs"]
        rows = None if costs is None else tuple(tuple(map(float, row)) for row in costs)
        if rows is not None and not all(len(row) == len(rows) and all(map(math.isfinite, row)) for row in rows):
            raise ValueError("expected a square matrix of costs")
        quantiles = facts.get("ood_quantiles")
        return cls(
            ood_quantiles=None if quantiles is None else (float(quantiles[0]), float(quantiles[1])),
            costs=rows,
            threshold=None if facts["threshold"] is None else float(facts["threshold"]),
            level=None if facts["level"] is None else float(facts["level"]),
            set_probability=float(facts["set_probability"]),
        )
