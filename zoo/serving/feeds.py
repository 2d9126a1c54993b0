"""From checked examples to the inputs of a file, some examples at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from zoo.data.columns import Column
from zoo.data.dataset import KNOWN
from zoo.data.table_texts import text_ids
from zoo.serving.metadata import FileSignature

Feeds = dict[str, np.ndarray]  # of the file, by input name
MAX_BATCH = 256  # examples that are run at a time
MAX_BATCH_VALUES = 1 << 22  # and numbers in their inputs


def input_names(signature: FileSignature, *, decodes: bool) -> list[str]:
    """Return the names of the inputs that a file must have."""
    if signature.kind == "table":
        return [*([signature.tensors.input] if signature.tensors.numbers else []), *signature.inputs.values()]
    if signature.kind == "graph":
        return ["nodes", "edges"]
    if signature.kind == "series":
        return ["array", *([KNOWN] if signature.known else []), *signature.inputs.values()]
    if decodes:
        return ["source", "target"]
    names = {"text": "tokens", "noise": signature.noise.input}
    return [names.get(signature.kind, signature.kind)]


def split_feeds(examples: Any, signature: FileSignature, decoder_input: np.ndarray | None = None) -> list[Feeds]:
    """Return the inputs of the file, some examples at a time; an empty list where there are none.

    Args:
        examples: what `zoo.serving.examples.check_examples` returned, texts as token ids.
        signature: what the file takes.
        decoder_input: sequence to sequence only: token ids of the target, `(examples, length)`.
    """
    if isinstance(examples, list):  # images of any size, one at a time
        return [{signature.kind: image} for image in examples]
    arrays = as_inputs(examples, signature, decoder_input)
    largest = next(iter(arrays.values()))
    size = max(1, min(MAX_BATCH, MAX_BATCH_VALUES // max(1, largest[:1].size)))
    parts = [slice(i, i + size) for i in range(0, len(largest), size)]
    return [{name: values[part] for name, values in arrays.items()} for part in parts]


def as_inputs(examples: Any, signature: FileSignature, decoder_input: np.ndarray | None = None) -> Feeds:
    """Return all examples as inputs of the file, by name."""
    if signature.kind == "table":
        columns = {column.name: _column(examples[column.name], column) for column in signature.columns}
        return signature.tensors.join(columns, signature.inputs)
    if isinstance(examples, Mapping):
        arrays = {name: values if values.ndim > 1 else values[:, None] for name, values in examples.items()}
        static = {column: arrays.pop(name) for column, name in signature.inputs.items()}
        return arrays | signature.tensors.join(static, signature.inputs)
    if decoder_input is not None:
        return {"source": examples, "target": decoder_input}
    return {"tokens" if signature.kind == "text" else signature.kind: examples}


def as_columns(feeds: Feeds, signature: FileSignature) -> Feeds:
    """Return inputs of a file with each column of a table under its own name, numbers and texts as they were."""
    if signature.kind == "table":
        return signature.tensors.split(feeds, signature.inputs)
    static = signature.tensors.split(feeds, signature.inputs)
    return {**feeds, **{name: static[column] for column, name in signature.inputs.items()}}


def _column(values: np.ndarray, column: Column) -> np.ndarray:
    """Return a column of a table as the file takes it: `(rows, 1)`, or the token ids of free text."""
    return values[:, None] if column.type != "free_text" else text_ids(values, column)


def one_blank_example(examples: Any, signature: FileSignature, decoder_input: np.ndarray | None = None) -> Feeds:
    """Return the inputs of one example of zeros or empty texts, in the sizes that examples which are none have.

    A batch of none aborts onnxruntime in its LSTM and GRU; what one example gives has the shapes of the outputs.
    """
    if isinstance(examples, list):
        examples = np.zeros((0, *(n or 32 for n in signature.shape)), np.uint8)  # any size will do
    arrays = as_inputs(examples, signature, decoder_input)
    return {
        name: np.full((1, *(n or 1 for n in values.shape[1:])), "" if values.dtype == object else 0, values.dtype)
        for name, values in arrays.items()
    }
