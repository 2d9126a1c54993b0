"""Graphs in npz files, given to a file that takes graphs."""

import numpy as np
import onnx
import pytest

from zoo.data.sources.load import load_dataset
from zoo.errors import ZooError
from zoo.export.convert import add_metadata
from zoo.export.kinds import KINDS
from zoo.recipe import load_recipe
from zoo.serving.exported_model import SIGNATURE_KEY, ExportedModel
from zoo.serving.predict import predict
from zoo.serving.tensor_forms import TensorForm
from zoo.tasks import TASKS
from zoo.training.problem import set_up


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Return a file of an untrained model, the Keras model that it was made of, and the test split."""
    recipe = load_recipe("graph/digit_graphs", ["model.width=8", "model.depth=1"]).recipe
    task = TASKS[recipe.task]
    dataset = load_dataset(recipe.data, task, recipe.preprocess)
    model = set_up(recipe, dataset).views.saved
    proto = KINDS[task.kind].graph(model, dataset.signature, opset=18)
    add_metadata(proto, {SIGNATURE_KEY: {**dataset.signature.to_json(), "task": recipe.task}})
    path = tmp_path_factory.mktemp("graphs") / "model.onnx"
    onnx.save(proto, path)
    return path, model, dataset


def test_the_inputs_of_the_file(exported):
    graph = onnx.load(exported[0]).graph
    axes = {i.name: [d.dim_param or d.dim_value for d in i.type.tensor_type.shape.dim] for i in graph.input}
    assert axes == {"nodes": ["batch", "nodes", 3], "edges": ["batch", "edges", 2]}
    assert [o.name for o in graph.output] == ["probabilities", "label"]


def test_several_graphs_and_one(exported, tmp_path):
    path, model, dataset = exported
    raw = dataset.test.take(np.arange(300))  # more than are run at a time
    wanted = model.predict_on_batch(raw)
    np.testing.assert_allclose(ExportedModel(path).predict(raw).probabilities, wanted, rtol=0, atol=1e-5)
    np.savez(tmp_path / "several.npz", nodes=raw["nodes"][:3], edges=raw["edges"][:3])
    results = predict(path, [tmp_path / "several.npz"])
    assert [r["input"] for r in results] == [f"{tmp_path / 'several.npz'}:{row}" for row in (1, 2, 3)]
    labels = dataset.signature.labels
    assert [r["label"] for r in results] == [labels[i] for i in wanted[:3].argmax(axis=1)]
    real = ~np.isnan(raw["nodes"][0, :, 0])
    np.savez(tmp_path / "one.npz", nodes=raw["nodes"][0][real], edges=raw["edges"][0][raw["edges"][0, :, 0] >= 0])
    (alone,) = predict(path, [tmp_path / "one.npz"])  # without padding, and without an axis for the examples
    np.testing.assert_allclose(list(alone["probabilities"].values()), wanted[0], rtol=0, atol=1e-5)


def test_what_the_card_says_can_be_run(exported):
    path, _, dataset = exported
    import onnxruntime

    scope = {"np": np, "session": onnxruntime.InferenceSession(path)}
    card = KINDS["classification"].card
    exec(card.call(dataset.signature, TensorForm()), scope)
    assert scope["probabilities"].shape == (1, 10) and scope["label"][0] in dataset.signature.labels
    assert "`edges` `(batch, edges, 2)`" in card.inputs(dataset.signature, TensorForm())


NODES, EDGES = np.zeros((2, 4, 3), np.float32), np.zeros((2, 5, 2), np.int32)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": NODES}, "expected the arrays 'nodes' and 'edges'; found x"),
        ({"nodes": NODES[..., :2], "edges": EDGES}, r"array 'nodes' must be numbers \(examples, nodes, 3\), received"),
        ({"nodes": NODES, "edges": EDGES[:1]}, r"array 'edges' must be whole numbers \(2, edges, 2\)"),
        ({"nodes": NODES, "edges": EDGES + 0.5}, "array 'edges' must be whole numbers"),
        ({"nodes": NODES[:0], "edges": EDGES[:0]}, "array 'nodes' holds no graphs"),
        ({"nodes": NODES, "edges": EDGES + 4}, r"graph 1: edges must join nodes 0 to 3, received the edge \[4, 4\]"),
        ({"nodes": np.where(NODES[..., :1] == 0, [0, np.nan, 0], 0), "edges": EDGES}, "those of node 0 hold NaN"),
    ],
)
def test_graphs_that_do_not_fit(exported, arrays, message, tmp_path):
    np.savez(tmp_path / "graphs.npz", **arrays)
    with pytest.raises(ZooError, match=message) as error:
        predict(exported[0], [tmp_path / "graphs.npz"])
    assert "\n" not in str(error.value)


def test_another_kind_of_file(exported, tmp_path):
    (tmp_path / "table.csv").write_text("a,b\n1,2\n")
    with pytest.raises(
        ZooError, match="takes graphs, as arrays 'nodes' and 'edges' in an npz file or a folder of tables, not tables"
    ):
        predict(exported[0], [tmp_path / "table.csv"])
