"""Gradient attacks: the smallest change of each number that raises the loss most, within a bound epsilon.

FGSM: Goodfellow, Shlens and Szegedy, 2015, https://arxiv.org/abs/1412.6572. PGD: Madry et al., 2018,
https://arxiv.org/abs/1706.06083.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

STEPS = 10  # of PGD
STEP_SIZE = 0.25  # of PGD, as a fraction of epsilon

Gradient = Callable[[np.ndarray, np.ndarray], np.ndarray]  # examples and targets to the gradient of the loss


def fgsm(gradient: Gradient, x: np.ndarray, y: np.ndarray, bound: np.ndarray, *, low: float, high: float) -> np.ndarray:
    """Take one step by the sign of the gradient.

    Args:
        gradient: of the loss.
        x: examples, `(n, …)`.
        y: their targets.
        bound: largest change of each number, of a shape that broadcasts to that of one example; 0 where none may be.
        low: smallest number that an example may hold.
        high: the largest.
    """
    return np.clip(x + bound * np.sign(gradient(x, y)), low, high).astype(x.dtype)


def pgd(
    gradient: Gradient, x: np.ndarray, y: np.ndarray, bound: np.ndarray, *, low: float, high: float, seed: int
) -> np.ndarray:
    """Take ten steps from a random start, each followed by a projection into the bound; see `fgsm`."""
    found = x + bound * np.random.default_rng(seed).uniform(-1, 1, x.shape)
    for _ in range(STEPS):
        found = np.clip(found, low, high).astype(x.dtype)
        found = found + STEP_SIZE * bound * np.sign(gradient(found, y))
        found = np.clip(found, x - bound, x + bound)
    return np.clip(found, low, high).astype(x.dtype)
