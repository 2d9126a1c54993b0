"""The convolutions against the papers' formulas in NumPy, one graph, node and edge at a time."""

import keras
import numpy as np
import onnxruntime
import pytest
from in_ci import in_ci
from keras import ops

from zoo.export.convert import to_onnx
from zoo.layers.graph import Adjacency, GraphAttention, GraphConvolution, NodePooling, RealNodes, SampleAndAggregate

RNG = np.random.default_rng(0)
NODES, FEATURES, UNITS = 6, 5, 4
X = RNG.normal(size=(2, NODES, FEATURES)).astype("float32")
X[1, 4:] = np.nan
# (source, target); in the first graph node 5 has no neighbors and one edge is listed twice, the second has four nodes
EDGES = np.array(
    [
        [[0, 1], [1, 0], [2, 1], [3, 1], [3, 4], [4, 3], [5, 2], [2, 1], [-1, -1]],
        [[0, 1], [1, 0], [1, 2], [2, 1], [2, 3], [3, 2], [-1, -1], [-1, -1], [-1, -1]],
    ],
    np.int32,
)
REAL = [6, 4]


def call(layer, *arguments):
    return ops.convert_to_numpy(layer(*arguments))


def neighbors_of(graph):
    """Return the sources of the edges to each node."""
    return [sorted({int(s) for s, t in EDGES[graph] if t == node}) for node in range(REAL[graph])]


def prepared():
    x, real = RealNodes()(X)
    return x, real, Adjacency("list")(EDGES, real)


def randomized(layer):
    x, _, adjacency = prepared()
    layer(x, adjacency)
    layer.set_weights([RNG.normal(size=w.shape) for w in layer.get_weights()])
    return layer, call(layer, x, adjacency)


def check(found, reference):
    for graph, count in enumerate(REAL):
        expected = np.stack([reference(X[graph].astype("float64"), neighbors_of(graph), node) for node in range(count)])
        np.testing.assert_allclose(found[graph, :count], expected, rtol=0, atol=1e-4)


def test_adjacency_has_a_row_for_each_target():
    adjacency = ops.convert_to_numpy(prepared()[2])
    for graph, count in enumerate(REAL):
        expected = np.zeros((NODES, NODES))
        for node in range(count):
            expected[node, neighbors_of(graph)[node]] = 1
        np.testing.assert_array_equal(adjacency[graph], expected)


def test_a_matrix_of_edges_is_the_same_as_a_list():
    _, real, adjacency = prepared()
    weighted = ops.convert_to_numpy(adjacency) * 3.5
    weighted[1, 5, 0] = weighted[1, 0, 5] = 1  # an edge of a padded node
    np.testing.assert_array_equal(call(Adjacency("matrix"), weighted, real), adjacency)


def test_real_nodes():
    x = X.copy()
    x[0, 0, 0] = np.nan
    nodes, real = (ops.convert_to_numpy(a) for a in RealNodes()(x))
    assert np.isnan(nodes[0, 0, 0]) and real[0, 0] == 1  # lacks one feature: no padding, and not hidden
    np.testing.assert_array_equal(real[..., 0].sum(axis=1), REAL)
    assert (nodes[1, 4:] == 0).all()


def test_graph_convolution():
    layer, found = randomized(GraphConvolution(UNITS))
    kernel, bias = layer.dense.get_weights()[0], ops.convert_to_numpy(layer.bias)

    def reference(x, neighbors, node):
        degree = [len({i, *neighbors[i]}) for i in range(len(neighbors))]
        parts = [x[j] @ kernel / np.sqrt(degree[node] * degree[j]) for j in sorted({node, *neighbors[node]})]
        return sum(parts) + bias

    check(found, reference)


@pytest.mark.parametrize("merge", ["concatenate", "mean"])
def test_graph_attention(merge):
    layer, found = randomized(GraphAttention(UNITS, 2, merge=merge))
    kernel = layer.dense.get_weights()[0]
    target, source, bias = (ops.convert_to_numpy(w) for w in (layer.target, layer.source, layer.bias))
    each = kernel.shape[1] // 2

    def reference(x, neighbors, node):
        heads = []
        for head in range(2):
            hidden = x[: len(neighbors)] @ kernel[:, head * each : (head + 1) * each]
            seen = sorted({node, *neighbors[node]})
            score = np.array([hidden[node] @ target[head] + hidden[j] @ source[head] for j in seen])
            score = np.exp(np.where(score > 0, score, 0.2 * score))
            heads.append((score / score.sum()) @ hidden[seen])
        return (np.concatenate(heads) if merge == "concatenate" else np.mean(heads, axis=0)) + bias

    check(found, reference)


@pytest.mark.parametrize("aggregation", ["mean", "max"])
def test_sample_and_aggregate(aggregation):
    layer, found = randomized(SampleAndAggregate(UNITS, aggregation=aggregation))
    (own, bias), (heard_kernel,) = layer.own.get_weights(), layer.heard.get_weights()

    def reference(x, neighbors, node):
        features = x[neighbors[node]]
        if aggregation == "max":
            kernel, shift = layer.each.get_weights()
            features = np.maximum(features @ kernel + shift, 0)
        both = np.zeros(features.shape[1])
        if len(features):
            both = features.mean(axis=0) if aggregation == "mean" else features.max(axis=0)
        return x[node] @ own + bias + both @ heard_kernel

    check(found, reference)


@pytest.mark.parametrize("kind", ["mean", "sum", "max", "first"])
def test_node_pooling(kind):
    x = RNG.normal(size=(3, NODES, UNITS)).astype("float32") - 5
    counts = [6, 4, 0]
    real = (np.arange(NODES) < np.array(counts)[:, None]).astype("float32")[..., None]
    found = call(NodePooling(kind), x, real)
    reduce = {"mean": np.mean, "sum": np.sum, "max": np.max, "first": lambda a, axis: a[0]}[kind]
    for graph in (0, 1):
        np.testing.assert_allclose(found[graph], reduce(x[graph, : counts[graph]], axis=0), rtol=1e-5)
    np.testing.assert_array_equal(found[2], 0)


def test_heads_must_share_the_width():
    with pytest.raises(ValueError, match=r"width must be a multiple of heads. Received: width=5, heads=2"):
        randomized(GraphAttention(5, 2))


@pytest.mark.parametrize("opset", in_ci([13, 18], but=[18]))
def test_in_onnx_with_any_number_of_nodes_and_edges(opset):
    nodes, edges = keras.Input((None, FEATURES)), keras.Input((None, 2), dtype="int32")
    x, real = RealNodes()(nodes)
    adjacency = Adjacency("list")(edges, real)
    for layer in (
        GraphConvolution(UNITS),
        GraphAttention(UNITS, 2),
        SampleAndAggregate(UNITS, aggregation="max"),
        SampleAndAggregate(UNITS),
    ):
        x = layer(x, adjacency)
    model = keras.Model([nodes, edges], NodePooling("max")(x, real))
    file = to_onnx(model, ["nodes", "edges"], ["y"], opset=opset).SerializeToString()
    session = onnxruntime.InferenceSession(file)
    for count, listed in ((NODES, 9), (4, 3), (4, 0)):
        feeds = {"nodes": X[:, :count], "edges": np.where(count > EDGES, EDGES, -1)[:, :listed]}
        got = session.run(None, feeds)[0]
        expected = ops.convert_to_numpy(model(list(feeds.values())))
        np.testing.assert_allclose(got, expected, rtol=0, atol=1e-5)
    lacking = X.copy()
    lacking[0, 0, 0] = np.nan
    got = session.run(None, {"nodes": lacking, "edges": EDGES})[0]
    assert np.isnan(got[0]).all() and np.isfinite(got[1]).all()
