"""From a saved Keras model to an ONNX graph that takes raw input and gives what the task puts out."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from zoo.data.dataset import Signature
from zoo.errors import ZooError
from zoo.layers.code import decoder
from zoo.tasks import Task

RECIPE_KEY, DATA_KEY, VERSIONS_KEY = "zoo.recipe", "zoo.data", "zoo.versions"
LABEL = "label"
RECONSTRUCTED = ("embedding", "reconstruction", "score")  # in the order in which Keras gives the values of a dict

OUTPUTS = {  # of the Keras model, by kind of task; `convert` adds what follows from them
    "classification": "probabilities",
    "regression": "value",
    "forecasting": "forecast",
    "tokens": "logits",
    "sequences": "logits",
    "transcription": "probabilities",
    "segmentation": "probabilities",
    "detection": "detections",
    "representation": "embedding",
}


def convert(model: keras.Model, signature: Signature, task: Task, *, opset: int) -> onnx.ModelProto:
    """Convert a saved model to ONNX.

    Every weight and statistic is a constant of the graph, the first axis is named `batch`, and inputs and outputs have
    the names that signature and task give them.

    Args:
        model: from raw input to what the task puts out.
        signature: the raw input: one uint8 image, float array or sequence of token ids, one input for each column of a
            table, or the nodes and edges of a graph.
        task: the task; it names the outputs.
        opset: version of the ONNX operators, 13 to 18.

    Returns:
        A checked model. Outputs by kind of task: `probabilities` `(batch, classes)` and `label` `(batch,)` (text);
        `value` `(batch,)`; `forecast` `(batch, horizon)`; `logits` `(batch, length, tokens)`; `probabilities`
        `(batch, steps, symbols)`; `probabilities` `(batch, height, width, classes)` and `mask` `(batch, height,
        width)`; `boxes` `(batch, places, 4)` and `scores` `(batch, places, classes)`;
        `embedding` `(batch, features)`.

    Raises:
        ZooError: an operation of the model has no ONNX form.
    """
    names = dict(zip(signature.tensor_names, input_names(signature), strict=True))
    if task.kind == "sequences":
        names = {t.name: name for t, name in zip(model.inputs, ("source", "target"), strict=True)}
    output = OUTPUTS.get(task.kind, "")
    if task.reconstructs:
        model = keras.Model(model.input, {name: model.output[name] for name in RECONSTRUCTED}, name=model.name)
    outputs = RECONSTRUCTED if task.reconstructs else (output,)
    proto = to_onnx(model, [names[t.name] for t in model.inputs], outputs, opset=opset)
    _rename_axes(proto)
    if task.kind == "classification":
        _add_label(proto, output, signature.labels)
    elif task.kind == "regression":
        _flatten_value(proto, output)
    elif task.kind == "segmentation":
        _add_mask(proto, output)
    elif task.kind == "detection":
        _split_boxes(proto, output, len(signature.labels))
    _check(proto, model, opset)
    return proto


def convert_generator(model: keras.Model, *, opset: int) -> onnx.ModelProto:
    """Convert a GAN's saved generator: `noise` `(batch, latent)` and, where it takes classes, `label` `(batch,)` int32.

    Outputs: `image` `(batch, height, width, channels)` uint8, and `sample`, the same in float32 before -1 to 1 became 0
    to 255.

    Args:
        model: the saved model.
        opset: version of the ONNX operators, 13 to 18.
    """
    proto = to_onnx(model, [x.name for x in model.inputs], ["sample"], opset=opset)
    _rename_axes(proto)
    shape = [d.dim_value or d.dim_param for d in proto.graph.output[0].type.tensor_type.shape.dim]
    for name, value in (("highest", 1.0), ("half_range", 127.5), ("black", 0.0), ("white", 255.0)):
        proto.graph.initializer.append(helper.make_tensor(name, TensorProto.FLOAT, [], [value]))
    proto.graph.node.extend(
        [
            helper.make_node("Add", ["sample", "highest"], ["above_black"]),
            helper.make_node("Mul", ["above_black", "half_range"], ["light"]),
            helper.make_node("Clip", ["light", "black", "white"], ["visible"]),
            helper.make_node("Round", ["visible"], ["level"]),
        ]
    )
    _append(
        proto, helper.make_node("Cast", ["level"], ["image"], to=TensorProto.UINT8), "image", TensorProto.UINT8, shape
    )
    _check(proto, model, opset)
    return proto


def convert_decoder(model: keras.Model, *, opset: int) -> onnx.ModelProto:
    """Convert the second half of a saved autoencoder: `embedding` `(batch, features)` to `reconstruction`.

    Args:
        model: the saved model, from raw images.
        opset: version of the ONNX operators, 13 to 18.
    """
    parts = model.get_layer(model.name)
    half = decoder(keras.Model(parts.input, parts.outputs[1], name=model.name))
    proto = to_onnx(half, ["embedding"], ["reconstruction"], opset=opset)
    _rename_axes(proto)
    _check(proto, half, opset)
    return proto


def _check(proto: onnx.ModelProto, model: keras.Model, opset: int) -> None:
    try:
        onnx.checker.check_model(proto, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        reason = str(error).partition("\n")[0]
        raise ZooError(f"model '{model.name}' has no ONNX form at opset {opset}: {reason}") from error


def input_names(signature: Signature) -> list[str]:
    """Return the names of the ONNX inputs: `image`, `array`, `tokens`, `nodes` and `edges`, or the table's columns."""
    return [c.name for c in signature.columns] if signature.kind == "table" else signature.tensor_names


def add_metadata(proto: onnx.ModelProto, entries: Mapping[str, Any]) -> None:
    """Put facts into the file: text as it is, everything else as JSON."""
    values = {
        k: v if isinstance(v, str) else json.dumps(v, ensure_ascii=False, sort_keys=True) for k, v in entries.items()
    }
    helper.set_model_props(proto, values)


def to_onnx(model: keras.Model, inputs: Sequence[str], outputs: Sequence[str], *, opset: int = 18) -> onnx.ModelProto:
    """Convert a Keras model as it is, by a frozen TensorFlow function and tf2onnx.

    Args:
        model: a functional model.
        inputs: names for its inputs, in the order of `model.inputs`.
        outputs: names for its outputs, in the order of `model.outputs`.
        opset: version of the ONNX operators, 13 to 18.

    Raises:
        ZooError: an operation of the model has no ONNX form.
    """
    import tensorflow as tf
    import tf2onnx
    from tf2onnx import tf_loader

    logging.getLogger("tf2onnx").setLevel(logging.CRITICAL)  # what matters comes as an exception
    # tf2onnx wants plain names; the real ones, which may hold spaces, are put in afterwards
    specs = [tf.TensorSpec(t.shape, t.dtype, name=f"input_{i}") for i, t in enumerate(model.inputs)]

    @tf.function(input_signature=specs, autograph=False)
    def function(*values: Any) -> Any:
        results = model(keras.tree.pack_sequence_as(model.input, list(values)), training=False)
        return [tf.identity(result) for result in keras.tree.flatten(results)]

    with tf.device("/cpu:0"), _right_shapes_of_squares():
        concrete = function.get_concrete_function()
        captured = {t.name for t in concrete.graph.internal_captures}
        given = [t.name for t in concrete.inputs if t.name not in captured]
        results = [t.name for t in concrete.structured_outputs]
        try:
            graph, tables = tf_loader.from_trackable(model, concrete, given, results, False)
            proto, _ = tf2onnx.convert._convert_common(
                graph,
                name=model.name,
                continue_on_error=False,
                custom_op_handlers={"Erfc": (_convert_erfc, [])},
                opset=opset,
                input_names=given,
                output_names=results,
                tensors_to_rename=dict(zip([*given, *results], [*inputs, *outputs], strict=True)),
                initialized_tables=tables,
            )
        except (ValueError, RuntimeError, KeyError, NotImplementedError) as error:
            raise ZooError(f"model '{model.name}' has no ONNX form at opset {opset}: {error}") from error
    extra = [i.name for i in proto.graph.input if i.name not in inputs]
    if extra:
        raise ZooError(f"model '{model.name}': values that should be constants became inputs of the graph: {extra}")
    return proto


def _convert_erfc(context: Any, node: Any, name: str, arguments: Any) -> None:
    """Convert Erfc, from exact GELU, which tf2onnx does not know: 1 - Erf."""
    import tf2onnx

    output, dtype = node.output[0], context.get_dtype(node.output[0])
    shape, source = context.get_shape(output), node.input[0]
    context.remove_node(node.name)
    erf = context.make_node("Erf", [source]).output[0]
    one = np.array(1, tf2onnx.utils.map_onnx_to_numpy_type(dtype))
    constant = context.make_const(tf2onnx.utils.make_name("one"), one).output[0]
    context.make_node("Sub", [constant, erf], outputs=[output], shapes=[shape], dtypes=[dtype])


@contextmanager
def _right_shapes_of_squares() -> Iterator[None]:
    """Within the block, tf2onnx gives a square its new shape when it moves a transpose behind it.

    By the old shape it would remove the wrong axes of 1x1 maps.
    """
    from tf2onnx.optimizer.transpose_optimizer import TransposeOptimizer

    original = TransposeOptimizer._mul_handler

    def mul_handler(self: Any, transpose: Any, node: Any) -> bool:
        is_square = node.input[0] == node.input[1]
        moved: bool = original(self, transpose, node)
        if moved and is_square:
            self._g.set_shape(node.output[0], self._g.get_shape(node.input[0]))
        return moved

    TransposeOptimizer._mul_handler = mul_handler
    try:
        yield
    finally:
        TransposeOptimizer._mul_handler = original


def _rename_axes(proto: onnx.ModelProto) -> None:
    """Name the axes that vary: the first `batch`, others by what they are."""
    for value in (*proto.graph.input, *proto.graph.output):
        axes = value.type.tensor_type.shape.dim
        for position, axis in enumerate(axes):
            if not axis.dim_value or position == 0:
                axis.Clear()
                axis.dim_param = "batch" if position == 0 else _axis_name(value.name, position, len(axes))
    del proto.graph.value_info[:]


def _axis_name(value: str, position: int, rank: int) -> str:
    if rank == 4:
        return {1: "height", 2: "width"}.get(position, f"axis_{position}")
    if value in ("nodes", "edges") and position == 1:
        return value
    if value in ("source", "target"):
        return f"{value}_length"
    return {"probabilities": "steps", "detections": "places"}.get(value, "length") if position == 1 else "width"


def _append(proto: onnx.ModelProto, node: onnx.NodeProto, name: str, kind: int, shape: Sequence[Any]) -> None:
    proto.graph.node.append(node)
    proto.graph.output.append(helper.make_tensor_value_info(name, kind, shape))


def _add_mask(proto: onnx.ModelProto, probabilities: str) -> None:
    """Add the output `mask`: the most probable class of each pixel."""
    shape = [d.dim_value or d.dim_param for d in proto.graph.output[0].type.tensor_type.shape.dim]
    node = helper.make_node("ArgMax", [probabilities], ["mask"], axis=3, keepdims=0)
    _append(proto, node, "mask", TensorProto.INT64, shape[:3])


def _split_boxes(proto: onnx.ModelProto, detections: str, classes: int) -> None:
    """Give boxes and scores as two outputs."""
    places = proto.graph.output[0].type.tensor_type.shape.dim[1]
    place = places.dim_value or places.dim_param
    del proto.graph.output[:]
    proto.graph.initializer.append(helper.make_tensor("box_and_scores", TensorProto.INT64, [2], [4, classes]))
    node = helper.make_node("Split", [detections, "box_and_scores"], ["boxes", "scores"], axis=2)
    _append(proto, node, "boxes", TensorProto.FLOAT, ["batch", place, 4])
    proto.graph.output.append(helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["batch", place, classes]))


def _add_label(proto: onnx.ModelProto, probabilities: str, labels: tuple[str, ...]) -> None:
    """Add the output `label`: the name of the most probable class."""
    names = numpy_helper.from_array(np.array(labels, dtype=object), "label_names")
    proto.graph.initializer.append(names)
    proto.graph.node.append(helper.make_node("ArgMax", [probabilities], ["label_index"], axis=1, keepdims=0))
    proto.graph.node.append(helper.make_node("Gather", ["label_names", "label_index"], [LABEL], axis=0))
    proto.graph.output.append(helper.make_tensor_value_info(LABEL, TensorProto.STRING, ["batch"]))


def _flatten_value(proto: onnx.ModelProto, value: str) -> None:
    """Turn `(batch, 1)` into `(batch,)`."""
    for node in proto.graph.node:
        for position, name in enumerate(node.output):
            if name == value:
                node.output[position] = f"{value}_column"
    proto.graph.initializer.append(helper.make_tensor("value_shape", TensorProto.INT64, [1], [-1]))
    proto.graph.node.append(helper.make_node("Reshape", [f"{value}_column", "value_shape"], [value]))
    del proto.graph.output[:]
    proto.graph.output.append(helper.make_tensor_value_info(value, TensorProto.FLOAT, ["batch"]))
