"""One task, and the sources and token ids that tasks speak of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PADDING, UNKNOWN, START, END = range(4)  # ids of the special tokens; symbols count from 4
LABEL_THRESHOLD = 0.5  # multi-label: the probability from which an example counts as having a label
IGNORED_PIXEL = 255  # the class, in masks, of pixels that take no part in loss and metrics; classes lie below

TABLE_SOURCES = ("csv", "parquet", "jsonl")  # whose examples are the rows of a table
BOX_SOURCES = ("coco", "yolo", "voc")  # images with boxes
FILE_SOURCES = (  # `SOURCE:PATH`: the user's own files
    *("folder", "masks", "mvtec", *BOX_SOURCES, *TABLE_SOURCES),
    *("npz", "conll", "text", "ts"),
)
WRITTEN_SOURCES = ("tfds", "builtin", *FILE_SOURCES)  # the others are `SOURCE:NAME`
ANALYSES = (
    "robustness",
    "attribution",
    "representation",
)  # that `evaluation:` or `zoo evaluate` can ask for
MEMORY = "memory"  # what a Python program gives, `zoo.train(…, data=…)`: no recipe file names it
SOURCES = (*WRITTEN_SOURCES, MEMORY)

LOWER_IS_BETTER = frozenset(  # metrics; of all others more is better
    {
        *("loss", "log_loss", "brier_score", "expected_calibration_error"),
        *("mae", "rmse", "mse", "mape", "median_absolute_error", "mase", "smape"),
        *("bits_per_token", "perplexity", "token_error_rate", "character_error_rate", "fid", "kid"),
    }
)

Kind = Literal[
    "classification",
    "multi_label",
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


@dataclass(frozen=True, kw_only=True)
class Task:
    """One task. A stage asks its attributes, or has a table from its kind to functions.

    Attributes:
        name: what recipes call it.
        kind: what the target is. It decides the head, the metrics, the report's sections and the export's outputs.
        inputs: kinds of input data that the task takes.
        sources: kinds of source that hold such data.
        losses: losses that fit the task.
        primary: the metric that headlines and that is compared with the baseline's.
        monitor: what training watches on validation to choose the best epoch.
        beta: weight of recall in the metric `f_beta`.
        positive: of two classes, the one that `f_beta` and `average_precision` count; the second where it is None.
        baselines: baselines that fit the task.
        tried: of those, the ones that are tried beside the recipe's, as they take seconds on small data.
        labeled: each example has a class, to learn or to tell examples apart.
        needs_no_classes: a folder of images without folders of classes does, too: then all have one class.
        classifies: the target is that class, and the output its probabilities.
        multi_label: the target is a set of labels, none to all of them, and the output a probability of each.
        several_targets: `data.target` may be a list of columns.
        like: the task whose builders serve this one, too, because their heads are the same.
        scales_targets: the targets are numbers, which are standardised for training.
        forecasts: the examples are windows of a series.
        decodes: the output is a sequence that is generated token by token, each from those before it.
        labels_pixels: the target is a class for each pixel.
        labels_tokens: the target is a class for each token of the input.
        reconstructs: the target is the network's own input.
        finds_anomalies: training sees the normal classes alone, and the target says which examples are abnormal.
        scans_series: the examples are windows of a series, of which each stands for its last step.
        makes_images: the model makes images from noise.
        embeds: the saved model gives embeddings, which are evaluated by a classifier on top of them.
        takes_sequences: the arrays of an example are sequences `(steps, features)`, not vectors `(features,)`.
        reads_corpus: the source is running text, which is cut into windows of characters.
        published: further kinds of input, of files that hold a published network.
        fills_in: the network predicts characters that are hidden.
        analyses: what can be added to the evaluation (`ANALYSES`).
    """

    name: str
    kind: Kind
    inputs: tuple[str, ...]
    sources: tuple[str, ...]
    losses: tuple[str, ...]
    primary: str
    monitor: str = "loss"
    beta: float = 1.0
    positive: str | None = None
    baselines: tuple[str, ...]
    tried: tuple[str, ...] = ()
    labeled: bool = False
    needs_no_classes: bool = False
    classifies: bool = False
    multi_label: bool = False
    several_targets: bool = False
    like: str = ""
    scales_targets: bool = False
    forecasts: bool = False
    decodes: bool = False
    labels_pixels: bool = False
    labels_tokens: bool = False
    reconstructs: bool = False
    finds_anomalies: bool = False
    scans_series: bool = False
    makes_images: bool = False
    embeds: bool = False
    takes_sequences: bool = False
    reads_corpus: bool = False
    fills_in: bool = False
    published: tuple[str, ...] = ()
    analyses: tuple[str, ...] = ()

    @property
    def greater_is_better(self) -> bool:
        """The direction of the primary metric."""
        return self.primary not in LOWER_IS_BETTER

    @property
    def is_stratified(self) -> bool:
        """Whether cuts keep the proportions of the classes, or of the labels."""
        return self.labeled or self.multi_label
