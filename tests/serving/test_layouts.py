"""Layouts for servers: Triton's configuration, KServe's manifest, the context of an image."""

import json
import re
import runpy
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path
from unittest.mock import patch

import numpy as np
import onnxruntime
import pytest
import setuptools
import yaml
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format
from packaging.requirements import Requirement

from zoo.errors import ZooError
from zoo.serving.layouts import docker
from zoo.serving.layouts.deployment import Deployment
from zoo.serving.layouts.docker import write_runtime
from zoo.serving.layouts.kserve import kubernetes_name
from zoo.serving.layouts.triton import quoted
from zoo.serving.layouts.write_layout import write_layout
from zoo.serving.verify_file import verify_file
from zoo.utils.runtime_project import PACKAGES

ROOT = Path(__file__).resolve().parents[2]
EXPORTED = ROOT / "exported"
TYPES = [  # of Triton's model_config.proto, in the order of their numbers
    *("TYPE_INVALID", "TYPE_BOOL", "TYPE_UINT8", "TYPE_UINT16", "TYPE_UINT32", "TYPE_UINT64", "TYPE_INT8"),
    *("TYPE_INT16", "TYPE_INT32", "TYPE_INT64", "TYPE_FP16", "TYPE_FP32", "TYPE_FP64", "TYPE_STRING", "TYPE_BF16"),
]
OF_ONNX = {"uint8": "UINT8", "int32": "INT32", "int64": "INT64", "float": "FP32", "string": "STRING"}


def file_of(recipe, name="model.onnx"):
    return EXPORTED / recipe / name


@pytest.fixture(scope="module")
def model_config():
    """Return the message `ModelConfig`, with the fields of Triton's model_config.proto that are written here."""
    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="model_config.proto", package="inference", syntax="proto3")
    types = file.enum_type.add(name="DataType")
    for number, name in enumerate(TYPES):
        types.value.add(name=name, number=number)

    def message(name, *fields):
        added = file.message_type.add(name=name)
        for field, number, kind, is_repeated, type_name in fields:
            label = kinds.LABEL_REPEATED if is_repeated else kinds.LABEL_OPTIONAL
            added.field.add(name=field, number=number, type=kind, label=label, type_name=type_name)

    message("ModelTensorReshape", ("shape", 1, kinds.TYPE_INT64, True, None))
    data_type = (kinds.TYPE_ENUM, False, ".inference.DataType")
    reshape = (kinds.TYPE_MESSAGE, False, ".inference.ModelTensorReshape")
    name_field, dims = ("name", 1, kinds.TYPE_STRING, False, None), (kinds.TYPE_INT64, True, None)
    message("ModelInput", name_field, ("data_type", 2, *data_type), ("dims", 4, *dims), ("reshape", 5, *reshape))
    message("ModelOutput", name_field, ("data_type", 2, *data_type), ("dims", 3, *dims), ("reshape", 5, *reshape))
    message("ModelDynamicBatching", ("max_queue_delay_microseconds", 2, kinds.TYPE_UINT64, False, None))
    message(
        "ModelConfig",
        name_field,
        ("platform", 2, kinds.TYPE_STRING, False, None),
        ("max_batch_size", 4, kinds.TYPE_INT32, False, None),
        ("input", 5, kinds.TYPE_MESSAGE, True, ".inference.ModelInput"),
        ("output", 6, kinds.TYPE_MESSAGE, True, ".inference.ModelOutput"),
        ("dynamic_batching", 11, kinds.TYPE_MESSAGE, False, ".inference.ModelDynamicBatching"),
    )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("inference.ModelConfig"))


@pytest.mark.parametrize(
    "recipe", ["cnn/digits", "mlp/shop_sales", "mlp/diabetes", "graph/digit_graphs", "lstm/dates", "gan/digits"]
)
def test_triton_is_told_the_tensors_of_the_file(recipe, model_config, tmp_path):
    name = recipe.replace("/", "-")
    files, then = write_layout(file_of(recipe), "triton", tmp_path / "repository")
    folder = tmp_path / "repository" / name
    assert {folder / "config.pbtxt", folder / "1" / "model.onnx"} <= set(files)
    assert then == f"tritonserver --model-repository={tmp_path / 'repository'}"
    assert (folder / "1" / "model.onnx").read_bytes() == file_of(recipe).read_bytes()

    config = text_format.Parse((folder / "config.pbtxt").read_text(), model_config())
    assert (config.name, config.platform) == (name, "onnxruntime_onnx")
    session = onnxruntime.InferenceSession(str(file_of(recipe)), providers=["CPUExecutionProvider"])
    is_batched = config.max_batch_size > 0
    assert is_batched == (recipe != "gan/digits") == config.HasField("dynamic_batching")
    for given, nodes in ((config.input, session.get_inputs()), (config.output, session.get_outputs())):
        assert [tensor.name for tensor in given] == [node.name for node in nodes]
        for tensor, node in zip(given, nodes, strict=True):
            wanted = OF_ONNX[re.fullmatch(r"tensor\((\w+)\)", node.type)[1]]
            assert TYPES[tensor.data_type] == f"TYPE_{wanted}"
            sizes = [size if isinstance(size, int) else -1 for size in node.shape]
            assert sizes[0] == -1
            shape = list(tensor.reshape.shape) if tensor.HasField("reshape") else list(tensor.dims)
            assert shape == sizes[is_batched:]
            assert np.prod(tensor.dims) == np.prod(shape) and len(tensor.dims)


@pytest.mark.parametrize("name", ["größe, in cm", 'a "b" \\ c', "line\n1 break", "日"])
def test_names_are_quoted_as_the_text_format_reads_them(name, model_config):
    text = f"name: {quoted(name)}"
    assert text.isascii()
    assert text_format.Parse(text, model_config()).name == name


def test_a_repository_takes_several_models_and_replaces_none(tmp_path):
    for recipe in ("cnn/digits", "mlp/wine"):
        write_layout(file_of(recipe), "triton", tmp_path)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ZooError, match="cnn-digits is there already"):
        write_layout(file_of("cnn/digits"), "triton", tmp_path)
    assert sorted(tmp_path.rglob("*")) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cnn-digits", "mlp-wine"]


def test_a_smaller_file_is_laid_out_with_its_own_certificate(tmp_path):
    small = tmp_path / "export" / "model.int8.onnx"
    small.parent.mkdir()
    shutil.copyfile(file_of("mlp/wine"), small)
    shutil.copyfile(file_of("cnn/digits"), small.with_name("model.onnx"))
    shutil.copyfile(file_of("cnn/digits", "certificate.json"), small.with_name("certificate.json"))
    facts = json.loads(file_of("mlp/wine", "certificate.json").read_text()) | {"file": small.name}
    small.with_name("certificate.int8.json").write_text(json.dumps(facts))
    write_layout(small, "triton", tmp_path / "repository")
    (copy,) = (tmp_path / "repository").rglob("model.onnx")
    checks = {check["name"]: check["ok"] for check in verify_file(copy)["checks"]}
    assert copy.read_bytes() == small.read_bytes()
    assert (checks["certificate"], checks["graph"]) == (True, True)


@pytest.mark.parametrize(
    ("name", "copied"), [("model.onnx", {"step.onnx", "encoder.onnx"}), ("model.int8.onnx", set())]
)
def test_steps_go_with_the_file_whose_weights_they_read(name, copied, tmp_path):
    for each in (name, "step.onnx", "encoder.onnx", "sample.npz", "card.md"):
        (tmp_path / each).write_text(each)
    Deployment(path=tmp_path / name, model=None, storage="").copy_to(tmp_path / "out")
    found = {path.name: path.read_text() for path in (tmp_path / "out").iterdir()}
    assert found == {"model.onnx": name, **{each: each for each in ("sample.npz", "card.md", *copied)}}


def test_kserve_has_a_manifest_of_the_models_that_triton_serves(tmp_path):
    _, then = write_layout(file_of("mlp/breast_cancer"), "kserve", tmp_path, storage='s3://bucket/a #1: "models"')
    assert 's3://bucket/a #1: "models"' in then
    manifest = yaml.safe_load((tmp_path / "inference_service.yaml").read_text())
    assert manifest == {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": "mlp-breast-cancer"},
        "spec": {
            "predictor": {
                "model": {
                    "modelFormat": {"name": "onnx", "version": "1"},
                    "runtime": "kserve-tritonserver",
                    "protocolVersion": "v2",
                    "storageUri": 's3://bucket/a #1: "models"',
                }
            }
        },
    }
    assert (tmp_path / "models" / "mlp-breast_cancer" / "config.pbtxt").is_file()


@pytest.mark.parametrize("name", ["cnn-digits", "Big_Model.v2", "3d", "-", "x" * 80, "a_" * 40, "é"])
def test_names_in_kubernetes(name):
    assert re.fullmatch(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?", kubernetes_name(name))


def declared_runtime():
    given = {}
    with patch.object(setuptools, "setup", given.update):
        runpy.run_path(str(ROOT / "runtime" / "setup.py"))
    return given


def parsed(lines):
    """Return requirements without the order of their bounds, which setuptools changes."""
    return [Requirement(line) for line in lines]


def test_an_image_has_the_runtime_and_serves_the_file(tmp_path):
    import tomllib

    write_layout(file_of("cnn/digits"), "docker", tmp_path)
    lines = dict(line.split(" ", 1) for line in (tmp_path / "Dockerfile").read_text().splitlines()[1:])
    entry = json.loads(lines["ENTRYPOINT"])
    assert entry[:3] == ["zoo", "serve", "cnn-digits=model/model.onnx"]
    assert lines["EXPOSE"] == entry[entry.index("--port") + 1]
    assert 'pip install --no-cache-dir "./runtime"' in lines["RUN"]
    assert verify_file(tmp_path / "model" / "model.onnx")["ok"]

    declared = declared_runtime()
    project = tomllib.loads((tmp_path / "runtime" / "pyproject.toml").read_text())
    assert parsed(project["project"]["dependencies"]) == parsed(declared["install_requires"])
    optional = project["project"]["optional-dependencies"]
    assert {extra: parsed(lines) for extra, lines in optional.items()} == {
        extra: parsed(lines) for extra, lines in declared["extras_require"].items()
    }
    assert project["project"]["version"] == declared["version"]
    assert project["tool"]["setuptools"]["packages"] == declared["packages"]
    for package in PACKAGES:
        folder = Path(*package.split("."))
        copied = {path.name for path in (tmp_path / "runtime" / folder).glob("*.py")}
        assert copied == {path.name for path in (ROOT / folder).glob("*.py")} != set()


def test_an_image_of_a_file_that_hears_installs_what_reads_sound(tmp_path):
    write_layout(file_of("cnn/sounds"), "docker", tmp_path)
    assert '"./runtime[audio]"' in (tmp_path / "Dockerfile").read_text()


def test_away_from_a_checkout_the_requirements_are_those_that_pip_knows(tmp_path, monkeypatch):
    import tomllib

    declared = declared_runtime()
    known = [line if ";" in line else f"{line} ; extra == 'serve'" for line in declared["install_requires"]]
    known = [line.replace('!= "win32"', '!= "win32" and extra == "serve"') for line in known]
    known += [f'{line}; extra == "{extra}"' for extra, lines in declared["extras_require"].items() for line in lines]
    for package in PACKAGES:
        shutil.copytree(ROOT.joinpath(*package.split(".")), tmp_path.joinpath(*package.split(".")), dirs_exist_ok=True)
    monkeypatch.setattr(docker, "_SOURCES", tmp_path)
    monkeypatch.setattr(docker, "requires", lambda name: known)
    write_runtime(tmp_path / "runtime")
    project = tomllib.loads((tmp_path / "runtime" / "pyproject.toml").read_text())["project"]
    assert project["dependencies"] == declared["install_requires"]
    assert project["optional-dependencies"] == declared["extras_require"]


def test_the_command_lays_a_file_out(zoo, tmp_path):
    file, output = str(file_of("mlp/wine")), str(tmp_path / "out")
    code, out, _ = zoo("export", file, "--layout", "triton", "--output", output, "--json")
    assert code == 0
    assert f"{output}/mlp-wine/config.pbtxt" in json.loads(out)["files"]
    for arguments, message in (
        (("--layout", "triton"), "expected --output FOLDER"),
        (("--layout", "dockr", "--output", output), "did you mean 'docker'?"),
        (("--layout", "docker", "--output", output, "--storage", "s3://x"), "--storage is for --layout kserve"),
        (("--layout", "triton", "--output", file), "expected a folder, and this is a file"),
        (("--output", output), "--storage is for --layout, and --output for --layout and --weights"),
    ):
        code, _, err = zoo("export", file, *arguments)
        assert (code, message in err) == (2, True), err


@pytest.mark.slow
def test_the_lines_of_the_dockerfile_serve(tmp_path):
    """Run in an empty environment what the image runs: it answers as the file does."""
    write_layout(file_of("cnn/digits"), "docker", tmp_path)
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "env"], check=True)
    binaries = tmp_path / "env" / "bin"
    lines = dict(line.split(" ", 1) for line in (tmp_path / "Dockerfile").read_text().splitlines()[1:])
    subprocess.run(lines["RUN"], shell=True, check=True, cwd=tmp_path, env={"PATH": f"{binaries}:/usr/bin:/bin"})
    program, *arguments = json.loads(lines["ENTRYPOINT"])
    arguments[-1] = "0"
    server = subprocess.Popen([binaries / program, *arguments], cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    try:
        url = next(line for line in server.stderr if line.startswith("ready: ")).removeprefix("ready: ").strip()
        url = url.replace("0.0.0.0", "127.0.0.1")
        assert urllib.request.urlopen(f"{url}/v2/health/ready").status == 200
        assert json.load(urllib.request.urlopen(f"{url}/v2/models/cnn-digits"))["inputs"][0]["name"] == "image"
    finally:
        server.terminate()
        assert server.wait(30) == 0
