"""A whole diffusion sampler as one ONNX graph: noise goes in, finished images come out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, compose, helper, numpy_helper

from zoo.errors import ZooError
from zoo.export.convert import to_onnx
from zoo.export.graph_outputs import PIXEL_CONSTANTS, pixel_nodes
from zoo.layers.diffusion import Process
from zoo.layers.diffusion_sampler import COLUMNS, SamplerName, coefficients
from zoo.layers.time_embedding import class_count

PREFIX = "denoiser/"


def sampler_proto(
    denoiser: keras.Model,
    process: Process,
    steps: int,
    sampler: SamplerName,
    *,
    clip: bool = True,
    opset: int = 18,
) -> onnx.ModelProto:
    """Convert a denoiser and its sampler to ONNX.

        noise ──► Loop over the rows of the table ──► sample ── (x + 1) * 127.5, rounded ──► image
                  └─ denoiser ─ x0 ─ clip ─ next x

    The loop's body holds the denoiser's weights: onnxruntime does not prepare weights outside it for its fastest
    kernels, and every step takes 1.3 times as long. A graph holds no random numbers, so all noise is an input.

    Inputs: `noise` `(batch, height, width, channels)` float32, standard normal; for a conditional denoiser `label`
    `(batch,)` int32 and `guidance` `(1,)` float32 (`zoo.layers.diffusion_sampler.sample_numpy`); for "ddpm"
    `step_noise` `(steps, batch, height, width, channels)` float32. Outputs: `image` `(batch, height, width, channels)`
    uint8, and `sample`, the same in float32 before -1 to 1 became 0 to 255.

    Args:
        denoiser: a model of the inputs `image`, `time` and, where it is conditional, `label` (`zoo.models.diffusion`).
        process: how images turn into noise, as the denoiser was trained for.
        steps: number of steps.
        sampler: "ddim" or "ddpm", or "euler" for rectified flow.
        clip: keep the image that each step aims at within -1 and 1.
        opset: version of the ONNX operators, 13 to 18.

    Returns:
        A checked model.

    Raises:
        ZooError: sampler and process do not fit, or an operation of the denoiser has no ONNX form.
    """
    classes = class_count(denoiser)
    images = ["batch", *denoiser.inputs[0].shape[1:]]
    constants = _constants(coefficients(process, steps, sampler), classes, images, clip)
    inner = to_onnx(denoiser, [x.name for x in denoiser.inputs], ["prediction"], opset=opset)
    inner = compose.add_prefix(inner, PREFIX)
    body = _body(inner.graph, images, conditional=classes is not None, stirred=sampler == "ddpm", clip=clip)
    graph = helper.make_graph(
        [
            *(_double_labels() if classes is not None else []),
            helper.make_node("Loop", ["steps", "more", "noise"], ["sample"], name="steps", body=body),
            *pixel_nodes(),
        ],
        f"{denoiser.name}_{sampler}",
        _inputs(images, classes is not None, steps if sampler == "ddpm" else None),
        [
            helper.make_tensor_value_info("image", TensorProto.UINT8, images),
            helper.make_tensor_value_info("sample", TensorProto.FLOAT, images),
        ],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    proto = helper.make_model(graph, opset_imports=inner.opset_import, ir_version=inner.ir_version)
    try:
        onnx.checker.check_model(proto, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        reason = str(error).partition("\n")[0]
        raise ZooError(f"the sampler of model '{denoiser.name}' has no ONNX form at opset {opset}: {reason}") from error
    return proto


def _constants(
    table: NDArray[np.float64], classes: int | None, images: Sequence[Any], clip: bool
) -> dict[str, NDArray[Any]]:
    """Return the initializers that are no weights."""
    found: dict[str, NDArray[Any]] = {
        "table": table.astype(np.float32),
        "columns": np.ones(len(COLUMNS), np.int64),
        "steps": np.array(len(table), np.int64),
        "more": np.array(True),
        "first_axis": np.array([0], np.int64),
        **{name: np.array(value, np.float32) for name, value in PIXEL_CONSTANTS.items()},
    }
    if clip:
        found["lowest"] = np.array(-1, np.float32)
    if classes is None:
        return found
    return {
        **found,
        "no_class": np.array([classes], np.int32),
        "halves": np.array([2, -1, *images[1:]], np.int64),
        "first_half": np.array(0, np.int64),
        "second_half": np.array(1, np.int64),
    }


def _inputs(images: Sequence[Any], conditional: bool, stirs: int | None) -> list[onnx.ValueInfoProto]:
    found = [helper.make_tensor_value_info("noise", TensorProto.FLOAT, images)]
    if conditional:
        found.append(helper.make_tensor_value_info("label", TensorProto.INT32, ["batch"]))
        found.append(helper.make_tensor_value_info("guidance", TensorProto.FLOAT, [1]))
    if stirs is not None:
        found.append(helper.make_tensor_value_info("step_noise", TensorProto.FLOAT, [stirs, *images]))
    return found


def _double_labels() -> list[onnx.NodeProto]:
    """Return what puts as many labels for "no class" behind the labels."""
    return [
        helper.make_node("Shape", ["label"], ["labels"]),
        helper.make_node("Expand", ["no_class", "labels"], ["no_classes"]),
        helper.make_node("Concat", ["label", "no_classes"], [f"{PREFIX}label"], axis=0),
    ]


def _body(
    denoiser: onnx.GraphProto, images: Sequence[Any], *, conditional: bool, stirred: bool, clip: bool
) -> onnx.GraphProto:
    """Return one step: what `zoo.layers.diffusion_sampler.Sampler` does in each."""
    x = "x" if conditional else f"{PREFIX}image"
    nodes = [
        helper.make_node("Gather", ["table", "step"], ["row"], axis=0),
        helper.make_node("Split", ["row", "columns"], list(COLUMNS), axis=0),
        *([helper.make_node("Concat", [x, x], [f"{PREFIX}image"], axis=0)] if conditional else []),
        helper.make_node("Shape", [f"{PREFIX}image"], ["asked_shape"]),
        helper.make_node("Gather", ["asked_shape", "first_axis"], ["asked"], axis=0),
        helper.make_node("Expand", ["time", "asked"], [f"{PREFIX}time"]),
        *denoiser.node,
        *(_guide() if conditional else []),
        helper.make_node("Mul", ["x0_from_x", x], ["x0_part1"]),
        helper.make_node(
            "Mul", ["x0_from_prediction", "guided" if conditional else f"{PREFIX}prediction"], ["x0_part2"]
        ),
        helper.make_node("Add", ["x0_part1", "x0_part2"], ["x0_free"]),
        helper.make_node("Clip", ["x0_free", "lowest", "highest"], ["x0"])
        if clip
        else helper.make_node("Identity", ["x0_free"], ["x0"]),
        helper.make_node("Mul", ["keep", x], ["kept"]),
        helper.make_node("Mul", ["add", "x0"], ["added"]),
        helper.make_node("Add", ["kept", "added"], ["calm" if stirred else "next"]),
    ]
    if stirred:
        nodes += [
            helper.make_node("Gather", ["step_noise", "step"], ["fresh"], axis=0),
            helper.make_node("Mul", ["stir", "fresh"], ["stirred"]),
            helper.make_node("Add", ["calm", "stirred"], ["next"]),
        ]
    nodes.append(helper.make_node("Identity", ["go_on"], ["goes_on"]))
    return helper.make_graph(
        nodes,
        "step",
        [
            helper.make_tensor_value_info("step", TensorProto.INT64, []),
            helper.make_tensor_value_info("go_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info(x, TensorProto.FLOAT, images),
        ],
        [
            helper.make_tensor_value_info("goes_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("next", TensorProto.FLOAT, images),
        ],
        denoiser.initializer,
    )


def _guide() -> list[onnx.NodeProto]:
    """Return what takes the answer without the class, and goes from there towards the one with it, or beyond."""
    return [
        helper.make_node("Reshape", [f"{PREFIX}prediction", "halves"], ["answers"]),
        helper.make_node("Gather", ["answers", "first_half"], ["with_class"], axis=0),
        helper.make_node("Gather", ["answers", "second_half"], ["without_class"], axis=0),
        helper.make_node("Sub", ["with_class", "without_class"], ["difference"]),
        helper.make_node("Mul", ["guidance", "difference"], ["exaggerated"]),
        helper.make_node("Add", ["without_class", "exaggerated"], ["guided"]),
    ]
