"""Recurrent networks: the simple one of Elman, and gated recurrent units (GRU).

Simple: Elman, "Finding structure in time", 1990, doi:10.1207/s15516709cog1402_1; orthogonal recurrent kernels from
Saxe, McClelland and Ganguli, 2013, arXiv:1312.6120. GRU: Cho et al., 2014, arXiv:1406.1078. Dropout between layers:
Zaremba, Sutskever and Vinyals, 2014, arXiv:1409.2329. Steps that are padding change no output.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras

from zoo.layers.recurrent import GRU, GRUCell, Pool, RecurrentInitializer, recurrent_model
from zoo.layers.types import Count, DropRate
from zoo.registry import register


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
def rnn(
    *,
    input_shape: Sequence[int | None],
    outputs: int,
    vocabulary: int | None = None,
    every_step: bool = False,
    units: Count = 128,
    layers: Count = 1,
    bidirectional: bool = False,
    dropout: DropRate = 0.0,
    embedding: Count = 64,
    pool: Pool = "last",
    recurrent_initializer: RecurrentInitializer = "orthogonal",
) -> keras.Model:
    """Simple recurrent network: each state is the hyperbolic tangent of the step's input and of the state before it.

    Args:
        input_shape: `(steps,)` for tokens, `(steps, features)`, or `(height, width, channels)`, read row by row; the
            number of steps may be None.
        outputs: number of classes or values.
        vocabulary: number of token ids, where the input is tokens; id 0 is padding, on the right.
        every_step: give one output for each step.
        units: length of the state.
        layers: recurrent layers, each over the states of the one before.
        bidirectional: run each layer over the reversed steps too; not for language modeling, whose next tokens it sees.
        dropout: share of features dropped between layers and before the head while training.
        embedding: length of the vectors that tokens are mapped to.
        pool: "last" state, or "mean" or "max" over the steps.
        recurrent_initializer: initializer of the kernel from state to state.

    Returns:
        A model from `(batch, *input_shape)` to `(batch, outputs)` or, with `every_step`, `(batch, steps, outputs)`.
    """

    def make(name: str) -> keras.Layer:
        return keras.layers.SimpleRNN(
            units, recurrent_initializer=recurrent_initializer, return_sequences=True, name=name
        )

    return recurrent_model(
        "rnn",
        make,
        input_shape=input_shape,
        outputs=outputs,
        vocabulary=vocabulary,
        every_step=every_step,
        layers=layers,
        bidirectional=bidirectional,
        dropout=dropout,
        embedding=embedding,
        pool=pool,
    )


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
def gru(
    *,
    input_shape: Sequence[int | None],
    outputs: int,
    vocabulary: int | None = None,
    every_step: bool = False,
    units: Count = 128,
    layers: Count = 1,
    bidirectional: bool = False,
    dropout: DropRate = 0.0,
    embedding: Count = 64,
    pool: Pool = "last",
    recurrent_initializer: RecurrentInitializer = "orthogonal",
) -> keras.Model:
    """Gated recurrent unit: gates decide how much of the state is renewed at each step.

    The reset gate acts after the recurrent kernel, as in cuDNN, Keras and PyTorch, not before it as in the paper.

    Args:
        input_shape: `(steps,)` for tokens, `(steps, features)`, or `(height, width, channels)`, read row by row; the
            number of steps may be None.
        outputs: number of classes or values.
        vocabulary: number of token ids, where the input is tokens; id 0 is padding, on the right.
        every_step: give one output for each step.
        units: length of the state.
        layers: recurrent layers, each over the states of the one before.
        bidirectional: run each layer over the reversed steps too; not for language modeling, whose next tokens it sees.
        dropout: share of features dropped between layers and before the head while training.
        embedding: length of the vectors that tokens are mapped to.
        pool: "last" state, or "mean" or "max" over the steps.
        recurrent_initializer: initializer of the kernel from state to state.

    Returns:
        A model from `(batch, *input_shape)` to `(batch, outputs)` or, with `every_step`, `(batch, steps, outputs)`.
    """

    def make(name: str) -> keras.Layer:
        return GRU(
            GRUCell(units, recurrent_initializer=recurrent_initializer, name="cell"), return_sequences=True, name=name
        )

    return recurrent_model(
        "gru",
        make,
        input_shape=input_shape,
        outputs=outputs,
        vocabulary=vocabulary,
        every_step=every_step,
        layers=layers,
        bidirectional=bidirectional,
        dropout=dropout,
        embedding=embedding,
        pool=pool,
    )
