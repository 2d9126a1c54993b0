"""Graph networks: graph convolution (GCN), graph attention (GAT) and GraphSAGE, for nodes and for whole graphs.

The inputs are nodes and edges, both of any number (`zoo.layers.graph`). Unlike in the papers, a dense head follows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

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
from zoo.utils.settings import settings_of

NodeNorm = Literal["none", "layer", "rms"]  # batch normalization would count the padding


def _graph_model(
    name: str,
    convolution: Callable[[int, str], keras.Layer],
    activation: str = "relu",
    unit_length: bool = False,
    *,
    input_shape: Sequence[int | None],
    outputs: int,
    every_step: bool = False,
    depth: Count = 2,
    norm: NodeNorm = "none",
    dropout: DropRate = 0.0,
    residual: bool = False,
    pool: NodePool = "mean",
    edges: Edges = "list",
) -> keras.Model:
    """Stack graph convolutions, each with dropout before it, and normalization and activation after it.

    Args:
        name: name of the model.
        convolution: makes a layer from its number, counted from 1, and its name.
        activation: activation after each convolution.
        unit_length: scale each node to unit length after the activation.
        input_shape: `(nodes, features)`; the number of nodes may be None.
        outputs: number of classes.
        every_step: give one output for each node.
        depth: number of convolutions, which is also the number of edges that a message travels.
        norm: normalization between each convolution and its activation.
        dropout: fraction of each convolution's input dropped while training.
        residual: add each convolution's input to its output, through a linear projection where the widths differ.
        pool: input of the head: the "mean", "sum" or "max" of the nodes, or the "first" node.
        edges: a "list" of source and target, or a "matrix" with a row for each target.

    Returns:
        A model from nodes `(batch, nodes, features)` and edges `(batch, edges, 2)` or `(batch, nodes, nodes)` to
        `(batch, outputs)` or, with `every_step`, `(batch, nodes, outputs)`.
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
    tasks=("node_classification", "graph_classification", "graph_regression"),
    input_shape=(None, 1433),
    outputs=7,
    paper="arXiv:1609.02907",
)
@settings_of(_graph_model, dropout=0.5)
def gcn(*, width: Count = 16, **settings: Any) -> keras.Model:
    """Graph convolutional network; the defaults are the paper's for Cora.

    Args:
        width: features of each node.
        **settings: the arguments of `_graph_model`.
    """

    def convolution(_: int, name: str) -> keras.Layer:
        return GraphConvolution(width, name=name)

    return _graph_model("gcn", convolution, **settings)


@register(
    tasks=("node_classification", "graph_classification", "graph_regression"),
    input_shape=(None, 1433),
    outputs=7,
    paper="arXiv:1710.10903",
)
@settings_of(_graph_model)
def gat(
    *, width: Count = 64, heads: Count = 8, depth: Count = 2, dropout: DropRate = 0.6, **settings: Any
) -> keras.Model:
    """Graph attention network; the defaults are the paper's for Cora.

    Args:
        width: features of each node: a multiple of `heads`, which split them; in the last layer the mean of the heads.
        heads: attention heads.
        depth: number of convolutions.
        dropout: fraction of each convolution's input, and of the attention's weights, dropped while training.
        **settings: the arguments of `_graph_model`.
    """

    def convolution(number: int, name: str) -> keras.Layer:
        merge: Literal["concatenate", "mean"] = "mean" if number == depth else "concatenate"
        return GraphAttention(width, heads, merge=merge, dropout=dropout, name=name)

    return _graph_model("gat", convolution, "elu", depth=depth, dropout=dropout, **settings)


@register(
    tasks=("node_classification", "graph_classification", "graph_regression"),
    input_shape=(None, 1433),
    outputs=7,
    paper="arXiv:1706.02216",
)
@settings_of(_graph_model)
def graph_sage(
    *, width: Count = 128, aggregation: Aggregation = "mean", unit_length: bool = True, **settings: Any
) -> keras.Model:
    """GraphSAGE, which keeps a node's own features apart from those of its neighbors.

    Args:
        width: features of each node.
        aggregation: the "mean" of the neighbors, or the "max" over a dense layer's output for each of them.
        unit_length: scale each node to unit length after each convolution, as the paper does.
        **settings: the arguments of `_graph_model`.
    """

    def convolution(_: int, name: str) -> keras.Layer:
        return SampleAndAggregate(width, aggregation=aggregation, name=name)

    return _graph_model("graph_sage", convolution, unit_length=unit_length, **settings)
