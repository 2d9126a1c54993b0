"""What the evaluation of a trained model gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from keras import Model
    from rich.console import Console

    from zoo.training.problem import Problem
    from zoo.training.run import Run

Outputs = dict[str, tuple[np.ndarray, np.ndarray]]  # split to targets and outputs, as `evaluate` takes them


@dataclass(frozen=True)
class TaskResult:
    """A trained model's outputs, and what the report says beside the metrics.

    Attributes:
        outputs: `test`, and the other splits that the kind of task evaluates.
        baseline: what `fit_and_run_baseline` returns, or None.
        facts: entries of `report.json` beside the metrics. Generation: `features` and `memorization`. Embeddings:
            `probes`. Anomalies: `threshold`.
        pictures: what the page shows. Generation: `samples` (images), `nearest` (pairs of a generated image and its
            nearest training image), `epochs` (epoch to the file of its grid). Embeddings: `layout`, points of the plane
            and their classes.
    """

    outputs: Outputs
    baseline: dict[str, Any] | None
    facts: dict[str, Any] = field(default_factory=dict)
    pictures: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class TrainedTask:
    """A trained model with what its evaluation needs.

    Attributes:
        problem: data and model.
        model: the saved model: what is evaluated is what was saved.
        folder: the run folder.
        console: where progress is shown.
        train: `zoo.commands.train.train`, which trains the classifier of generated images if it is not in the cache.
    """

    problem: Problem
    model: Model
    folder: Path
    console: Console
    train: Callable[..., Run]
