"""How much an analysis may compute: large networks of images see fewer examples, so that it ends in minutes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.backend.size import count_flops

if TYPE_CHECKING:
    from zoo.training.problem import Problem

MAX_FLOPS = 3e13  # of one part of an analysis: ten minutes of two CPU cores
GRADIENT_PASSES = 3  # forward passes that take as long as a gradient with respect to the input
MIN_EXAMPLES = 20


def examples_within(problem: Problem, passes: float, most: int) -> int:
    """Return how many examples the network can see so many times each, from 20 to `most`.

    Other inputs than images are so small that their number alone is a bound.
    """
    if problem.dataset.signature.kind != "image":
        return most
    flops = count_flops(problem.views.network, length=problem.preprocessor.shape[0])
    return max(min(most, int(MAX_FLOPS / (max(flops, 1) * passes))), min(most, MIN_EXAMPLES))
