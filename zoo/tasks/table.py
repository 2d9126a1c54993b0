"""The tasks that there are."""

from __future__ import annotations

from functools import partial

from zoo.tasks.task import ANALYSES, BOX_SOURCES, MEMORY, TABLE_SOURCES, Task

_STORED = ("tfds", "builtin")
_IMAGES = (*_STORED, "folder", *TABLE_SOURCES, "npz", MEMORY)
_CLIPS = (*_STORED, "folder", *TABLE_SOURCES, "npz", MEMORY)
_GRAPHS = (*_STORED, *TABLE_SOURCES, MEMORY)
_TABLES = (*_STORED, *TABLE_SOURCES, "npz", MEMORY)

_OF_INPUTS = ("robustness", "attribution")  # the probes of a representation are for one class or for numbers

_ANY = ("k_nearest_neighbors", "random_forest", "gradient_boosting", "support_vector_machine")
_CLASSIFIERS = ("majority_class", "logistic_regression", *_ANY)
_REGRESSORS = ("mean", "ridge", *_ANY)

_RECONSTRUCTION_LOSSES = ("mean_squared_error", "mean_absolute_error", "huber")
_REGRESSION_LOSSES = (*_RECONSTRUCTION_LOSSES, "quantile")

_classification = partial(
    Task,
    tried=("majority_class", "logistic_regression"),
    kind="classification",
    losses=("categorical_crossentropy", "sparse_categorical_crossentropy", "binary_crossentropy", "focal"),
    primary="accuracy",
    monitor="accuracy",
    labeled=True,
    classifies=True,
    analyses=ANALYSES,
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
    analyses=_OF_INPUTS,
)
_regression = partial(
    Task,
    kind="regression",
    losses=_REGRESSION_LOSSES,
    baselines=_REGRESSORS,
    tried=("mean", "ridge", "gradient_boosting"),
    scales_targets=True,
    several_targets=True,
    analyses=ANALYSES,
)
_tokens = partial(Task, kind="tokens", losses=("masked_crossentropy",))
_language = partial(
    _tokens,
    inputs=("text",),
    sources=(*_STORED, "text", MEMORY),
    primary="bits_per_token",
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
        analyses=("representation",),
        inputs=("graph",),
        sources=_GRAPHS,
        baselines=("label_spreading", *_CLASSIFIERS),
        tried=("majority_class", "logistic_regression", "label_spreading"),
    ),
    _classification(
        name="graph_classification",
        analyses=("representation",),
        inputs=("graph",),
        sources=_GRAPHS,
        baselines=_CLASSIFIERS,
        tried=("majority_class", "logistic_regression", "random_forest"),
    ),
    _regression(
        name="graph_regression",
        analyses=("representation",),
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
        baselines=("most_frequent_text",),
    ),
    Task(
        name="forecasting",
        kind="forecasting",
        inputs=("array", "series"),
        sources=(*_STORED, *TABLE_SOURCES, MEMORY),
        losses=_REGRESSION_LOSSES,
        primary="mase",
        baselines=("naive", "seasonal_naive", "drift", "ridge", "theta", "exponential_smoothing", "arima"),
        tried=("naive", "seasonal_naive", "drift", "ridge", "theta", "exponential_smoothing", "arima"),
        scales_targets=True,
        several_targets=True,
        forecasts=True,
        analyses=_OF_INPUTS,
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
        losses=_RECONSTRUCTION_LOSSES,
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
        losses=_RECONSTRUCTION_LOSSES,
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
        baselines=("gaussian_mixture",),
        labeled=True,
        needs_no_classes=True,
        makes_images=True,
    ),
    Task(
        name="representation_learning",
        kind="representation",
        inputs=("image",),
        published=("text",),
        sources=_IMAGES,
        losses=("nt_xent", "supcon", "contrastive", "triplet", "masked_pixels", "dino"),
        primary="accuracy",
        baselines=("pca", "pixels"),
        labeled=True,
        embeds=True,
    ),
)

TASKS: dict[str, Task] = {task.name: task for task in _ALL}
