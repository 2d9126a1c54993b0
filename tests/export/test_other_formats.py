"""LiteRT and OpenVINO beside ONNX, where their packages are installed."""

import shutil
import sys

import numpy as np
import pytest

import zoo as package
from zoo.errors import ZooError
from zoo.utils.files import read_json
from zoo.utils.onnx_session import open_session


@pytest.fixture
def run(trained, tmp_path):
    shutil.copytree(trained("image").run, tmp_path / "run")
    return tmp_path / "run"


def sample(run):
    return dict(np.load(run / "export" / "sample.npz"))


def test_an_unknown_format_is_refused(tmp_path):
    with pytest.raises(ZooError, match="expected onnx, litert or openvino, received 'coreml'"):
        package.export(tmp_path, format="coreml")


@pytest.mark.parametrize(("name", "module"), [("litert", "ai_edge_litert"), ("openvino", "openvino")])
def test_a_missing_package_is_named_before_the_work(name, module, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ZooError, match=rf"--format {name} needs .*\[{name}\]"):
        package.export(tmp_path, format=name)


@pytest.mark.ci
def test_litert_answers_as_the_onnx_file_does(run):
    pytest.importorskip("ai_edge_litert")
    from ai_edge_litert.interpreter import Interpreter

    certificate = package.export(run, format="litert")["other_format"]
    assert read_json(run / "export" / "certificate.litert.json") == certificate
    assert certificate["label_flips"] == 0 and certificate["max_abs_difference"] < 1e-4
    values = sample(run)
    found = Interpreter(str(run / "export" / "model.tflite")).get_signature_runner()(image=values["image"])
    np.testing.assert_allclose(found["output_0"], values["probabilities"], atol=1e-4)
    assert certificate["bytes"] == (run / "export" / "model.tflite").stat().st_size
    package.export(run)
    assert not list((run / "export").glob("*litert*")) and not (run / "export" / "model.tflite").exists()


@pytest.mark.ci
def test_openvino_answers_as_the_onnx_file_does(run):
    openvino = pytest.importorskip("openvino")
    certificate = package.export(run, format="openvino")["other_format"]
    assert certificate["label_flips"] == 0 and certificate["max_abs_difference"] < 1e-4
    path, values = run / "export" / "model.xml", sample(run)
    model = openvino.Core().compile_model(str(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    assert [output.any_name for output in model.outputs] == ["probabilities"]
    (expected,) = open_session(run / "export" / "model.onnx").run(["probabilities"], {"image": values["image"]})
    np.testing.assert_allclose(model({"image": values["image"]})["probabilities"], expected, atol=1e-4)


@pytest.mark.ci
@pytest.mark.parametrize("name", ["litert", "openvino"])
def test_columns_of_text_are_refused(name, trained, tmp_path):
    pytest.importorskip({"litert": "ai_edge_litert"}.get(name, name))
    shutil.copytree(trained("table").run, tmp_path / "run")
    with pytest.raises(ZooError, match=f"--format {name}: .* are text"):
        package.export(tmp_path / "run", format=name)
