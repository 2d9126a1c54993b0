"""Tasks: what a recipe's `task:` fixes. Plain data, so that every stage and the recipe check can read it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PADDING, UNKNOWN, START, END = range(4)  # ids of the special tokens; symbols count from 4

Kind = Literal[
    "classification",
    "regression",
    "forecasting",
    "tokens",
    "sequences",
    "transcription",
    "segmentation",
    "detection",
    "reconstruction",
    "anomaly",
    "generation",
    "representation",
]
_LABELED = ("classification", "reconstruction", "anomaly", "generation", "representation")


@dataclass(frozen=True)
class Task:
    """One task.

    Attributes:
        name: what recipes call it.
        kind: what the target is. It decides the head, the figures, the report's sections and the export's outputs.
        inputs: kinds of input data that the task takes.
        sources: kinds of source that hold such data.
        losses: losses that fit the task.
        primary: the metric that headlines and that compares with the baseline.
        greater_is_better: direction of the primary metric.
        monitor: what is watched while training, and chooses the best epoch on validation.
        baselines: baselines that fit the task.
    """

    name: str
    kind: Kind
    inputs: tuple[str, ...]
    sources: tuple[str, ...]
    losses: tuple[str, ...]
    primary: str
    greater_is_better: bool
    monitor: str
    baselines: tuple[str, ...]

    @property
    def labeled(self) -> bool:
        """Whether the source gives a class for each example, to learn or to tell examples apart."""
        return self.kind in _LABELED

    @property
    def scored(self) -> Kind:
        """The kind that figures are computed for: representations are judged by a classifier on top of them."""
        return "classification" if self.kind == "representation" else self.kind

    @property
    def reads_corpus(self) -> bool:
        """Whether the source is running text, which is cut into windows of characters."""
        return self.name in ("language_modeling", "masked_language_modeling")

    @property
    def fills_in(self) -> bool:
        """Whether the network is to say what is hidden of a text."""
        return self.name == "masked_language_modeling"

    @property
    def reconstructs(self) -> bool:
        """Whether the network is held to its own input."""
        return self.kind in ("reconstruction", "anomaly")


_ANY = ("k_nearest_neighbors", "random_forest", "gradient_boosting", "support_vector_machine")
_CLASSIFIERS = ("majority_class", "logistic_regression", *_ANY)
_REGRESSORS = ("mean", "ridge", *_ANY)
_CLASSIFICATION_LOSSES = (
    "categorical_crossentropy",
    "sparse_categorical_crossentropy",
    "binary_crossentropy",
    "focal",
)
_REGRESSION_LOSSES = ("mean_squared_error", "mean_absolute_error", "huber")
_RECONSTRUCTION_LOSSES = ("mean_squared_error", "mean_absolute_error", "binary_crossentropy")
_IMAGES = ("tfds", "builtin", "folder", "npz")
_TABLES = ("tfds", "builtin", "csv", "parquet", "npz")
_STORED = ("tfds", "builtin")

TASKS: dict[str, Task] = {
    "image_classification": Task(
        "image_classification",
        "classification",
        ("image",),
        _IMAGES,
        _CLASSIFICATION_LOSSES,
        "accuracy",
        True,
        "accuracy",
        _CLASSIFIERS,
    ),
    "tabular_classification": Task(
        "tabular_classification",
        "classification",
        ("table", "array"),
        _TABLES,
        _CLASSIFICATION_LOSSES,
        "accuracy",
        True,
        "accuracy",
        _CLASSIFIERS,
    ),
    "tabular_regression": Task(
        "tabular_regression",
        "regression",
        ("table", "array"),
        _TABLES,
        _REGRESSION_LOSSES,
        "mae",
        False,
        "mae",
        _REGRESSORS,
    ),
    "sequence_classification": Task(
        "sequence_classification",
        "classification",
        ("text", "array"),
        (*_STORED, "npz"),
        _CLASSIFICATION_LOSSES,
        "accuracy",
        True,
        "accuracy",
        ("majority_class", "logistic_regression", "random_forest", "gradient_boosting"),
    ),
    "sequence_regression": Task(
        "sequence_regression",
        "regression",
        ("array",),
        (*_STORED, "npz"),
        _REGRESSION_LOSSES,
        "mse",
        False,
        "loss",
        _REGRESSORS,
    ),
    "node_classification": Task(
        "node_classification",
        "classification",
        ("graph",),
        _STORED,
        _CLASSIFICATION_LOSSES,
        "accuracy",
        True,
        "accuracy",
        ("label_spreading", *_CLASSIFIERS),
    ),
    "graph_classification": Task(
        "graph_classification",
        "classification",
        ("graph",),
        _STORED,
        _CLASSIFICATION_LOSSES,
        "accuracy",
        True,
        "accuracy",
        _CLASSIFIERS,
    ),
    "sequence_labeling": Task(
        "sequence_labeling",
        "tokens",
        ("tokens",),
        _STORED,
        ("masked_crossentropy",),
        "token_accuracy",
        True,
        "loss",
        ("most_frequent_token",),
    ),
    "language_modeling": Task(
        "language_modeling",
        "tokens",
        ("text",),
        (*_STORED, "text"),
        ("masked_crossentropy",),
        "bits_per_token",
        False,
        "loss",
        ("unigram", "ngram"),
    ),
    "masked_language_modeling": Task(
        "masked_language_modeling",
        "tokens",
        ("text",),
        (*_STORED, "text"),
        ("masked_crossentropy",),
        "bits_per_token",
        False,
        "loss",
        ("unigram",),
    ),
    "sequence_to_sequence": Task(
        "sequence_to_sequence",
        "sequences",
        ("text",),
        _STORED,
        ("masked_crossentropy",),
        "exact_match",
        True,
        "loss",
        ("nearest_source",),
    ),
    "transcription": Task(
        "transcription",
        "transcription",
        ("image",),
        _STORED,
        ("ctc",),
        "character_error_rate",
        False,
        "loss",
        ("most_frequent_text",),
    ),
    "forecasting": Task(
        "forecasting",
        "forecasting",
        ("array",),
        (*_STORED, "csv"),
        _REGRESSION_LOSSES,
        "mase",
        False,
        "loss",
        ("naive", "seasonal_naive", "exponential_smoothing", "arima"),
    ),
    "semantic_segmentation": Task(
        "semantic_segmentation",
        "segmentation",
        ("image",),
        _STORED,
        ("pixel_crossentropy", "dice", "crossentropy_dice", "focal"),
        "mean_iou",
        True,
        "loss",
        ("most_frequent_class", "pixel_forest"),
    ),
    "object_detection": Task(
        "object_detection",
        "detection",
        ("image",),
        _STORED,
        ("center_net",),
        "ap50",
        True,
        "loss",
        ("template_boxes",),
    ),
    "reconstruction": Task(
        "reconstruction",
        "reconstruction",
        ("image",),
        _IMAGES,
        _RECONSTRUCTION_LOSSES,
        "mse",
        False,
        "loss",
        ("pca",),
    ),
    "anomaly_detection": Task(
        "anomaly_detection",
        "anomaly",
        ("image",),
        _IMAGES,
        _RECONSTRUCTION_LOSSES,
        "auroc",
        True,
        "loss",
        ("pca_error", "isolation_forest"),
    ),
    "image_generation": Task(
        "image_generation",
        "generation",
        ("image",),
        _IMAGES,
        ("adversarial", "denoising"),
        "fid",
        False,
        "loss",
        ("gaussian_mixture",),
    ),
    "representation_learning": Task(
        "representation_learning",
        "representation",
        ("image",),
        _IMAGES,
        ("nt_xent", "supcon", "contrastive", "triplet", "masked_pixels"),
        "accuracy",
        True,
        "loss",
        ("pca", "pixels"),
    ),
}


def words(name: str) -> str:
    """Write a name that recipes use as words, for example `pca_error` as "PCA error"."""
    return " ".join("PCA" if word == "pca" else word for word in name.split("_"))
