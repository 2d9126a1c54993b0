"""An LSTM whose steps stand one after another in TensorFlow's graph: a few operations a step in place of dozens.

`benchmarks/speed.py` measures it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

MAX_STEPS = 256  # steps of a sequence; each is in the graph, which takes time to build


def unrolled_lstm(layer: Any, sequences: Any, initial_state: list[Any]) -> tuple[Any, Any, list[Any]] | None:
    """Run a layer over sequences, with the numbers of Keras's loop but for rounding.

    A step is one matrix product and one program of XLA's for the gates, forwards and backwards. What is the same in
    every step, from inputs to gates and the gradients of the weights, is one product over all steps.

    Args:
        layer: a `keras.layers.LSTM`.
        sequences: `(batch, steps, features)`.
        initial_state: hidden and cell state before the first step, `(batch, units)` each.

    Returns:
        Last output, all outputs `(batch, steps, units)`, and the last states, as of the layer's `inner_loop`. None
        where a layer has other activations, dropout, no bias or another precision, or a shape is open or too long.
    """
    cell = layer.cell
    plain = (
        cell.use_bias
        and cell.activation is keras.activations.tanh
        and cell.recurrent_activation is keras.activations.sigmoid
        and not (layer.dropout or layer.recurrent_dropout or layer.go_backwards or layer.stateful)
        and layer.compute_dtype == "float32"
    )
    known = sequences.shape.is_fully_defined() and sequences.dtype == tf.float32
    if not (plain and known and 1 < sequences.shape[1] <= MAX_STEPS):
        return None
    weights = [tf.convert_to_tensor(each) for each in (cell.kernel, cell.recurrent_kernel, cell.bias)]
    outputs, last_cell = _run(sequences, *weights, *(tf.convert_to_tensor(each) for each in initial_state))
    last = outputs[:, -1]
    return last, outputs, [last, last_cell]


@tf.custom_gradient
def _run(x: Any, kernel: Any, recurrent: Any, bias: Any, hidden: Any, cell: Any) -> Any:
    size, steps, features = x.shape
    forward, backward = _programs()
    rows = tf.reshape(tf.transpose(x, (1, 0, 2)), (steps * size, features))
    to_gates = tf.split(tf.nn.bias_add(tf.matmul(rows, kernel), bias), steps)
    hiddens, cells, gates = [hidden], [cell], []
    for each in to_gates:
        hidden, cell, gate = forward(each, tf.matmul(hidden, recurrent), cell)
        hiddens.append(hidden)
        cells.append(cell)
        gates.append(gate)

    def gradients(d_outputs: Any, d_cell: Any) -> Any:
        d_steps, d_hidden = tf.unstack(d_outputs, axis=1), tf.zeros_like(hidden)
        d_gates: list[Any] = []
        for t in reversed(range(steps)):
            d_gate, d_cell = backward(gates[t], cells[t], cells[t + 1], d_steps[t], d_hidden, d_cell)
            d_hidden = tf.matmul(d_gate, recurrent, transpose_b=True)
            d_gates.insert(0, d_gate)
        d_rows = tf.concat(d_gates, 0)
        d_x = tf.reshape(tf.matmul(d_rows, kernel, transpose_b=True), (steps, size, features))
        return (
            tf.transpose(d_x, (1, 0, 2)),
            tf.matmul(rows, d_rows, transpose_a=True),
            tf.matmul(tf.concat(hiddens[:-1], 0), d_rows, transpose_a=True),
            tf.reduce_sum(d_rows, 0),
            d_hidden,
            d_cell,
        )

    return (tf.stack(hiddens[1:], 1), cell), _once(gradients)


def _once(gradients: Callable[..., Any]) -> Callable[..., Any]:
    """Refuse to differentiate the gradients: what was kept for them is no longer tied to the arguments."""

    @tf.custom_gradient
    def call(*given: Any) -> Any:
        def second(*_: Any) -> Any:
            raise NotImplementedError(
                "second derivatives of an LSTM in lanes: set training.lanes=1, where the LSTM is a loop"
            )

        return gradients(*given), second

    return call


@functools.cache
def _programs() -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Return the programs for the gates of a step, forwards and backwards; gates in Keras's order: i, f, c, o."""

    def program(function: Callable[..., Any]) -> Callable[..., Any]:
        return tf.function(function, jit_compile=True, autograph=False)

    @program
    def forward(from_input: Any, from_hidden: Any, cell: Any) -> tuple[Any, Any, Any]:
        i, f, g, o = tf.split(from_input + from_hidden, 4, 1)
        i, f, g, o = tf.sigmoid(i), tf.sigmoid(f), tf.tanh(g), tf.sigmoid(o)
        cell = f * cell + i * g
        return o * tf.tanh(cell), cell, tf.concat([i, f, g, o], 1)

    @program
    def backward(gates: Any, before: Any, cell: Any, d_output: Any, d_hidden: Any, d_cell: Any) -> tuple[Any, Any]:
        i, f, g, o = tf.split(gates, 4, 1)
        d_hidden, squashed = d_output + d_hidden, tf.tanh(cell)
        d_cell = d_cell + d_hidden * o * (1 - squashed * squashed)
        d_gates = (
            d_cell * g * i * (1 - i),
            d_cell * before * f * (1 - f),
            d_cell * i * (1 - g * g),
            d_hidden * squashed * o * (1 - o),
        )
        return tf.concat(d_gates, 1), d_cell * f

    return forward, backward
