"""Exported samplers: against float64, Keras and the formula of guidance, and what the file holds."""

from functools import cache

import numpy as np
import onnx
import onnxruntime
import pytest
from keras import ops
from onnx import numpy_helper

from zoo import registry
from zoo.errors import ZooError
from zoo.export.convert import to_onnx
from zoo.export.diffusion_sampler import sampler_proto
from zoo.export.sampler_parity import in_float64, measure_sampler
from zoo.layers.diffusion import Process
from zoo.layers.diffusion_sampler import coefficients, sample_numpy

UNET = {"widths": (8, 8), "depth": 1, "attention": (), "heads": 2, "groups": 4}
DIT = {"width": 16, "depth": 1, "heads": 2, "patch": 2}
CLASSES = 3
CASES = {  # builder, settings, image, schedule, prediction, steps, sampler
    "unet": ("conditional_ddpm", UNET, (7, 5, 1), "cosine", "v", 20, "ddim"),
    "dit": ("dit_tiny", {**DIT, "conditional": False}, (4, 4, 1), "linear", "noise", 20, "ddpm"),
    "flow": ("dit_tiny", DIT, (4, 6, 3), "rectified_flow", "velocity", 20, "euler"),
}


@cache
def denoiser(case):
    """Return a denoiser with random weights: one that answers zero, as a new one does, would prove nothing."""
    name, settings, shape, *_ = CASES[case]
    model = registry.build(name, input_shape=shape, outputs=CLASSES, **settings)
    rng = np.random.default_rng(0)
    for weight in model.weights:
        if weight.path.endswith("gamma"):
            weight.assign(rng.uniform(0.5, 1.5, weight.shape))
        else:
            scale = np.prod(weight.shape[:-1]) ** -0.5 if len(weight.shape) > 1 else 0.2
            weight.assign(rng.normal(0, scale, weight.shape))
    return model


def plan(case):
    _, _, _, schedule, prediction, steps, sampler = CASES[case]
    return Process(schedule, prediction), steps, sampler


@cache
def exported(case):
    return sampler_proto(denoiser(case), *plan(case))


@cache
def session(case):
    return onnxruntime.InferenceSession(exported(case).SerializeToString())


def example(case, count=4, guidance=2.0, seed=0):
    rng = np.random.default_rng(seed)
    shape = (count, *CASES[case][2])
    given = {"noise": rng.standard_normal(shape, np.float32)}
    if case != "dit":
        given |= {"label": np.arange(count, dtype=np.int32) % CLASSES, "guidance": np.array([guidance], np.float32)}
    else:
        given["step_noise"] = rng.standard_normal((CASES[case][5], *shape), np.float32)
    return given


@pytest.mark.ci
@pytest.mark.parametrize("case", [pytest.param(c, marks=[pytest.mark.ci] if c == "unet" else []) for c in CASES])
def test_the_file_is_no_further_from_float64_than_keras(case):
    parity = measure_sampler(exported(case), denoiser(case), *plan(case), samples=8)
    assert 0 < parity.exported <= 2 * parity.keras
    assert parity.exported <= parity.max_abs_difference < 1e-4
    assert parity.samples == 8


@pytest.mark.slow
def test_without_clipping_rounding_grows_alike():
    process, steps, sampler = plan("dit")
    proto = sampler_proto(denoiser("dit"), process, steps, sampler, clip=False)
    free = measure_sampler(proto, denoiser("dit"), process, steps, sampler, clip=False)
    assert free.exported <= 2 * free.keras
    assert measure_sampler(exported("dit"), denoiser("dit"), process, steps, sampler, clip=False).exported > 1e-2


@pytest.mark.ci
def test_the_measure_finds_a_wrong_file():
    """A last digit changed in one coefficient of one step is further away than rounding."""
    proto = onnx.ModelProto.FromString(exported("flow").SerializeToString())
    (table,) = (i for i in proto.graph.initializer if i.name == "table")
    changed = numpy_helper.to_array(table).copy()
    changed[7, 4] *= 1 + 1e-4
    table.CopyFrom(numpy_helper.from_array(changed, "table"))
    parity = measure_sampler(proto, denoiser("flow"), *plan("flow"), samples=8)
    assert parity.exported > 2 * parity.keras


@pytest.mark.parametrize("guidance", [0.0, 1.0, 3.0])
def test_guidance_is_the_formula(guidance):
    """Against the denoiser with and without the class, put together here."""
    process, steps, sampler = plan("flow")
    given, exact = example("flow", guidance=guidance), in_float64(denoiser("flow"))

    def answer(x, time, labels):
        return exact.predict_on_batch([x, time, labels])

    def formula(x, time):
        none = answer(x, time, np.full(4, CLASSES, np.int32))
        return none + guidance * (answer(x, time, given["label"]) - none)

    expected = sample_numpy(formula, given["noise"], process, steps, sampler)
    (found,) = session("flow").run(["sample"], given)
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("case", [pytest.param("unet", marks=pytest.mark.ci), "dit", "flow"])
def test_the_image_is_the_sample_in_bytes(case):
    image, sample = session(case).run(["image", "sample"], example(case))
    assert image.dtype == np.uint8 and image.shape == sample.shape == (4, *CASES[case][2])
    expected = np.round(np.clip((sample + np.float32(1)) * np.float32(127.5), 0, 255))
    np.testing.assert_array_equal(image, expected)
    assert len(np.unique(image)) > 5


@pytest.mark.parametrize("case", [pytest.param(c, marks=[pytest.mark.ci] if c == "unet" else []) for c in CASES])
def test_an_image_does_not_depend_on_its_batch(case):
    given = example(case, count=3)
    (together,) = session(case).run(["sample"], given)
    one = {k: v if k == "guidance" else v[:, 1:2] if k == "step_noise" else v[1:2] for k, v in given.items()}
    (alone,) = session(case).run(["sample"], one)
    np.testing.assert_allclose(alone, together[1:2], atol=1e-5)


@pytest.mark.parametrize("case", CASES)
def test_inputs_and_outputs_have_names_shapes_and_types(case):
    shape, steps = [*CASES[case][2]], CASES[case][5]
    found = {i.name: (i.type, i.shape) for i in session(case).get_inputs()}
    wanted = {"noise": ("tensor(float)", ["batch", *shape])}
    if case == "dit":
        wanted["step_noise"] = ("tensor(float)", [steps, "batch", *shape])
    else:
        wanted |= {"label": ("tensor(int32)", ["batch"]), "guidance": ("tensor(float)", [1])}
    assert found == wanted
    outputs = {o.name: (o.type, o.shape) for o in session(case).get_outputs()}
    assert outputs == {"image": ("tensor(uint8)", ["batch", *shape]), "sample": ("tensor(float)", ["batch", *shape])}


@pytest.mark.parametrize("case", [pytest.param("unet", marks=pytest.mark.slow), "dit", "flow"])
def test_the_weights_are_stored_once(case):
    model, proto = denoiser(case), exported(case)
    own = to_onnx(model, [x.name for x in model.inputs], ["prediction"])
    (loop,) = (node for node in proto.graph.node if node.op_type == "Loop")
    (body,) = (a.g for a in loop.attribute if a.name == "body")
    assert sorted(i.raw_data for i in body.initializer) == sorted(i.raw_data for i in own.graph.initializer)
    assert sum(len(i.raw_data) for i in proto.graph.initializer) < 1500  # the table, and constants
    names = sum(len(f"{node.name}{node.input}{node.output}") for node in own.graph.node)
    assert proto.ByteSize() < own.ByteSize() + names + 10_000  # prefixes of names, and the sampler's own nodes


def test_steps_cost_a_row_of_the_table():
    longer = sampler_proto(denoiser("flow"), plan("flow")[0], 1000, "euler")
    assert (
        longer.ByteSize() - exported("flow").ByteSize() < 980 * 6 * 4 + 2000
    )  # which of its names get a longer number
    (table,) = (numpy_helper.to_array(i) for i in longer.graph.initializer if i.name == "table")
    np.testing.assert_array_equal(table, coefficients(plan("flow")[0], 1000, "euler").astype(np.float32))


def test_the_lowest_version_of_the_operators():
    proto = sampler_proto(denoiser("flow"), *plan("flow"), opset=13)
    assert {o.domain: o.version for o in proto.opset_import}[""] == 13
    given = example("flow")
    (found,) = onnxruntime.InferenceSession(proto.SerializeToString()).run(["sample"], given)
    np.testing.assert_allclose(found, session("flow").run(["sample"], given)[0], atol=1e-5)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ZooError, match="'euler' does not go with the schedule 'cosine'"):
        sampler_proto(denoiser("dit"), Process(), 5, "euler")
    with pytest.raises(ZooError, match="at least one step"):
        sampler_proto(denoiser("dit"), Process(), 0, "ddim")


def test_a_copy_in_float64_is_the_same_model_with_more_digits():
    model = denoiser("unet")
    copy, rng = in_float64(model), np.random.default_rng(0)
    inputs = [rng.normal(size=(2, 7, 5, 1)), np.array([0.2, 0.7]), np.array([0, 3], np.int32)]
    found = copy.predict_on_batch(inputs)
    assert found.dtype == np.float64 and {w.dtype for w in copy.weights} == {"float64"}
    assert (found != found.astype(np.float32)).any()
    np.testing.assert_allclose(
        found, ops.convert_to_numpy(model([x.astype(x.dtype.str[1] + "4") for x in inputs])), atol=1e-4
    )
    assert {w.dtype for w in model.weights} == {"float32"}
