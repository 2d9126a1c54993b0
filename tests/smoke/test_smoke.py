"""A short run through the package, which `.ci/run` repeats on the oldest versions that `setup.cfg` allows."""

import json
import os
import subprocess
import sys
from itertools import groupby

import keras
import numpy as np
import onnxruntime
import pytest
from registry_cases import Case, build, cases, example, losses, predict

import zoo
from zoo import registry
from zoo.export.convert import to_onnx

pytestmark = pytest.mark.smoke
# One training step of each is enough: they differ in what they ask of Keras, TensorFlow and tf2onnx.
EXTRA = ("unet", "vit_tiny", "seq2seq_transformer")
FORMS = {case.name: case for case in reversed(cases(options=False))}  # the first form of each builder
FAMILIES = groupby(sorted(FORMS, key=lambda name: registry.entry(name).family), lambda n: registry.entry(n).family)
CASES = [FORMS[name] for name in sorted({*(min(names, key=len) for _, names in FAMILIES), "cnn", *EXTRA})]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_build_train_save_load_and_convert(case: Case, tmp_path):
    model = build(case)
    assert np.isfinite(losses(model, case)).all()
    x, _ = example(case)
    expected = predict(model, x)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras", safe_mode=True, compile=False)
    np.testing.assert_array_equal(predict(loaded, x), expected)
    names = [f"x{i}" for i in range(len(x))]
    session = onnxruntime.InferenceSession(to_onnx(loaded, names, ["y"]).SerializeToString())
    np.testing.assert_allclose(session.run(None, dict(zip(names, x, strict=True)))[0], expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    ("recipe", "overrides"),
    [
        ("cnn/digits", ["model.widths=[8]", "model.depth=1", "training.stop_after=1"]),
        ("mlp/wine", ["training.epochs=1", "optimizer.learning_rate=0.01"]),
    ],
)
def test_train_evaluate_and_export(recipe, overrides, tmp_path):
    """From data to report and checked ONNX file; the first with batch normalization in a fused kernel."""
    run = zoo.train(recipe, overrides, runs=tmp_path)
    backend = json.loads((run / "environment.json").read_text())["backend"]
    assert backend["name"] == "tensorflow" and "batch_norm" in backend["cpu_kernels"]
    assert (run / "report.html").is_file() and (run / "export" / "model.onnx").is_file()


def test_train_on_jax(tmp_path):
    pytest.importorskip("jax")
    command = [sys.executable, "-m", "zoo", "train", "mlp/wine", "training.stop_after=1", "--runs", str(tmp_path)]
    environment = {**os.environ, "KERAS_BACKEND": "jax", "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    done = subprocess.run([*command, "--no-export"], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
