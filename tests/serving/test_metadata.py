"""A file is what it was when it was exported, and of a version that is understood; or it is refused."""

import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest

from zoo.errors import ZooError
from zoo.export.convert import add_metadata, seal
from zoo.serving.exported_model import ExportedModel
from zoo.serving.onnx_file import scan

EXPORTED = Path(__file__).resolve().parents[2] / "exported"


@pytest.fixture
def copied(tmp_path):
    """Return a function that copies a shipped file, with its certificate if asked."""

    def copy(name="mlp/wine", *, certificate=False):
        for part in ["model.onnx", "certificate.json"][: 1 + certificate]:
            shutil.copy(EXPORTED / name / part, tmp_path / part)
        return tmp_path / "model.onnx"

    return copy


def metadata_of(path):
    return {entry.key: entry.value for entry in onnx.load(path).metadata_props}


def change_metadata(path, *, seal_again=False, **changes):
    """Change entries of the metadata; None removes one."""
    model = onnx.load(path)
    entries = {**metadata_of(path), **{key.replace("__", "."): value for key, value in changes.items()}}
    add_metadata(model, {key: value for key, value in entries.items() if value is not None})
    if seal_again:
        seal(model)
    onnx.save(model, path)


def change_weights(path):
    model = onnx.load(path)
    weights = max(model.graph.initializer, key=lambda tensor: len(tensor.raw_data))
    weights.raw_data = weights.raw_data[::-1]
    onnx.save(model, path)


@pytest.mark.parametrize("name", ["mlp/wine", "transformer/dates", "diffusion/digits"])
def test_metadata_are_read_as_onnx_reads_them(name):
    path = EXPORTED / name / "model.onnx"
    assert scan(path.read_bytes(), path).metadata == metadata_of(path)


def test_changed_weights_beside_the_certificate(copied):
    path = copied(certificate=True)
    ExportedModel(path)
    change_weights(path)
    with pytest.raises(
        ZooError, match=r"not the file that was proved equal .*export it again \(verify=False or --no-v"
    ):
        ExportedModel(path)
    assert ExportedModel(path, verify=False).task == "tabular_classification"


def test_changed_weights_without_a_certificate(copied):
    path = copied()
    change_weights(path)
    with pytest.raises(ZooError, match=r"not as it was exported: its content and 'zoo.sha256' in its metadata differ"):
        ExportedModel(path)
    assert ExportedModel(path, verify=False).task == "tabular_classification"


def test_a_certificate_speaks_of_the_file_that_it_names(copied):
    path = copied(certificate=True)
    other = path.with_name("other.onnx")
    shutil.copy(EXPORTED / "mlp/diabetes/model.onnx", other)
    assert ExportedModel(other).task == "tabular_regression"
    path.unlink()  # now the other can only be the one that was renamed
    with pytest.raises(ZooError, match="not the file that was proved equal"):
        ExportedModel(other)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"sha256": 3}', "\x00"])
def test_a_damaged_certificate(copied, content):
    path = copied(certificate=True)
    path.with_name("certificate.json").write_text(content)
    with pytest.raises(ZooError, match=r"certificate\.json: (damaged|not readable as JSON)"):
        ExportedModel(path)


def test_a_file_of_the_first_version_has_no_version(copied):
    path = copied()
    change_metadata(path, zoo__format=None, zoo__sha256=None)
    assert ExportedModel(path).task == "tabular_classification"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"zoo__format": "4"}, "its metadata are of version 4, and this package reads versions up to 3"),
        ({"zoo__format": "new"}, "'zoo.format' are damaged: expected a version, received 'new'"),
        ({"zoo__signature": None}, "lacks the metadata 'zoo.signature'"),
        ({"zoo__signature": "{"}, "'zoo.signature' are damaged: no JSON"),
        ({"zoo__signature": "[1]"}, "'zoo.signature' are damaged: expected an object"),
        ({"zoo__sha256": None}, "not as it was exported: its content and 'zoo.sha256' in its metadata differ"),
    ],
)
def test_metadata_of_another_version_or_damaged(copied, changes, message):
    path = copied()
    change_metadata(path, **changes)
    with pytest.raises(ZooError, match=message):
        ExportedModel(path)


@pytest.mark.parametrize(
    ("name", "key", "value", "message"),
    [
        ("mlp/wine", "task", "pose_estimation", "'task' must be a task that this version knows"),
        ("mlp/wine", "task", ["a"], "'task' must be a task"),
        ("mlp/wine", "kind", "video", "'kind' must be for the task tabular_classification table or array"),
        ("mlp/wine", "kind", "image", "'kind' must be"),
        ("mlp/wine", "columns", [], "0 columns, and kind 'table'"),
        ("mlp/wine", "columns", [{"name": "a", "type": "date"}], "'columns' must be a list of columns"),
        ("mlp/wine", "columns", [{"name": "a", "type": "number"}], "'inputs' must be a name for each column"),
        ("lstm/elnino", "kind", "table", "'kind' must be for the task forecasting array"),
        ("mlp/wine", "labels", ["a", "b"], "2 labels, and 'probabilities' has 3"),
        ("mlp/wine", "labels", ["a", "a", "b"], "'labels' must be a list of different names"),
        ("mlp/wine", "target", 3, "'target' must be a name"),
        ("cnn/digits", "shape", [8, 8], "'shape' must be the shape of one image"),
        ("cnn/digits", "shape", [8, 8, "1"], "'shape' must be"),
        ("lstm/dates", "tokenizer", None, "'tokenizer' must be a tokenizer"),
        ("lstm/dates", "tokenizer", {"level": "byte"}, "'tokenizer' must be a tokenizer"),
        ("autoencoder/digits_anomaly", "threshold", "high", "'threshold' must be a number"),
    ],
)
def test_a_signature_that_is_not_understood(copied, name, key, value, message):
    path = copied(name)
    facts = json.loads(metadata_of(path)["zoo.signature"])
    change_metadata(path, zoo__signature=json.dumps({**facts, key: value}), seal_again=True)
    with pytest.raises(ZooError, match=message):
        ExportedModel(path)


def test_a_damaged_recipe_in_the_metadata_shows(copied):
    path = copied()
    change_metadata(path, zoo__recipe="model: {}")
    with pytest.raises(ZooError, match="not as it was exported"):
        ExportedModel(path)


def test_an_unknown_fact_is_no_hindrance(copied):
    path = copied()
    facts = json.loads(metadata_of(path)["zoo.signature"])
    change_metadata(path, zoo__signature=json.dumps({**facts, "added_later": 1}), seal_again=True)
    rows = {c.name: np.zeros(1) for c in ExportedModel(path).columns}
    assert len(ExportedModel(path).predict(rows).output) == 1
