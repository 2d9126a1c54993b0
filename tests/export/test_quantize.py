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
from zoo.export.quantization import weights_int8
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
    def spoiled(proto):
        result = onnx.ModelProto()
        result.CopyFrom(proto)
        for tensor in result.graph.initializer:
            if tensor.data_type == TensorProto.FLOAT and len(tensor.dims) == 2:
                tensor.CopyFrom(numpy_helper.from_array(-numpy_helper.to_array(tensor), tensor.name))
        return result

    shutil.copytree(digits[0], tmp_path / "run")
    monkeypatch.setattr(quantized_file, "static_int8", lambda proto, batches: None)
    monkeypatch.setattr(quantized_file, "weights_int8", spoiled)
    from zoo.commands.reopen import reopen

    run, loaded, dataset = reopen(Run(tmp_path / "run"))
    path = run.folder / "export" / "model.onnx"
    for name in ("model.int8.onnx", "sample.int8.npz", "sample.int8.json"):
        path.with_name(name).unlink()
    strict = load_recipe(run.folder / "recipe.yaml", ["export.budget={accuracy: 0.005}"])
    certificate = quantized_file.quantize_file(path, strict, dataset, "int8")
    assert (certificate["kept"], certificate["budget"]) == (False, 0.005) and certificate["loss"] > 0.1
    assert read_json(path.with_name("certificate.int8.json")) == certificate
    assert not path.with_name("model.int8.onnx").exists() and not path.with_name("sample.int8.npz").exists()
    assert "exceeds export.budget (0.005), so the file was not kept" in quantized_file.quantized_line(certificate)
    assert quantized_file.quantize_file(path, loaded, dataset, "int8")["kept"] is True  # no budget: said, and kept


def test_weights_alone_are_what_numpy_rounds_them_to():
    draw = np.random.default_rng(0)
    weight, shared = draw.normal(size=(2, 40, 20, 30)).astype(np.float32)[:, 0]
    nodes = [
        helper.make_node("MatMul", ["x", "weight"], ["h"]),
        helper.make_node("MatMul", ["h", "shared"], ["y"]),
        helper.make_node("Add", ["shared", "shared"], ["z"]),
    ]
    tensors = [numpy_helper.from_array(weight, "weight"), numpy_helper.from_array(shared.T.copy(), "shared")]
    value = helper.make_tensor_value_info
    inputs, outputs = [value("x", TensorProto.FLOAT, ["batch", 20])], [value("y", TensorProto.FLOAT, ["batch", 20])]
    graph = helper.make_graph(nodes, "g", inputs, outputs, tensors)
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    small = weights_int8(proto)
    kept = {tensor.name: tensor.data_type for tensor in small.graph.initializer}
    assert kept == {
        "weight/int8": TensorProto.INT8,
        "weight/scale": TensorProto.FLOAT,
        "shared": TensorProto.FLOAT,  # another node reads it too
    }
    scale = np.abs(weight).max(axis=0) / 127
    x = draw.normal(size=(3, 20)).astype(np.float32)
    options = onnxruntime.SessionOptions()  # else onnxruntime rounds x to int8 too
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(small.SerializeToString(), options, providers=CPU)
    (found,) = session.run(["y"], {"x": x})
    np.testing.assert_allclose(found, x @ (np.rint(weight / scale) * scale) @ shared.T, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("recipe", "override", "message"),
    [
        ("mlp/wine", "export.budget={log_loss: 0.1}", "measured in accuracy"),
        ("gan/digits", "export.quantize=int8", "needs more than that"),
        ("mlp/wine", "export.quantize=int4", "int8"),
    ],
)
def test_settings_without_effect_are_refused(recipe, override, message):
    with pytest.raises(ZooError, match=message):
        load_recipe(recipe, [override])


def test_an_unknown_form_is_refused(tmp_path):
    with pytest.raises(ZooError, match="expected int8 or float16, received 'int4'"):
        package.export(tmp_path, quantize="int4")


@pytest.mark.ci
def test_a_network_with_convolutions_shrinks_and_keeps_its_accuracy(tmp_path):
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
