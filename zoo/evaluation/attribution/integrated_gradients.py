"""Integrated gradients: Sundararajan, Taly and Yan, "Axiomatic attribution for deep networks", 2017,
https://arxiv.org/abs/1703.01365.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

STEPS = (32, 64, 128, 256)  # points of the integral; more are taken until it is complete
TOLERANCE = 0.01  # of the change of the output, up to which an integral counts as complete
MIN_CHANGE = 1e-3  # of the output, as which a smaller one counts
MAX_POINT_VALUES = 1 << 22  # numbers in the points that are differentiated at a time


@dataclass(frozen=True, kw_only=True)
class Attribution:
    """How much each number of an example adds to the output.

    Attributes:
        values: of the shape of the example.
        output: of the model for the example.
        reference: its output for the reference.
        gap: what the values lack to add up to the difference of the two.
        steps: points of the integral.
    """

    values: np.ndarray
    output: float
    reference: float
    gap: float
    steps: int

    @property
    def has_gradient(self) -> bool:
        """Whether the output changes with any number, or does not change at all."""
        return bool(self.values.any()) or abs(self.output - self.reference) < MIN_CHANGE


def integrated_gradients(
    output: Callable[[np.ndarray], np.ndarray],
    gradient: Callable[[np.ndarray], np.ndarray],
    x: np.ndarray,
    reference: np.ndarray,
    *,
    max_points: int = sum(STEPS),
) -> Attribution:
    """Integrate the gradient along the line from a reference to an example, by Gauss and Legendre's rule.

    The values add up to the difference of the outputs (completeness). Points are doubled until they do, up to 1%, or
    until there are 256, or all attempts together would take more than `max_points`.

    Args:
        output: examples `(n, …)` to one number each.
        gradient: of that number, `(n, …)`.
        x: the example.
        reference: an example that says nothing, of the same shape.
        max_points: of all attempts together; the first attempt takes 32 in any case.
    """
    first, last = (float(value) for value in output(np.stack([reference, x])))
    change = np.asarray(x, np.float64) - reference
    found: Attribution | None = None
    for place, steps in enumerate(STEPS):
        if place and sum(STEPS[: place + 1]) > max_points:
            break
        nodes, weights = np.polynomial.legendre.leggauss(steps)
        places = (nodes + 1) / 2
        size = max(1, MAX_POINT_VALUES // max(1, x.size))
        mean = np.zeros(x.shape)
        for start in range(0, steps, size):
            part = slice(start, start + size)
            points = reference + places[part].reshape(-1, *[1] * x.ndim) * change
            mean += np.tensordot(weights[part] / 2, gradient(points.astype(x.dtype)), axes=1)
        values = mean * change
        gap = last - first - float(values.sum())
        if found is None or abs(gap) < abs(found.gap):
            found = Attribution(values=values, output=last, reference=first, gap=gap, steps=steps)
        if abs(gap) <= TOLERANCE * max(abs(last - first), MIN_CHANGE):
            break
    assert found is not None
    return found
