"""A graph that computes in fewer bits, by onnxruntime's tools: int8 for weights and activations, or float16."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import onnx

from zoo.serving.feeds import Feeds
from zoo.utils.onnx_session import open_session

_CONVOLUTION = "Conv"
_WEIGHTED = (_CONVOLUTION, "MatMul", "Gemm")  # operators that have int8 kernels; ConvTranspose has none
_BETWEEN = (  # operators that pass int8 on between them; others, such as Softmax, keep float32
    *("Add", "Relu", "LeakyRelu", "Clip", "MaxPool", "AveragePool", "GlobalAveragePool", "Concat", "Reshape"),
    *("Flatten", "Transpose", "Squeeze", "Unsqueeze", "Pad", "Resize", "Split"),
)


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


def float16(proto: onnx.ModelProto) -> onnx.ModelProto | None:
    """Return the graph in float16, whose inputs and outputs keep their types; None where there is no such form."""
    from onnxruntime.transformers.float16 import convert_float_to_float16

    with _silent():
        try:
            result: onnx.ModelProto = convert_float_to_float16(proto, keep_io_types=True)
            onnx.checker.check_model(result, full_check=True)
            open_session(result.SerializeToString())
        except Exception:  # of onnx and onnxruntime, which have no form of some operators
            return None
    return result


def convolves(proto: onnx.ModelProto) -> bool:
    """Return whether most weights of a graph are those of convolutions, which int8 kernels make faster."""
    sizes = {tensor.name: math.prod(tensor.dims) for tensor in proto.graph.initializer}
    weights = [
        (node.op_type, sizes.get(node.input[1], 0))
        for node in proto.graph.node
        if node.op_type in (*_WEIGHTED, "ConvTranspose") and len(node.input) > 1
    ]
    return 2 * sum(size for kind, size in weights if kind == _CONVOLUTION) > sum(size for _, size in weights)


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


@contextmanager
def _silent() -> Iterator[None]:
    """Keep the advice that onnxruntime's quantizer logs to itself, within the block."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
