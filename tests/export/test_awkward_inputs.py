"""Awkward inputs in the certificate: what is tried for each kind of input, and what the answers are called."""

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from zoo.export.awkward_inputs import try_awkward_inputs
from zoo.utils.empty_batch import run_empty_batch
from zoo.utils.files import read_json

BATCHES = {"batch of 0", "batch of 1", "batch of 257"}
NUMBERS = {"NaN", "infinite number", "extreme number"}
TEXTS = {"longest text", "empty text", "text of symbols that are not known"}
SIZES = {f"image of {size} pixels" for size in ("1 x 1", "3 x 50", "64 x 48")}
TRIED = {
    "image": {"black image", "white image"},
    "folder": {"black image", "white image", *SIZES},
    "table": {*NUMBERS, "unseen category", "empty category"},
    "array": NUMBERS,
    "text": TEXTS,
}


@pytest.mark.parametrize("kind", TRIED)
def test_the_certificate_says_what_was_tried_and_that_the_file_answers_as_keras(kind, trained):
    certificate = read_json(trained(kind).run / "export" / "certificate.json")
    assert certificate["version"] == 2
    tried = {row["input"]: row for row in certificate["awkward_inputs"]}
    assert set(tried) == TRIED[kind] | BATCHES
    different = {name for name, row in tried.items() if row["answer"] != "equal"}
    assert different <= {"batch of 0", "infinite number"}, tried  # a file spoils what Keras may saturate
    assert all(row["max_abs_difference"] <= 1e-4 for row in tried.values() if row["answer"] == "equal")
    assert certificate["runtimes"] == [
        {"runtime": "onnxruntime", "version": onnxruntime.__version__, "providers": ["CPUExecutionProvider"]}
    ]
    assert 0 < certificate["mean_abs_difference"] <= certificate["max_abs_difference"]
    for output in certificate["outputs"].values():
        assert 0 <= output["mean_abs_difference"] <= output["max_abs_difference"] <= output["tolerance"]


def test_answers_that_differ_and_refusals_are_told_apart(reopened):
    run, dataset, model = reopened("array")
    content = (run.folder / "export" / "model.onnx").read_bytes()
    x = dataset.test.take([0, 1])
    signature = dataset.signature

    def tried(answers):
        rows = try_awkward_inputs(content, answers, {"array": x}, signature, 1e-4)
        return {row["input"]: row for row in rows}

    def keras(feeds):
        return {"probabilities": np.asarray(model(feeds["array"]))}

    def refuses_one(feeds):
        if len(feeds["array"]) == 1:
            raise ValueError("one")
        return keras(feeds)

    assert tried(keras)["batch of 257"]["answer"] == "equal"
    off = tried(lambda feeds: {"probabilities": keras(feeds)["probabilities"] + 0.01})["batch of 257"]
    assert off["answer"] == "different" and off["max_abs_difference"] == pytest.approx(0.01, rel=1e-3)
    spoiled = tried(lambda feeds: {"probabilities": np.full((len(feeds["array"]), 3), np.nan, np.float32)})
    row = spoiled["batch of 257"]
    assert (row["answer"], row["file"], row["keras"]) == ("different", "finite", "not finite")
    refused = tried(refuses_one)
    assert refused["batch of 1"] == {"input": "batch of 1", "answer": "refused", "file": "finite", "keras": "refused"}
    assert refused["batch of 257"]["answer"] == "equal"


@pytest.fixture
def recurrent():
    """Return a file of one LSTM and nothing else, on which onnxruntime aborts the process for an empty batch."""
    rng = np.random.default_rng(0)
    shapes = {"w": (1, 8, 3), "r": (1, 8, 2)}
    weights = [numpy_helper.from_array(rng.normal(size=shape).astype(np.float32), n) for n, shape in shapes.items()]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [4, "batch", 3])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [4, 1, "batch", 2])
    node = helper.make_node("LSTM", ["x", "w", "r"], ["y"], hidden_size=2)
    graph = helper.make_graph([node], "graph", [x], [y], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def test_a_file_that_aborts_on_an_empty_batch_ends_another_process(recurrent):
    assert run_empty_batch(recurrent.SerializeToString(), {"x": np.zeros((4, 0, 3), np.float32)}) == "aborted"


def test_an_empty_batch_is_answered_or_refused(trained):
    content = (trained("table").run / "export" / "model.onnx").read_bytes()
    shapes = {"size_in_cm": np.float32, "groe": np.float32, "colour": object, "zip_code": object}
    feeds = {name: np.zeros((0, 1), dtype) for name, dtype in shapes.items()}
    found = run_empty_batch(content, feeds)
    assert {name: (values.dtype.kind, values.shape) for name, values in found.items()} == {
        "probabilities": ("f", (0, 2)),
        "label": ("O", (0,)),
    }
    assert run_empty_batch(content, {name: values[:, :0] for name, values in feeds.items()}) == "refused"
