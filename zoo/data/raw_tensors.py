"""Raw examples as the Keras models take them: types, inputs and tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from zoo.data.columns import Column
from zoo.data.dataset import KNOWN, Signature
from zoo.data.table_texts import text_ids

DTYPES = {"image": "uint8", "text": "int32", "tokens": "int32"}  # of raw tensors; all others are float32 or float64


def column_dtype(column: Column) -> str:
    """Return the type of a column's tensor."""
    if column.type != "number":
        return "string" if column.type == "category" else "int32"
    return "float64" if column.double else "float32"


def column_width(column: Column) -> int:
    """Return the numbers of a column's tensor for one row: the tokens of free text, else 1."""
    return 1 if column.tokenizer is None else column.tokenizer.length or 1


def array_dtype(signature: Signature) -> str:
    """Return the type of the tensor of raw examples that are one array."""
    return DTYPES.get(signature.kind, "float64" if signature.double else "float32")


def keras_inputs(signature: Signature) -> Any:
    """Return Keras inputs for raw examples: one tensor, or a dict of them for a table, a graph or covariates."""
    import keras

    if signature.kind == "table":
        return {
            key: keras.Input((column_width(column),), name=key, dtype=column_dtype(column))
            for key, column in zip(signature.tensor_names, signature.columns, strict=True)
        }
    if signature.kind == "graph":
        return {
            "nodes": keras.Input(signature.shape, name="nodes"),
            "edges": keras.Input((None, 2), name="edges", dtype="int32"),
        }
    if signature.kind == "series":
        return _series_inputs(signature)
    shape = (None,) if signature.kind in ("text", "tokens") else signature.shape
    return keras.Input(shape, name=signature.tensor_names[0], dtype=array_dtype(signature))


def _series_inputs(signature: Signature) -> dict[str, Any]:
    import keras

    inputs = {"array": keras.Input(signature.shape, name="array", dtype=array_dtype(signature))}
    if signature.known:
        inputs[KNOWN] = keras.Input((signature.horizon, len(signature.known)), name=KNOWN, dtype=array_dtype(signature))
    for position, column in enumerate(signature.static):
        name = f"static_{position}"
        inputs[name] = keras.Input((1,), name=name, dtype=column_dtype(column))
    return inputs


def _series_tensors(raw: dict[str, np.ndarray], signature: Signature) -> dict[str, np.ndarray]:
    """Return the parts of windows under their tensor names, static covariates as `(windows, 1)`."""
    pairs = zip(signature.tensor_names, signature.input_names, strict=True)
    return {tensor: raw[name] if raw[name].ndim > 1 else raw[name][:, None] for tensor, name in pairs}


def _tensor(values: np.ndarray, column: Column) -> np.ndarray:
    """Return a column `(rows, width)` as the Keras model takes it."""
    if column.type == "free_text":
        return text_ids(values, column)
    return (values if column.type == "category" else values.astype(column_dtype(column), copy=False))[:, None]


def as_tensors(raw: Any, signature: Signature) -> Any:
    """Return raw examples as the Keras models take them.

    The columns of a table become `(rows, 1)` under their tensor names, its free text token ids `(rows, length)`; texts
    become token ids padded to the longest; the rest stays as it is.
    """
    if signature.tokenizer is not None:
        return signature.tokenizer.encode(raw)
    if not isinstance(raw, dict) or signature.kind == "graph":
        return raw
    if signature.kind == "series":
        arrays = _series_tensors(raw, signature)
    else:
        columns = zip(signature.tensor_names, signature.columns, strict=True)
        arrays = {key: _tensor(raw[column.name], column) for key, column in columns}
    if all(values.dtype != object for values in arrays.values()):
        return arrays
    import tensorflow as tf  # no other backend has tensors of text, and Keras does not mix tensors and arrays

    return {key: tf.constant(values) for key, values in arrays.items()}
