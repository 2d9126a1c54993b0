"""A power law through errors at several numbers of training examples, and what it says of more of them.

Hestness et al. 2017, "Deep Learning Scaling is Predictable, Empirically", https://arxiv.org/abs/1712.00409.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MIN_SIZES = 4  # of training sets: the law has three numbers
MAX_EXPONENT = 2.0
_RESAMPLES = 400


@dataclass(frozen=True, kw_only=True)
class PowerLaw:
    """error(n) = floor + gain (n / largest)^-exponent.

    Attributes:
        floor: the error that no number of examples goes below.
        gain: the error at the largest size, less the floor.
        exponent: how fast it falls; 0 is not at all.
        largest: number of examples that `gain` is of.
    """

    floor: float
    gain: float
    exponent: float
    largest: int

    def error(self, examples: float) -> float:
        """Return the error that the law gives for a number of examples."""
        return float(self.floor + self.gain * (examples / self.largest) ** -self.exponent)


def fit_power_law(examples: np.ndarray, errors: np.ndarray) -> PowerLaw:
    """Fit the law by least squares, with floor and gain not negative and the exponent between 0 and 2.

    Args:
        examples: numbers of training examples, `(sizes,)`, at least four different ones.
        errors: of the models trained on them, `(sizes,)`, finite.

    Raises:
        ValueError: there are too few sizes, or an error is not finite.
    """
    from scipy.optimize import curve_fit

    examples, errors = np.asarray(examples, np.float64), np.asarray(errors, np.float64)
    if len(np.unique(examples)) < MIN_SIZES or not np.isfinite(errors).all():
        raise ValueError(f"needs finite errors at {MIN_SIZES} sizes or more. Received: {examples}, {errors}")
    scale = max(float(np.abs(errors).max()), np.finfo(np.float64).tiny)
    x, y = examples / examples.max(), errors / scale

    def law(x: np.ndarray, floor: float, gain: float, exponent: float) -> np.ndarray:
        return np.asarray(floor + gain * x**-exponent)

    lowest = max(float(y.min()), 0.0)
    found = None
    for start in ((0.5 * lowest, 0.5 * lowest + 1e-3, 0.5), (0.0, lowest + 1e-3, 0.2), (0.9 * lowest, 0.1, 1.0)):
        values, _ = curve_fit(law, x, y, p0=start, bounds=([0, 0, 0], [np.inf, np.inf, MAX_EXPONENT]), max_nfev=5000)
        loss = float(((law(x, *values) - y) ** 2).sum())
        if found is None or loss < found[0]:
            found = loss, values
    assert found is not None
    floor, gain, exponent = found[1]
    return PowerLaw(
        floor=float(floor * scale), gain=float(gain * scale), exponent=float(exponent), largest=int(examples.max())
    )


def resampled_laws(examples: np.ndarray, errors: np.ndarray, drawn: np.ndarray, *, seed: int = 0) -> list[PowerLaw]:
    """Fit the law again to resamples, at most 400: what it says of more examples varies as its data does.

    Each has errors on a resample of the validation examples, and residuals of the fit, whose signs are drawn (the wild
    bootstrap, Wu 1986) and which are widened for the three numbers that the fit takes, so that what training draws
    counts too.

    Args:
        examples: `(sizes,)`.
        errors: `(sizes,)`.
        drawn: errors on resamples of the validation examples, the same for each size, `(resamples, sizes)`.
        seed: of the signs.

    Returns:
        A law for each resample whose errors are finite.
    """
    law, generator = fit_power_law(examples, errors), np.random.default_rng(seed)
    residuals = np.asarray(errors) - [law.error(n) for n in examples]
    residuals = residuals * np.sqrt(len(examples) / max(1, len(examples) - 3))
    noisy = (row + residuals * generator.choice([-1.0, 1.0], len(residuals)) for row in drawn[:_RESAMPLES])
    return [fit_power_law(examples, row) for row in noisy if np.isfinite(row).all()]
