"""Message passing on graphs: nodes hear from their neighbors, and a graph is read off its nodes.

A graph is its nodes' features, `(batch, nodes, features)`, where a padded node is NaN throughout, and its edges: a list
`(batch, edges, 2)` of source and target, padded with -1, or a matrix `(batch, nodes, nodes)` with a row for each target
and something other than 0 where it hears from the column's node. An undirected edge stands in both directions. Lists
become matrices, so that every layer computes on one form; memory grows with the square of the nodes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import keras
from keras import ops

from zoo.layers.attention import LOWEST
from zoo.layers.types import Shape

Edges = Literal["list", "matrix"]
Aggregation = Literal["mean", "max"]
Heads = Literal["concatenate", "mean"]
NodePool = Literal["mean", "sum", "max", "first"]


@keras.saving.register_keras_serializable("zoo")
class RealNodes(keras.layers.Layer):
    """Tell real nodes from padding.

    Input `(batch, nodes, features)`; output the same with zeros in the place of padding, and `(batch, nodes, 1)`: 1 for
    real nodes, 0 for padding. A node of which only some features are NaN is real and stays as it is.
    """

    def call(self, nodes: Any) -> Any:
        """Return nodes and mask."""
        missing = ops.isnan(nodes)
        padding = ops.all(missing, axis=-1, keepdims=True)
        # in two steps, because tf2onnx multiplies by 0, which leaves NaN, unless it sees one in condition or constants
        filled = ops.where(missing, ops.convert_to_tensor(0.0, nodes.dtype), nodes)
        partly = ops.logical_and(missing, ops.logical_not(padding))
        nodes = ops.where(partly, ops.convert_to_tensor(float("nan"), nodes.dtype), filled)
        return nodes, 1 - ops.cast(padding, nodes.dtype)

    def compute_output_shape(self, shape: Shape) -> tuple[Shape, Shape]:
        """Return the shapes of nodes and mask."""
        return shape, (*shape[:-1], 1)


@keras.saving.register_keras_serializable("zoo")
class Adjacency(keras.layers.Layer):
    """Edges between real nodes as a matrix of 0 and 1, `(batch, nodes, nodes)`; one that is listed twice counts once.

    Args:
        edges: what comes in, a "list" or a "matrix".
    """

    def __init__(self, edges: Edges, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.edges = edges

    def call(self, edges: Any, real: Any) -> Any:
        """Return the matrix.

        Args:
            edges: `(batch, edges, 2)` int, or `(batch, nodes, nodes)` float.
            real: `(batch, nodes, 1)`, from `RealNodes`.
        """
        if self.edges == "list":
            edges = self._scattered(edges, ops.shape(real)[1])
        connected = ops.cast(ops.not_equal(edges, 0), self.compute_dtype)
        return connected * real * ops.transpose(real, (0, 2, 1))

    def _scattered(self, edges: Any, nodes: Any) -> Any:
        """Return `(batch, nodes, nodes)` with ones at the edges. Padding falls into one more row and column."""
        batch, count = ops.shape(edges)[0], ops.shape(edges)[1]
        place = ops.where(ops.any(edges < 0, axis=-1, keepdims=True), nodes, edges)
        example = ops.zeros_like(place[..., :1]) + ops.cast(ops.arange(batch), place.dtype)[:, None, None]
        indices = ops.concatenate([example, place[..., 1:], place[..., :1]], axis=-1)
        ones = ops.ones((batch, count), self.compute_dtype)
        return ops.scatter(indices, ones, (batch, nodes + 1, nodes + 1))[:, :-1, :-1]

    def compute_output_shape(self, edges_shape: Shape, real_shape: Shape) -> Shape:
        """Return `(batch, nodes, nodes)`."""
        return (real_shape[0], real_shape[1], real_shape[1])

    def get_config(self) -> dict[str, Any]:
        """Return what rebuilds the layer."""
        return {**super().get_config(), "edges": self.edges}


class _MessagePassing(keras.layers.Layer):
    """What the three convolutions share: nodes `(batch, nodes, features)` to `(batch, nodes, units)`.

    Args:
        units: features of each node that come out.
    """

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units

    def compute_output_shape(self, x_shape: Shape, adjacency_shape: Shape) -> Shape:
        """Return `(batch, nodes, units)`."""
        return (*x_shape[:-1], self.units)

    def get_config(self) -> dict[str, Any]:
        """Return what rebuilds the layer."""
        return {**super().get_config(), "units": self.units}

    def _dense(self, units: int, name: str, **options: Any) -> keras.layers.Dense:
        return keras.layers.Dense(units, name=name, dtype=self.dtype_policy, **options)


@keras.saving.register_keras_serializable("zoo")
class GraphConvolution(_MessagePassing):
    """Graph convolution (Kipf and Welling, 2017, arXiv:1609.02907, equation 2): `D^-1/2 (A + I) D^-1/2 X W + b`.

    Every node hears from itself and its neighbors; an edge counts by the degrees of its two ends, self-loops included,
    in the form for directed graphs by the number of edges that come in.
    """

    def build(self, x_shape: Shape, adjacency_shape: Shape) -> None:
        """Make the weights."""
        self.dense = self._dense(self.units, "dense", use_bias=False)
        self.dense.build(x_shape)
        self.bias = self.add_weight(shape=(self.units,), initializer="zeros", name="bias")

    def call(self, x: Any, adjacency: Any) -> Any:
        """Convolve nodes `(batch, nodes, features)` with `adjacency` `(batch, nodes, nodes)`."""
        looped = with_loops(adjacency)
        scale = ops.rsqrt(ops.sum(looped, axis=2, keepdims=True))
        return scale * ops.matmul(looped, scale * self.dense(x)) + self.bias


@keras.saving.register_keras_serializable("zoo")
class GraphAttention(_MessagePassing):
    """Graph attention (Veličković et al., 2018, arXiv:1710.10903, equations 1 to 6).

    Every node takes a weighted mean of itself and its neighbors, once in each head; the weight is the softmax of
    `leaky_relu(a · [W x_target, W x_source])` over those it hears from.

    Args:
        units: features of each node that come out; a multiple of `heads` where these are concatenated.
        heads: number of heads.
        merge: "concatenate" the heads, which then share the units, or take their "mean", each with all units.
        dropout: share of the weights dropped while training.
    """

    def __init__(
        self, units: int, heads: int, *, merge: Heads = "concatenate", dropout: float = 0.0, **kwargs: Any
    ) -> None:
        super().__init__(units, **kwargs)
        self.heads, self.merge, self.dropout = heads, merge, dropout
        self.drop = keras.layers.Dropout(dropout, name="drop", dtype=self.dtype_policy)

    def build(self, x_shape: Shape, adjacency_shape: Shape) -> None:
        """Make the weights.

        Raises:
            ValueError: the heads cannot share the units.
        """
        if self.merge == "concatenate" and self.units % self.heads:
            raise ValueError(f"width must be a multiple of heads. Received: width={self.units}, heads={self.heads}")
        each = self.units // self.heads if self.merge == "concatenate" else self.units
        self.dense = self._dense(self.heads * each, "dense", use_bias=False)
        self.dense.build(x_shape)
        common: dict[str, Any] = {"shape": (self.heads, each), "initializer": "glorot_uniform"}
        self.target, self.source = (self.add_weight(**common, name=name) for name in ("target", "source"))
        self.bias = self.add_weight(shape=(self.units,), initializer="zeros", name="bias")

    def call(self, x: Any, adjacency: Any, training: bool | None = None) -> Any:
        """Attend to the neighbors of nodes `(batch, nodes, features)` by `adjacency` `(batch, nodes, nodes)`."""
        nodes, each = ops.shape(x)[1], self.target.shape[1]
        values = ops.transpose(ops.reshape(self.dense(x), (-1, nodes, self.heads, each)), (0, 2, 1, 3))
        asking = ops.sum(values * self.target[:, None], axis=-1)  # (batch, heads, nodes)
        asked = ops.sum(values * self.source[:, None], axis=-1)
        scores = ops.leaky_relu(asking[..., None] + asked[:, :, None, :], 0.2)
        scores = scores + (1 - with_loops(adjacency))[:, None] * LOWEST
        mean = ops.matmul(self.drop(ops.softmax(scores, axis=-1), training=training), values)
        if self.merge == "mean":
            return ops.mean(mean, axis=1) + self.bias
        return ops.reshape(ops.transpose(mean, (0, 2, 1, 3)), (-1, nodes, self.units)) + self.bias

    def get_config(self) -> dict[str, Any]:
        """Return what rebuilds the layer."""
        return {**super().get_config(), "heads": self.heads, "merge": self.merge, "dropout": self.dropout}


@keras.saving.register_keras_serializable("zoo")
class SampleAndAggregate(_MessagePassing):
    """GraphSAGE (Hamilton et al., 2017, arXiv:1706.02216, algorithm 1, line 4 and the product of line 5).

    `W [x, aggregate of the neighbors] + b`; a node without neighbors has zeros for them. All neighbors that are given
    count: sampling is a matter of the data.

    Args:
        units: features of each node that come out.
        aggregation: the "mean" of the neighbors, or the "max" of what a dense layer with ReLU makes of each (equation
            3).
    """

    def __init__(self, units: int, *, aggregation: Aggregation = "mean", **kwargs: Any) -> None:
        super().__init__(units, **kwargs)
        self.aggregation = aggregation

    def build(self, x_shape: Shape, adjacency_shape: Shape) -> None:
        """Make the weights."""
        self.own, self.heard = self._dense(self.units, "own"), self._dense(self.units, "heard", use_bias=False)
        self.own.build(x_shape)
        if self.aggregation == "max":
            self.each = self._dense(self.units, "each", activation="relu")
            self.each.build(x_shape)
            x_shape = (*x_shape[:-1], self.units)
        self.heard.build(x_shape)

    def call(self, x: Any, adjacency: Any) -> Any:
        """Aggregate the neighbors of nodes `(batch, nodes, features)` by `adjacency` `(batch, nodes, nodes)`."""
        if self.aggregation == "max":  # what is not heard is 0, and nothing is below it
            heard = ops.max(adjacency[..., None] * self.each(x)[:, None], axis=2)
        else:
            heard = ops.matmul(adjacency, x) / ops.maximum(ops.sum(adjacency, axis=2, keepdims=True), 1)
        return self.own(x) + self.heard(heard)

    def get_config(self) -> dict[str, Any]:
        """Return what rebuilds the layer."""
        return {**super().get_config(), "aggregation": self.aggregation}


@keras.saving.register_keras_serializable("zoo")
class NodePooling(keras.layers.Layer):
    """Reduce the nodes to one vector: `(batch, nodes, width)` to `(batch, width)`, zeros where no node is real.

    Args:
        kind: "mean", "sum" or "max" of the real nodes; or the "first" node.
    """

    def __init__(self, kind: NodePool, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kind = kind

    def call(self, x: Any, real: Any) -> Any:
        """Pool the nodes for which `real` `(batch, nodes, 1)` is 1."""
        if self.kind == "first":
            return x[:, 0] * real[:, 0]
        count = ops.sum(real, axis=1)
        if self.kind == "max":
            return ops.max(x + (1 - real) * LOWEST, axis=1) * ops.minimum(count, 1)
        total = ops.sum(x * real, axis=1)
        return total if self.kind == "sum" else total / ops.maximum(count, 1)

    def compute_output_shape(self, x_shape: Shape, real_shape: Shape) -> Shape:
        """Return `(batch, width)`."""
        return (x_shape[0], x_shape[-1])

    def get_config(self) -> dict[str, Any]:
        """Return what rebuilds the layer."""
        return {**super().get_config(), "kind": self.kind}


def with_loops(adjacency: Any) -> Any:
    """Return the matrix, `(batch, nodes, nodes)`, with every node hearing from itself."""
    return ops.maximum(adjacency, ops.eye(ops.shape(adjacency)[1], dtype=adjacency.dtype))


def graph_inputs(
    input_shape: Sequence[int | None], edges: Edges
) -> tuple[list[keras.KerasTensor], keras.KerasTensor, keras.KerasTensor, keras.KerasTensor]:
    """Return the inputs of a graph model, nodes and edges, and what they hold.

    Args:
        input_shape: `(nodes, features)`; the number of nodes may be None.
        edges: the form of the edges, a "list" or a "matrix".

    Returns:
        The two inputs; nodes `(batch, nodes, features)` with zeros for padding; which of them are real,
        `(batch, nodes, 1)`; and the edges as a matrix `(batch, nodes, nodes)`.

    Raises:
        ValueError: the shape is of another form.
    """
    shape = tuple(input_shape)
    if len(shape) != 2 or shape[1] is None:
        raise ValueError(f"needs (nodes, features), of which only nodes may be open. Received: input_shape={shape}")
    nodes = keras.Input(shape, name="nodes")
    if edges == "list":
        given = keras.Input((None, 2), dtype="int32", name="edges")
    else:
        given = keras.Input((shape[0], shape[0]), name="edges")
    x, real = RealNodes(name="real_nodes")(nodes)
    return [nodes, given], x, real, Adjacency(edges, name="adjacency")(given, real)
