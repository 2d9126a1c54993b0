"""Recurrent networks: Elman's simple one, and gated recurrent units (GRU). Padded steps do not change any output."""

from __future__ import annotations

from typing import Any

import keras

from zoo.layers.recurrent import GRU, GRUCell, RecurrentInitializer, recurrent_model
from zoo.layers.types import Count
from zoo.registry import register
from zoo.utils.settings import settings_of


@register(
    tasks=(
        "sequence_classification",
        "sequence_regression",
        "sequence_labeling",
        "language_modeling",
        "forecasting",
        "image_classification",
    ),
    input_shape=(28, 28, 1),
    outputs=10,
    paper="Elman (1990), doi:10.1207/s15516709cog1402_1",
)
@settings_of(recurrent_model)
def rnn(
    *,
    units: Count = 128,
    bidirectional: bool = False,
    recurrent_initializer: RecurrentInitializer = "orthogonal",
    **settings: Any,
) -> keras.Model:
    """Simple recurrent network: each state is the hyperbolic tangent of a sum of projected input and last state.

    Orthogonal recurrent kernels from Saxe, McClelland and Ganguli, 2013, arXiv:1312.6120.

    Args:
        units: length of the state.
        bidirectional: run each layer over the reversed steps too; not for language modeling, where it sees the target.
        recurrent_initializer: initializer of the kernel from state to state.
        **settings: the arguments of `recurrent_model`.
    """

    def make(name: str) -> keras.Layer:
        return keras.layers.SimpleRNN(
            units, recurrent_initializer=recurrent_initializer, return_sequences=True, name=name
        )

    return recurrent_model("rnn", make, bidirectional, **settings)


@register(
    tasks=(
        "sequence_classification",
        "sequence_regression",
        "sequence_labeling",
        "language_modeling",
        "forecasting",
        "image_classification",
    ),
    input_shape=(28, 28, 1),
    outputs=10,
    paper="arXiv:1406.1078",
)
@settings_of(recurrent_model)
def gru(
    *,
    units: Count = 128,
    bidirectional: bool = False,
    recurrent_initializer: RecurrentInitializer = "orthogonal",
    **settings: Any,
) -> keras.Model:
    """Gated recurrent unit (GRU): gates control how much of the state is renewed at each step.

    The reset gate acts after the recurrent kernel, as in cuDNN, Keras and PyTorch, not before it as in the paper.

    Args:
        units: length of the state.
        bidirectional: run each layer over the reversed steps too; not for language modeling, where it sees the target.
        recurrent_initializer: initializer of the kernel from state to state.
        **settings: the arguments of `recurrent_model`.
    """

    def make(name: str) -> keras.Layer:
        cell = GRUCell(units, recurrent_initializer=recurrent_initializer, name="cell")
        return GRU(cell, return_sequences=True, name=name)

    return recurrent_model("gru", make, bidirectional, **settings)
