"""Sequences of numbers of different lengths: trained, exported, and predicted on, each as if it stood alone."""

import json
from pathlib import Path

import numpy as np
import onnxruntime
import pandas as pd
import pytest

from zoo.errors import ZooError
from zoo.serving.exported_model import ExportedModel
from zoo.training.saved_model import load_file

RECIPE = """
extends: _base/series_classification
optimizer: {name: adamw, learning_rate: 1e-2}
training: {batch_size: 8, epochs: 8}
evaluation: {baseline: random_forest, baselines: []}
data: {source: "csv:moves.csv", target: kind, series: move, time: step}
"""


def moves(count=60, seed=0):
    """Return waves and noise of 6 to 14 steps at two sensors."""
    generator = np.random.default_rng(seed)
    parts = []
    for i in range(count):
        steps = np.arange(generator.integers(6, 15))
        wave = np.sin(steps) if i % 2 else generator.normal(size=len(steps))
        noise = generator.normal(size=len(steps))
        columns = {"move": f"m{i:02d}", "step": steps, "a": wave, "b": noise, "kind": ["noise", "wave"][i % 2]}
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True).round(4)


def write_ts(path, table):
    """Write a table in aeon's format."""
    lines = ["@problemName moves", "@timeStamps false", "@univariate false", "@classLabel true noise wave", "@data"]
    for _, group in table.groupby("move"):
        lines.append(":".join(",".join(map(str, group[name])) for name in "ab") + f":{group['kind'].iloc[0]}")
    path.write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize(
    "model", [pytest.param("{name: bilstm, units: 8}", marks=pytest.mark.ci), "{name: gru, units: 8}"]
)
@pytest.mark.ci
def test_sequences_of_different_lengths(zoo, tmp_path, model):
    moves().to_csv(tmp_path / "moves.csv", index=False)
    (tmp_path / "short.yaml").write_text(RECIPE)
    code, out, err = zoo("train", "short.yaml", f"model={model}", "--json")
    assert code == 0, err
    run = Path(json.loads(out)["run"])

    # === A table in long form and a .ts file get the same answers, in which padding has no part ===
    new = moves(10, seed=1)
    new.drop(columns="kind").to_csv(tmp_path / "new.csv", index=False)
    write_ts(tmp_path / "new.ts", new)
    file = run / "export/model.onnx"
    found = {}
    for name in ("new.csv", "new.ts"):
        code, out, err = zoo("predict", str(file), name, "--json")
        assert code == 0, err
        found[name] = [[each["probabilities"][k] for k in ("noise", "wave")] for each in json.loads(out)]
    np.testing.assert_allclose(found["new.ts"], found["new.csv"], rtol=1e-5)
    assert [each["series"] for each in json.loads(zoo("predict", str(file), "new.csv", "--json")[1])][:2] == [
        "m00",
        "m01",
    ]
    session, saved = onnxruntime.InferenceSession(file), load_file(run / "model.keras")
    alone = [group[["a", "b"]].to_numpy(np.float32)[None] for _, group in new.groupby("move")]
    np.testing.assert_allclose([session.run(None, {"array": x})[0][0] for x in alone], found["new.csv"], atol=1e-5)
    np.testing.assert_allclose([saved(x).numpy()[0] for x in alone], found["new.csv"], atol=1e-5)

    # === What is broken is not answered ===
    exported = ExportedModel(file)
    np.testing.assert_allclose(exported.predict([x[0] for x in alone]).output, found["new.csv"], atol=1e-6)
    for place, value in (((0, 1, 0), np.nan), ((0, 1), np.nan), ((0, 1, 1), np.inf)):
        broken = alone[0].copy()
        broken[place] = value
        assert np.isnan(session.run(None, {"array": broken})[0]).all()
        with pytest.raises(ZooError, match="is no finite number of 32 bits"):
            exported.predict(broken)


def test_a_builder_that_cannot_mask_refuses(zoo, tmp_path):
    moves().to_csv(tmp_path / "moves.csv", index=False)
    (tmp_path / "short.yaml").write_text(RECIPE)
    code, _, err = zoo("train", "short.yaml", "model={name: fcn}")
    assert code == 2 and "fcn takes sequences of one length, and those of csv:" in " ".join(err.split())
