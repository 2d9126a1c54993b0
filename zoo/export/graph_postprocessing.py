"""Nodes behind a converted model that turn its outputs into answers: boxes, symbols, classes of pixels, flags.

`zoo.postprocessing.derived` says the same rules in NumPy, and the export compares the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from zoo.data.class_decisions import OOD_SCORE
from zoo.postprocessing.boxes import MAX_DETECTIONS, MIN_SCORE
from zoo.tasks import IGNORED_PIXEL, LABEL_THRESHOLD

if TYPE_CHECKING:
    import onnx

    from zoo.data.dataset import Signature

PREFIX = "post/"  # of values inside, so that none has the name of an input


class _Nodes:
    """Adds nodes to a graph. Names of values are outputs of the graph, or else inside it.

    Args:
        proto: the graph.
        constants: by name.
    """

    def __init__(self, proto: onnx.ModelProto, constants: Mapping[str, np.ndarray]) -> None:
        self.graph = proto.graph
        self.outer = {output.name for output in proto.graph.output}
        initializers = [numpy_helper.from_array(value, PREFIX + name) for name, value in constants.items()]
        self.graph.initializer.extend(initializers)

    def add(self, operator: str, inputs: str, output: str, **attributes: Any) -> None:
        """Add a node; `inputs` has their names, with blanks between."""
        names = [self._name(name) for name in inputs.split()]
        self.graph.node.append(
            helper.make_node(operator, names, [self._name(name) for name in output.split()], **attributes)
        )

    def give(self, output: str, kind: int, shape: list[Any], operator: str, inputs: str, **attributes: Any) -> None:
        """Add a node whose result is an output of the graph."""
        self.outer.add(output)
        self.add(operator, inputs, output, **attributes)
        self.graph.output.append(helper.make_tensor_value_info(output, kind, shape))

    def _name(self, name: str) -> str:
        return name if name in self.outer else PREFIX + name


def _shape(proto: onnx.ModelProto) -> list[Any]:
    """Return the shape of the graph's first output, names for axes that vary."""
    return [axis.dim_value or axis.dim_param for axis in proto.graph.output[0].type.tensor_type.shape.dim]


def _ints(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def choose_boxes(proto: onnx.ModelProto, signature: Signature) -> None:
    """Add `boxes`, `scores`, `labels` and `count` before `detections`: the best boxes of each image, padded with 0.

    The scores of `detections` are 0 in all places but peaks, so that no further suppression is needed.
    """
    places, classes = _shape(proto)[1], len(signature.labels)
    detections = proto.graph.output[0]
    kept = min(MAX_DETECTIONS, places * classes)
    constants = {
        "box_and_scores": _ints(4, classes),
        "flat": _ints(0, places * classes),
        "kept": _ints(kept),
        "classes": np.array(classes, np.int64),
        "last_axis": _ints(2),
        "four": _ints(1, 1, 4),
        "least": np.array(MIN_SCORE, np.float32),
        "no_score": np.array(0, np.float32),
        "no_label": np.array(0, np.int64),
        "rows": _ints(1),
        "pad_row": _ints(0, 0, 0, MAX_DETECTIONS - kept),
        "pad_box": _ints(0, 0, 0, 0, MAX_DETECTIONS - kept, 0),
    }
    nodes = _Nodes(proto, constants)
    nodes.add("Split", "detections box_and_scores", "every_box every_score", axis=2)
    nodes.add("Reshape", "every_score flat", "flat_scores")
    nodes.add("TopK", "flat_scores kept", "best_scores best", axis=1)
    nodes.add("Div", "best classes", "place")
    nodes.add("Mod", "best classes", "class")
    nodes.add("Unsqueeze", "place last_axis", "place_column")
    nodes.add("Expand", "place_column four", "place_of_box")
    nodes.add("GatherElements", "every_box place_of_box", "best_boxes", axis=1)
    nodes.add("GreaterOrEqual", "best_scores least", "is_kept")
    nodes.add("Unsqueeze", "is_kept last_axis", "is_kept_column")
    nodes.add("Where", "is_kept_column best_boxes no_score", "kept_boxes")
    nodes.add("Where", "is_kept best_scores no_score", "kept_scores")
    nodes.add("Where", "is_kept class no_label", "kept_labels")
    nodes.add("Cast", "is_kept", "ones", to=TensorProto.INT64)
    nodes.give("boxes", TensorProto.FLOAT, ["batch", MAX_DETECTIONS, 4], "Pad", "kept_boxes pad_box")
    nodes.give("scores", TensorProto.FLOAT, ["batch", MAX_DETECTIONS], "Pad", "kept_scores pad_row")
    nodes.give("labels", TensorProto.INT64, ["batch", MAX_DETECTIONS], "Pad", "kept_labels pad_row")
    nodes.give("count", TensorProto.INT64, ["batch"], "ReduceSum", "ones rows", keepdims=0)
    proto.graph.output.remove(detections)
    proto.graph.output.append(detections)


def read_best_path(proto: onnx.ModelProto, signature: Signature) -> None:
    """Add `tokens` `(batch, steps)`, CTC's best path without repeats and blanks (0), padded with 0, and their `count`.

    The kept steps come first, in their order: those with the largest numbers, which fall along the steps.
    """
    steps = _shape(proto)[1]
    constants = {
        "begin": _ints(0),
        "second": _ints(1),
        "third": _ints(2),
        "last": _ints(-1),
        "steps_axis": _ints(1),
        "step_axis": np.array(1, np.int64),
        "blank": np.array(0, np.int64),
        "none": np.array(0, np.float32),
        "one_before": _ints(0, 1, 0, 0),
    }
    nodes = _Nodes(proto, constants)
    nodes.add("ArgMax", "probabilities", "path", axis=2, keepdims=0)
    nodes.add("Slice", "path begin last steps_axis", "all_but_last")
    nodes.add("Pad", "all_but_last one_before", "before")  # a blank before the first step
    nodes.add("Equal", "path before", "is_repeat")
    nodes.add("Equal", "path blank", "is_blank")
    nodes.add("Or", "is_repeat is_blank", "is_dropped")
    nodes.add("Not", "is_dropped", "is_kept")
    nodes.add("Cast", "is_kept", "ones", to=TensorProto.FLOAT)
    nodes.add("CumSum", "ones step_axis", "left", reverse=1)
    nodes.add("Mul", "ones left", "order")
    nodes.add("Shape", "path", "path_shape")
    nodes.add("Slice", "path_shape second third", "steps")
    nodes.add("TopK", "order steps", "ordered places", axis=1)
    nodes.add("GatherElements", "path places", "symbols", axis=1)
    nodes.add("Greater", "ordered none", "is_symbol")
    nodes.add("Cast", "is_kept", "kept", to=TensorProto.INT64)
    nodes.give("tokens", TensorProto.INT64, ["batch", steps], "Where", "is_symbol symbols blank")
    nodes.give("count", TensorProto.INT64, ["batch"], "ReduceSum", "kept steps_axis", keepdims=0)


def add_mask(proto: onnx.ModelProto, signature: Signature) -> None:
    """Add `mask` `(batch, height, width)`: the most probable class of each pixel, 255 where all are 0 (padding)."""
    constants = {
        "class_axis": _ints(3),
        "none": np.array(0, np.float32),
        "ignored": np.array(IGNORED_PIXEL, np.int64),
    }
    nodes = _Nodes(proto, constants)
    nodes.add("ReduceSum", "probabilities class_axis", "total", keepdims=0)
    nodes.add("Equal", "total none", "is_padding")
    nodes.add("ArgMax", "probabilities", "class", axis=3, keepdims=0)
    nodes.give("mask", TensorProto.INT64, _shape(proto)[:3], "Where", "is_padding ignored class")


def add_label_set(proto: onnx.ModelProto, signature: Signature) -> None:
    """Add `label_set` `(batch, classes)`: which labels have a probability of at least one half."""
    nodes = _Nodes(proto, {"half": np.array(LABEL_THRESHOLD, np.float32)})
    nodes.give("label_set", TensorProto.BOOL, _shape(proto), "GreaterOrEqual", "probabilities half")


def add_unusual(proto: onnx.ModelProto, signature: Signature) -> None:
    """Add `unusual` `(batch,)` where there is an out-of-distribution score: it exceeds its 99% quantile."""
    decisions = signature.decisions
    if decisions is not None and decisions.ood_quantiles is not None:
        _add_flag(proto, "unusual", OOD_SCORE, decisions.ood_quantiles[1])


def add_abnormal(proto: onnx.ModelProto, threshold: float) -> None:
    """Add `abnormal` `(batch,)`: the score of an anomaly detector exceeds its threshold."""
    _add_flag(proto, "abnormal", "score", threshold)


def _add_flag(proto: onnx.ModelProto, name: str, score: str, threshold: float) -> None:
    nodes = _Nodes(proto, {f"{name}_above": np.array(threshold, np.float32)})
    nodes.give(name, TensorProto.BOOL, ["batch"], "Greater", f"{score} {name}_above")
