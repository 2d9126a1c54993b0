"""An exported graph in fewer bytes: int8 for weights and activations, int8 for weights alone, or float16."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from zoo.errors import ZooError
from zoo.serving.feeds import Feeds

_WEIGHTED = ("Conv", "ConvTranspose", "MatMul", "Gemm")  # operators that have int8 kernels
_BETWEEN = (  # operators that pass int8 on between them; others, such as Softmax, keep float32
    *("Add", "Relu", "LeakyRelu", "Clip", "MaxPool", "AveragePool", "GlobalAveragePool", "Concat", "Reshape"),
    *("Flatten", "Transpose", "Squeeze", "Unsqueeze", "Pad", "Resize", "Split"),
)
_MIN_NUMBERS = 256  # of a tensor that is worth a scale of its own
_WEIGHT_AXES = {  # of operators: input to the axis of the channels, which have a scale each
    **{name: {1: 1, 2: 1} for name in ("LSTM", "GRU", "RNN")},
    **{"Conv": {1: 0}, "ConvTranspose": {1: 1}, "MatMul": {1: -1}, "Gather": {0: -1}},
}
_MIN_SCALE = 1e-12  # of channels that are all 0


def static_int8(proto: onnx.ModelProto, batches: Iterable[Feeds]) -> onnx.ModelProto | None:
    """Quantize weights and activations between the first and the last layer with weights; None where there is none.

    QuantizeLinear and DequantizeLinear around operators (QDQ), activations uint8 by their least and largest value on
    the given examples, weights int8 with a scale for each channel.

    Args:
        proto: the graph.
        batches: training examples as inputs of the file.
    """
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Reader(CalibrationDataReader):
        def __init__(self) -> None:
            self.batches = iter(batches)

        def get_next(self) -> Feeds | None:
            return next(self.batches, None)

    with TemporaryDirectory() as folder, _silent():
        source, prepared, target = (Path(folder) / f"{name}.onnx" for name in ("source", "prepared", "target"))
        onnx.save(proto, source)
        try:
            quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)  # folds what is constant
        except Exception:  # of onnx and onnxruntime: some graphs have shapes that it cannot infer
            prepared = source
        nodes = _between_weights(onnx.load(prepared))
        if not nodes:
            return None
        quantize_static(
            str(prepared),
            str(target),
            Reader(),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=[*_WEIGHTED, *_BETWEEN],
            nodes_to_quantize=nodes,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            extra_options={"MatMulConstBOnly": True},
        )
        return onnx.load(target)


def weights_int8(proto: onnx.ModelProto) -> onnx.ModelProto:
    """Store large weights as int8 with a scale for each channel; they are float32 again when the file runs.

    onnxruntime's own quantizer of weights alone leaves out GRU and embeddings.
    """
    result = onnx.ModelProto()
    result.CopyFrom(proto)
    uses = _uses(result.graph)
    nodes = []
    for tensor in list(result.graph.initializer):
        axes = uses.get(tensor.name, set())
        if tensor.data_type != TensorProto.FLOAT or len(axes) != 1 or np.prod(tensor.dims) < _MIN_NUMBERS:
            continue
        axis = next(iter(axes))
        if axis is None or len(tensor.dims) < 2:
            continue
        axis %= len(tensor.dims)
        values = numpy_helper.to_array(tensor)
        others = tuple(i for i in range(values.ndim) if i != axis)
        scales = np.maximum(np.abs(values).max(axis=others, keepdims=True) / 127, _MIN_SCALE).astype(np.float32)
        whole = np.clip(np.rint(values / scales), -127, 127).astype(np.int8)
        names = [f"{tensor.name}/{part}" for part in ("int8", "scale")]
        nodes.append(helper.make_node("DequantizeLinear", names, [tensor.name], axis=axis))
        result.graph.initializer.remove(tensor)
        result.graph.initializer.extend(map(numpy_helper.from_array, (whole, scales.ravel()), names))
    rest = list(result.graph.node)
    del result.graph.node[:]
    result.graph.node.extend([*nodes, *rest])
    return result


def float16(proto: onnx.ModelProto) -> onnx.ModelProto:
    """Return the graph in float16; inputs and outputs keep their types.

    Raises:
        ZooError: the graph has no such form.
    """
    from onnxruntime.transformers.float16 import convert_float_to_float16

    with _silent():
        try:
            result: onnx.ModelProto = convert_float_to_float16(proto, keep_io_types=True)
            onnx.checker.check_model(result, full_check=True)
        except Exception as error:  # of onnx and onnxruntime
            raise ZooError(f"the file has no float16 form: {type(error).__name__}: {error}".splitlines()[0]) from error
    return result


def _between_weights(proto: onnx.ModelProto) -> list[str]:
    """Return the names of the nodes that lie on a way from one layer with constant weights to another, or are one."""
    constants = {tensor.name for tensor in proto.graph.initializer}
    nodes = list(proto.graph.node)
    weighted = [n.op_type in _WEIGHTED and len(n.input) > 1 and n.input[1] in constants for n in nodes]
    behind: set[str] = set()  # values
    follows = []
    for node, has_weights in zip(nodes, weighted, strict=True):
        follows.append(has_weights or any(name in behind for name in node.input))
        if follows[-1]:
            behind.update(node.output)
    ahead: set[str] = set()
    chosen = []
    for node, has_weights, is_behind in reversed(list(zip(nodes, weighted, follows, strict=True))):
        leads = has_weights or any(name in ahead for name in node.output)
        if leads:
            ahead.update(node.input)
        if leads and is_behind:
            chosen.append(node.name)
    return chosen


def _uses(graph: onnx.GraphProto) -> Mapping[str, set[int | None]]:
    """Return, for each value, by which axes the nodes that read it, in inner graphs too, allow it to be quantized."""
    found: dict[str, set[int | None]] = {}
    for node in graph.node:
        axes = _WEIGHT_AXES.get(node.op_type, {})
        if node.op_type == "Gemm":
            transposed = any(each.name == "transB" and each.i for each in node.attribute)
            axes = {1: 0 if transposed else 1}
        for place, name in enumerate(node.input):
            found.setdefault(name, set()).add(axes.get(place))
        for attribute in node.attribute:
            if attribute.HasField("g"):
                for name, inner in _uses(attribute.g).items():
                    found.setdefault(name, set()).update(inner)
    return found


@contextmanager
def _silent() -> Iterator[None]:
    """Keep the advice that onnxruntime's quantizer logs to itself, within the block."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
