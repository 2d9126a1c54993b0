"""Tasks, sources and token ids: plain data that every stage and the recipe's checks read."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
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
MEMORY = "memory"  # what a Python program gives, `zoo.train(…, data=…)`: no recipe file names it
SOURCES = (*WRITTEN_SOURCES, MEMORY)

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
        greater_is_better: direction of the primary metric.
        monitor: what training watches on validation to choose the best epoch.
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
        fills_in: the network predicts characters that are hidden.
    """

    name: str
    kind: Kind
    inputs: tuple[str, ...]
    sources: tuple[str, ...]
    losses: tuple[str, ...]
    primary: str
    greater_is_better: bool = True
    monitor: str = "loss"
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


_STORED = ("tfds", "builtin")
_IMAGES = (*_STORED, "folder", *TABLE_SOURCES, "npz", MEMORY)
_CLIPS = (*_STORED, "folder", *TABLE_SOURCES, "npz", MEMORY)
_GRAPHS = (*_STORED, *TABLE_SOURCES, MEMORY)
_TABLES = (*_STORED, *TABLE_SOURCES, "npz", MEMORY)

_ANY = ("k_nearest_neighbors", "random_forest", "gradient_boosting", "support_vector_machine")
_CLASSIFIERS = ("majority_class", "logistic_regression", *_ANY)
_REGRESSORS = ("mean", "ridge", *_ANY)

_REGRESSION_LOSSES = ("mean_squared_error", "mean_absolute_error", "huber")

_classification = partial(
    Task,
    tried=("majority_class", "logistic_regression"),
    kind="classification",
    losses=("categorical_crossentropy", "sparse_categorical_crossentropy", "binary_crossentropy", "focal"),
    primary="accuracy",
    monitor="accuracy",
    labeled=True,
    classifies=True,
)
_multi_label = partial(
    Task,
    kind="multi_label",
    losses=("binary_crossentropy",),
    primary="mean_average_precision",
    baselines=("label_rates", "logistic_regression", "k_nearest_neighbors", "random_forest", "gradient_boosting"),
    tried=("label_rates", "logistic_regression"),
    multi_label=True,
    several_targets=True,
)
_regression = partial(
    Task,
    kind="regression",
    losses=_REGRESSION_LOSSES,
    greater_is_better=False,
    baselines=_REGRESSORS,
    tried=("mean", "ridge", "gradient_boosting"),
    scales_targets=True,
    several_targets=True,
)
_tokens = partial(Task, kind="tokens", losses=("masked_crossentropy",))
_language = partial(
    _tokens,
    inputs=("text",),
    sources=(*_STORED, "text", MEMORY),
    primary="bits_per_token",
    greater_is_better=False,
    reads_corpus=True,
)

_reconstruction = partial(
    Task,
    inputs=("image",),
    losses=("mean_squared_error", "mean_absolute_error", "binary_crossentropy"),
    labeled=True,
    reconstructs=True,
)

_ALL = (
    _classification(name="image_classification", inputs=("image",), sources=_IMAGES, baselines=_CLASSIFIERS),
    _multi_label(
        name="image_multi_label_classification",
        inputs=("image",),
        sources=(*_STORED, *TABLE_SOURCES),
        like="image_classification",
    ),
    _regression(
        name="image_regression",
        inputs=("image",),
        sources=(*TABLE_SOURCES, "npz", MEMORY),
        primary="mae",
        monitor="mae",
        like="image_classification",
    ),
    _classification(
        name="audio_classification",
        inputs=("audio",),
        sources=_CLIPS,
        baselines=_CLASSIFIERS,
        tried=("majority_class", "logistic_regression", "random_forest"),
    ),
    _classification(
        name="tabular_classification",
        inputs=("table", "array"),
        sources=_TABLES,
        baselines=_CLASSIFIERS,
        tried=("majority_class", "logistic_regression", "gradient_boosting"),
    ),
    _multi_label(
        name="tabular_multi_label_classification",
        inputs=("table",),
        sources=(*TABLE_SOURCES, MEMORY),
        like="tabular_classification",
        tried=("label_rates", "logistic_regression", "gradient_boosting"),
    ),
    _regression(name="tabular_regression", inputs=("table", "array"), sources=_TABLES, primary="mae", monitor="mae"),
    _classification(
        name="sequence_classification",
        inputs=("text", "array"),
        takes_sequences=True,
        sources=(*_STORED, "folder", *TABLE_SOURCES, "ts", "npz", MEMORY),
        baselines=("majority_class", "logistic_regression", "random_forest", "gradient_boosting"),
    ),
    _multi_label(
        name="sequence_multi_label_classification",
        inputs=("text",),
        takes_sequences=True,
        sources=(*TABLE_SOURCES, MEMORY),
        like="sequence_classification",
        baselines=("label_rates", "logistic_regression", "random_forest", "gradient_boosting"),
    ),
    _regression(
        name="sequence_regression",
        inputs=("text", "array"),
        takes_sequences=True,
        sources=(*_STORED, *TABLE_SOURCES, "ts", "npz", MEMORY),
        primary="mse",
    ),
    _classification(
        name="node_classification",
        inputs=("graph",),
        sources=_GRAPHS,
        baselines=("label_spreading", *_CLASSIFIERS),
        tried=("majority_class", "logistic_regression", "label_spreading"),
    ),
    _classification(
        name="graph_classification",
        inputs=("graph",),
        sources=_GRAPHS,
        baselines=_CLASSIFIERS,
        tried=("majority_class", "logistic_regression", "random_forest"),
    ),
    _regression(
        name="graph_regression",
        inputs=("graph",),
        sources=_GRAPHS,
        primary="mae",
        monitor="mae",
        tried=("mean", "ridge", "random_forest"),
    ),
    _tokens(
        name="sequence_labeling",
        inputs=("tokens", "text"),
        sources=(*_STORED, "conll", *TABLE_SOURCES, MEMORY),
        primary="token_accuracy",
        baselines=("most_frequent_token", "unigram_tagger"),
        labels_tokens=True,
    ),
    _language(name="language_modeling", baselines=("unigram", "ngram"), tried=("unigram",)),
    _language(name="masked_language_modeling", baselines=("unigram",), fills_in=True),
    Task(
        name="sequence_to_sequence",
        kind="sequences",
        inputs=("text",),
        sources=(*_STORED, *TABLE_SOURCES, MEMORY),
        losses=("masked_crossentropy",),
        primary="exact_match",
        baselines=("nearest_source",),
        decodes=True,
    ),
    Task(
        name="transcription",
        kind="transcription",
        inputs=("image",),
        sources=(*_STORED, *TABLE_SOURCES, MEMORY),
        losses=("ctc",),
        primary="character_error_rate",
        greater_is_better=False,
        baselines=("most_frequent_text",),
    ),
    Task(
        name="forecasting",
        kind="forecasting",
        inputs=("array", "series"),
        sources=(*_STORED, *TABLE_SOURCES, MEMORY),
        losses=_REGRESSION_LOSSES,
        primary="mase",
        greater_is_better=False,
        baselines=("naive", "seasonal_naive", "drift", "ridge", "exponential_smoothing", "arima"),
        tried=("naive", "seasonal_naive", "drift", "ridge", "exponential_smoothing", "arima"),
        scales_targets=True,
        several_targets=True,
        forecasts=True,
    ),
    Task(
        name="semantic_segmentation",
        kind="segmentation",
        inputs=("image",),
        sources=(*_STORED, "masks", MEMORY),
        losses=("pixel_crossentropy", "dice", "crossentropy_dice", "focal"),
        primary="mean_iou",
        baselines=("most_frequent_class", "pixel_forest"),
        tried=("most_frequent_class",),
        labels_pixels=True,
    ),
    Task(
        name="object_detection",
        kind="detection",
        inputs=("image",),
        sources=(*_STORED, *BOX_SOURCES, MEMORY),
        losses=("center_net",),
        primary="ap50",
        baselines=("template_boxes",),
    ),
    _reconstruction(
        name="reconstruction",
        kind="reconstruction",
        sources=_IMAGES,
        primary="mse",
        greater_is_better=False,
        baselines=("pca",),
        needs_no_classes=True,
    ),
    _reconstruction(
        name="anomaly_detection",
        kind="anomaly",
        sources=(*_IMAGES, "mvtec"),
        primary="auroc",
        baselines=("pca_error", "isolation_forest"),
        finds_anomalies=True,
    ),
    Task(
        name="tabular_anomaly_detection",
        kind="anomaly",
        inputs=("table",),
        sources=(*TABLE_SOURCES, MEMORY),
        losses=_REGRESSION_LOSSES,
        primary="auroc",
        baselines=("pca_error", "isolation_forest"),
        tried=("pca_error", "isolation_forest"),
        labeled=True,
        reconstructs=True,
        finds_anomalies=True,
    ),
    Task(
        name="series_anomaly_detection",
        kind="anomaly",
        inputs=("array",),
        sources=(*TABLE_SOURCES, MEMORY),
        losses=_REGRESSION_LOSSES,
        primary="auroc",
        baselines=("rolling_mean", "pca_error", "isolation_forest"),
        tried=("rolling_mean", "pca_error", "isolation_forest"),
        labeled=True,
        reconstructs=True,
        finds_anomalies=True,
        scans_series=True,
    ),
    Task(
        name="image_generation",
        kind="generation",
        inputs=("image",),
        sources=_IMAGES,
        losses=("adversarial", "denoising"),
        primary="fid",
        greater_is_better=False,
        baselines=("gaussian_mixture",),
        labeled=True,
        needs_no_classes=True,
        makes_images=True,
    ),
    Task(
        name="representation_learning",
        kind="representation",
        inputs=("image",),
        sources=_IMAGES,
        losses=("nt_xent", "supcon", "contrastive", "triplet", "masked_pixels"),
        primary="accuracy",
        baselines=("pca", "pixels"),
        labeled=True,
        embeds=True,
    ),
)

TASKS: dict[str, Task] = {task.name: task for task in _ALL}


def words(name: str) -> str:
    """Return a name from a recipe as words, for example "PCA error" for `pca_error`."""
    return " ".join("PCA" if word == "pca" else word for word in name.split("_"))
