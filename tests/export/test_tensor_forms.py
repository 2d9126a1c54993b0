"""Files in which all numbers are one tensor, or no texts go in or out: the same answers, and what must be refused."""

import json
import shutil
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import onnx
import onnxruntime
import pytest

from zoo.data.columns import Column
from zoo.data.dataset import Signature
from zoo.errors import ZooError
from zoo.export.export import export_run
from zoo.export.generators import Generator
from zoo.export.tensor_forms import change_forms
from zoo.recipe.schema import Export
from zoo.serving.drift.monitor import DriftMonitor
from zoo.serving.exported_model import ExportedModel
from zoo.serving.server.drift_watch import _examples
from zoo.serving.verify_file import verify_file
from zoo.training.run import Run

ONE, NUMERIC = {"numeric_columns": "one_tensor"}, {"numeric_only": True}
FORMS = {"one_tensor": ONE, "numeric_only": NUMERIC, "both": {**ONE, **NUMERIC}}


@pytest.fixture(scope="module")
def export(reopened, tmp_path_factory):
    """Export the run of a table in each form, beside the usual file."""
    run, dataset, model = reopened("table")
    found = {"usual": run.folder / "export" / "model.onnx"}
    for name, changes in FORMS.items():
        folder = tmp_path_factory.mktemp(name) / "run"
        shutil.copytree(run.folder, folder, ignore=shutil.ignore_patterns("export", "tensorboard"))
        certificate = export_run(Run(folder), dataset, model, changes=changes)
        assert certificate["label_flips"] == 0 and certificate["samples"] == len(dataset.test)
        found[name] = folder / "export" / "model.onnx"
    return SimpleNamespace(paths=found, dataset=dataset)


def rows(dataset):
    """Return test rows, with a gap, a category that training never saw, and one that is missing."""
    raw = dataset.test.take(np.arange(12))
    raw = {name: values.copy() for name, values in raw.items()}
    raw["größe"][0], raw["colour"][1], raw["colour"][2] = np.nan, "never seen", ""
    return raw


def drift(model, raw):
    monitor = DriftMonitor(model)
    monitor.add(raw, model.predict(raw))
    return monitor.report()


@pytest.mark.parametrize("form", FORMS)
def test_the_answers_are_those_of_the_usual_file(form, export):
    usual, model = ExportedModel(export.paths["usual"]), ExportedModel(export.paths[form])
    for given in (rows(export.dataset), {name: values[:0] for name, values in rows(export.dataset).items()}):
        expected, found = usual.predict(given), model.predict(given)
        np.testing.assert_array_equal(found.probabilities, expected.probabilities)
        assert found.labels == expected.labels
    types = {each.name: (each.type, each.shape) for each in model.session.get_inputs()}
    numbers, text, ids = "tensor(float)", "tensor(string)", "tensor(int64)"
    columns = {"size_in_cm": (numbers, ["batch", 1]), "groe": (numbers, ["batch", 1])}
    joined = {"numbers": (numbers, ["batch", 2])}
    names = ("colour", "zip_code")
    assert (
        types
        == {
            "one_tensor": joined | dict.fromkeys(names, (text, ["batch", 1])),
            "numeric_only": columns | dict.fromkeys(names, (ids, ["batch", 1])),
            "both": joined | dict.fromkeys(names, (ids, ["batch", 1])),
        }[form]
    )
    result = verify_file(export.paths[form])
    assert result["ok"] and all(check["ok"] for check in result["checks"]), result
    assert drift(usual, rows(export.dataset)) == drift(model, rows(export.dataset))


@pytest.mark.parametrize("form", FORMS)
def test_another_program_makes_the_tensors_by_the_metadata(form, export):
    session = onnxruntime.InferenceSession(export.paths[form], providers=["CPUExecutionProvider"])
    signature = json.loads(session.get_modelmeta().custom_metadata_map["zoo.signature"])
    tensors, table, feeds = signature["tensors"], rows(export.dataset), {}
    if "numbers" in tensors:
        feeds[tensors["numbers"]["input"]] = np.stack([table[name] for name in tensors["numbers"]["columns"]], axis=1)
    for column, name in signature["inputs"].items():
        values = table[column][:, None]
        if column in tensors.get("categories", {}):
            facts = tensors["categories"][column]
            values = np.array([[facts["ids"].get(each, facts["unknown"])] for each in table[column]], np.int64)
        feeds[name] = values
    probabilities, label = session.run(["probabilities", "label"], feeds)
    expected = ExportedModel(export.paths["usual"]).predict(table)
    np.testing.assert_array_equal(probabilities, expected.probabilities)
    named = [signature["labels"][i] for i in label] if label.dtype == np.int64 else label.tolist()
    assert named == expected.labels


def test_a_numeric_file_holds_no_text(export):
    for form in ("numeric_only", "both"):
        proto = onnx.load(export.paths[form])
        values = [*proto.graph.input, *proto.graph.output]
        assert onnx.TensorProto.STRING not in [value.type.tensor_type.elem_type for value in values]
        assert onnx.TensorProto.STRING not in [each.data_type for each in proto.graph.initializer]
        assert not any(a.strings or (a.s and node.domain) for node in proto.graph.node for a in node.attribute)
        assert {each.domain for each in proto.opset_import} <= {"", "ai.onnx"}


@pytest.mark.parametrize("form", FORMS)
def test_tensors_become_columns_again(form, export):
    model, table = ExportedModel(export.paths[form]), rows(export.dataset)
    sample = np.load(export.paths[form].with_name("sample.npz"), allow_pickle=False)
    feeds = {each.name: sample[each.name] for each in model.session.get_inputs()}
    found = _examples(feeds, model.signature)
    usual = np.load(export.paths["usual"].with_name("sample.npz"), allow_pickle=False)
    for column, name in ExportedModel(export.paths["usual"]).signature.inputs.items():
        np.testing.assert_array_equal(found[column], usual[name][:, 0])
    if form != "one_tensor":  # what has no id is a text that no category has
        from zoo.serving.feeds import as_columns, as_inputs

        texts = as_columns(as_inputs(table, model.signature), model.signature)["colour"][:, 0]
        assert texts[1] not in table["colour"] and texts[0] == table["colour"][0]


@pytest.mark.parametrize("form", FORMS)
def test_the_card_describes_the_form_and_its_example_runs(form, export, monkeypatch):
    card = export.paths[form].with_name("card.md").read_text(encoding="utf-8")
    assert ("`numbers` `(batch, 2)`: float32" in card) == (form != "numeric_only")
    assert ("int64, the id of one of" in card) == ("int64, its place in this order" in card) == (form != "one_tensor")
    monkeypatch.chdir(export.paths[form].parent)
    exec(card.partition("```python\n")[2].partition("```")[0], names := {})
    assert len(names["probabilities"]) == 1


def test_the_awkward_category_is_tried(export):
    certificate = json.loads(export.paths["both"].with_name("certificate.json").read_text())
    answers = {each["input"]: each["answer"] for each in certificate["awkward_inputs"]}
    assert answers["unseen category"] == answers["NaN"] == answers["batch of 0"] == "equal"


def test_what_has_no_such_form_is_refused():
    proto = onnx.helper.make_model(onnx.helper.make_graph([], "graph", [], []))
    words = Signature("table", "kind", columns=(Column("colour", "category"),), labels=("a", "b"))
    with pytest.raises(ZooError, match=r"export\.numeric_columns: .* the table has no numeric column; leave it out"):
        change_forms(proto, words, Export(**ONE))
    with pytest.raises(ZooError, match=r"export\.numeric_columns: .* the model takes image; leave it out"):
        change_forms(proto, replace(words, kind="image", columns=()), Export(**ONE))
    with pytest.raises(ZooError, match=r"export\.numeric_only: the file takes and gives no texts as it is"):
        change_forms(proto, words, Export(**NUMERIC))
    for changes in (ONE, NUMERIC):
        with pytest.raises(ZooError, match=r"export\.numeric_\w+: a model that makes images has neither"):
            Generator(card=None).convert(None, SimpleNamespace(export=Export(**changes)), words)


def test_a_column_of_that_name_keeps_it():
    """The one tensor takes another name than each column, and float64 where one column needs it."""
    columns = (Column("numbers", "category"), Column("a", "number"), Column("b", "number", double=True))
    signature = Signature("table", "kind", columns=columns, labels=("a", "b"))
    kinds = {"numbers": onnx.TensorProto.STRING, "a": onnx.TensorProto.FLOAT, "b": onnx.TensorProto.DOUBLE}
    given = [onnx.helper.make_tensor_value_info(name, kind, ["batch", 1]) for name, kind in kinds.items()]
    made = [onnx.helper.make_tensor_value_info(f"{name}_out", kind, ["batch", 1]) for name, kind in kinds.items()]
    nodes = [onnx.helper.make_node("Identity", [name], [f"{name}_out"]) for name in kinds]
    graph = onnx.helper.make_graph(nodes, "graph", given, made)
    proto = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=7)
    facts = change_forms(proto, signature, Export(**ONE))
    assert facts["tensors"] == {"numbers": {"input": "numbers_", "columns": ["a", "b"]}}
    assert facts["inputs"] == {"numbers": "numbers"}
    session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    values = np.array([[0.1, 1 / 3]])
    text, a, b = session.run(None, {"numbers": np.array([["x"]], object), "numbers_": values})
    assert text.tolist() == [["x"]] and a.tolist() == [[np.float32(0.1)]] and b.tolist() == [[1 / 3]]
