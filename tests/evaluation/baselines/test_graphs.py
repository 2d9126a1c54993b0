import numpy as np

from zoo.evaluation.baselines.graphs import DEGREES, graph_statistics, label_spreading, own_features


def test_graph_statistics():
    nodes = np.full((2, 4, 2), np.nan, np.float32)
    nodes[0, :3] = [[1, 2], [3, 4], [5, 9]]
    nodes[1, :1] = [[7, 8]]
    edges = np.full((2, 3, 2), -1, np.int32)
    edges[0] = [[0, 1], [2, 1], [1, 0]]
    found = graph_statistics(nodes, edges)
    assert found.shape == (2, 2 + DEGREES + 8)
    np.testing.assert_allclose(found[0, :5], [3, 3, 1 / 3, 1 / 3, 1 / 3])
    np.testing.assert_allclose(found[0, -8:], [3, 5, *np.std(nodes[0, :3], axis=0), 1, 2, 5, 9], rtol=1e-6)
    np.testing.assert_allclose(found[1, :3], [1, 0, 1])
    np.testing.assert_array_equal(found[1, -6:], [0, 0, 7, 8, 7, 8])
    np.testing.assert_array_equal(own_features(nodes), [[1, 2], [7, 8]])


def test_label_spreading_goes_along_a_chain_of_neighbors():
    """Two long rows of points, of which one end each is labeled: far from its label a point still has it."""
    places = np.arange(60) / 10
    rows = np.concatenate([np.stack([places, np.full(60, y)], axis=1) for y in (0.0, 5.0)]).astype(np.float32)
    labels = np.repeat([0, 2], 60)
    known = np.array([0, 60])
    rest = np.setdiff1d(np.arange(120), known)
    splits = {"train": rows[known], "validation": rows[rest[:50]], "test": rows[rest[50:]]}
    found, converged = label_spreading(splits, labels[known], 3)
    assert converged and found["train"].shape == (2, 3)
    for name, part in (("validation", rest[:50]), ("test", rest[50:])):
        reached = found[name].max(axis=1) > 0.5  # all but the far ends, whom nobody has among their nearest
        assert (found[name].argmax(axis=1) == labels[part])[reached].all() and (~reached).sum() <= 2
        np.testing.assert_allclose(found[name].sum(axis=1), 1)
