"""The sample beside an exported file, run in onnxruntime alone."""

import json

import numpy as np
import onnxruntime
import pytest

from zoo.errors import ZooError
from zoo.serving.exported_model import ExportedModel
from zoo.serving.sample_files import Sample, read_sample, write_sample

KINDS = ["image", "folder", "table", "regression", "text", "tags", "array"]
TYPES = {"UINT8": np.uint8, "INT32": np.int32, "INT64": np.int64, "FP32": np.float32, "BYTES": object}


@pytest.mark.parametrize("kind", KINDS)
def test_onnxruntime_alone_repeats_both_forms_of_the_sample(kind, trained):
    folder = trained(kind).run / "export"
    session = onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])
    inputs, outputs = ([each.name for each in part()] for part in (session.get_inputs, session.get_outputs))
    with np.load(folder / "sample.npz", allow_pickle=False) as file:
        arrays = dict(file)
    assert set(arrays) == {*inputs, *outputs}
    assert 1 <= len(arrays[inputs[0]]) <= 4
    written = json.loads((folder / "sample.json").read_text(encoding="utf-8"))
    assert list(written["inputs"]) == inputs and list(written["outputs"]) == outputs
    tensors = {
        name: np.array(
            [np.nan if value is None else value for value in tensor["data"]], TYPES[tensor["datatype"]]
        ).reshape(tensor["shape"])
        for name, tensor in {**written["inputs"], **written["outputs"]}.items()
    }
    for given in (arrays, tensors):
        for name, found in zip(outputs, session.run(outputs, {name: given[name] for name in inputs}), strict=True):
            if found.dtype.kind == "f":
                np.testing.assert_allclose(found, given[name], rtol=1e-6, atol=1e-7)
            else:
                np.testing.assert_array_equal(found, given[name])


def test_the_sample_holds_examples_of_the_test_split(reopened):
    run, dataset, _ = reopened("image")
    sample = read_sample(run.folder / "export" / "sample.npz", ["image"], ["probabilities", "label"])
    positions = np.linspace(0, len(dataset.test) - 1, 4).astype(int)
    np.testing.assert_array_equal(sample.inputs["image"], dataset.test.take(positions))
    model = ExportedModel(run.folder / "export" / "model.onnx")
    assert model.predict(sample.inputs["image"]).labels == sample.outputs["label"].tolist()


def test_gaps_and_texts_survive(tmp_path):
    inputs = {
        "file": np.array([["a"], [""], ["größer\n"]], object),
        "x": np.array([[np.nan, np.inf], [-np.inf, 0.1], [1e-30, 2.0]], np.float32),
        "edges": np.zeros((3, 0, 2), np.int32),
    }
    write_sample(tmp_path, Sample(inputs=inputs, outputs={"y": np.array([True, False, True])}))
    sample = read_sample(tmp_path / "sample.npz", list(inputs), ["y"])
    for name, values in inputs.items():
        np.testing.assert_array_equal(sample.inputs[name], values)
        assert sample.inputs[name].dtype == values.dtype
    tensor = json.loads((tmp_path / "sample.json").read_text())["inputs"]["x"]
    assert tensor == {"datatype": "FP32", "shape": [3, 2], "data": [None, "inf", "-inf", 0.1, 1e-30, 2.0]}
    with pytest.raises(ZooError, match=r"expected the tensors x, y, found edges, file, x, y"):
        read_sample(tmp_path / "sample.npz", ["x"], ["y"])
