"""The exported file's labels and prediction sets are those of the costs and the level in its metadata."""

from dataclasses import replace

import numpy as np
import onnx
import pytest

from zoo.data.class_decisions import ClassDecisions
from zoo.data.sources.load import load_dataset
from zoo.errors import ZooError
from zoo.export.decisions import with_decisions
from zoo.export.export import converted
from zoo.export.kinds import KINDS
from zoo.recipe import load_recipe
from zoo.serving.exported_model import ExportedModel
from zoo.serving.predict import facts
from zoo.tasks import TASKS
from zoo.training.problem import set_up


@pytest.fixture(scope="module")
def untrained():
    loaded = load_recipe("mlp/digits", ["model.widths=[4]", "evaluation.conformal=0.9"])
    data = load_dataset(loaded.recipe.data, TASKS[loaded.recipe.task])
    return loaded, data, set_up(loaded.recipe, data).views.saved


def test_labels_and_sets_of_the_file(untrained, tmp_path):
    loaded, data, model = untrained
    costs = np.where(np.eye(10), 0.0, 1.0)
    costs[:, 3] = 0.05  # the answer that is cheap, whatever the example
    few = replace(data, test=data.test.part(np.arange(40)))
    raw = few.test.take(np.arange(40))
    p = np.asarray(model.predict_on_batch(raw))
    least = float(np.median(p))
    decisions = ClassDecisions(costs=tuple(map(tuple, costs)), level=0.9, set_probability=least)
    few = replace(few, signature=replace(few.signature, decisions=decisions))
    path = tmp_path / "model.onnx"
    onnx.save(converted(loaded, few, model), path)
    exported = ExportedModel(path)
    assert exported.signature.decisions == decisions
    found = exported.predict(raw)
    assert found.labels == [few.signature.labels[i] for i in (p @ costs).argmin(1)]
    assert found.labels != [few.signature.labels[i] for i in p.argmax(1)]
    clear = np.abs(p - least) > 1e-5
    np.testing.assert_array_equal(found.prediction_sets[clear], p[clear] >= least)
    row = facts(exported, raw[:1])[0]
    assert row["prediction_set"] == [str(i) for i in range(10) if found.prediction_sets[0, i]]
    parity = KINDS["classification"].measure(path, model, few.test, few.signature)
    assert parity.label_flips == 0
    usual = replace(few.signature, decisions=ClassDecisions())  # what the file would say without costs
    assert KINDS["classification"].measure(path, model, few.test, usual).label_flips > 0


def test_a_report_without_them_is_refused(untrained):
    loaded, data, _ = untrained
    with pytest.raises(ZooError, match=r"no prediction_sets, which evaluation\.conformal asks for"):
        with_decisions(data, loaded.recipe, {})
    assert with_decisions(data, loaded.recipe).signature.decisions.level == 0.9
