"""Generation: images drawn from a mixture of Gaussians."""

from __future__ import annotations

from zoo.evaluation.baselines import gaussian_mixture
from zoo.evaluation.baselines.data import EVALUATED_SPLITS, BaselineData, BaselineResult, Method


def draw_from_mixture(data: BaselineData, seed: int) -> BaselineResult:
    """Fit a mixture of Gaussians to the training images, and return the rows of images that it draws."""
    inputs, image_features = data.required("inputs"), data.required("image_features")
    mixture = gaussian_mixture.fit(inputs("train"), seed=seed)
    rows = image_features(mixture.draw(data.samples, seed))
    return BaselineResult(dict.fromkeys(EVALUATED_SPLITS, rows), mixture.converged)


METHODS: dict[str, Method] = {"gaussian_mixture": draw_from_mixture}
