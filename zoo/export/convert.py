"""From a Keras model to an ONNX graph, by tf2onnx, whose private parts are touched here alone."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
import onnx
from onnx import helper

from zoo.errors import ZooError
from zoo.export.native_rnn import with_native_rnn
from zoo.export.whole_operators import with_whole_operators
from zoo.serving.onnx_file import CHECKSUM_KEY, scan

RECIPE_KEY = "zoo.recipe"
DATA_KEY = "zoo.data"
VERSIONS_KEY = "zoo.versions"


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
    # plain names while the graph is made; those that the caller gives are put in afterwards
    specs = [tf.TensorSpec(t.shape, t.dtype, name=f"input_{i}") for i, t in enumerate(model.inputs)]

    @tf.function(input_signature=specs, autograph=False)
    def function(*values: Any) -> Any:
        results = model(keras.tree.pack_sequence_as(model.input, list(values)), training=False)
        return [tf.identity(result) for result in keras.tree.flatten(results)]

    with tf.device("/cpu:0"), _tf2onnx_repaired():
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
    with_native_rnn(proto)
    with_whole_operators(proto)
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
def _tf2onnx_repaired() -> Iterator[None]:
    """Within the block, tf2onnx gives a square its new shape when it moves a transpose behind it.

    By the old shape it would remove the wrong axes of 1x1 maps. After the block it has forgotten its custom handlers.
    """
    from tf2onnx.handler import tf_op
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
        for opset in tf_op.get_opsets().values():  # where tf2onnx keeps `custom_op_handlers` for good
            for handlers in opset:
                handlers.pop("Erfc", None)


def name_axes(proto: onnx.ModelProto) -> None:
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


def check_graph(proto: onnx.ModelProto, model: keras.Model, opset: int) -> None:
    """Check a graph against the ONNX standard.

    Raises:
        ZooError: an operation of the model has no form in this opset.
    """
    try:
        onnx.checker.check_model(proto, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        reason = str(error).partition("\n")[0]
        raise ZooError(f"model '{model.name}' has no ONNX form at opset {opset}: {reason}") from error


def add_metadata(proto: onnx.ModelProto, entries: Mapping[str, Any]) -> None:
    """Put facts into the file: text as it is, everything else as JSON."""
    values = {
        k: v if isinstance(v, str) else json.dumps(v, ensure_ascii=False, sort_keys=True) for k, v in entries.items()
    }
    helper.set_model_props(proto, values)


def seal(proto: onnx.ModelProto) -> None:
    """Put the checksum of a finished file into its metadata, so that a change shows without the certificate."""
    kept = [(entry.key, entry.value) for entry in proto.metadata_props if entry.key != CHECKSUM_KEY]
    add_metadata(proto, dict(kept))
    add_metadata(proto, {**dict(kept), CHECKSUM_KEY: scan(proto.SerializeToString(), "the model").sha256})
