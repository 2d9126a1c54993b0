"""Smaller files: int8 and float16, run in onnxruntime alone and measured with scikit-learn."""

import hashlib
import json
import shutil

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper
from sklearn.metrics import accuracy_score

import zoo as package
from zoo.errors import ZooError
from zoo.export import quantized_file
from zoo.export.compact_graph import compact
from zoo.export.stored_weights import store_weights
from zoo.recipe import load_recipe
from zoo.training.run import Run
from zoo.utils.files import read_json

CPU = ["CPUExecutionProvider"]

CNN = """
extends: cnn/digits
model: {name: cnn, widths: [32, 96], depth: 1, norm: batch}
training: {epochs: 3, batch_size: 64}
evaluation: {baselines: []}
"""


@pytest.fixture(scope="module")
def digits(tmp_path_factory, trained):
    """Return a tiny run, what its last export returned, and the files in float16 of the one before."""
    run = tmp_path_factory.mktemp("digits") / "run"
    shutil.copytree(trained("image").run, run)
    package.export(run, quantize="float16")
    half = {name.name: name.read_bytes() for name in (run / "export").glob("*.float16.*")}
    result = package.export(run, quantize="int8")
    return run, result, half


def accuracy(content, dataset):
    session = onnxruntime.InferenceSession(content, providers=CPU)
    (labels,) = session.run(["label"], {"image": dataset.test.take(np.arange(len(dataset.test)))})
    return accuracy_score([dataset.signature.labels[i] for i in dataset.test.targets], labels)


@pytest.fixture(scope="module")
def dataset(digits):
    from zoo.commands.reopen import reopen

    return reopen(digits[0])[2]


def test_int8_is_smaller_and_its_certificate_says_what_scikit_learn_finds(digits, dataset):
    run, result, _ = digits
    folder = run / "export"
    certificate = read_json(folder / "certificate.int8.json")
    assert result["quantized"] == certificate
    whole, small = ((folder / name).read_bytes() for name in ("model.onnx", "model.int8.onnx"))
    assert certificate["sha256"] == hashlib.sha256(small).hexdigest()
    assert (certificate["float32_bytes"], certificate["bytes"]) == (len(whole), len(small))
    assert certificate["metric"] == "accuracy" and certificate["kept"] is True
    assert certificate["float32"] == pytest.approx(accuracy(whole, dataset))
    assert certificate["quantized"] == pytest.approx(accuracy(small, dataset))
    assert certificate["difference"] == pytest.approx(certificate["quantized"] - certificate["float32"])
    low, high = certificate["interval"]
    assert low <= certificate["difference"] <= high and high - low < 0.1
    assert certificate["loss"] <= 0.02 and certificate["latency_ratio"] > 0
    types = {tensor.data_type for tensor in onnx.load(folder / "model.int8.onnx").graph.initializer}
    assert TensorProto.INT8 in types


def test_smaller_files_are_certified_and_opened_as_any_other(digits):
    run, _, _ = digits
    path = run / "export" / "model.int8.onnx"
    assert [check["ok"] for check in package.verify(path)["checks"]] == [True] * 6
    assert package.verify(run / "export" / "model.onnx")["ok"]
    model = package.ExportedModel(path)
    assert model.task == "image_classification" and len(model.predict(np.zeros((2, 8, 8, 1), np.uint8)).labels) == 2


def test_a_changed_smaller_file_is_refused_by_its_own_certificate(digits, tmp_path):
    shutil.copytree(digits[0] / "export", tmp_path / "export")
    path = tmp_path / "export" / "model.int8.onnx"
    path.write_bytes(path.read_bytes() + b"\x0a\x00")
    with pytest.raises(ZooError, match=r"certificate\.int8\.json has the SHA-256"):
        package.ExportedModel(path)
    package.ExportedModel(tmp_path / "export" / "model.onnx")


def test_float16_is_measured_likewise(digits, dataset):
    _, _, half = digits
    certificate = json.loads(half["certificate.float16.json"])
    assert certificate["quantized"] == pytest.approx(accuracy(half["model.float16.onnx"], dataset))
    assert abs(certificate["difference"]) <= 0.01
    kept = {"certificate.json", "model.onnx", "sample.json", "sample.npz"}
    assert {name.replace(".float16", "") for name in half} == kept
    types = {tensor.data_type for tensor in onnx.load_from_string(half["model.float16.onnx"]).graph.initializer}
    assert TensorProto.FLOAT16 in types


def test_a_new_export_leaves_no_smaller_file_of_an_older_one(digits):
    assert not list((digits[0] / "export").glob("*.float16.*"))


def test_a_loss_beyond_the_budget_leaves_the_figures_and_no_file(digits, monkeypatch, tmp_path):
    def spoiled(proto, form):
        result = onnx.ModelProto()
        result.CopyFrom(proto)
        for tensor in result.graph.initializer:
            if tensor.data_type == TensorProto.FLOAT and len(tensor.dims) == 2:
                tensor.CopyFrom(numpy_helper.from_array(-numpy_helper.to_array(tensor), tensor.name))
        return result

    shutil.copytree(digits[0], tmp_path / "run")
    monkeypatch.setattr(quantized_file, "static_int8", lambda proto, batches: None)
    monkeypatch.setattr(quantized_file, "store_weights", spoiled)
    from zoo.commands.reopen import reopen
    from zoo.export.file_metrics import Measured
    from zoo.training.saved_model import load_model

    run, loaded, dataset = reopen(Run(tmp_path / "run"))
    path = run.folder / "export" / "model.onnx"
    for name in ("model.int8.onnx", "sample.int8.npz", "sample.int8.json"):
        path.with_name(name).unlink()
    strict = load_recipe(run.folder / "recipe.yaml", ["export.budget={accuracy: 0.005}"])
    model = load_model(run)
    certificate = quantized_file.quantize_file(path, Measured(loaded=strict, dataset=dataset, model=model), "int8")
    assert (certificate["kept"], certificate["budget"]) == (False, 0.005) and certificate["loss"] > 0.1
    assert read_json(path.with_name("certificate.int8.json")) == certificate
    assert not path.with_name("model.int8.onnx").exists() and not path.with_name("sample.int8.npz").exists()
    assert "exceeds export.budget (0.005), so the file was not kept" in quantized_file.quantized_line(certificate)
    measured = Measured(loaded=loaded, dataset=dataset, model=model)
    assert quantized_file.quantize_file(path, measured, "int8")["kept"] is True  # no budget: said, and kept


def test_the_smallest_form_within_the_usual_loss_is_chosen_and_all_are_told(digits, tmp_path, monkeypatch):
    shutil.copytree(digits[0], tmp_path / "run")
    certificate = package.export(tmp_path / "run", quantize="smallest")["quantized"]
    tried = certificate["tried"]
    assert {each["form"] for each in tried} == {"int8", "int4", "float16"}
    within = [each for each in tried if each["loss"] <= 0.005]
    assert certificate["bytes"] == min(each["bytes"] for each in within)
    path = tmp_path / "run" / "export" / certificate["file"]
    assert path.stat().st_size == certificate["bytes"] and package.verify(path)["ok"]


@pytest.fixture(scope="module")
def network():
    """Return a small graph of two products, of which one weight is read elsewhere too, and its arrays."""
    draw = np.random.default_rng(0)
    weight, shared = draw.normal(size=(40, 32)).astype(np.float32), draw.normal(size=(32, 40)).astype(np.float32)
    bias = draw.normal(size=32).astype(np.float32)
    nodes = [
        helper.make_node("MatMul", ["x", "weight"], ["h"]),
        helper.make_node("Add", ["h", "bias"], ["biased"]),
        helper.make_node("MatMul", ["biased", "shared"], ["y"]),
        helper.make_node("Add", ["shared", "shared"], ["z"]),
    ]
    arrays = {"weight": weight, "shared": shared, "bias": bias}
    tensors = [numpy_helper.from_array(values, name) for name, values in arrays.items()]
    value = helper.make_tensor_value_info
    inputs, outputs = [value("x", TensorProto.FLOAT, ["batch", 40])], [value("y", TensorProto.FLOAT, ["batch", 40])]
    graph = helper.make_graph(nodes, "g", inputs, outputs, tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), arrays


def levels_of_16(values):
    """Return the nearest of 16 levels, whose scale in float16 is the best of five for each 32 numbers in a row."""
    found = []
    for block in values.reshape(-1, 32).astype(np.float64):
        tries = []
        for part in (1.0, 0.92, 0.84, 0.76, 0.68):
            scale = float(np.float16(part * abs(block).max() / 7))
            tries.append(np.clip(np.rint(block / scale), -8, 7) * scale)
        found.append(min(tries, key=lambda rounded, block=block: ((rounded - block) ** 2).sum()))
    return np.reshape(found, values.shape)


@pytest.mark.parametrize("form", ["int8", "int4", "float16"])
def test_weights_alone_are_what_numpy_rounds_them_to(network, form):
    proto, arrays = network
    small = store_weights(proto, form)
    weight, shared, bias = arrays["weight"], *(arrays[name].astype(np.float16) for name in ("shared", "bias"))
    if form == "int8":
        scale = (np.abs(weight).max(axis=0) / 127).astype(np.float16).astype(np.float32)
        weight = np.clip(np.rint(weight / scale), -127, 127) * scale
    weight = {"int8": weight, "int4": levels_of_16(weight), "float16": weight.astype(np.float16)}[form]
    x = np.random.default_rng(1).normal(size=(3, 40)).astype(np.float32)
    session = onnxruntime.InferenceSession(small.SerializeToString(), providers=CPU)
    (found,) = session.run(["y"], {"x": x})
    expected = (x.astype(np.float64) @ weight + bias) @ shared.astype(np.float64)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
    kept = sum(len(tensor.raw_data) for tensor in small.graph.initializer if tensor.name.startswith("weight"))
    # 40 x 32 numbers; 32 scales, or 40 and what unpacks them, of two bytes each
    assert kept == {"int8": 1280 + 64, "int4": 640 + 80 + 1 + 1 + 4 + 16, "float16": 2560}[form]


def test_a_graph_without_large_weights_has_no_smaller_form():
    value = helper.make_tensor_value_info
    x, y = value("x", TensorProto.FLOAT, ["batch", 4]), value("y", TensorProto.FLOAT, ["batch", 4])
    weight = numpy_helper.from_array(np.eye(4, dtype=np.float32), "weight")
    graph = helper.make_graph([helper.make_node("MatMul", ["x", "weight"], ["y"])], "g", [x], [y], [weight])
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    assert [store_weights(proto, form) for form in ("int8", "int4", "float16")] == [None] * 3


def test_short_names_and_shared_constants_change_no_answer():
    value = helper.make_tensor_value_info
    scalar, counter = (lambda name: value(name, TensorProto.FLOAT, [3])), value("i", TensorProto.INT64, [])
    going = value("going", TensorProto.BOOL, [])
    body = helper.make_graph(
        [
            helper.make_node("Mul", ["state", "a/long/name/of/two"], ["body/doubled"]),
            helper.make_node("Add", ["body/doubled", "body/one"], ["next"]),
            helper.make_node("Identity", ["going"], ["on"]),
        ],
        "body",
        [counter, going, scalar("state")],
        [value("on", TensorProto.BOOL, []), scalar("next")],
        [numpy_helper.from_array(np.ones(3, np.float32), "body/one")],
    )
    two = np.full(3, 2, np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("Loop", ["times", "", "x"], ["looped"], body=body, name="a long name"),
            helper.make_node("Mul", ["looped", "another/name/of/two"], ["y"]),
        ],
        "g",
        [scalar("x")],
        [scalar("y")],
        [
            numpy_helper.from_array(np.array(4), "times"),
            numpy_helper.from_array(two, "a/long/name/of/two"),
            numpy_helper.from_array(two, "another/name/of/two"),
        ],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    before = len(proto.SerializeToString())
    compact(proto)
    onnx.checker.check_model(proto, full_check=True)
    session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=CPU)
    x = np.array([0, 1, -2], np.float32)
    expected = x
    for _ in range(4):
        expected = 2 * expected + 1
    np.testing.assert_array_equal(session.run(["y"], {"x": x})[0], 2 * expected)
    assert len(proto.graph.initializer) == 2 and len(proto.SerializeToString()) < before - 150
    assert all(len(name) <= 2 for node in proto.graph.node for name in (*node.input, *node.output))


@pytest.mark.parametrize(
    ("recipe", "override", "message"),
    [
        ("mlp/wine", "export.budget={log_loss: 0.1}", "measured in accuracy"),
        ("mlp/wine", "export.quantize=int2", "int8"),
    ],
)
def test_settings_without_effect_are_refused(recipe, override, message):
    with pytest.raises(ZooError, match=message):
        load_recipe(recipe, [override])


def test_an_unknown_form_is_refused(tmp_path):
    with pytest.raises(ZooError, match="expected int8, int4, float16 or smallest, received 'int2'"):
        package.export(tmp_path, quantize="int2")


@pytest.mark.ci
def test_a_network_with_convolutions_shrinks_and_keeps_its_accuracy(tmp_path, monkeypatch):
    """On a busy machine int8 may be measured as no faster; it is then passed over."""
    monkeypatch.setattr("zoo.export.quantized_file._is_faster", lambda *_: True)
    (tmp_path / "cnn.yaml").write_text(CNN)
    run = package.train(
        tmp_path / "cnn.yaml", ["export.quantize=int8", "export.budget={accuracy: 0.01}"], runs=tmp_path
    )
    certificate = read_json(run.folder / "export" / "certificate.int8.json")
    assert certificate["kept"] and certificate["loss"] <= 0.01 == certificate["budget"]
    assert certificate["method"].startswith("QDQ") and certificate["calibrated_on"] == {
        "split": "train",
        "examples": 256,
    }
    assert certificate["bytes"] < 0.4 * certificate["float32_bytes"], certificate


@pytest.mark.ci
@pytest.mark.parametrize(
    ("recipe", "metric"),
    [("gan/digits", "fid"), ("autoencoder/digits", "mse"), ("representation/digits_simclr", "accuracy")],
)
def test_files_whose_metric_needs_more_than_their_outputs_are_measured(recipe, metric, tmp_path):
    settings = ["training.epochs=1", "export.quantize=int8", "evaluation.baseline=null"]
    run = package.train(recipe, [*settings, *(["evaluation.samples=100"] if metric == "fid" else [])], runs=tmp_path)
    certificate = read_json(run.folder / "export" / "certificate.int8.json")
    assert certificate["metric"] == metric and np.isfinite([certificate["float32"], certificate["quantized"]]).all()
    low, high = certificate["interval"]
    assert low <= certificate["difference"] <= high
    assert certificate["bytes"] < 0.35 * certificate["float32_bytes"]
    reported = read_json(run.folder / "report.json")["metrics"]["test"][metric]
    if metric != "fid":  # whose features and numbers of images are others
        assert certificate["float32"] == pytest.approx(reported, rel=1e-3, abs=5e-3)
