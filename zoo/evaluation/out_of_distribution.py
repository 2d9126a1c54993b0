"""Examples unlike those of training: the Mahalanobis distance of their features to the nearest class.

Lee, Lee, Lee and Shin, "A simple unified framework for detecting out-of-distribution samples and adversarial attacks",
2018, arXiv:1807.03888, on the features before the head.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.errors import ZooError
from zoo.evaluation.metrics.common import draw_at_most
from zoo.tasks import TASKS

if TYPE_CHECKING:
    from keras import Model

    from zoo.data.dataset import Dataset, Split
    from zoo.evaluation.result import TaskResult, TrainedTask
    from zoo.training.problem import Problem

MAX_EXAMPLES = 10_000  # of training, whose features are taken
MAX_FEATURES = 1024  # the file holds the square of their number
QUANTILES = (0.95, 0.99)  # of the scores of validation examples; above the last one, an example is unusual


@dataclass(frozen=True, kw_only=True)
class FeatureStatistics:
    """Features of training examples.

    Attributes:
        center: their mean, `(features,)`.
        projection: whitens what differs from it within the classes, `(features, features)`.
        means: of each class that occurs, after both, `(classes, features)`.
        examples: their number.
    """

    center: np.ndarray
    projection: np.ndarray
    means: np.ndarray
    examples: int

    def scores(self, found: np.ndarray) -> np.ndarray:
        """Return the squared distance to the nearest class, `(n,)`, from features `(n, features)`."""
        whitened = (found - self.center) @ self.projection
        return np.min([np.square(whitened - mean).sum(1) for mean in self.means], axis=0)


def check_features(problem: Problem) -> None:
    """Check that the network has features whose distances can be in a file.

    Raises:
        ZooError: it has none, or too many.
    """
    from zoo.layers.head import features

    if not problem.recipe.evaluation.ood:
        return
    try:
        count = features(problem.views.saved).output_shape[-1]
    except ZooError as error:
        raise ZooError(f"evaluation.ood: {error}") from error
    if count > MAX_FEATURES:
        raise ZooError(
            f"evaluation.ood: {problem.recipe.model.name} has {count:,} features, and distances are taken of at most "
            f"{MAX_FEATURES:,}; leave it out"
        )


def feature_statistics(model: Model, dataset: Dataset, task: str) -> FeatureStatistics:
    """Return the statistics of at most 10,000 training examples, drawn at random.

    The covariance within the classes is shrunk as Ledoit and Wolf (2004) do, since there may be more features than
    examples.

    Args:
        model: a model that was saved.
        dataset: its data.
        task: name of the task.
    """
    from sklearn.covariance import ledoit_wolf

    train = dataset.train.part(draw_at_most(len(dataset.train), MAX_EXAMPLES, 0))
    found, y = features_of(model, train, dataset, task), train.targets
    center = found.mean(0)
    classes = np.unique(y)
    means = np.stack([found[y == i].mean(0) for i in classes])
    within = found - means[np.searchsorted(classes, y)]
    covariance = ledoit_wolf(within, assume_centered=True)[0]
    size, axes = np.linalg.eigh(covariance)
    projection = axes / np.sqrt(np.maximum(size, 1e-6 * max(size.max(), 1e-12)))
    return FeatureStatistics(
        center=center, projection=projection, means=(means - center) @ projection, examples=len(train)
    )


def features_of(model: Model, split: Split, dataset: Dataset, task: str) -> np.ndarray:
    """Return the features of raw examples, float64 `(n, features)`."""
    from zoo.layers.head import features
    from zoo.training.saved_outputs import saved_outcomes

    found = saved_outcomes(features(model), split, dataset.signature, TASKS[task]).astype(np.float64)
    return found.reshape(len(found), -1, found.shape[-1]).mean(1)


def add_ood(trained: TrainedTask, result: TaskResult) -> None:
    """Add `out_of_distribution` to the facts of a result, where the recipe asks for it.

    It holds the `score`, the number of `features`, the `examples` of training they were taken of, the `quantiles` of
    the scores on validation, and the fraction of validation and test examples that are `unusual`, above the last one.
    """
    recipe, dataset = trained.problem.recipe, trained.problem.dataset
    if not recipe.evaluation.ood or not np.isfinite(result.outputs["test"][1]).all():
        return
    statistics = feature_statistics(trained.model, dataset, recipe.task)
    scores = {
        name: statistics.scores(features_of(trained.model, split, dataset, recipe.task))
        for name, split in (("validation", dataset.validation), ("test", dataset.test))
    }
    quantiles = np.quantile(scores["validation"], QUANTILES)
    facts: dict[str, Any] = {
        "score": "mahalanobis",
        "features": len(statistics.center),
        "examples": statistics.examples,
        "quantiles": {str(q): float(value) for q, value in zip(QUANTILES, quantiles, strict=True)},
        "unusual": {name: float((values > quantiles[-1]).mean()) for name, values in scores.items()},
    }
    result.facts["out_of_distribution"] = facts
