"""scikit-learn estimators: a recipe for tables as a classifier and a regressor."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from zoo.commands.fit_in_memory import fit_in_memory
from zoo.errors import ZooError
from zoo.recipe.default_sections import default_training
from zoo.recipe.overrides import override_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["ZooClassifier", "ZooRegressor"]

_MIN_STEPS = 500  # of training, where `epochs` is left out: estimators are fitted often, and a step takes milliseconds


class _ZooEstimator(BaseEstimator):
    """What both estimators share."""

    _recipe: ClassVar[str]

    def __init__(
        self,
        builder: str = "mlp",
        settings: Mapping[str, Any] | None = None,
        *,
        epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float = 1e-2,
        validation: float | None = None,
        seed: int = 0,
        overrides: Mapping[str, Any] | Sequence[str] | None = None,
    ) -> None:
        self.builder = builder
        self.settings = settings
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.validation = validation
        self.seed = seed
        self.overrides = overrides

    def _fit(self, X: Any, y: np.ndarray) -> None:
        """Train on examples that `_checked` returned, and targets as numbers."""
        from zoo.data.memory.datasets import hold

        data: Any = (X, y)
        validated = self.validation is not None
        target = {"data.target": _unused_name(data[0])} if self.is_table_ else {}
        with _as_value_errors():
            overrides = [*override_lines(self._settings(len(y)) | target), *override_lines(self.overrides or ())]
            self.network_ = fit_in_memory(self._recipe, overrides, hold(data), validated=validated)
        self.notes_ = self.network_.notes

    def _settings(self, rows: int) -> dict[str, Any]:
        training = default_training(rows, _MIN_STEPS)
        held_out = {} if self.validation is None else {"data.validation": self.validation}
        return {
            "model": {"name": self.builder, **(self.settings or {})},
            "optimizer.learning_rate.peak": self.learning_rate,
            "training.epochs": training["epochs"] if self.epochs is None else self.epochs,
            "training.batch_size": min(rows, training["batch_size"]) if self.batch_size is None else self.batch_size,
            "training.seed": self.seed,
            "training.select": "last" if self.validation is None else "best",
            "evaluation.baseline": None,
            **held_out,
        }

    def _checked(self, X: Any, *, fitting: bool) -> Any:
        """Return examples as the network takes them: an array of numbers, or a frame with text or gaps in it."""
        if fitting:
            self.is_table_ = _is_table(X)
        if not self.is_table_:
            options = {"ensure_min_samples": 2} if fitting else {}
            return validate_data(self, X, reset=fitting, dtype=np.float64, **options)
        validate_data(self, X, reset=fitting, skip_check_array=True)
        return X if hasattr(X, "columns") else dict(zip(self.feature_names_in_, np.asarray(X, object).T, strict=True))

    def _outputs(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        X = self._checked(X, fitting=False)
        if not self.is_table_:
            return self.network_.outputs(X.astype(np.float32))
        from zoo.data.columns import take_columns
        from zoo.data.memory.frames import as_pandas, table_of
        from zoo.data.tables.reading import AS_USUAL

        with _as_value_errors():
            table, _ = table_of(as_pandas(X, "X"), "X", AS_USUAL, forecasts=False)
            return self.network_.outputs(take_columns(table, self.network_.signature.columns))


class ZooClassifier(ClassifierMixin, _ZooEstimator):
    """A network for rows of numbers, or of a data frame with text, dates and gaps, trained like `zoo train` trains it.

    Args:
        builder: a builder for tables; `zoo list --task tabular_classification` names them.
        settings: the builder's own, such as `{"widths": [64, 32], "dropout": 0.1}`.
        epochs: passes over the data; by the number of rows where left out.
        batch_size: rows of a training step; likewise.
        learning_rate: the highest of the schedule.
        validation: fraction of the rows that is held out to choose the epoch. Where it is left out, all rows train and
            the last epoch is kept.
        seed: the same seed gives the same network.
        overrides: other keys of the recipe `_base/tabular_classification`, such as `{"optimizer.weight_decay": 0.0}`.

    Attributes:
        classes_: the classes, sorted.
        network_: the trained network, with its preprocessing.
        notes_: what reading the data did, such as columns of a frame that were left out.
        n_features_in_: number of features.
        feature_names_in_: their names, where they are text.
    """

    _recipe = "_base/tabular_classification"

    def fit(self, X: Any, y: Any) -> ZooClassifier:
        """Train on examples `(rows, features)` and their classes `(rows,)`.

        Raises:
            ValueError: the data or a parameter does not fit.
        """
        checked = self._checked(X, fitting=True)
        y = column_or_1d(_required(self, y), warn=True)
        _check_lengths(checked, y)
        check_classification_targets(y)
        self.classes_, indices = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"{type(self).__name__} needs at least two classes; y has one class: {self.classes_[0]}")
        self._fit(checked, indices)
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probability of each class, `(rows, classes)`, in the order of `classes_`."""
        outputs = self._outputs(X)
        return outputs / outputs.sum(axis=1, keepdims=True)

    def predict(self, X: Any) -> np.ndarray:
        """Return the most probable class of each row, `(rows,)`."""
        probabilities = self.predict_proba(X)
        return self.classes_[probabilities.argmax(axis=1)]


class ZooRegressor(RegressorMixin, _ZooEstimator):
    """A network that predicts a number for each row; the parameters are those of `ZooClassifier`.

    Targets are standardised for training, and put back.
    """

    _recipe = "_base/tabular_regression"

    def fit(self, X: Any, y: Any) -> ZooRegressor:
        """Train on examples `(rows, features)` and their values `(rows,)`.

        Raises:
            ValueError: the data or a parameter does not fit.
        """
        checked = self._checked(X, fitting=True)
        y = column_or_1d(_required(self, y), warn=True, dtype=np.float64)
        _check_lengths(checked, y)
        self._fit(checked, y)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Return the value of each row, `(rows,)`."""
        return self._outputs(X).reshape(-1)


def _is_table(X: Any) -> bool:
    """Return whether examples are a frame that an array of numbers does not hold: with text, dates or gaps."""
    if not hasattr(X, "columns") or not hasattr(X, "dtypes"):
        return False
    from zoo.data.memory.frames import as_pandas

    with _as_value_errors():
        frame = as_pandas(X, "X")
    numeric = all(getattr(dtype, "kind", "O") in "iufb" for dtype in frame.dtypes)
    return not numeric or bool(frame.isna().to_numpy().any())


def _unused_name(frame: Any) -> str:
    """Return what to call the targets beside the columns of a frame."""
    names = {str(name) for name in frame.columns}
    return next(name for name in ("y", *(f"y{number}" for number in range(len(names) + 1))) if name not in names)


def _required(estimator: BaseEstimator, y: Any) -> Any:
    if y is None:
        raise ValueError(f"{type(estimator).__name__} requires y to be passed, but the target y is None")
    return y


def _check_lengths(X: Any, y: Any) -> None:
    from sklearn.utils.validation import check_consistent_length

    check_consistent_length(X, y)


@contextmanager
def _as_value_errors() -> Iterator[None]:
    """Raise what the user can put right as scikit-learn does."""
    try:
        yield
    except ZooError as error:
        raise ValueError(str(error)) from error
