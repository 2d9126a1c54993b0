"""Preprocessing of windows with covariates, fitted on the training split."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from zoo.data.dataset import KNOWN, Dataset, Split
from zoo.data.inputs import WindowInputs
from zoo.data.preprocessor import Preprocessor, chunks
from zoo.data.raw_tensors import array_dtype, keras_inputs
from zoo.recipe.steps import PreprocessStep


def known_moments(preprocessor: Preprocessor, train: Split) -> tuple[np.ndarray, np.ndarray]:
    """Return the moments of each channel of windows with covariates, over the steps at which it is known."""
    horizon, unknown = preprocessor.signature.horizon, preprocessor.unknown
    total, squares, count = np.zeros(preprocessor.shape[-1]), np.zeros(preprocessor.shape[-1]), 0
    shift: np.ndarray | None = None
    steps = np.full(preprocessor.shape[-1], float(preprocessor.shape[0]))
    steps[:unknown] -= horizon
    for chunk in chunks(train, preprocessor):
        x = chunk.astype(np.float64)
        x[:, -horizon:, :unknown] = np.nan
        shift = np.nanmean(x, axis=(0, 1)) if shift is None else shift
        x -= shift
        count += len(x)
        total += np.nansum(x, axis=(0, 1))
        squares += np.nansum(x**2, axis=(0, 1))
    mean = total / (count * steps)
    variance = squares / (count * steps) - mean**2
    return (0 if shift is None else shift) + mean, np.sqrt(np.maximum(variance, 0))


def fit_series(_: Sequence[PreprocessStep], dataset: Dataset) -> Preprocessor:
    """Windows with covariates become one sequence; known and static numbers are standardised from the start."""
    import keras

    from zoo.layers.covariates import JoinHorizon
    from zoo.layers.preprocessing import OneHot

    signature = dataset.signature
    inputs = keras_inputs(signature)
    dtype = array_dtype(signature)
    windows = dataset.train.inputs
    assert isinstance(windows, WindowInputs)
    trained = np.unique(windows.series[dataset.train.indices])
    parts, is_number = [], []
    names = signature.input_names[len(signature.input_names) - len(signature.static) :]
    for position, (column, name) in enumerate(zip(signature.static, names, strict=True)):
        tensor = inputs[f"static_{position}"]
        if column.type == "category":
            known = sorted(set(windows.static[name][trained].tolist()))
            index = keras.layers.StringLookup(vocabulary=known, num_oov_indices=1)(tensor)
            parts.append(OneHot(len(known))(index))
            is_number += [False] * len(known)
        else:
            parts.append(tensor)
            is_number.append(True)
    vector = keras.layers.Concatenate(dtype=dtype)(parts) if len(parts) > 1 else parts[0] if parts else None
    join = JoinHorizon(signature.horizon, len(signature.known), name="join_horizon", dtype=dtype)
    steps = join(inputs["array"], inputs.get(KNOWN), vector)
    unknown = int(signature.shape[-1] or 0) - len(signature.known)
    to_shape = keras.Model(inputs, steps, name="to_shape")
    fitted = Preprocessor(signature, tuple(steps.shape[1:]), dtype, to_shape, unknown=unknown)
    mean, std = known_moments(fitted, dataset.train)
    scaled = np.array([False] * unknown + [True] * len(signature.known) + is_number + [False])
    std = np.where(scaled & (std > 0), std, 1.0)
    fitted.scale, fitted.offset = 1 / std, np.where(scaled, -mean / std, 0.0)
    return fitted
