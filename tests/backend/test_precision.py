"""Mixed precision: what computes in fewer bits, what stays float32, and how the loss is scaled."""

import json

import keras
import numpy as np
import onnx
import pytest
from onnx import TensorProto
from registry_cases import Case, losses, quiet
from registry_cases import build as build_case
from rich.console import Console

import zoo
from zoo.backend.precision import precision, with_loss_scale
from zoo.data.sources.load import load_dataset
from zoo.export.generators import convert_sampler, measure_generation
from zoo.recipe import load_recipe
from zoo.tasks import TASKS
from zoo.training.callbacks.checkpoints import Checkpoints
from zoo.training.fit import fit
from zoo.training.problem import set_up

MIXED = ("mixed_bfloat16", "mixed_float16")
SMALL = {
    "mlp": ["model.widths=[8]"],
    "cnn": ["model.widths=[4]", "model.depth=1"],
}
SHORT = ["training.epochs=1", "training.batch_size=64", "optimizer.learning_rate.warmup_epochs=0.5"]
FORMS = {
    "mlp": ("image", "image_classification"),
    "cnn": ("image", "image_classification"),
    "lstm": ("steps", "sequence_classification"),
    "transformer": ("tokens", "sequence_classification"),
    "dcgan": ("image", "image_generation"),
    "dit_tiny": ("image", "image_generation"),
    "ddpm": ("image", "image_generation"),
    "vae": ("image", "reconstruction"),
    "vq_vae": ("image", "reconstruction"),
}


MARKS = {"mlp": [], "lstm": [], "dcgan": [], "ddpm": pytest.mark.slow}


@pytest.mark.parametrize("policy", [MIXED[0], pytest.param(MIXED[1], marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", [pytest.param(n, marks=MARKS.get(n, pytest.mark.ci)) for n in FORMS])
def test_a_training_step_is_close_to_that_of_float32(name, policy):
    case = Case(name, *FORMS[name], quiet(name))
    exact = losses(build_case(case), case)
    keras.utils.set_random_seed(0)
    with precision(policy):
        model = build_case(case)
    assert {v.dtype for v in model.trainable_variables} == {"float32"}
    layers = [layer for part in (model, *model.layers) for layer in getattr(part, "layers", [])]
    assert policy.removeprefix("mixed_") in {layer.compute_dtype for layer in layers}
    found = losses(model, case)
    assert found == pytest.approx(exact, rel=0.03)
    assert keras.config.dtype_policy().name == "float32"


def test_the_policy_does_not_outlive_a_failure():
    with pytest.raises(KeyError), precision("mixed_float16"):
        raise KeyError
    assert keras.config.dtype_policy().name == "float32"


def test_a_gradient_that_is_not_finite_halves_the_scale_and_moves_nothing():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(with_loss_scale(keras.optimizers.SGD(0.1), "mixed_float16"), "mse", jit_compile=False)
    scale = model.optimizer.initial_scale
    model.train_on_batch(np.ones((2, 1)), np.ones((2, 1)))
    before = model.get_weights()
    model.train_on_batch(np.full((2, 1), 1e30), np.ones((2, 1)))
    assert float(model.optimizer.dynamic_scale) == scale / 2
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    model.train_on_batch(np.ones((2, 1)), np.full((2, 1), 3.0))
    assert not np.array_equal(model.get_weights()[0], before[0])


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_only_float16_is_scaled(policy):
    optimizer = keras.optimizers.SGD(0.1)
    assert with_loss_scale(optimizer, policy) is optimizer


@pytest.mark.ci
@pytest.mark.parametrize(
    ("family", "policy"),
    [
        ("mlp", "mixed_float16"),
        pytest.param("cnn", "mixed_bfloat16", marks=pytest.mark.slow),
        pytest.param("mlp", "mixed_bfloat16", marks=pytest.mark.slow),
        pytest.param("cnn", "mixed_float16", marks=pytest.mark.slow),
    ],
)
def test_a_run_saves_and_exports_float32(family, policy, tmp_path):
    given = [*SMALL[family], *SHORT, f"training.precision={policy}", "evaluation.baseline=null"]
    run = zoo.train(f"{family}/digits", given, runs=tmp_path)
    certificate = json.loads((run / "export" / "certificate.json").read_text())
    assert certificate["max_abs_difference"] <= 1e-4 and certificate["label_flips"] == 0
    graph = onnx.load(run / "export" / "model.onnx").graph
    types = {tensor.data_type for tensor in graph.initializer}
    assert TensorProto.FLOAT in types and not types & {TensorProto.FLOAT16, TensorProto.BFLOAT16}
    saved = keras.saving.load_model(run / "model.keras", compile=False)
    layers = [layer for part in (saved, *saved.layers) for layer in getattr(part, "layers", [])]
    assert {layer.dtype_policy.name for layer in layers} == {"float32"}
    report = json.loads((run / "report.json").read_text())
    last = (run / "metrics.csv").read_text().splitlines()[-1].split(",")
    header = (run / "metrics.csv").read_text().splitlines()[0].split(",")
    logged = float(dict(zip(header, last, strict=True))["val_accuracy"])
    assert report["metrics"]["validation"]["accuracy"] == pytest.approx(logged, abs=0.02)  # the trained weights
    assert keras.config.dtype_policy().name == "float32"


@pytest.fixture(scope="module")
def digits():
    recipe = load_recipe("mlp/digits").recipe
    return load_dataset(recipe.data, TASKS[recipe.task])


EVERYTHING = [
    "model.widths=[8,8]",
    "model.dropout=0.1",
    "training={batch_size: 100, epochs: 3, select: last, precision: mixed_float16}",
    "optimizer={name: adamw, ema: 0.9, clip_global_norm: 1.0, weight_decay: 0.1, "
    "learning_rate: {schedule: cosine, peak: 0.01}, groups: [{layers: logits, learning_rate: 0.002}]}",
]


@pytest.mark.slow
def test_scale_average_groups_and_clipping_together_and_resumed(digits, tmp_path, monkeypatch):
    """The same bits after an interruption; and the metrics of float32, nearly."""
    recipe = load_recipe("mlp/digits", EVERYTHING).recipe
    whole = set_up(recipe, digits)
    fitted = fit(whole, tmp_path / "whole", Console(quiet=True))
    exact = set_up(load_recipe("mlp/digits", [*EVERYTHING, "training.precision=float32"]).recipe, digits)
    rows = fit(exact, tmp_path / "exact", Console(quiet=True)).history
    for row, other in zip(fitted.history, rows, strict=True):
        assert row["loss"] == pytest.approx(other["loss"], rel=0.03)
        assert row["learning_rate"] == pytest.approx(other["learning_rate"])
    trained, network = whole.views.learner.get_weights(), whole.views.network.get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(trained, network, strict=True))

    monkeypatch.setattr("zoo.training.callbacks.checkpoints._WRITE_EVERY", 0.0)
    write = Checkpoints._write

    def write_twice_and_die(self):
        write(self)
        if len(self.log.rows) == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Checkpoints, "_write", write_twice_and_die)
        fit(set_up(recipe, digits), tmp_path / "cut", Console(quiet=True))
    again = set_up(recipe, digits)
    fit(again, tmp_path / "cut", Console(quiet=True), resume=True)
    assert all(np.array_equal(a, b) for a, b in zip(network, again.views.network.get_weights(), strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["gan/digits", "diffusion/digits"])
def test_models_that_make_images_are_sampled_and_exported_in_float32(name, digits, tmp_path):
    sizes = {
        "gan/digits": ["model.generator_widths=[8,4]", "model.discriminator_widths=[4,8]", "model.latent=4"],
        "diffusion/digits": ["model.widths=[8,8]", "model.depth=1", "model.groups=4", "model.heads=2"],
    }[name]
    given = [*sizes, "training.epochs=1", "training.precision=mixed_float16", "regularization.l2=1e-4"]
    if name == "diffusion/digits":
        given += ["sampling.steps=3", "optimizer.learning_rate.warmup_epochs=0.5"]
    recipe = load_recipe(name, given).recipe
    problem = set_up(recipe, digits)
    fitted = fit(problem, tmp_path, Console(quiet=True))
    assert np.isfinite(list(fitted.history[-1].values())).all() and list((tmp_path / "samples").iterdir())
    saved, learner = problem.views.saved.get_weights(), problem.views.learner.get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(saved, learner, strict=False))  # the generator comes first
    proto, _ = convert_sampler(problem.views.saved, recipe, digits.signature)
    parity, allowed = measure_generation(proto, problem.views.saved, recipe)
    assert parity.max_abs_difference <= allowed
    assert TensorProto.FLOAT16 not in {tensor.data_type for tensor in proto.graph.initializer}
