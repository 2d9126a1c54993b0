"""What every graph model must keep: the order of nodes and edges, and the padding, tell nothing."""

import keras
import numpy as np
import pytest
from keras import ops

from zoo import registry
from zoo.errors import ZooError

NAMES = ("gat", "gcn", "graph_sage")
SETTINGS = {"gat": {"width": 8, "heads": 2}, "gcn": {"width": 8}, "graph_sage": {"width": 8}}
BATCH, NODES, EDGES, FEATURES = 3, 7, 12, 5


def graphs(seed=0):
    rng = np.random.default_rng(seed)
    nodes = rng.normal(size=(BATCH, NODES, FEATURES)).astype("float32")
    return nodes, rng.integers(0, NODES, (BATCH, EDGES, 2)).astype("int32")


def build(name, **settings):
    keras.utils.set_random_seed(0)
    model = registry.build(name, input_shape=(None, FEATURES), outputs=4, **SETTINGS[name], **settings)
    model.set_weights([np.random.default_rng(1).normal(size=w.shape) * 0.5 for w in model.get_weights()])
    return model


def predict(model, nodes, edges):
    return ops.convert_to_numpy(model([nodes, edges], training=False))


def moved(nodes, edges):
    """Return the graphs with their nodes and edges in another order, and that order."""
    order = np.random.default_rng(2).permutation(NODES)
    place = np.argsort(order)
    return nodes[:, order], place[edges][:, ::-1].astype("int32"), order


@pytest.mark.parametrize("pool", ["mean", "sum", "max"])
@pytest.mark.parametrize("name", NAMES)
def test_the_order_of_the_nodes_does_not_matter_for_the_graph(name, pool):
    model = build(name, pool=pool)
    nodes, edges = graphs()
    other = moved(nodes, edges)
    np.testing.assert_allclose(predict(model, *other[:2]), predict(model, nodes, edges), rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_one_output_a_node_moves_with_the_node(name):
    model = build(name, every_step=True, residual=True)
    nodes, edges = graphs()
    other_nodes, other_edges, order = moved(nodes, edges)
    found = predict(model, nodes, edges)
    assert found.shape == (BATCH, NODES, 4)
    np.testing.assert_allclose(predict(model, other_nodes, other_edges), found[:, order], rtol=0, atol=1e-4)


@pytest.mark.parametrize("pool", ["mean", "sum", "max", "first"])
@pytest.mark.parametrize("name", NAMES)
def test_padding_changes_nothing(name, pool):
    model = build(name, pool=pool, norm="layer")
    nodes, edges = graphs()
    more = np.pad(nodes, ((0, 0), (0, 4), (0, 0)), constant_values=np.nan)
    listed = np.pad(edges, ((0, 0), (0, 5), (0, 0)), constant_values=-1)
    np.testing.assert_allclose(predict(model, more, listed), predict(model, nodes, edges), rtol=0, atol=1e-5)


@pytest.mark.parametrize("settings", [{}, {"aggregation": "max"}])
@pytest.mark.parametrize("name", NAMES)
def test_edges_as_a_matrix_give_the_same(name, settings):
    if settings and name != "graph_sage":
        pytest.skip("only GraphSAGE aggregates in two ways")
    nodes, edges = graphs()
    matrix = np.zeros((BATCH, NODES, NODES), "float32")
    for graph in range(BATCH):
        matrix[graph, edges[graph, :, 1], edges[graph, :, 0]] = 1
    expected = predict(build(name, **settings), nodes, edges)
    found = predict(build(name, edges="matrix", **settings), nodes, matrix)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("name", NAMES)
def test_messages_travel_as_many_edges_as_there_are_layers(name):
    """On a path, the first node's output depends on nodes up to `depth` edges away, and on no other."""
    path = np.stack([np.arange(1, NODES), np.arange(NODES - 1)], axis=1).astype("int32")[None]
    model = build(name, depth=3, pool="first")
    nodes = graphs()[0][:1]
    first = predict(model, nodes, path)
    for distance in range(NODES):
        changed = nodes.copy()
        changed[:, distance] += 1
        assert (np.abs(predict(model, changed, path) - first).max() > 1e-6) == (distance <= 3)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(7,), (7, None), (7, 5, 1)])
def test_the_shape_must_be_that_of_nodes(name, shape):
    with pytest.raises(ZooError, match=r"needs \(nodes, features\), of which only nodes may be open"):
        registry.build(name, input_shape=shape)


def test_parameters_are_those_of_the_papers():
    """On Cora (Kipf and Welling, Veličković et al.): the convolutions' weights, to which the head adds its own."""
    count = {name: registry.build(name, input_shape=(None, 1433), outputs=7).count_params() for name in ("gcn", "gat")}
    assert count["gcn"] == (1433 * 16 + 16) + (16 * 16 + 16) + (16 * 7 + 7)
    first, second = 1433 * 64 + 2 * 64 + 64, 64 * 8 * 64 + 2 * 8 * 64 + 64
    assert count["gat"] == first + second + (64 * 7 + 7)
