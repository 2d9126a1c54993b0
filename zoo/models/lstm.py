"""Long short-term memory (LSTM): forward, bidirectional, from sequence to sequence, and after convolutions (CRNN).

Padded steps do not change any output.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras

from zoo.layers.attention_recurrent import Score, attend
from zoo.layers.embedding import embed, not_padding, token_input
from zoo.layers.head import head
from zoo.layers.norms import Norm
from zoo.layers.recurrent import LSTM, RecurrentInitializer, pool_steps, recurrent, recurrent_model
from zoo.layers.residual import convolution
from zoo.layers.types import Count, DropRate
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
    paper="Hochreiter and Schmidhuber (1997), doi:10.1162/neco.1997.9.8.1735",
)
@settings_of(recurrent_model)
def lstm(
    *,
    units: Count = 128,
    forget_bias: bool = True,
    recurrent_initializer: RecurrentInitializer = "orthogonal",
    **settings: Any,
) -> keras.Model:
    """Long short-term memory: gates control what enters, stays in and leaves a cell at each step.

    Hochreiter and Schmidhuber, 1997, with the forget gate of Gers, Schmidhuber and Cummins, 2000,
    doi:10.1162/089976600300015015.

    Args:
        units: length of the state.
        forget_bias: start the forget gate's bias at one (Jozefowicz et al., 2015), not at zero.
        recurrent_initializer: initializer of the kernel from state to state.
        **settings: the arguments of `recurrent_model`.
    """
    return recurrent_model("lstm", _maker(units, forget_bias, recurrent_initializer), **settings)


@register(
    tasks=(
        "sequence_classification",
        "sequence_regression",
        "sequence_labeling",
        "forecasting",
        "image_classification",
    ),
    input_shape=(28, 28, 1),
    outputs=10,
    paper="Graves and Schmidhuber (2005), doi:10.1016/j.neunet.2005.06.042",
)
@settings_of(recurrent_model)
def bilstm(
    *,
    units: Count = 128,
    forget_bias: bool = True,
    recurrent_initializer: RecurrentInitializer = "orthogonal",
    **settings: Any,
) -> keras.Model:
    """Bidirectional LSTM: in every layer one LSTM reads the steps forward and another one backward.

    Args:
        units: length of the state of each direction.
        forget_bias: start the forget gate's bias at one, not at zero.
        recurrent_initializer: initializer of the kernel from state to state.
        **settings: the arguments of `recurrent_model`.
    """
    return recurrent_model("bilstm", _maker(units, forget_bias, recurrent_initializer), bidirectional=True, **settings)


@register(
    tasks=("sequence_to_sequence",),
    input_shape=(None,),
    outputs=64,
    vocabulary=64,
    paper="arXiv:1409.3215; attention arXiv:1508.04025 or arXiv:1409.0473",
)
def seq2seq_lstm(
    *,
    input_shape: Sequence[int | None],
    outputs: int,
    vocabulary: int | None = None,
    units: Count = 128,
    layers: Count = 1,
    dropout: DropRate = 0.0,
    embedding: Count = 64,
    bidirectional: bool = True,
    attention: Score = "general",
    forget_bias: bool = True,
    recurrent_initializer: RecurrentInitializer = "orthogonal",
) -> keras.Model:
    """LSTM encoder and LSTM decoder with attention, which predicts the next token at all target positions at once.

    Learned layers map the encoder's last state to the decoder's first states (Bahdanau et al., appendix A.2.2).
    Attention queries the decoder's state of the same step and does not feed back into the next (see `attend`).

    Args:
        input_shape: `(steps,)` of the source, which may be None; the length of the target is always open.
        outputs: number of token ids of the target.
        vocabulary: number of token ids of the source; id 0 is padding, on the right.
        units: length of the states.
        layers: recurrent layers of the encoder and of the decoder.
        dropout: fraction of features dropped between layers and before the head while training.
        embedding: length of the vectors that tokens are mapped to.
        bidirectional: whether the encoder reads the source in both directions.
        attention: score of a decoder state and a source step (see `attend`).
        forget_bias: start the forget gate's bias at one, not at zero.
        recurrent_initializer: initializer of the kernels from state to state.

    Returns:
        A model from source `(batch, steps)` and decoder input `(batch, target steps)`, which begins with the start
        token, to the logits of each next token, `(batch, target steps, outputs)`. The logits of a position depend only
        on the decoder input up to that position.

    Raises:
        ValueError: the source is not tokens.
    """
    if vocabulary is None:
        raise ValueError(f"needs tokens with a vocabulary. Received: input_shape={tuple(input_shape)}, vocabulary=None")
    make = _maker(units, forget_bias, recurrent_initializer)

    # === Encoder ===
    source = token_input(input_shape, name="source")
    valid = not_padding(source)
    memory = embed(source, vocabulary, embedding, name="source_embedding")
    memory = recurrent(
        memory, make, layers=layers, bidirectional=bidirectional, dropout=dropout, valid=valid, name="encoder"
    )
    last = pool_steps(memory, "last", bidirectional=bidirectional, valid=valid, name="encoder_last")
    if bidirectional:
        memory = keras.layers.Dense(units, use_bias=False, name="memory")(memory)

    # === Decoder ===
    target = token_input((None,), name="target")
    x = embed(target, outputs, embedding, name="target_embedding")
    for i in range(1, layers + 1):
        if dropout and i > 1:
            x = keras.layers.Dropout(dropout, name=f"decoder{i}_dropout")(x)
        state = keras.layers.Dense(units, activation="tanh", name=f"decoder{i}_state")(last)
        cell = keras.layers.Dense(units, name=f"decoder{i}_cell")(last)
        x = make(f"decoder{i}")(x, initial_state=[state, cell])
    context = attend(x, memory, valid, attention)
    x = keras.layers.Concatenate(name="state_and_context")([x, context])
    x = keras.layers.Dense(units, activation="tanh", use_bias=False, name="joined")(x)

    # === Functional model ===
    return keras.Model([source, target], head(x, outputs, dropout=dropout), name="seq2seq_lstm")


@register(tasks=("transcription",), input_shape=(32, 128, 1), outputs=37, paper="arXiv:1507.05717")
def crnn(
    *,
    input_shape: Sequence[int | None],
    outputs: int,
    widths: Sequence[Count] = (64, 128, 256, 512),
    depth: Count = 1,
    units: Count = 256,
    layers: Count = 2,
    norm: Norm = "batch",
    dropout: DropRate = 0.0,
) -> keras.Model:
    """Convolutional recurrent network for lines of text: convolutions, then a bidirectional LSTM over the columns.

    Every stage of 3x3 convolutions halves the height, the first two also halve the width. A convolution over the whole
    remaining height turns the maps into a sequence of columns, one per 4 pixels of the image.

    Args:
        input_shape: `(height, width, channels)`; the width may be None. At least `2 ** len(widths)` pixels high and,
            with more than one stage, 4 wide.
        outputs: number of symbols + 1: class 0 is the blank.
        widths: channels of each stage.
        depth: convolutions in each stage.
        units: length of the state of each direction.
        layers: recurrent layers.
        norm: normalization after each convolution.
        dropout: fraction of features dropped between recurrent layers and before the head while training.

    Returns:
        A model from `(batch, height, width, channels)` to the logits of each column, `(batch, width // 4, outputs)`,
        for connectionist temporal classification (CTC).

    Raises:
        ValueError: the input is no image, or is too small for the stages.
    """
    shape, steps = tuple(input_shape), 2 ** min(len(widths), 2)
    if len(shape) != 3 or shape[0] is None or shape[2] is None:
        raise ValueError(f"needs images, (height, width, channels), of a fixed height. Received: input_shape={shape}")
    if not widths or shape[0] < 2 ** len(widths) or (shape[1] or steps) < steps:
        raise ValueError(
            f"needs a stage, and {2 ** len(widths)} pixels of height and {steps} of width for {len(widths)} stages. "
            f"Received: input_shape={shape}"
        )

    # === Convolutions ===
    x = inputs = keras.Input(shape)
    for stage, width in enumerate(widths, start=1):
        for i in range(1, depth + 1):
            x = convolution(x, width, 3, norm=norm, name=f"stage{stage}_{i}")
            x = keras.layers.ReLU(name=f"stage{stage}_{i}_relu")(x)
        x = keras.layers.MaxPooling2D((2, 2) if stage <= 2 else (2, 1), name=f"stage{stage}_pool")(x)
    height, width = x.shape[1], widths[-1]
    x = keras.layers.Conv2D(width, (height, 1), activation="relu", kernel_initializer="he_normal", name="columns")(x)
    x = keras.layers.Reshape((-1, width), name="steps")(x)

    # === Recurrent layers ===
    x = recurrent(x, _maker(units, True, "orthogonal"), layers=layers, bidirectional=True, dropout=dropout)

    # === Functional model ===
    return keras.Model(inputs, head(x, outputs, dropout=dropout), name="crnn")


def _maker(units: int, forget_bias: bool, recurrent_initializer: str) -> Callable[[str], keras.Layer]:
    """Return a function from a name to an LSTM layer that gives every step's output."""

    def make(name: str) -> keras.Layer:
        return LSTM(
            units,
            unit_forget_bias=forget_bias,
            recurrent_initializer=recurrent_initializer,
            return_sequences=True,
            name=name,
        )

    return make
