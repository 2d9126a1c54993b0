"""Denoisers: U-Nets with time and class, and the diffusion transformer."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from in_ci import in_ci
from keras import ops

from zoo import registry
from zoo.errors import ZooError
from zoo.layers.time_embedding import class_count

SMALL_UNET = {"widths": (8, 16), "depth": 1, "attention": (2,), "heads": 2, "groups": 4, "dropout": 0.0}
SMALL_DIT = {"width": 16, "depth": 2, "heads": 2, "patch": 2}
SMALL = {
    "ddpm": SMALL_UNET,
    "conditional_ddpm": {**SMALL_UNET, "outputs": 3},
    "dit_tiny": {**SMALL_DIT, "outputs": 3},
}


def trainable(model):
    return sum(int(np.prod(v.shape)) for v in model.trainable_variables)


def randomized(name, seed=0, **config):
    """Build with every weight random: at the start the last layers are zero, and so is the prediction."""
    model = registry.build(name, **config)
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        if weight.path.endswith("gamma"):
            weight.assign(rng.uniform(0.5, 1.5, weight.shape))
        elif len(weight.shape) == 1:
            weight.assign(rng.normal(0, 0.2, weight.shape))
        else:
            weight.assign(rng.normal(0, np.prod(weight.shape[:-1]) ** -0.5, weight.shape))
    return model


def example(model, count=3, seed=0):
    rng = np.random.default_rng(seed)
    inputs = [rng.normal(size=(count, *model.inputs[0].shape[1:])).astype("float32")]
    inputs.append(rng.uniform(0.1, 0.9, count).astype("float32"))
    if len(model.inputs) == 3:
        inputs.append((np.arange(count) % class_count(model)).astype("int32"))
    return inputs


def predict(model, inputs):
    return ops.convert_to_numpy(model(inputs, training=False))


# --- parameters ---------------------------------------------------------------------------------------------------


def unet_parameters(widths, depth, attention, channels):
    """Sum the layers that Ho et al. describe in appendix B; every one has a bias."""

    def convolution(before, after, size=3):
        return size * size * before * after + after

    def block(before, after):
        norms = 2 * before + 2 * after
        shortcut = convolution(before, after, 1) if before != after else 0
        return norms + convolution(before, after) + 4 * widths[0] * after + after + convolution(after, after) + shortcut

    def attend(width):
        return 2 * width + 4 * convolution(width, width, 1)

    first = widths[0]
    total = convolution(channels, first) + convolution(first, 4 * first, 1) + convolution(4 * first, 4 * first, 1)
    x, skips = first, [first]
    for level, width in enumerate(widths, start=1):
        if level > 1:
            total += convolution(x, x)
            skips.append(x)
        for _ in range(depth):
            total += block(x, width) + (attend(width) if level in attention else 0)
            x = width
            skips.append(x)
    total += 2 * block(x, x) + attend(x)
    for level, width in reversed(list(enumerate(widths, start=1))):
        for _ in range(depth + 1):
            total += block(x + skips.pop(), width) + (attend(width) if level in attention else 0)
            x = width
        total += convolution(x, x) if level > 1 else 0
    return total + 2 * x + convolution(x, channels)


def test_ddpm_has_the_35_7_million_parameters_of_the_paper():
    expected = unet_parameters((128, 256, 256, 256), 2, (2,), 3)
    assert trainable(registry.build("ddpm")) == expected == 35_746_307


def test_conditional_ddpm_has_a_vector_for_each_class_and_one_for_none():
    small = {"input_shape": (28, 28, 1), **SMALL_UNET}
    expected = unet_parameters((8, 16), 1, (2,), 1)
    assert trainable(registry.build("ddpm", **small)) == expected
    assert trainable(registry.build("conditional_ddpm", outputs=7, **small)) == expected + 8 * 4 * 8


def test_dit_count_is_the_sum_of_its_layers():
    width, depth, patch = 192, 12, 4
    layers = [(256, width), (width, width), (3 * patch**2, width), (width, 3 * patch**2), (width, 2 * width)]
    block = [(width, 6 * width), (width, 4 * width), (4 * width, width)] + 4 * [(width, width)]
    expected = sum((before + 1) * after for before, after in layers + depth * block)
    assert trainable(registry.build("dit_tiny", conditional=False)) == expected
    assert trainable(registry.build("dit_tiny")) == expected + 11 * width


# --- shapes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", in_ci([(8, 8, 1), (28, 28, 1), (7, 5, 1), (32, 32, 3)], but=[(7, 5, 1)]))
def test_a_unet_predicts_in_the_shape_of_the_image(shape):
    model = randomized("conditional_ddpm", input_shape=shape, outputs=4, **{**SMALL_UNET, "widths": (4, 8, 8)})
    assert [x.name for x in model.inputs] == ["image", "time", "label"]
    assert [x.dtype for x in model.inputs] == ["float32", "float32", "int32"]
    assert model.output_shape == (None, *shape)
    found = predict(model, example(model))
    assert found.shape == (3, *shape) and np.isfinite(found).all()


@pytest.mark.parametrize(("shape", "patch"), [((8, 8, 1), 2), ((28, 28, 1), 4), ((4, 12, 3), 4)])
def test_a_dit_predicts_in_the_shape_of_the_image(shape, patch):
    model = randomized("dit_tiny", input_shape=shape, outputs=4, **{**SMALL_DIT, "patch": patch})
    assert predict(model, example(model)).shape == (3, *shape)
    unconditional = registry.build("dit_tiny", input_shape=shape, conditional=False, **{**SMALL_DIT, "patch": patch})
    assert [x.name for x in unconditional.inputs] == ["image", "time"]
    assert unconditional.output_shape == (None, *shape)


@pytest.mark.parametrize(
    ("name", "config", "message"),
    [
        ("ddpm", {"input_shape": (784,)}, "needs images"),
        ("ddpm", {"input_shape": (None, None, 3)}, "positive|known size"),
        ("ddpm", {"input_shape": (7, 28, 1)}, "8x8 or more. Received: input_shape=.7, 28, 1."),
        ("ddpm", {"widths": ()}, "at least one level"),
        ("ddpm", {"widths": (9, 18)}, "even"),
        ("ddpm", {"attention": (5,)}, "levels from 1 to 4"),
        ("conditional_ddpm", {"heads": 3}, "multiple of heads"),
        ("conditional_ddpm", {"groups": 0}, "groups"),
        ("dit_tiny", {"input_shape": (30, 32, 3)}, "tile the image"),
        ("dit_tiny", {"width": 190, "heads": 2}, "multiple of 4"),
        ("dit_tiny", {"conditional": 1}, "conditional"),
    ],
)
def test_impossible_settings_are_refused(name, config, message):
    with pytest.raises(ZooError, match=message):
        registry.build(name, **config)


# --- predictions --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SMALL)
def test_the_first_prediction_is_zero_and_float32(name):
    for policy in ("float32", "mixed_float16"):
        keras.config.set_dtype_policy(policy)
        try:
            model = registry.build(name, input_shape=(8, 8, 1), **SMALL[name])
        finally:
            keras.config.set_dtype_policy("float32")
        found = predict(model, example(model))
        assert found.dtype == np.float32 and not found.any()
        assert [layer.compute_dtype for layer in model.layers if layer.name == "prediction"] == ["float32"]


@pytest.mark.parametrize("name", SMALL)
def test_every_input_counts_and_examples_are_independent(name):
    model = randomized(name, input_shape=(8, 8, 1), **SMALL[name])
    inputs = example(model)
    before = predict(model, inputs)
    for i, moved in enumerate(inputs):
        other = [x.copy() for x in inputs]
        other[i][1] = 3 if i == 2 else moved[1] + 0.05  # 3 stands for no class
        differs = np.abs(predict(model, other) - before).max(axis=(1, 2, 3)) > 1e-5
        np.testing.assert_array_equal(differs, [False, True, False])


def test_dropout_works_only_in_training():
    keras.utils.set_random_seed(0)
    model = randomized("ddpm", input_shape=(8, 8, 1), **{**SMALL_UNET, "dropout": 0.5})
    inputs = example(model)
    first, second = (ops.convert_to_numpy(model(inputs, training=True)) for _ in range(2))
    assert (first != second).any()
    np.testing.assert_array_equal(predict(model, inputs), predict(model, inputs))


def test_upsampling_repeats_pixels_and_crops_odd_sizes():
    model = registry.build("ddpm", input_shape=(7, 5, 1), **SMALL_UNET)
    part = keras.Model(model.get_layer("up1_columns").input[0], model.get_layer("up1_crop").output)
    x = np.random.default_rng(0).normal(size=(2, 4, 3, 16)).astype("float32")
    np.testing.assert_array_equal(predict(part, x), x.repeat(2, axis=1).repeat(2, axis=2)[:, :7, :5])


def test_attention_is_in_the_levels_that_are_named():
    for attention, levels in (((), set()), ((1,), {"1"}), ((1, 2), {"1", "2"})):
        model = registry.build("ddpm", input_shape=(8, 8, 1), **{**SMALL_UNET, "attention": attention})
        names = {layer.name for layer in model.layers if layer.name.endswith("_attention")}
        assert {n[len("down")] for n in names if n.startswith("down")} == levels
        assert {n[len("up")] for n in names if n.startswith("up")} == levels
        assert {n for n in names if n.startswith("middle")} == {"middle1_attention"}


def test_norms_have_as_many_groups_as_divide_their_channels():
    model = registry.build("ddpm", input_shape=(8, 8, 1), widths=(6, 10), attention=(), groups=4)
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.GroupNormalization)]
    assert {(layer.input.shape[-1], layer.groups) for layer in norms} == {(6, 3), (10, 2), (20, 4), (16, 4), (12, 4)}


def test_a_dit_starts_with_blocks_that_do_nothing():
    """With random weights in the last layer alone, a patch decides over itself and no other (adaLN-Zero)."""
    model = registry.build("dit_tiny", input_shape=(8, 8, 1), outputs=3, **SMALL_DIT)
    last = model.get_layer("prediction").kernel
    last.assign(np.random.default_rng(0).normal(size=last.shape))
    inputs = example(model)
    moved = [inputs[0].copy(), *inputs[1:]]
    moved[0][:, 2:4, 6:8] += np.random.default_rng(1).normal(size=(3, 2, 2, 1))
    differs = (predict(model, moved) != predict(model, inputs)).any(axis=(0, 3))
    expected = np.zeros((8, 8), bool)
    expected[2:4, 6:8] = True
    np.testing.assert_array_equal(differs, expected)


@pytest.mark.parametrize("name", in_ci(SMALL, but=["dit_tiny"]))
def test_a_saved_denoiser_is_the_same(name, tmp_path):
    model = randomized(name, input_shape=(8, 8, 1), **SMALL[name])
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras", safe_mode=True)
    np.testing.assert_array_equal(predict(loaded, example(model)), predict(model, example(model)))
    assert class_count(loaded) == class_count(model) == (None if name == "ddpm" else 3)


# --- the other backend --------------------------------------------------------------------------------------------

ON_JAX = """
import sys, keras, numpy as np
from zoo import registry
from zoo.layers.diffusion import Process
from zoo.layers.diffusion_sampler import Sampler
assert keras.backend.backend() == "jax"
folder = sys.argv[1]
registry.builder("ddpm")
for name in sys.argv[2:]:
    model = keras.models.load_model(f"{folder}/{name}.keras", safe_mode=True)
    given = np.load(f"{folder}/{name}.npz")
    inputs = [given[f"x{i}"] for i in range(len(model.inputs))]
    sampler = Sampler(model, Process("cosine", "v"), 3, "ddim")
    np.savez(
        f"{folder}/{name}_jax.npz",
        prediction=model.predict_on_batch(inputs),
        images=keras.ops.convert_to_numpy(sampler(inputs[0], inputs[2], guidance=3.0)),
    )
"""


@pytest.mark.slow
def test_jax_gives_the_same(tmp_path):
    pytest.importorskip("jax")
    from zoo.layers.diffusion import Process
    from zoo.layers.diffusion_sampler import Sampler

    models, few = {}, {"conditional_ddpm": {"widths": (8, 8)}, "dit_tiny": {"width": 8}}  # JAX compiles for every shape
    for name, sizes in few.items():
        models[name] = model = randomized(name, input_shape=(4, 4, 1), **{**SMALL[name], **sizes})
        model.save(tmp_path / f"{name}.keras")
        np.savez(tmp_path / f"{name}.npz", **{f"x{i}": x for i, x in enumerate(example(model))})
    environment = {**os.environ, "KERAS_BACKEND": "jax", "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    command = [sys.executable, "-c", ON_JAX, str(tmp_path), *models]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    for name, model in models.items():
        theirs, inputs = np.load(tmp_path / f"{name}_jax.npz"), example(model)
        np.testing.assert_allclose(theirs["prediction"], predict(model, inputs), atol=1e-4)
        ours = Sampler(model, Process("cosine", "v"), 3, "ddim")(inputs[0], inputs[2], guidance=3.0)
        np.testing.assert_allclose(theirs["images"], ops.convert_to_numpy(ours), atol=1e-4)
