"""Message passing on graphs: layers that mix each node with its neighbors, and pooling of the nodes.

Edges become a dense matrix, so that every layer has one form; memory grows with the square of the nodes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import keras
from keras import ops

from zoo.layers.attention import MASKED_SCORE
from zoo.layers.types import Shape

Edges = Literal["list", "matrix"]
Aggregation = Literal["mean", "max"]
Heads = Literal["concatenate", "mean"]
NodePool = Literal["mean", "sum", "max", "first"]


@keras.saving.register_keras_serializable("zoo")
class RealNodes(keras.layers.Layer):
    """Distinguish real nodes from padding, which is NaN in all features.

    Input `(batch, nodes, features)`; output the same with zeros for padding, and `(batch, nodes, 1)`: 1 for real nodes,
    0 for padding. A node of which only some features are NaN is real and does not change.
    """

    def call(self, nodes: Any) -> Any:
        """Return nodes and mask."""
        missing = ops.isnan(nodes)
        padding = ops.all(missing, axis=-1, keepdims=True)
        # two steps: tf2onnx multiplies by 0, which keeps NaN, unless condition or constants contain NaN
        filled = ops.where(missing, ops.convert_to_tensor(0.0, nodes.dtype), nodes)
        partly = ops.logical_and(missing, ops.logical_not(padding))
        nodes = ops.where(partly, ops.convert_to_tensor(float("nan"), nodes.dtype), filled)
        return nodes, 1 - ops.cast(padding, nodes.dtype)

    def compute_output_shape(self, shape: Shape) -> tuple[Shape, Shape]:
        """Return the shapes of nodes and mask."""
        return shape, (*shape[:-1], 1)


@keras.saving.register_keras_serializable("zoo")
class Adjacency(keras.layers.Layer):
    """Edges between real nodes as a matrix of 0 and 1, `(batch, nodes, nodes)`; repeated edges count once.

    A row holds the neighbors that a node hears from. An undirected edge is listed in both directions.

    Args:
        edges: form of the input, a "list" or a "matrix".
    """

    def __init__(self, edges: Edges, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.edges = edges

    def call(self, edges: Any, real: Any) -> Any:
        """Return the matrix.

        Args:
            edges: `(batch, edges, 2)` int of source and target, padded with -1; or `(batch, nodes, nodes)` float with a
                row for each target, not 0 where there is an edge from the column's node.
            real: `(batch, nodes, 1)`, from `RealNodes`.
        """
        if self.edges == "list":
            edges = self._scattered(edges, ops.shape(real)[1])
        connected = ops.cast(ops.not_equal(edges, 0), self.compute_dtype)
        return connected * real * ops.transpose(real, (0, 2, 1))

    def _scattered(self, edges: Any, nodes: Any) -> Any:
        """Return `(batch, nodes, nodes)` with ones at the edges. Padding goes to an extra row and column."""
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
        """Return the constructor's arguments."""
        return {**super().get_config(), "edges": self.edges}


class _MessagePassing(keras.layers.Layer):
    """Base of the three convolutions: nodes `(batch, nodes, features)` to `(batch, nodes, units)`.

    Args:
        units: output features of each node.
    """

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units

    def compute_output_shape(self, x_shape: Shape, adjacency_shape: Shape) -> Shape:
        """Return `(batch, nodes, units)`."""
        return (*x_shape[:-1], self.units)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "units": self.units}

    def _dense(self, units: int, name: str, **options: Any) -> keras.layers.Dense:
        return keras.layers.Dense(units, name=name, dtype=self.dtype_policy, **options)


@keras.saving.register_keras_serializable("zoo")
class GraphConvolution(_MessagePassing):
    """Graph convolution (Kipf and Welling, 2017, arXiv:1609.02907, equation 2): `D^-1/2 (A + I) D^-1/2 X W + b`.

    Every node receives from itself and its neighbors. The degrees of its two ends weight an edge, self-loops included;
    in directed graphs the degree is the number of incoming edges.
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

    Each head takes a weighted mean of every node and its neighbors; the weight is the softmax of
    `leaky_relu(a · [W x_target, W x_source])` over the sources.

    Args:
        units: output features of each node; a multiple of `heads` if these are concatenated.
        heads: number of heads.
        merge: "concatenate" the heads, which then split the units, or take their "mean", each with all units.
        dropout: fraction of the attention weights dropped while training.
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
            ValueError: the heads do not divide the units.
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
        target_scores = ops.sum(values * self.target[:, None], axis=-1)  # (batch, heads, nodes)
        source_scores = ops.sum(values * self.source[:, None], axis=-1)
        scores = ops.leaky_relu(target_scores[..., None] + source_scores[:, :, None, :], 0.2)
        scores = scores + (1 - with_loops(adjacency))[:, None] * MASKED_SCORE
        mean = ops.matmul(self.drop(ops.softmax(scores, axis=-1), training=training), values)
        if self.merge == "mean":
            return ops.mean(mean, axis=1) + self.bias
        return ops.reshape(ops.transpose(mean, (0, 2, 1, 3)), (-1, nodes, self.units)) + self.bias

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "heads": self.heads, "merge": self.merge, "dropout": self.dropout}


@keras.saving.register_keras_serializable("zoo")
class SampleAndAggregate(_MessagePassing):
    """GraphSAGE (Hamilton et al., 2017, arXiv:1706.02216, algorithm 1, line 4 and the product of line 5).

    `W [x, aggregate of the neighbors] + b`; the aggregate of no neighbors is zero. The layer uses all neighbors in the
    input: sampling is left to the data.

    Args:
        units: output features of each node.
        aggregation: the "mean" of the neighbors, or the "max" over a dense layer with ReLU on each (equation 3).
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
        if self.aggregation == "max":  # other nodes count as 0, the minimum after the ReLU
            aggregate = ops.max(adjacency[..., None] * self.each(x)[:, None], axis=2)
        else:
            aggregate = ops.matmul(adjacency, x) / ops.maximum(ops.sum(adjacency, axis=2, keepdims=True), 1)
        return self.own(x) + self.heard(aggregate)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "aggregation": self.aggregation}


@keras.saving.register_keras_serializable("zoo")
class NodePooling(keras.layers.Layer):
    """Reduce the nodes to one vector: `(batch, nodes, width)` to `(batch, width)`, zeros if no node is real.

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
            return ops.max(x + (1 - real) * MASKED_SCORE, axis=1) * ops.minimum(count, 1)
        total = ops.sum(x * real, axis=1)
        return total if self.kind == "sum" else total / ops.maximum(count, 1)

    def compute_output_shape(self, x_shape: Shape, real_shape: Shape) -> Shape:
        """Return `(batch, width)`."""
        return (x_shape[0], x_shape[-1])

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "kind": self.kind}


def with_loops(adjacency: Any) -> Any:
    """Return the matrix, `(batch, nodes, nodes)`, with an edge from every node to itself."""
    return ops.maximum(adjacency, ops.eye(ops.shape(adjacency)[1], dtype=adjacency.dtype))


def graph_inputs(
    input_shape: Sequence[int | None], edges: Edges
) -> tuple[list[keras.KerasTensor], keras.KerasTensor, keras.KerasTensor, keras.KerasTensor]:
    """Return the inputs of a graph model, nodes and edges, and the tensors made from them.

    Args:
        input_shape: `(nodes, features)`; the number of nodes may be None.
        edges: form of the edges, a "list" or a "matrix".

    Returns:
        The two inputs; nodes `(batch, nodes, features)` with zeros for padding; which of them are real,
        `(batch, nodes, 1)`; and the edges as a matrix `(batch, nodes, nodes)`.

    Raises:
        ValueError: the shape has another form.
    """
    shape = tuple(input_shape)
    if len(shape) != 2 or shape[1] is None:
        raise ValueError(f"needs (nodes, features), of which only nodes may be open. Received: input_shape={shape}")
    nodes = keras.Input(shape, name="nodes")
    if edges == "list":
        edge_input = keras.Input((None, 2), dtype="int32", name="edges")
    else:
        edge_input = keras.Input((shape[0], shape[0]), name="edges")
    x, real = RealNodes(name="real_nodes")(nodes)
    return [nodes, edge_input], x, real, Adjacency(edges, name="adjacency")(edge_input, real)
