"""The figures by which a model is judged, per kind of task.

Classification takes class indices of shape `(n,)` and probabilities of shape `(n, classes)`; regression takes values
and predictions of shape `(n,)`; the other kinds are in `zoo.evaluation.metrics.kinds`. For these two, scikit-learn
computes every metric that it has. A model whose output is not finite gets NaN for every metric, so that a run that
diverged can still be reported.
"""

from __future__ import annotations

import warnings

import numpy as np

from zoo.evaluation.metrics.kinds import KINDS
from zoo.tasks import TASKS

TITLES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro F1",
    "log_loss": "log loss",
    "expected_calibration_error": "expected calibration error",
    "roc_auc": "ROC AUC",
    "mae": "mean absolute error",
    "rmse": "root mean squared error",
    "r2": "R²",
    "median_absolute_error": "median absolute error",
    "mse": "mean squared error",
    "mase": "mean absolute scaled error",
    "smape": "sMAPE",
    "bias": "bias",
    "bits_per_token": "bits per token",
    "perplexity": "perplexity",
    "token_accuracy": "token accuracy",
    "exact_match": "exact match",
    "token_error_rate": "token error rate",
    "character_error_rate": "character error rate",
    "mean_iou": "mean IoU",
    "pixel_accuracy": "pixel accuracy",
    "mean_dice": "mean Dice coefficient",
    "ap50": "AP50",
    "ap": "AP",
    "ap75": "AP75",
    "fid": "FID",
    "kid": "KID",
    "precision": "precision",
    "recall": "recall",
    "coverage": "class coverage",
    "psnr": "PSNR",
    "ssim": "SSIM",
    "auroc": "AUROC",
    "average_precision": "average precision",
}
PERCENT = frozenset(
    {
        *("accuracy", "balanced_accuracy", "macro_f1", "expected_calibration_error"),
        *("smape", "token_accuracy", "exact_match", "token_error_rate", "character_error_rate"),
        *("mean_iou", "pixel_accuracy", "mean_dice", "ap50", "ap", "ap75"),
        *("precision", "recall", "coverage"),
    }
)
CALIBRATION_BINS = 15


def evaluate(task: str, y: np.ndarray, output: np.ndarray) -> dict[str, float]:
    """Return the metrics of the task's kind, the primary one among them.

    Args:
        task: name of the task.
        y: the targets, as the task's kind has them.
        output: the output in the compact form of its kind: probabilities `(n, classes)`, values `(n,)`, or what the
            module of `zoo.evaluation.metrics.kinds` describes.

    Raises:
        ValueError: shapes or values that do not fit, or no examples.
    """
    kind = TASKS[task].scored
    if kind in KINDS:
        figures, resampled = KINDS[kind].figures, KINDS[kind].resampled
        if figures is not None:
            return figures(y, output)
        assert resampled is not None
        statistic = resampled(y, output)
        finite = bool(np.isfinite(output).all())
        values = statistic(np.ones(len(y))) if finite else np.full(len(KINDS[kind].metrics), np.nan)
        return {name: float(value) for name, value in zip(KINDS[kind].metrics, values, strict=True)}
    return (classification_metrics if kind == "classification" else regression_metrics)(y, output)


def classification_metrics(y: np.ndarray, probabilities: np.ndarray) -> dict[str, float]:
    """Return accuracy, balanced accuracy, macro F1, log loss, calibration error and, where defined, ROC AUC.

    Macro F1 averages over the classes that occur in `y` or among the predictions. ROC AUC (one class against the
    rest, averaged over classes) is left out when a class does not occur in `y`.

    Args:
        y: class indices, shape `(n,)`.
        probabilities: shape `(n, classes)`, not negative; rows are scaled to sum to 1.

    Raises:
        ValueError: shapes that do not fit, no examples, a class index out of range, or negative "probabilities".
    """
    from sklearn import metrics

    y, p = class_arrays(y, probabilities)
    names = ("accuracy", "balanced_accuracy", "macro_f1", "log_loss", "expected_calibration_error")
    if not np.isfinite(p).all():
        return dict.fromkeys(names, float("nan"))
    predicted, classes = p.argmax(1), np.arange(p.shape[1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        values = (
            metrics.accuracy_score(y, predicted),
            metrics.balanced_accuracy_score(y, predicted),
            metrics.f1_score(y, predicted, average="macro", zero_division=0),
            metrics.log_loss(y, p, labels=classes) if len(classes) > 1 else 0.0,
            expected_calibration_error(y, p),
        )
    result = {name: float(value) for name, value in zip(names, values, strict=True)}
    if len(classes) > 1 and len(np.unique(y)) == len(classes):
        scores = p[:, 1] if len(classes) == 2 else p
        result["roc_auc"] = float(metrics.roc_auc_score(y, scores, multi_class="ovr", average="macro", labels=classes))
    return result


def expected_calibration_error(y: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the mean distance between confidence and accuracy over 15 equal bins of confidence, weighted by size.

    Guo et al., "On Calibration of Modern Neural Networks", 2017, https://arxiv.org/abs/1706.04599, equation 3.
    """
    bins = reliability(y, probabilities)
    return float(np.abs(bins["confidence"] - bins["correct"]).sum() / len(y))


def reliability(y: np.ndarray, probabilities: np.ndarray) -> dict[str, np.ndarray]:
    """Sum up confidence and correctness per bin of confidence, bin m holding the confidences in ((m-1)/15, m/15].

    Returns:
        `count`, `confidence` (summed) and `correct` (summed), each of shape `(15,)`.
    """
    confidence = probabilities.max(1)
    index = np.clip(np.ceil(confidence * CALIBRATION_BINS).astype(int) - 1, 0, CALIBRATION_BINS - 1)
    correct = probabilities.argmax(1) == y
    return {
        name: np.bincount(index, weights=weights, minlength=CALIBRATION_BINS)
        for name, weights in (("count", None), ("confidence", confidence), ("correct", correct))
    }


def regression_metrics(y: np.ndarray, prediction: np.ndarray) -> dict[str, float]:
    """Return mean and median absolute error and root mean squared error in the units of `y`, R² and squared error.

    Args:
        y: true values, shape `(n,)`.
        prediction: predicted values, shape `(n,)`.

    Raises:
        ValueError: shapes that do not fit, or no examples.
    """
    from sklearn import metrics

    y, prediction = value_arrays(y, prediction)
    if not np.isfinite(prediction).all():
        return dict.fromkeys(("mae", "rmse", "r2", "median_absolute_error", "mse"), float("nan"))
    return {
        "mae": float(metrics.mean_absolute_error(y, prediction)),
        "rmse": float(metrics.root_mean_squared_error(y, prediction)),
        "r2": float(metrics.r2_score(y, prediction)) if len(y) > 1 else float("nan"),
        "median_absolute_error": float(metrics.median_absolute_error(y, prediction)),
        "mse": float(metrics.mean_squared_error(y, prediction)),
    }


def class_arrays(y: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Check shapes and range, and return `y` as integers and the probabilities in float64 with rows that sum to 1."""
    y, p = np.asarray(y), np.asarray(probabilities, dtype=np.float64)
    if p.ndim != 2 or y.shape != p.shape[:1] or not len(y):
        raise ValueError(f"expected y of shape (n,) and probabilities of shape (n, classes); {_received(y, p)}")
    y = y.astype(np.intp)
    if y.min() < 0 or y.max() >= p.shape[1]:
        raise ValueError(f"class indices must lie in 0..{p.shape[1] - 1}; received {y.min()} to {y.max()}")
    if (p < 0).any():
        raise ValueError(f"probabilities must not be negative (logits?); received a minimum of {p.min():.3g}")
    return y, p / p.sum(1, keepdims=True)


def value_arrays(y: np.ndarray, prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Check shapes, and return both in float64."""
    y, prediction = np.asarray(y, dtype=np.float64), np.asarray(prediction, dtype=np.float64)
    if y.ndim != 1 or y.shape != prediction.shape or not len(y):
        raise ValueError(f"expected y and predictions of shape (n,); {_received(y, prediction)}")
    return y, prediction


def _received(y: np.ndarray, output: np.ndarray) -> str:
    return f"received {y.shape} and {output.shape}"
