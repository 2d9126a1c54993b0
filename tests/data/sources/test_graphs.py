"""Graphs from a source to batches."""

import dataclasses

import numpy as np
import pytest

from zoo.audit.audit import audit
from zoo.data.batches import evaluation_batches, training_batches
from zoo.data.builtin import builtin_builder
from zoo.data.dataset import Dataset, Signature, Split
from zoo.data.inputs import GraphInputs
from zoo.data.prepared import prepare
from zoo.data.preprocessing import fit_preprocessor
from zoo.data.sources.graphs import graph_problem, pad_graphs, read_graphs
from zoo.data.sources.load import load_dataset
from zoo.errors import ZooError
from zoo.recipe import load_recipe
from zoo.recipe.steps import PreprocessStep
from zoo.tasks import TASKS

RNG = np.random.default_rng(0)


def graph(nodes, edges, width=3):
    return RNG.normal(size=(nodes, width)).astype("float32"), RNG.integers(0, nodes, (edges, 2)).astype("int32")


GRAPHS = [graph(n, e) for n, e in [(4, 6), (1, 0), (6, 3), (2, 2), (5, 9), (3, 1)]]


def dataset(graphs=GRAPHS):
    inputs, targets = pad_graphs(graphs, 3), np.arange(len(graphs), dtype=np.int32) % 2
    parts = [Split(inputs, rows, targets[rows]) for rows in (np.arange(4), np.array([4]), np.array([5]))]
    train, validation, test = parts
    signature = Signature("graph", "label", (None, 3), labels=("a", "b"))
    return Dataset(name="made", signature=signature, train=train, validation=validation, test=test, fingerprint="")


def test_padding():
    inputs = pad_graphs(GRAPHS, 3)
    assert inputs.nodes.shape == (6, 6, 3) and inputs.edges.shape == (6, 9, 2)
    for i, (nodes, edges) in enumerate(GRAPHS):
        np.testing.assert_array_equal(inputs.nodes[i, : len(nodes)], nodes)
        np.testing.assert_array_equal(inputs.edges[i, : len(edges)], edges)
        assert np.isnan(inputs.nodes[i, len(nodes) :]).all() and (inputs.edges[i, len(edges) :] == -1).all()
    assert pad_graphs([GRAPHS[1]], 3).edges.shape == (1, 1, 2)  # no edge at all


def test_the_fingerprint_does_not_depend_on_the_padding():
    inputs = pad_graphs(GRAPHS, 3)
    nodes = np.pad(inputs.nodes, ((0, 0), (0, 2), (0, 0)), constant_values=np.nan)
    wider = GraphInputs(nodes, np.pad(inputs.edges, ((0, 0), (0, 3), (0, 0)), constant_values=-1))
    assert wider.digest() == inputs.digest()
    nodes[0, 0, 0] += 1
    assert GraphInputs(nodes, wider.edges).digest() != inputs.digest()


def test_the_audit_finds_the_same_graph_in_two_splits():
    repeated = [*GRAPHS[:5], GRAPHS[0]]
    (leaked,) = [each for each in audit(dataset(repeated))["findings"] if each["name"] == "leaked_examples"]
    assert leaked["message"].startswith("1 of 1 test examples are also in the training split")
    assert not any(each["name"] == "leaked_examples" for each in audit(dataset())["findings"])


def test_standardize_is_fitted_on_the_real_nodes_of_training():
    fitted = fit_preprocessor([PreprocessStep.model_validate({"standardize": {}})], dataset())
    real = np.concatenate([nodes for nodes, _ in GRAPHS[:4]]).astype(np.float64)
    np.testing.assert_allclose(fitted.scale, 1 / real.std(axis=0), rtol=1e-6)
    np.testing.assert_allclose(fitted.offset, -real.mean(axis=0) / real.std(axis=0), rtol=1e-6)
    assert fitted.shape == (6, 3)  # of the largest graph of any split


@pytest.mark.parametrize("memory", ["resident", "streamed"])
def test_batches(memory):
    data = dataset()
    prepared = prepare(data.train, fit_preprocessor([], data), np.arange(4, dtype=np.float32)[:, None], memory)
    assert (prepared.array is None) == (memory == "streamed")
    x, y = next(iter(evaluation_batches(prepared)))
    np.testing.assert_array_equal(x["nodes"], data.train.inputs.nodes[:4])
    np.testing.assert_array_equal(x["edges"], data.train.inputs.edges[:4])
    recipe = load_recipe("graph/digit_neighbors", ["training.batch_size=2"]).recipe
    for x, y in training_batches(prepared, recipe, start=0, steps=4):
        rows = y.numpy()[:, 0].astype(int)
        np.testing.assert_array_equal(x["nodes"], data.train.inputs.nodes[rows])
        np.testing.assert_array_equal(x["edges"], data.train.inputs.edges[rows])


@pytest.mark.parametrize(
    ("nodes", "edges", "message"),
    [
        (np.zeros((0, 3)), np.zeros((0, 2), int), "expected at least one node, received none"),
        (np.array([[0.0], [np.nan]]), np.zeros((0, 2), int), "those of node 1 hold NaN or infinity"),
        (np.zeros((2, 1)), np.array([[0, 1], [1, 2]]), r"edges must join nodes 0 to 1, received the edge \[1, 2\]"),
        (np.zeros((2, 1)), np.array([[-2, 1]]), r"edges must join nodes 0 to 1, received the edge \[-2, 1\]"),
    ],
)
def test_a_graph_that_cannot_be(nodes, edges, message):
    import re

    assert re.search(message, str(graph_problem(nodes, edges)))
    assert graph_problem(*GRAPHS[0]) is None


def test_a_builder_with_a_broken_graph_is_refused():
    import tensorflow_datasets as tfds

    builder = builtin_builder("digit_graphs")
    broken = dataclasses.make_dataclass("Builder", ["info"])(builder.info)
    example = {"graph": {"nodes": np.zeros((2, 3), "float32"), "edges": np.array([[0, 7]])}, "label": 0}
    broken.as_dataset = lambda **_: [example]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tfds, "as_numpy", lambda rows: rows)
        with pytest.raises(ZooError, match=r"digit_graphs: split 'train': graph 1: edges must join nodes 0 to 1"):
            read_graphs(broken, "train", "graph", "label")


@pytest.mark.ci
def test_the_neighborhoods_of_digits():
    """The first node is the example's own; no label but its own is in it; edges stand in both directions."""
    from zoo.data.builtin.measured import digit_images

    data = load_dataset(load_recipe("graph/digit_neighbors").recipe.data, TASKS["node_classification"])
    assert [len(s) for s in (data.train, data.validation, data.test)] == [100, 500, 1197]
    np.testing.assert_array_equal(np.bincount(data.train.targets), 10)
    images, labels = digit_images()
    pixels = {image.tobytes(): label for image, label in zip(images.reshape(-1, 64), labels, strict=True)}
    seen = set()
    for split in (data.train, data.validation, data.test):
        raw = split.take(np.arange(len(split)))
        assert set(raw) == {"nodes", "edges"}
        own = np.rint(raw["nodes"][:, 0] * 255).astype(np.uint8)
        assert [pixels[row.tobytes()] for row in own] == split.targets.tolist()
        seen |= {row.tobytes() for row in own}
        for nodes, edges in zip(raw["nodes"][:50], raw["edges"][:50], strict=True):
            pairs = {tuple(edge) for edge in edges.tolist() if edge[0] >= 0}
            assert {(t, s) for s, t in pairs} == pairs and not any(s == t for s, t in pairs)
            reached = {0}
            for _ in range(2):
                reached |= {t for s, t in pairs if s in reached}
            assert reached == set(range(int((~np.isnan(nodes).all(axis=1)).sum())))
            assert sum(s == 0 for s, _ in pairs) >= 5
    assert len(seen) == len(pixels)  # every digit is the first node of one example
    assert not any(each["name"] == "leaked_examples" for each in audit(data)["findings"])


def test_the_graphs_of_digits():
    data = load_dataset(load_recipe("graph/digit_graphs").recipe.data, TASKS["graph_classification"])
    raw = data.test.take(np.arange(5))
    for nodes, edges in zip(raw["nodes"], raw["edges"], strict=True):
        nodes, edges = nodes[~np.isnan(nodes[:, 0])], edges[edges[:, 0] >= 0]
        assert nodes[:, 0].min() >= 64 / 255 and nodes[:, 0].max() <= 1
        np.testing.assert_allclose(nodes[:, 1:].mean(axis=0), 0, atol=1e-6)
        steps = np.abs(nodes[edges[:, 0], 1:] - nodes[edges[:, 1], 1:]) * 8
        np.testing.assert_allclose(steps.max(axis=1), 1, rtol=1e-5)
