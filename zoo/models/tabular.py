"""Networks for tables: residual perceptrons, RealMLP, TabM, and the FT-Transformer."""

from __future__ import annotations

from collections.abc import Sequence

import keras

from zoo.layers.activations import Activation
from zoo.layers.head import head
from zoo.layers.members import MeanOfMembers, MemberDense, MemberHeads, MemberScale, MembersModel
from zoo.layers.neural_tangent import FeatureScale, ParametricActivation, TangentDense
from zoo.layers.numeric_embedding import LinearEmbedding, PeriodicEmbedding, PiecewiseLinearEmbedding
from zoo.layers.patches import ClassToken
from zoo.layers.robust_scale import RobustScaleSmoothClip
from zoo.layers.transformer import BlockOptions, FeedForward, TokenPooling, transformer_blocks
from zoo.layers.types import AtLeastTwo, Count, DropRate, Factor, WholeNumber
from zoo.registry import register


@register(
    tasks=("tabular_classification", "tabular_regression"), input_shape=(20,), outputs=10, paper="arXiv:2106.11959"
)
def tab_resnet(
    *,
    input_shape: Sequence[int],
    outputs: int,
    width: Count = 192,
    depth: Count = 2,
    hidden: Factor = 2.0,
    bins: WholeNumber = 0,
    embedding: Count = 16,
    dropout: DropRate = 0.15,
) -> keras.Model:
    """Residual perceptron for tables, the ResNet of Gorishniy et al., 2021.

    Args:
        input_shape: `(features,)`.
        outputs: number of classes or values.
        width: features of the blocks.
        depth: blocks.
        hidden: hidden width of a block, in widths.
        bins: of a piecewise linear embedding of each feature; 0 for none.
        embedding: width of that embedding.
        dropout: fraction of a block's hidden units dropped while training.

    Returns:
        A model from `(batch, features)` to `(batch, outputs)`.

    Raises:
        ValueError: the input is no vector.
    """
    # === Layers ===
    inputs = _vector_input(input_shape)
    x = keras.layers.Dense(width, name="dense")(_embedded(inputs, bins, embedding))
    for i in range(1, depth + 1):
        y = keras.layers.BatchNormalization(epsilon=1e-5, momentum=0.9, name=f"block{i}_norm")(x)
        y = keras.layers.Dense(round(width * hidden), activation="relu", name=f"block{i}_dense1")(y)
        y = keras.layers.Dropout(dropout, name=f"block{i}_dropout")(y)
        y = keras.layers.Dense(width, name=f"block{i}_dense2")(y)
        x = keras.layers.Add(name=f"block{i}_add")([x, y])
    x = keras.layers.BatchNormalization(epsilon=1e-5, momentum=0.9, name="norm")(x)
    x = keras.layers.ReLU(name="relu")(x)

    # === Functional model ===
    return keras.Model(inputs, head(x, outputs), name="tab_resnet")


@register(
    tasks=("tabular_classification", "tabular_regression"), input_shape=(20,), outputs=10, paper="arXiv:2410.24210"
)
def tabm(
    *,
    input_shape: Sequence[int],
    outputs: int,
    members: AtLeastTwo = 32,
    width: Count = 512,
    depth: Count = 3,
    bins: WholeNumber = 48,
    embedding: Count = 16,
    dropout: DropRate = 0.1,
) -> keras.Model:
    """TabM: perceptrons that share their kernels and are trained at once; their mean is the answer.

    Gorishniy, Kotelnikov and Babenko, 2024. The mean is that of values or logits; the paper's, of classes, is that of
    probabilities.

    Args:
        input_shape: `(features,)`, standardised.
        outputs: number of classes or values.
        members: how many perceptrons there are.
        width: units of each hidden layer.
        depth: hidden layers.
        bins: of a piecewise linear embedding of each feature; 0 for none.
        embedding: width of that embedding.
        dropout: fraction of units dropped after each hidden layer while training.

    Returns:
        A model from `(batch, features)` to `(batch, outputs)`; in training to `(batch, members, outputs)`.

    Raises:
        ValueError: the input is no vector.
    """
    # === Layers ===
    inputs = _vector_input(input_shape)
    x = keras.layers.RepeatVector(members, name="members")(_embedded(inputs, bins, embedding))
    for i in range(1, depth + 1):
        scale: MemberScale = "ones" if i > 1 else "normal" if bins else "signs"
        chunk = embedding if bins and i == 1 else 1
        x = MemberDense(members, width, scale, chunk, name=f"layer{i}_dense")(x)
        x = keras.layers.ReLU(name=f"layer{i}_relu")(x)
        x = keras.layers.Dropout(dropout, name=f"layer{i}_dropout")(x)
    x = keras.layers.Identity(name="features")(x)
    x = MemberHeads(outputs, dtype="float32", name="logits")(x)

    # === Functional model ===
    return MembersModel(inputs, MeanOfMembers(dtype="float32", name="mean")(x), name="tabm")


@register(
    tasks=("tabular_classification", "tabular_regression"), input_shape=(20,), outputs=10, paper="arXiv:2106.11959"
)
def ft_transformer(
    *,
    input_shape: Sequence[int],
    outputs: int,
    width: Count = 192,
    depth: Count = 3,
    heads: Count = 8,
    mlp_ratio: Factor = 4 / 3,
    bins: WholeNumber = 0,
    feed_forward: FeedForward = "swiglu",
    dropout: DropRate = 0.1,
) -> keras.Model:
    """FT-Transformer: each feature is a token, and a token in front of them is what is read at the end.

    Gorishniy, Rubachev, Khrulkov and Babenko, 2021, whose gate is ReGLU.

    Args:
        input_shape: `(features,)`.
        outputs: number of classes or values.
        width: features of each token, a multiple of `heads`.
        depth: number of blocks.
        heads: attention heads.
        mlp_ratio: hidden width of the feed-forward branch, in widths.
        bins: of a piecewise linear embedding of each feature; 0 for a linear one.
        feed_forward: activation of the feed-forward branch.
        dropout: fraction of each branch's output dropped while training.

    Returns:
        A model from `(batch, features)` to `(batch, outputs)`.

    Raises:
        ValueError: the input is no vector, or the heads do not divide the width.
    """
    options = BlockOptions("layer", "pre", feed_forward, dropout)

    # === Layers ===
    inputs = _vector_input(input_shape)
    tokens = (
        PiecewiseLinearEmbedding(bins, width, name="embedding") if bins else LinearEmbedding(width, name="embedding")
    )
    x = ClassToken(name="class_token")(tokens(inputs))
    x = transformer_blocks(x, options, depth=depth, heads=heads, mlp_ratio=mlp_ratio)
    x = TokenPooling("first", name="pool")(x)

    # === Functional model ===
    return keras.Model(inputs, head(x, outputs), name="ft_transformer")


@register(
    tasks=("tabular_classification", "tabular_regression"), input_shape=(20,), outputs=10, paper="arXiv:2407.04491"
)
def realmlp(
    *,
    input_shape: Sequence[int],
    outputs: int,
    width: Count = 256,
    depth: Count = 3,
    embedding: WholeNumber = 4,
    frequencies: Count = 16,
    activation: Activation = "selu",
    dropout: DropRate = 0.15,
) -> keras.Model:
    """RealMLP: a perceptron with robust scaling, periodic embeddings and the neural tangent parametrization.

    Holzmüller, Grinsztajn and Steinwart, 2024. The paper takes SELU for classes and Mish for numbers, Adam with a
    learning rate of 0.04 to 0.2 in waves (schedule `cosine_log`), a beta_2 of 0.95, and of classes a smoothing of 0.1.
    Its rates of scale, biases and activations are part of the layers.

    Args:
        input_shape: `(features,)`.
        outputs: number of classes or values.
        width: units of each hidden layer.
        depth: hidden layers.
        embedding: width of each feature's periodic embedding, at least 2; 0 for none.
        frequencies: of that embedding.
        activation: of the hidden layers.
        dropout: fraction of units dropped after each hidden layer while training.

    Returns:
        A model from `(batch, features)` to `(batch, outputs)`.

    Raises:
        ValueError: the input is no vector, or the embedding has width 1.
    """
    if embedding == 1:
        raise ValueError("embedding must be 0 or at least 2: the number itself takes one place. Received: embedding=1")

    # === Layers ===
    inputs = _vector_input(input_shape)
    x = RobustScaleSmoothClip(name="robust_scale")(inputs)
    if embedding:
        x = keras.layers.Flatten(name="flatten")(PeriodicEmbedding(embedding, frequencies, name="embedding")(x))
    x = FeatureScale(name="feature_scale")(x)
    for i in range(1, depth + 1):
        x = TangentDense(width, name=f"layer{i}_dense")(x)
        x = ParametricActivation(activation, name=f"layer{i}_activation")(x)
        x = keras.layers.Dropout(dropout, name=f"layer{i}_dropout")(x)
    x = keras.layers.Rescaling(width**-0.5, name="tangent")(x)  # the head's kernel is divided likewise

    # === Functional model ===
    return keras.Model(inputs, head(x, outputs, kernel_initializer="zeros"), name="realmlp")


def _embedded(x: keras.KerasTensor, bins: int, width: int) -> keras.KerasTensor:
    """Return the features, or their embeddings side by side."""
    if not bins:
        return x
    x = PiecewiseLinearEmbedding(bins, width, name="embedding")(x)
    return keras.layers.Flatten(name="flatten")(x)


def _vector_input(input_shape: Sequence[int]) -> keras.KerasTensor:
    shape = tuple(input_shape)
    if len(shape) != 1:
        raise ValueError(f"needs the features of a table, (features,). Received: input_shape={shape}")
    return keras.Input(shape)
