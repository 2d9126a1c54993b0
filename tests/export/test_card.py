"""Cards: the example runs for every kind of file, and what users name has no effect as markup."""

import re
from pathlib import Path

import markdown
import numpy as np
import pytest
import yaml
from onnx import TensorProto, helper

from zoo.data.columns import Column
from zoo.data.dataset import Signature
from zoo.export import markdown as ours
from zoo.export.card import card
from zoo.export.kinds import KINDS
from zoo.serving.tensor_forms import TensorForm
from zoo.tasks import TASKS
from zoo.utils.onnx_session import open_session

EXPORTED = Path(__file__).resolve().parents[2] / "exported"
CERTIFICATE = {
    "max_abs_difference": 1e-6,
    "tolerance": 1e-4,
    "label_flips": 0,
    "decisions": "labels",
    "samples": 20,
    "outputs": {"probabilities": {"max_abs_difference": 1e-6, "tolerance": 1e-4}},
    "bytes": 2048,
    "opset": 18,
    "sha256": "0" * 64,
}
WRITTEN = "see [/x] <b>a</b> | `c` ![](http://d) *e* $f$ _g_\n# h"


def report(**changes):
    facts = {
        "recipe": "mine",
        "task": "tabular_classification",
        "model": "mlp",
        "parameters": 3,
        "seed": 0,
        "metrics": {"test": {"accuracy": 0.5}},
        "intervals": {"test": {}},
        "verdict": "better",
        "versions": {"python": "3"},
        "data": {
            "source": "csv:a.csv",
            "fingerprint": "1" * 64,
            "splits": dict.fromkeys(("train", "validation", "test"), 9),
            "findings": [],
        },
    }
    return {**facts, **changes}


def written_card(**changes):
    signature = Signature("table", WRITTEN, columns=(Column(WRITTEN, "number"),), labels=(WRITTEN, "no"))
    data = {**report()["data"], "findings": [f"column {WRITTEN}"], "source": f"csv:{WRITTEN}"}
    facts = report(recipe=WRITTEN, verdict=f"better than {WRITTEN}", data=data, **changes)
    return card(facts, CERTIFICATE, signature, WRITTEN)


@pytest.mark.parametrize(
    "path", sorted(EXPORTED.rglob("card.md")), ids=lambda p: p.parent.relative_to(EXPORTED).as_posix()
)
def test_the_example_of_every_shipped_card_runs(path, monkeypatch):
    monkeypatch.chdir(path.parent)
    example = re.search(r"```python\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL)
    exec(example[1], scope := {})
    results = scope["session"].get_outputs()
    assert any(isinstance(value, np.ndarray) and len(value) for value in scope.values()), [r.name for r in results]


def test_what_users_write_is_shown_as_they_wrote_it():
    text = written_card()
    _, front, body = text.split("---\n", 2)
    assert set(yaml.safe_load(front)) == {"library_name", "pipeline_tag", "license", "tags", "model-index"}
    html = markdown.markdown(body, extensions=["tables", "fenced_code"])
    assert not re.search(r"<(b|img|em|a|script)[ >]", html)
    assert html.count("<h1>") == 1
    assert html.count("see [/x] &lt;b&gt;a&lt;/b&gt; | `c` ![](http://d) *e* $f$ _g_\\n# h") >= 4


@pytest.mark.parametrize("value", ["a`b", "``", "`a", "", " a ", "a|b", "<b>", "a\nb"])
def test_code_spans_hold_any_text(value):
    html = markdown.markdown(f"x {ours.code(value)} y")
    inner = re.fullmatch(r"<p>x <code>(.*)</code> y</p>", html)
    assert inner, html
    assert "<b>" not in html


@pytest.mark.parametrize("kind", ["regression", "forecasting", "detection", "reconstruction", "representation"])
def test_labels_are_spoken_of_only_where_they_were_compared(kind):
    assert KINDS[kind].decided is None
    signature = Signature("array", "y", (3,))
    task = next(name for name, task in TASKS.items() if task.kind == kind)
    text = card(report(task=task), {**CERTIFICATE, "decisions": None}, signature, "")
    assert "differ." not in text and "1.0e-06 (allowed 1e-04)" in text


def test_each_output_has_a_tolerance_of_its_own():
    outputs = {
        "embedding": {"max_abs_difference": 2e-4, "tolerance": 1e-3},
        "score": {"max_abs_difference": 3e-7, "tolerance": 1e-4},
    }
    text = card(
        report(task="reconstruction"), {**CERTIFICATE, "outputs": outputs}, Signature("image", "y", (8, 8, 1)), ""
    )
    assert "`embedding` 2.0e-04 (allowed 1e-03), `score` 3.0e-07 (allowed 1e-04)" in text


def run_example(code, inputs, outputs):
    """Run a card's example on a graph that gives its first inputs as outputs."""
    nodes = [helper.make_node("Identity", [i.name], [o.name]) for i, o in zip(inputs, outputs, strict=False)]
    graph = helper.make_graph(nodes, "card", inputs, outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    scope = {"np": np, "session": open_session(model.SerializeToString())}
    exec(code, scope)
    return scope


def value(name, kind, shape):
    return helper.make_tensor_value_info(name, kind, shape)


def test_the_example_of_a_generator_of_classes_runs():
    signature = Signature("image", "class", (2, 2, 1), labels=("a", "b", "c"))
    inputs = [
        value("noise", TensorProto.FLOAT, ["batch", 2, 2, 1]),
        value("label", TensorProto.INT32, ["batch"]),
        value("guidance", TensorProto.FLOAT, [1]),
        value("step_noise", TensorProto.FLOAT, [5, "batch", 2, 2, 1]),
    ]
    code = KINDS["generation"].card.call(signature, TensorForm())
    scope = run_example(code, inputs, [value("image", TensorProto.FLOAT, ["batch", 2, 2, 1])])
    assert scope["images"].shape == (4, 2, 2, 1)
    assert scope["inputs"]["label"].tolist() == [0, 1, 2, 0] and scope["inputs"]["step_noise"].shape == (5, 4, 2, 2, 1)


def test_the_example_of_a_table_with_categories_runs():
    columns = (Column("a b", "number"), Column("größe", "category"))
    signature = Signature("table", "class", columns=columns, labels=("x", "y"))
    inputs = [value("a_b", TensorProto.FLOAT, ["batch", 1]), value("grosse", TensorProto.STRING, ["batch", 1])]
    outputs = [value("p", TensorProto.FLOAT, ["batch", 1]), value("l", TensorProto.STRING, ["batch", 1])]
    scope = run_example(KINDS["classification"].card.call(signature, TensorForm()), inputs, outputs)
    assert scope["probabilities"].shape == (1, 1) and scope["label"].tolist() == [[""]]


def test_the_front_matter_is_what_hubs_read():
    """Required fields, figures of the report, and nothing that is no number; `huggingface_hub` reads it where it is."""
    per_class = [{"label": "a", "precision": 0.25, "recall": None, "f1": 0.75, "support": 1200}]
    metrics = {"test": {"accuracy": 0.5, "log_loss": None, "mcc": float("nan")}}
    facts = report(metrics=metrics, per_class=per_class)
    certificate = {
        **CERTIFICATE,
        "latency": {"milliseconds": 0.125, "calls": 50, "hardware": {"cpu": "X"}},
        "ir_version": 8,
    }
    certificate["awkward_inputs"] = [{"input": "NaN", "answer": "equal", "file": "finite"}]
    signature = Signature("table", "t", columns=(Column("a", "number"),), labels=("a", "b"))
    text = card(facts, certificate, signature, "", license_name="apache-2.0")
    front = yaml.safe_load(text.split("---\n")[1])
    assert front["license"] == "apache-2.0" and front["pipeline_tag"] == "tabular-classification"
    (entry,) = front["model-index"]
    (result,) = entry["results"]
    assert result["metrics"] == [{"type": "accuracy", "name": "accuracy", "value": 0.5}]
    assert "| a | 0.250 | not defined | 0.750 | 1,200 |" in text and "| NaN | finite | equal |" in text
    assert "onnxruntime 1.14 or later" in text and "0.125 ms for one example, median of 50 calls on cpu X" in text
    assert "License of the model: apache-2.0" in text
    assert "license: unknown" in card(facts, CERTIFICATE, signature, "")
    hub = pytest.importorskip("huggingface_hub")
    data = hub.ModelCard(text).data
    assert (data.license, data.library_name, data.eval_results[0].metric_value) == ("apache-2.0", "onnx", 0.5)


def test_noise_and_threshold_are_said():
    signature = Signature("image", "label", (8, 8, 1))
    facts = report(task="image_generation", threshold={"threshold": 0.0123456789})
    text = card(facts, {**CERTIFICATE, "decisions": None}, signature, "", noise_shape=(64,))
    assert "one example of `noise` has the shape (64,)" in text and "a score above 0.0123457 is abnormal" in text
