"""What every registered builder must do, with every option of its settings. A new builder is tested here by itself."""

import gc
import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import onnxruntime
import pytest
import registry_cases
from keras import ops
from registry_cases import OUTPUTS, Case, build, cases, example, given, losses, predict

from zoo import registry
from zoo.errors import ZooError
from zoo.export.convert import to_onnx
from zoo.layers.code import decoder, encoder
from zoo.layers.encoder import encoder_of, representation
from zoo.layers.head import features, with_head
from zoo.tasks import TASKS

LARGE = (  # same code as their smaller sisters, or much to compute
    *("bilstm", "conditional_ddpm", "conditional_gan", "convnext_small", "denoising_autoencoder", "dit_tiny"),
    *("efficientnet_b1", "efficientnet_b2", "efficientnet_b3", "masked_language_model", "resnet101", "resnet152"),
    *("resnet18", "resnet34", "resnet50", "resnext50", "supcon", "triplet", "vgg11", "vgg13", "vgg16", "vgg19"),
    *("vit_base", "vit_small", "wide_resnet"),
)
SHORT = (  # the test command runs these, `.ci/run` all that are not large
    *("autoencoder", "cnn", "dcgan", "dlinear", "fasttext", "gcn", "lstm", "minirocket", "mlp", "nlinear", "realmlp"),
    *("rnn", "row_autoencoder", "siamese", "transformer", "vq_vae", "window_autoencoder"),
)
QUICK = ("mlp",)  # `.ci/run` runs its options; `-m slow` runs those of all
DEFAULT = cases(options=False)
FIRST = [case for i, case in enumerate(DEFAULT) if i == 0 or case.name != DEFAULT[i - 1].name]  # one form a builder
OPTIONS = [case for case in cases() if case not in DEFAULT]


def marked(more):
    """Return all cases; the test command runs first forms of short builders, `.ci/run` `more` of the quick, too."""
    quick = [c for c in FIRST if c.name in SHORT]
    longer = [c for c in FIRST if c.name not in LARGE] + [c for c in more if c.name in QUICK]

    def mark(case):
        return [] if case in quick else pytest.mark.ci if case in longer else pytest.mark.slow

    return [pytest.param(case, id=case.id, marks=mark(case)) for case in cases()]


@pytest.fixture(autouse=True)
def memory(request):
    """Give back what large networks took: Python may wait with it until hundreds were built."""
    yield
    if request.node.get_closest_marker("slow"):
        gc.collect()


@pytest.mark.parametrize("case", marked(DEFAULT + OPTIONS))
def test_train_save_load_and_change_the_head(case: Case, tmp_path):
    x, _ = example(case)
    model = build(case)
    assert model.name == case.name
    before = [w.copy() for w in model.get_weights()]
    assert np.isfinite(losses(model, case)).all()
    assert any((w != b).any() for w, b in zip(model.get_weights(), before, strict=True))

    trained = predict(model, x)
    generates, embeds = (TASKS[case.task].kind == kind for kind in ("generation", "representation"))
    if TASKS[case.task].reconstructs:
        assert trained.shape == x[0].shape
    elif embeds:
        assert trained.shape[1:] == model.output_shape[1:]
    elif generates:
        assert trained.shape == ((len(x[0]), 1) if x[0].ndim == 2 else x[0].shape)
    else:
        assert trained.shape[-1] == OUTPUTS + 4 * (TASKS[case.task].kind == "detection")
    assert len(trained) == len(x[0]) and np.isfinite(trained).all()
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras", safe_mode=True, compile=False)
    np.testing.assert_array_equal(predict(loaded, x), trained)

    if generates:
        return
    if embeds:
        check_encoder(model, x)
        if all(layer.name != "features" for layer in model.layers):
            return
    pooled = features(model)
    if TASKS[case.task].reconstructs:
        check_halves(model, x[0], trained)
        return
    own = [layer for layer in model.layers if layer.name == "logits"]
    if own and model.outputs[0] is not own[0].output:  # the model adds something to them
        with pytest.raises(ZooError, match="adds to its logits"):
            with_head(model, 5)
        return
    new = with_head(model, 5, dropout=0.1)
    assert new.output_shape[-1] == 5 and pooled.output_shape[:-1] == new.output_shape[:-1]
    if "tie_embeddings" not in case.settings:
        assert {id(w) for w in pooled.weights} == {id(w) for w in model.weights} & {id(w) for w in new.weights}
    logits = new.get_layer("logits")
    expected = predict(pooled, x) @ ops.convert_to_numpy(logits.kernel)
    expected += ops.convert_to_numpy(logits.bias) if logits.use_bias else 0
    np.testing.assert_allclose(predict(new, x), expected, rtol=1e-4, atol=1e-4)


def check_halves(model, x, trained):
    """An autoencoder is its two halves."""
    code = predict(encoder(model), [x])
    assert code.ndim == 2
    np.testing.assert_allclose(predict(decoder(model), [code]), trained, rtol=0, atol=1e-6)


def check_encoder(model, x):
    """A network that learns representations has an encoder in it, which can be exported by itself."""
    pooled, inner = representation(model), encoder_of(model)
    assert predict(pooled, x).ndim == 2 and inner.input_shape == model.input_shape
    session = onnxruntime.InferenceSession(to_onnx(inner, ["x"], ["y"]).SerializeToString())
    np.testing.assert_allclose(session.run(None, {"x": x[0]})[0], predict(inner, x), rtol=0, atol=1e-4)


@pytest.mark.parametrize("case", marked(DEFAULT))
def test_the_onnx_file_gives_the_same(case: Case):
    """With any number of examples and, for tokens, any length, padding and empty rows included."""
    x, _ = example(case)
    model = build(case)
    names = [f"x{i}" for i in range(len(x))]
    session = onnxruntime.InferenceSession(to_onnx(model, names, ["y"]).SerializeToString())
    shorter = [a[:, :4] for a in x] if x[0].dtype == np.int32 else x
    for arrays in (x, [a[:1] for a in x], shorter):
        got = session.run(None, dict(zip(names, arrays, strict=True)))[0]
        expected = predict(model, arrays)
        assert got.shape == expected.shape
        np.testing.assert_allclose(got, expected, rtol=0, atol=1e-4)


@pytest.fixture(scope="module")
def on_jax(tmp_path_factory):
    """Return a function from a case to its losses in a training step and the next, on TensorFlow and on JAX."""
    pytest.importorskip("jax")
    folder = tmp_path_factory.mktemp("jax")

    def run(chosen: list[Case]) -> dict[str, tuple[list[float], list[float]]]:
        ours = {}
        for case in chosen:
            model = build(case)
            model.save(folder / f"{case.id}.keras")
            ours[case.id] = losses(model, case)
        root = Path(registry_cases.__file__).parents[2]
        paths = os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])
        environment = {**os.environ, "KERAS_BACKEND": "jax", "PYTHONPATH": paths}
        command = [sys.executable, registry_cases.__file__, str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        assert done.returncode == 0, done.stderr[-3000:]
        theirs = json.loads(done.stdout.splitlines()[-1])
        assert theirs["backend"] == "jax"
        return {key: (ours[key], theirs["losses"][key]) for key in ours}

    return run


def check(found):
    """The loss of the step to 1e-4; of the next to 1%, because batch norm over 4 examples magnifies rounding."""
    wrong = {
        key: (ours, theirs)
        for key, (ours, theirs) in found.items()
        if not (np.isclose(ours[0], theirs[0], rtol=1e-4) and np.isclose(ours[1], theirs[1], rtol=1e-2))
    }
    assert wrong == {}


@pytest.mark.ci
def test_a_training_step_on_jax_has_the_same_loss(on_jax):
    check(on_jax([case for case in FIRST if case.name in ("cnn", "mlp")]))


@pytest.mark.slow
def test_a_training_step_on_jax_has_the_same_loss_in_every_form(on_jax):
    check(on_jax([case for case in DEFAULT if not case.random and case.name not in LARGE]))


@pytest.mark.slow
def test_a_training_step_on_jax_has_the_same_loss_with_every_option(on_jax):
    check(on_jax([case for case in OPTIONS if not case.random and case.name not in LARGE]))


def mark_of(name):
    return [] if name in SHORT else pytest.mark.slow if name in LARGE else pytest.mark.ci


@pytest.mark.parametrize("name", [pytest.param(n, marks=mark_of(n)) for n in registry.list_models()])
def test_builds_with_its_defaults(name):
    found = registry.entry(name)
    model = registry.build(name)
    shape = model.input_shape[0] if isinstance(model.input_shape, list) else model.input_shape
    output, task = model.output_shape[-1], TASKS[found.tasks[0]]
    if found.family == "gan":
        assert model.get_layer("generator").output_shape == (None, *found.input_shape) and output == 1
    else:
        assert shape == (None, *found.input_shape)
        same = task.reconstructs or task.kind == "generation"
        free = task.kind == "representation"
        assert free or output == (found.input_shape[-1] if same else found.outputs + 4 * (task.kind == "detection"))
    assert found.summary.endswith(".")
    assert found.paper
    assert set(found.tasks) <= set(TASKS)
    assert given([1]) == 1
