"""`zoo verify`: what each check finds, on files that were changed on purpose."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

import zoo as package
from zoo.errors import ZooError
from zoo.export.convert import seal
from zoo.serving.sample_files import Sample, read_sample, write_sample

EXPORTED = Path(__file__).resolve().parents[2] / "exported"
NAMES = ["certificate", "checksum", "metadata", "graph", "sample", "batches"]


@pytest.fixture
def copied(trained, tmp_path):
    """Return a function that copies the exported files of a tiny run."""

    def copy(kind):
        shutil.copytree(trained(kind).run / "export", tmp_path / "export")
        return tmp_path / "export" / "model.onnx"

    return copy


def outcomes(path):
    result = package.verify(path)
    assert [check["name"] for check in result["checks"]] == NAMES
    found = {check["name"]: check["ok"] for check in result["checks"]}
    assert result["ok"] == (False not in found.values())
    return found


def rewritten(path, change, *, sealed):
    proto = onnx.load(path)
    change(proto)
    if sealed:
        seal(proto)
        (path.parent / "certificate.json").unlink()
    onnx.save(proto, path)


def perturb(proto):
    kernel = max((t for t in proto.graph.initializer if len(t.dims) == 2), key=lambda t: np.prod(t.dims))
    kernel.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(kernel) * np.float32(1.5), kernel.name))


@pytest.mark.parametrize("kind", ["image", "table", "regression", "text", "tags"])
def test_an_exported_file_passes_every_check(kind, copied):
    assert outcomes(copied(kind)) == dict.fromkeys(NAMES, True)


def test_the_run_is_taken_for_its_file(trained):
    assert package.verify(trained("array").run)["ok"]


def test_a_file_that_was_changed_is_not_run(copied):
    path = copied("array")
    rewritten(path, perturb, sealed=False)
    unmade = {"graph": None, "sample": None, "batches": None}
    assert outcomes(path) == {"certificate": False, "checksum": False, "metadata": True, **unmade}
    (path.parent / "certificate.json").unlink()
    assert outcomes(path) == {"certificate": None, "checksum": False, "metadata": True, **unmade}


def test_a_file_that_was_changed_and_sealed_again_does_not_repeat_its_sample(copied):
    path = copied("array")
    rewritten(path, perturb, sealed=True)
    assert outcomes(path) == {**dict.fromkeys(NAMES, True), "certificate": None, "sample": False}


def test_answers_that_depend_on_the_batch_are_found(copied):
    def mix(proto):  # each row of probabilities is given the mean of the batch
        for node in proto.graph.node:
            for place, name in enumerate(node.output):
                if name == "probabilities":
                    node.output[place] = "own"
        mean = onnx.helper.make_node("ReduceMean", ["own"], ["mean"], axes=[0], keepdims=1)
        if proto.opset_import[0].version >= 18:
            proto.graph.initializer.append(numpy_helper.from_array(np.array([0]), "mean_axes"))
            mean = onnx.helper.make_node("ReduceMean", ["own", "mean_axes"], ["mean"], keepdims=1)
        nodes = [*proto.graph.node, mean, onnx.helper.make_node("Add", ["own", "mean"], ["probabilities"])]
        order = [n for n in nodes if "probabilities" not in n.input] + [n for n in nodes if "probabilities" in n.input]
        del proto.graph.node[:]
        proto.graph.node.extend(order)

    path = copied("array")
    rewritten(path, mix, sealed=True)
    found = outcomes(path)
    assert (found["graph"], found["batches"]) == (True, False)


def test_a_sample_of_other_answers_or_tensors_is_refused(copied):
    path = copied("array")
    sample = read_sample(path.with_name("sample.npz"), ["array"], ["probabilities", "label"])
    other = {**sample.outputs, "probabilities": sample.outputs["probabilities"] + np.float32(2e-4)}
    write_sample(path.parent, Sample(inputs=sample.inputs, outputs=other))
    assert outcomes(path) == {**dict.fromkeys(NAMES, True), "sample": False}
    detail = next(check["detail"] for check in package.verify(path)["checks"] if check["name"] == "sample")
    assert "output 'probabilities' differs by 2.0e-04 (allowed 1.0e-04)" in detail
    write_sample(path.parent, Sample(inputs=sample.inputs, outputs={}))
    assert outcomes(path)["sample"] is False


def test_metadata_that_lack_an_entry_fail(copied):
    def drop(proto):
        kept = {entry.key: entry.value for entry in proto.metadata_props if entry.key != "zoo.recipe"}
        onnx.helper.set_model_props(proto, kept)

    path = copied("array")
    rewritten(path, drop, sealed=True)
    result = package.verify(path)
    assert next(check for check in result["checks"] if check["name"] == "metadata") == {
        "name": "metadata",
        "ok": False,
        "detail": "lacks zoo.recipe",
    }


def test_the_certificate_of_a_later_version_is_not_guessed_at(copied):
    path = copied("array")
    certificate = path.with_name("certificate.json")
    certificate.write_text(json.dumps(json.loads(certificate.read_text()) | {"version": 3}))
    assert outcomes(path)["certificate"] is False
    certificate.write_text("{")
    assert outcomes(path)["certificate"] is False


@pytest.mark.parametrize("name", ["cnn/digits", "graph/digit_neighbors", "mlp/shop_sales", "gan/digits"])
def test_files_without_a_sample_pass_what_can_be_checked(name, tmp_path):
    for part in ("model.onnx", "certificate.json"):
        shutil.copyfile(EXPORTED / name / part, tmp_path / part)
    assert outcomes(tmp_path / "model.onnx") == {**dict.fromkeys(NAMES, True), "sample": None}


def test_the_command_says_what_failed_and_ends_with_2(copied, zoo):
    path = copied("array")
    code, out, err = zoo("verify", str(path), "--json")
    assert (code, err) == (0, "") and json.loads(out)["ok"] is True
    path.with_name("sample.npz").write_bytes(b"PK")
    code, out, _ = zoo("verify", str(path))
    assert code == 2 and "FAILED   sample" in out and out.splitlines()[-1] == "1 of 6 checks failed"
    assert json.loads(zoo("verify", str(path), "--json")[1])["ok"] is False
    code, out, err = zoo("verify", "nothing.onnx")
    assert (code, out) == (2, "") and "does not exist" in err
    with pytest.raises(ZooError, match="does not exist"):
        package.verify("nothing.onnx")


def test_keras_and_tensorflow_are_not_needed():
    code = f"""
import sys
import zoo
sys.modules.update(dict.fromkeys(("keras", "tensorflow", "onnx", "jax", "torch")))
assert zoo.verify({str(EXPORTED / "mlp/wine/model.onnx")!r})["ok"]
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
