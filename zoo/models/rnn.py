"""Recurrent networks: the simple one of Elman, and gated recurrent units (GRU).

Simple: Elman, "Finding structure in time", 1990, doi:10.1207/s15516709cog1402_1; orthogonal recurrent kernels from
Saxe, McClelland and Ganguli, 2013, arXiv:1312.6120. GRU: Cho et al., 2014, arXiv:1406.1078. Dropout between layers:
Zaremba, Sutskever and Vinyals, 2014, arXiv:1409.2329. Steps that are padding change no output.
"""

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
    """Simple recurrent network: each state is the hyperbolic tangent of the step's input and of the state before it.

    Args:
        units: length of the state.
        bidirectional: run each layer over the reversed steps too; not for language modeling, whose next tokens it sees.
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
    """Gated recurrent unit: gates decide how much of the state is renewed at each step.

    The reset gate acts after the recurrent kernel, as in cuDNN, Keras and PyTorch, not before it as in the paper.

    Args:
        units: length of the state.
        bidirectional: run each layer over the reversed steps too; not for language modeling, whose next tokens it sees.
        recurrent_initializer: initializer of the kernel from state to state.
        **settings: the arguments of `recurrent_model`.
    """

    def make(name: str) -> keras.Layer:
        cell = GRUCell(units, recurrent_initializer=recurrent_initializer, name="cell")
        return GRU(cell, return_sequences=True, name=name)

    return recurrent_model("gru", make, bidirectional, **settings)
