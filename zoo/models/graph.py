"""Networks on graphs: graph convolution (GCN), graph attention (GAT), and GraphSAGE.

Kipf and Welling, 2017, arXiv:1609.02907; Veličković et al., 2018, arXiv:1710.10903; Hamilton, Ying and Leskovec, 2017,
arXiv:1706.02216. What the papers' last layer gives is here the input of a dense layer to the classes, so that every
network ends in the same head; and one network serves nodes and whole graphs.

All take `nodes` `(batch, nodes, features)`, padded with NaN, and `edges`: a list `(batch, edges, 2)` int32 of source
and target, padded with -1, or a matrix `(batch, nodes, nodes)` (see `zoo.layers.graph`). Both numbers are open. They
give one output for a graph, from the pooled nodes or from the first node, or with `every_step` one for each node.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import keras

from zoo.layers.graph import (
    Aggregation,
    Edges,
    GraphAttention,
    GraphConvolution,
    NodePool,
    NodePooling,
    SampleAndAggregate,
    graph_inputs,
)
from zoo.layers.head import head
from zoo.layers.norms import normalization
from zoo.layers.types import Count, DropRate
from zoo.registry import register

NodeNorm = Literal["none", "layer", "rms"]  # batch norm would count the padding


def _graph_model(
    name: str,
    input_shape: Sequence[int | None],
    outputs: int,
    every_step: bool,
    convolution: Callable[[int, str], keras.Layer],
    *,
    depth: int,
    activation: str,
    norm: NodeNorm,
    unit_length: bool = False,
    dropout: float,
    residual: bool,
    pool: NodePool,
    edges: Edges,
) -> keras.Model:
    """Stack convolutions, each with what goes around it.

    Args:
        name: name of the model.
        input_shape: `(nodes, features)`.
        outputs: number of classes.
        every_step: give one output for each node.
        convolution: makes a layer, of its number from 1 and its name.
        depth: number of convolutions.
        activation: activation after each.
        norm: normalization between each convolution and its activation.
        unit_length: scale each node to unit length after the activation.
        dropout: share of each convolution's input dropped while training.
        residual: add each block's input to its output.
        pool: what the head reads.
        edges: form of the edges.
    """
    # === Layers ===
    inputs, x, real, adjacency = graph_inputs(input_shape, edges)
    for i in range(1, depth + 1):
        y = keras.layers.Dropout(dropout, name=f"layer{i}_dropout")(x) if dropout else x
        y = convolution(i, f"layer{i}_convolution")(y, adjacency)
        y = normalization(y, norm, name=f"layer{i}_norm")
        y = keras.layers.Activation(activation, name=f"layer{i}_{activation}")(y)
        if unit_length:
            y = keras.layers.UnitNormalization(name=f"layer{i}_unit_length")(y)
        if residual:
            if x.shape[-1] != y.shape[-1]:
                x = keras.layers.Dense(y.shape[-1], use_bias=False, name=f"layer{i}_projection")(x)
            y = keras.layers.Add(name=f"layer{i}_add")([x, y])
        x = y
    if not every_step:
        x = NodePooling(pool, name="pool")(x, real)

    # === Functional model ===
    return keras.Model(inputs, head(x, outputs), name=name)


@register(
    tasks=("node_classification", "graph_classification"),
    input_shape=(None, 1433),
    outputs=7,
    paper="arXiv:1609.02907",
)
def gcn(
    *,
    input_shape: Sequence[int | None],
    outputs: int,
    every_step: bool = False,
    width: Count = 16,
    depth: Count = 2,
    norm: NodeNorm = "none",
    dropout: DropRate = 0.5,
    residual: bool = False,
    pool: NodePool = "mean",
    edges: Edges = "list",
) -> keras.Model:
    """Graph convolutional network; the defaults are the paper's for Cora.

    Args:
        input_shape: `(nodes, features)`; the number of nodes may be None.
        outputs: number of classes.
        every_step: give one output for each node.
        width: features of each node.
        depth: number of convolutions: how far, in edges, a node hears.
        norm: normalization between each convolution and its activation.
        dropout: share of each convolution's input dropped while training.
        residual: add each convolution's input to its output, through a linear projection where the widths differ.
        pool: what the head reads: the "mean", "sum" or "max" of the nodes, or the "first" node.
        edges: a "list" of source and target, or a "matrix" with a row for each target.

    Returns:
        A model from `[(batch, nodes, features), (batch, edges, 2)]` to `(batch, outputs)` or, with `every_step`,
        `(batch, nodes, outputs)`.
    """

    def convolution(_: int, name: str) -> keras.Layer:
        return GraphConvolution(width, name=name)

    return _graph_model(
        "gcn",
        input_shape,
        outputs,
        every_step,
        convolution,
        depth=depth,
        activation="relu",
        norm=norm,
        dropout=dropout,
        residual=residual,
        pool=pool,
        edges=edges,
    )


@register(
    tasks=("node_classification", "graph_classification"),
    input_shape=(None, 1433),
    outputs=7,
    paper="arXiv:1710.10903",
)
def gat(
    *,
    input_shape: Sequence[int | None],
    outputs: int,
    every_step: bool = False,
    width: Count = 64,
    heads: Count = 8,
    depth: Count = 2,
    norm: NodeNorm = "none",
    dropout: DropRate = 0.6,
    residual: bool = False,
    pool: NodePool = "mean",
    edges: Edges = "list",
) -> keras.Model:
    """Graph attention network; the defaults are the paper's for Cora.

    Args:
        input_shape: `(nodes, features)`; the number of nodes may be None.
        outputs: number of classes.
        every_step: give one output for each node.
        width: features of each node, a multiple of `heads`, which share them; in the last layer the mean of the heads.
        heads: attention heads.
        depth: number of convolutions: how far, in edges, a node hears.
        norm: normalization between each convolution and its activation.
        dropout: share of each convolution's input, and of the attention's weights, dropped while training.
        residual: add each convolution's input to its output, through a linear projection where the widths differ.
        pool: what the head reads: the "mean", "sum" or "max" of the nodes, or the "first" node.
        edges: a "list" of source and target, or a "matrix" with a row for each target.

    Returns:
        A model from `[(batch, nodes, features), (batch, edges, 2)]` to `(batch, outputs)` or, with `every_step`,
        `(batch, nodes, outputs)`.
    """

    def convolution(number: int, name: str) -> keras.Layer:
        merge: Literal["concatenate", "mean"] = "mean" if number == depth else "concatenate"
        return GraphAttention(width, heads, merge=merge, dropout=dropout, name=name)

    return _graph_model(
        "gat",
        input_shape,
        outputs,
        every_step,
        convolution,
        depth=depth,
        activation="elu",
        norm=norm,
        dropout=dropout,
        residual=residual,
        pool=pool,
        edges=edges,
    )


@register(
    tasks=("node_classification", "graph_classification"),
    input_shape=(None, 1433),
    outputs=7,
    paper="arXiv:1706.02216",
)
def graph_sage(
    *,
    input_shape: Sequence[int | None],
    outputs: int,
    every_step: bool = False,
    width: Count = 128,
    depth: Count = 2,
    aggregation: Aggregation = "mean",
    unit_length: bool = True,
    norm: NodeNorm = "none",
    dropout: DropRate = 0.0,
    residual: bool = False,
    pool: NodePool = "mean",
    edges: Edges = "list",
) -> keras.Model:
    """GraphSAGE, which keeps a node's own features apart from what it hears.

    Args:
        input_shape: `(nodes, features)`; the number of nodes may be None.
        outputs: number of classes.
        every_step: give one output for each node.
        width: features of each node.
        depth: number of convolutions: how far, in edges, a node hears.
        aggregation: the "mean" of the neighbors, or the "max" of what a dense layer makes of each.
        unit_length: scale each node to unit length after each convolution, as the paper does.
        norm: normalization between each convolution and its activation.
        dropout: share of each convolution's input dropped while training.
        residual: add each convolution's input to its output, through a linear projection where the widths differ.
        pool: what the head reads: the "mean", "sum" or "max" of the nodes, or the "first" node.
        edges: a "list" of source and target, or a "matrix" with a row for each target.

    Returns:
        A model from `[(batch, nodes, features), (batch, edges, 2)]` to `(batch, outputs)` or, with `every_step`,
        `(batch, nodes, outputs)`.
    """

    def convolution(_: int, name: str) -> keras.Layer:
        return SampleAndAggregate(width, aggregation=aggregation, name=name)

    return _graph_model(
        "graph_sage",
        input_shape,
        outputs,
        every_step,
        convolution,
        depth=depth,
        activation="relu",
        norm=norm,
        unit_length=unit_length,
        dropout=dropout,
        residual=residual,
        pool=pool,
        edges=edges,
    )
