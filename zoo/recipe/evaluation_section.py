"""The section `evaluation:`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from zoo.recipe.types import NonNegative, PositiveNumber, Section


class Cost(Section):
    """What wrong answers of a classifier cost; a right one costs nothing."""

    false_positive: PositiveNumber | None = Field(
        None, description="two classes: of `positive` for an example of the other; 1 where left out"
    )
    false_negative: PositiveNumber | None = Field(
        None, description="two classes: of the other for an example of `positive`; 1 where left out"
    )
    matrix: dict[str | int, dict[str | int, NonNegative]] | None = Field(
        None, description="true class to answer to cost; 1 for the errors that are left out"
    )


class Evaluation(Section):
    """What the model is measured by, and compared with."""

    metric: str | None = Field(
        None,
        description="the metric that headlines, that chooses the best epoch on validation, and that is compared with "
        "the baseline's; the task's own where left out",
    )
    beta: PositiveNumber | None = Field(None, description="weight of recall in f_beta; 1 where left out")
    positive: str | int | None = Field(
        None, description="of two classes, the one that is looked for; the second where left out"
    )
    baseline: str | None = Field(None, description="a simple method that is fitted on the same training split")
    baselines: list[str] | None = Field(
        None,
        description="methods that are tried beside `baseline`: the report compares with the best of them on "
        "validation; [] for none, left out for those of the task that take seconds",
    )
    intervals: Annotated[float, Field(ge=0.5, lt=1)] | None = Field(
        None,
        description="regression, forecasting: fraction of values that are to lie between two bounds, `lower` and "
        "`upper`, which are calibrated on the validation split (split conformal prediction)",
    )
    temperature: bool = Field(
        False,
        description="classification: divide the logits of the saved model by the number that gives the lowest log loss "
        "on validation",
    )
    cost: Cost | None = Field(
        None,
        description="classification: the class with the least expected cost is the label; of two classes by a "
        "threshold that is chosen on validation",
    )
    conformal: Annotated[float, Field(ge=0.5, lt=1)] | None = Field(
        None,
        description="classification: fraction of examples whose class is to be in their prediction set, which is "
        "calibrated on validation (split conformal prediction)",
    )
    ood: bool = Field(
        False,
        description="classification: the exported file tells how unlike the training examples an example is "
        "(out-of-distribution score: the Mahalanobis distance of its features)",
    )
    folds: Annotated[int, Field(ge=2, le=100)] | None = Field(
        None,
        description="cross-validation: beside the run's own model, train this many, each evaluated on the part of the "
        "training and validation examples that it has not seen; `zoo tune` does so for the best alone",
    )
    robustness: bool = Field(
        False,
        description="evaluate on corrupted test examples too: noise, blur, typos, missing values and others in five "
        "strengths, and gradient attacks; `zoo evaluate RUN --robustness` does so for a finished run",
    )
    attribution: bool = Field(
        False,
        description="explain the worst mistakes by integrated gradients and Grad-CAM, and measure the importance of "
        "columns, channels and steps by shuffling them; `zoo evaluate RUN --attribution` does so for a finished run",
    )
    representation: bool = Field(
        False,
        description="probe the features before the head: linear, nearest neighbors, few-shot, clusters, rank, "
        "and a layout in the plane; `zoo evaluate RUN --representation` does so for a finished run",
    )
    features: str | None = Field(
        None,
        description="generation: the recipe of a classifier, whose features of real and generated images are compared; "
        "those of random convolutions, which need no labels, where left out",
    )
    samples: Annotated[int, Field(ge=100)] | None = Field(
        None, description="generation: number of images to generate for the evaluation; 2,000 where left out"
    )
