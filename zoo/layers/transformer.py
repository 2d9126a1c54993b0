"""Blocks of the Transformer (Vaswani et al., 2017, arXiv:1706.03762), and parts that other families use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import keras
from keras import ops

from zoo.layers.attention import Attention
from zoo.layers.layer_scale import LayerScale
from zoo.layers.norms import normalization
from zoo.layers.stochastic_depth import StochasticDepth, linear_rates

BlockNorm = Literal["layer", "rms"]
SeriesNorm = Literal["batch", "layer", "rms"]
NormPosition = Literal["pre", "post"]
FeedForward = Literal["gelu", "swiglu", "relu"]
LanguageFeedForward = Literal["gelu", "gelu_tanh", "swiglu", "geglu", "relu"]
TokenPool = Literal["mean", "first"]

EPSILON = 1e-6  # added to the variance, as in the authors' code of the Transformer, ViT and the MLP-Mixer


@dataclass(frozen=True)
class BlockOptions:
    """Settings that all blocks of a model have in common.

    Attributes:
        norm: "layer" or "rms" (root mean square, Zhang and Sennrich, 2019, arXiv:1910.07467) normalization; or "batch",
            for sequences without padding.
        norm_position: "pre" (Xiong et al., 2020, arXiv:2002.04745) normalizes the input of each residual branch, and
            the output of the last block; "post" normalizes the sum after each branch, as Vaswani et al. do.
        feed_forward: activation of the feed-forward branch. GELU: Hendrycks and Gimpel, 2016, arXiv:1606.08415.
            "swiglu" (Shazeer, 2020, arXiv:2002.05202) is gated, and narrower by a third to have as many parameters;
            so is "geglu". "gelu_tanh" is GELU by the tanh, as in GPT-2; "geglu" has it too, as in T5 1.1.
        dropout: fraction of each branch's output dropped while training.
        stochastic_depth: fraction of examples for which the last block's branches are dropped while training; the rate
            grows from zero at the first block (Huang et al., 2016, arXiv:1603.09382).
        epsilon: added to the variance in the normalization.
        layer_scale: initial scale of each channel of the branches' outputs; 0 for branches without.
        bias: dense layers have biases.
        qkv_bias: those to queries, keys and values have; as `bias` by default.
        head_size: features of an attention head; the width divided by the heads by default.
        scaled: the scores of attention are divided by the root of the features of a head.
    """

    norm: SeriesNorm = "layer"
    norm_position: NormPosition = "pre"
    feed_forward: LanguageFeedForward = "gelu"
    dropout: float = 0.0
    stochastic_depth: float = 0.0
    epsilon: float = EPSILON
    layer_scale: float = 0.0
    bias: bool = True
    qkv_bias: bool | None = None
    head_size: int | None = None
    scaled: bool = True


def transformer_blocks(
    x: keras.KerasTensor,
    options: BlockOptions,
    *,
    depth: int,
    heads: int,
    mlp_ratio: float = 4.0,
    hidden: int | None = None,
    kv_heads: int | None = None,
    causal: bool = False,
    valid: keras.KerasTensor | None = None,
    rotations: keras.KerasTensor | None = None,
    added_scores: keras.KerasTensor | None = None,
    memory: keras.KerasTensor | None = None,
    memory_valid: keras.KerasTensor | None = None,
    name: str = "block",
) -> keras.KerasTensor:
    """Stack blocks of self-attention, attention to a memory if given, and feed-forward layers.

    Args:
        x: sequences, `(batch, steps, width)`.
        options: settings of the blocks.
        depth: number of blocks.
        heads: attention heads.
        mlp_ratio: hidden width of the feed-forward branch, in widths.
        hidden: hidden width as a number, of a gated one too; by `mlp_ratio` where it is None.
        kv_heads: heads of keys and values in self-attention; `heads` by default.
        causal: hide later steps from each step; with padding on the right, this also hides padding from real steps.
        valid: boolean `(batch, steps)`, true for the steps that are not padding; all steps by default.
        rotations: rotary positions, as `zoo.layers.positions.add_positions` returns them.
        added_scores: what is added to the scores of self-attention, `(1, heads, steps, steps)`.
        memory: the encoder's output, `(batch, memory steps, width)`.
        memory_valid: boolean `(batch, memory steps)`, true for the steps that are not padding.
        name: prefix of the layers' names.

    Returns:
        A tensor of the shape of `x`, normalized.
    """
    width = x.shape[-1]
    units, is_exact = hidden or hidden_width(width, mlp_ratio), hidden is not None
    common: dict[str, Any] = {"size": options.head_size, "bias": options.bias, "qkv_bias": options.qkv_bias}
    common["scaled"] = options.scaled
    for i, rate in enumerate(linear_rates(depth, options.stochastic_depth), start=1):
        part = f"{name}{i}_attention"
        y = Attention(heads, kv_heads=kv_heads, causal=causal, **common, name=part)(
            branch_input(x, options, name=part), **_given(valid=valid, rotations=rotations, added_scores=added_scores)
        )
        x = add_branch(x, y, options, rate=rate, name=part)
        if memory is not None:
            part = f"{name}{i}_memory"
            y = Attention(heads, **common, name=part)(
                branch_input(x, options, name=part), **_given(context=memory, valid=memory_valid)
            )
            x = add_branch(x, y, options, rate=rate, name=part)
        part = f"{name}{i}_mlp"
        y = branch_input(x, options, name=part)
        y = mlp_branch(y, units, options.feed_forward, bias=options.bias, is_exact=is_exact, name=part)
        x = add_branch(x, y, options, rate=rate, name=part)
    return branch_input(x, options, name=f"{name}s")


def branch_input(x: keras.KerasTensor, options: BlockOptions, *, name: str) -> keras.KerasTensor:
    """Return the input of a residual branch, or the output of the last block.

    This is `x`, normalized if the norm comes before the branch.
    """
    return _norm(x, options, name=f"{name}_norm") if options.norm_position == "pre" else x


def add_branch(
    x: keras.KerasTensor, branch: keras.KerasTensor, options: BlockOptions, *, rate: float, name: str
) -> keras.KerasTensor:
    """Add a branch to `x`, and normalize the sum if the norm comes after the branch.

    Args:
        x: input of the branch.
        branch: output of the branch, of the same shape.
        options: settings of the blocks.
        rate: fraction of examples for which the branch is dropped while training.
        name: prefix of the layers' names.
    """
    if options.dropout:
        branch = keras.layers.Dropout(options.dropout, name=f"{name}_dropout")(branch)
    if options.layer_scale:
        branch = LayerScale(options.layer_scale, name=f"{name}_scale")(branch)
    if rate:
        branch = StochasticDepth(rate, name=f"{name}_stochastic_depth")(branch)
    x = keras.layers.Add(name=f"{name}_add")([x, branch])
    return _norm(x, options, name=f"{name}_norm") if options.norm_position == "post" else x


def hidden_width(width: int, ratio: float) -> int:
    """Return the hidden width of a feed-forward branch."""
    return max(1, round(width * ratio))


def mlp_branch(
    x: keras.KerasTensor,
    hidden: int,
    kind: LanguageFeedForward,
    *,
    bias: bool = True,
    is_exact: bool = False,
    name: str,
) -> keras.KerasTensor:
    """Two dense layers on the last axis with an activation between them.

    Args:
        x: tensor of shape `(..., width)`.
        hidden: units between the layers; gated activations have two thirds of it (Shazeer, section 3.1).
        kind: the activation. "gelu" is exact, with the error function.
        bias: the dense layers have biases.
        is_exact: gated activations have all of `hidden`.
        name: prefix of the layers' names.

    Returns:
        A tensor of the shape of `x`.
    """
    width = x.shape[-1]
    gate = _GATES.get(kind)
    if gate is not None:
        hidden = hidden if is_exact else max(1, round(hidden * 2 / 3))
        x = keras.layers.Dense(2 * hidden, use_bias=bias, name=f"{name}_dense1")(x)
        x = gate(name=f"{name}_{kind}")(x)
    else:
        x = keras.layers.Dense(hidden, use_bias=bias, name=f"{name}_dense1")(x)
        x = keras.layers.Activation(_ACTIVATIONS.get(kind, kind), name=f"{name}_{kind}")(x)
    return keras.layers.Dense(width, use_bias=bias, name=f"{name}_dense2")(x)


def _norm(x: keras.KerasTensor, options: BlockOptions, *, name: str) -> keras.KerasTensor:
    return normalization(x, options.norm, epsilon=options.epsilon, name=name)


def _given(**arguments: keras.KerasTensor | None) -> dict[str, keras.KerasTensor]:
    return {key: value for key, value in arguments.items() if value is not None}


@keras.saving.register_keras_serializable("zoo")
class SwiGLU(keras.layers.Layer):
    """Multiply half of the features by the SiLU of the other half: `(..., 2 * width)` to `(..., width)`."""

    def call(self, x: Any) -> Any:
        """Gate the features."""
        value, gate = ops.split(x, 2, axis=-1)
        return value * self.activation(gate)

    def activation(self, gate: Any) -> Any:
        """Return what the other half is multiplied by."""
        return ops.silu(gate)

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return `(..., width)`."""
        return (*shape[:-1], (shape[-1] or 0) // 2)


@keras.saving.register_keras_serializable("zoo")
class GEGLU(SwiGLU):
    """Multiply half of the features by the GELU of the other half: `(..., 2 * width)` to `(..., width)`."""

    def activation(self, gate: Any) -> Any:
        """Return what the other half is multiplied by."""
        return gelu_tanh(gate)


@keras.saving.register_keras_serializable("zoo")
def gelu_tanh(x: Any) -> Any:
    """Return GELU by its approximation with the tanh."""
    return ops.gelu(x, approximate=True)


_GATES: dict[str, type[SwiGLU]] = {"swiglu": SwiGLU, "geglu": GEGLU}
_ACTIVATIONS: dict[str, Any] = {"gelu_tanh": gelu_tanh}


@keras.saving.register_keras_serializable("zoo")
class TokenPooling(keras.layers.Layer):
    """Reduce the steps to one vector: `(batch, steps, width)` to `(batch, width)`.

    Args:
        kind: "mean" of the steps that are not padding, zeros if there are none; or the "first" step.
        skipped: steps at the beginning that the mean leaves out, such as registers.
    """

    def __init__(self, kind: TokenPool, *, skipped: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kind, self.skipped = kind, skipped

    def call(self, x: Any, valid: Any = None) -> Any:
        """Pool the steps for which the boolean `(batch, steps)` is true; all steps by default."""
        if self.kind == "first":
            return x[:, 0]
        if self.skipped:
            x, valid = x[:, self.skipped :], None if valid is None else valid[:, self.skipped :]
        if valid is None:
            return ops.mean(x, axis=1)
        weights = ops.expand_dims(ops.cast(valid, x.dtype), axis=2)
        return ops.sum(x * weights, axis=1) / ops.maximum(ops.sum(weights, axis=1), 1)

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return `(batch, width)`."""
        return (shape[0], shape[-1])

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "kind": self.kind, "skipped": self.skipped}
