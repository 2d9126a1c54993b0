"""From a saved Keras model to an ONNX graph that takes raw input and gives probabilities and labels, or a value."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from zoo.data.dataset import Signature
from zoo.errors import ZooError

RECIPE_KEY, DATA_KEY, VERSIONS_KEY = "zoo.recipe", "zoo.data", "zoo.versions"
LABEL = "label"


def convert(model: keras.Model, signature: Signature, *, opset: int) -> onnx.ModelProto:
    """Convert a model to ONNX.

    Goes through a frozen TensorFlow function and tf2onnx. Every weight and statistic is a constant of the graph, the
    first axis is named `batch`, and inputs and outputs have the names that the signature gives them.

    Args:
        model: raw input to `(batch, classes)` probabilities or a `(batch, 1)` value.
        signature: the raw input: one uint8 image or float vector, or one input for each column of a table.
        opset: version of the ONNX operators, 13 to 18.

    Returns:
        A checked model with the outputs `probabilities` `(batch, classes)` and `label` `(batch,)` (text), or `value`
        `(batch,)`.

    Raises:
        ZooError: an operation of the model has no ONNX form.
    """
    names = input_names(signature)
    output = "probabilities" if signature.labels else "value"
    proto = _through_tf2onnx(model, signature, names, output, opset)
    _rename_axes(proto)
    if signature.labels:
        _add_label(proto, output, signature.labels)
    else:
        _flatten_value(proto, output)
    try:
        onnx.checker.check_model(proto, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        reason = str(error).partition("\n")[0]
        raise ZooError(f"model '{model.name}' has no ONNX form at opset {opset}: {reason}") from error
    return proto


def input_names(signature: Signature) -> list[str]:
    """Return the names of the ONNX inputs: `image`, `array`, or those of the table's columns."""
    return [c.name for c in signature.columns] if signature.kind == "table" else [signature.kind]


def add_metadata(proto: onnx.ModelProto, entries: Mapping[str, Any]) -> None:
    """Put facts into the file: text as it is, everything else as JSON."""
    values = {
        k: v if isinstance(v, str) else json.dumps(v, ensure_ascii=False, sort_keys=True) for k, v in entries.items()
    }
    helper.set_model_props(proto, values)


def _through_tf2onnx(
    model: keras.Model, signature: Signature, names: list[str], output: str, opset: int
) -> onnx.ModelProto:
    import tensorflow as tf
    import tf2onnx
    from tf2onnx import tf_loader

    _add_handlers()
    logging.getLogger("tf2onnx").setLevel(logging.CRITICAL)  # what matters comes as an exception
    table = signature.kind == "table"
    keys = signature.tensor_names
    tensors = [model.input[key] for key in keys] if table else [model.input]
    # tf2onnx wants plain names; the real ones, which may hold spaces, are put in afterwards
    specs = [tf.TensorSpec(t.shape, t.dtype, name=f"input_{i}") for i, t in enumerate(tensors)]

    @tf.function(input_signature=specs, autograph=False)
    def function(*values: Any) -> Any:
        raw = dict(zip(keys, values, strict=True)) if table else values[0]
        return {output: tf.identity(model(raw, training=False))}

    with tf.device("/cpu:0"):
        concrete = function.get_concrete_function()
        captured = {t.name for t in concrete.graph.internal_captures}
        inputs = [t.name for t in concrete.inputs if t.name not in captured]
        result = concrete.structured_outputs[output].name
        try:
            graph, tables = tf_loader.from_trackable(model, concrete, inputs, [result], False)
            proto, _ = tf2onnx.convert._convert_common(
                graph,
                name=model.name,
                continue_on_error=False,
                opset=opset,
                input_names=inputs,
                output_names=[result],
                tensors_to_rename={**dict(zip(inputs, names, strict=True)), result: output},
                initialized_tables=tables,
            )
        except (ValueError, RuntimeError, KeyError, NotImplementedError) as error:
            raise ZooError(f"model '{model.name}' has no ONNX form at opset {opset}: {error}") from error
    extra = [i.name for i in proto.graph.input if i.name not in names]
    if extra:
        raise ZooError(f"model '{model.name}': values that should be constants became inputs of the graph: {extra}")
    return proto


def _add_handlers() -> None:
    """Teach tf2onnx what it lacks: Erfc, from exact GELU."""
    import tf2onnx
    from keras.src.export.tf2onnx_lib import patch_tf2onnx
    from tf2onnx.handler import tf_op

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        patch_tf2onnx()  # Keras's own repairs for NumPy 2

    class Erfc:
        @classmethod
        def version_9(cls, context: Any, node: Any, **_: Any) -> None:
            output, dtype = node.output[0], context.get_dtype(node.output[0])
            shape, source = context.get_shape(output), node.input[0]
            context.remove_node(node.name)
            erf = context.make_node("Erf", [source]).output[0]
            one = np.array(1, tf2onnx.utils.map_onnx_to_numpy_type(dtype))
            constant = context.make_const(tf2onnx.utils.make_name("one"), one).output[0]
            context.make_node("Sub", [constant, erf], outputs=[output], shapes=[shape], dtypes=[dtype])

    tf_op("Erfc")(Erfc)


def _rename_axes(proto: onnx.ModelProto) -> None:
    """Name the axes that vary: the first `batch`, others by what they are."""
    others = {1: "height", 2: "width"}
    for value in (*proto.graph.input, *proto.graph.output):
        for position, axis in enumerate(value.type.tensor_type.shape.dim):
            if not axis.dim_value or position == 0:
                axis.Clear()
                axis.dim_param = "batch" if position == 0 else others.get(position, f"axis_{position}")
    del proto.graph.value_info[:]


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
