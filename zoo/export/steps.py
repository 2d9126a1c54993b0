"""The steps of a language model or decoder as files beside the exported one, with its weights, and their proof."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import onnx
from onnx import numpy_helper

from zoo.data.raw_tensors import as_tensors
from zoo.errors import ZooError
from zoo.export.convert import add_metadata, check_graph, seal, to_onnx
from zoo.export.predictors import decoder_input
from zoo.layers.steps import Steps, split_steps
from zoo.serving.step_check import StepDifference, compare_steps
from zoo.serving.step_model import ENCODER, LENGTH, STEP, STEPS_KEY, open_steps
from zoo.tasks import Task
from zoo.training.saved_outputs import keras_output

if TYPE_CHECKING:
    from pathlib import Path

    from zoo.data.dataset import Dataset
    from zoo.recipe.schema import Export

STEP_FILES = (STEP, ENCODER)
_SOURCE = "source_length"  # name of an axis
_MIN_SHARED_BYTES = 256  # smaller weights are stored again
_COMPARED_EXAMPLES = 16  # of the test split


def has_steps(task: Task) -> bool:
    """Return whether models of a task write texts token by token."""
    return task.decodes or (task.reads_corpus and not task.fills_in)


def export_steps(path: Path, model: keras.Model, dataset: Dataset, task: Task, settings: Export) -> dict[str, Any]:
    """Write `step.onnx`, and `encoder.onnx` where there is a source, compared with the saved model on test examples.

    Args:
        path: the exported file, whose weights they use.
        model: the saved model.
        dataset: the run's data.
        task: its task.
        settings: of the export.

    Returns:
        What the certificate says: the files and how far they are from the model; or the `reason` why there are none,
        and then texts are made by the pass over the whole text.
    """
    try:
        steps = split_steps(_network(model))
        digests = write_steps(path, steps, settings.opset)
        found = _compare(path, model, dataset, task)
        tolerance = settings.tolerance * max(1.0, found.scale)
        if found.max_abs_difference > tolerance:
            raise ZooError(
                f"the steps differ from the Keras model by {found.max_abs_difference:.2e} (allowed {tolerance:.0e})"
            )
    except Exception as error:  # of Keras, TensorFlow, tf2onnx, onnx or onnxruntime: the file itself is whole
        for name in STEP_FILES:
            path.with_name(name).unlink(missing_ok=True)
        is_ours = isinstance(error, ZooError)
        return {"reason": str(error) if is_ours else f"{type(error).__name__}: {error}".partition("\n")[0]}
    return {
        "files": digests,
        "max_abs_difference": found.max_abs_difference,
        "tolerance": tolerance,
        "tokens": found.tokens,
        "different_tokens": found.different_tokens,
    }


def _network(model: keras.Model) -> keras.Model:
    """Return the network inside a saved model, which adds no more than a name to its logits."""
    inside = [layer for layer in model.layers if isinstance(layer, keras.Model)]
    return inside[0] if len(inside) == 1 else model


def write_steps(path: Path, steps: Steps, opset: int) -> dict[str, dict[str, Any]]:
    """Write the files beside an exported one, and return their hashes and sizes by name."""
    content = path.read_bytes()
    facts: dict[str, Any] = {
        "weights": path.name,
        "weights_sha256": hashlib.sha256(content).hexdigest(),
        "entries": [entry.to_json() for entry in steps.entries],
        "has_length": steps.has_length,
        "encoder_sha256": None,
    }
    written = {}
    if steps.encoder is not None:
        outputs = [entry.name for entry in steps.entries if entry.encoded]
        proto = _converted(steps.encoder, ["source"], outputs, opset, dict.fromkeys(["source", *outputs], _SOURCE))
        written[ENCODER] = _save(proto, path.with_name(ENCODER), content, facts)
        facts["encoder_sha256"] = written[ENCODER]["sha256"]
    inputs = ["tokens", *[LENGTH] * steps.has_length, *(entry.past for entry in steps.entries)]
    outputs = ["logits", *(entry.new for entry in steps.entries if not entry.constant)]
    grows = {entry.past: _SOURCE if entry.encoded else "capacity" for entry in steps.entries}
    proto = _converted(steps.step, inputs, outputs, opset, grows)
    written[STEP] = _save(proto, path.with_name(STEP), content, facts)
    return dict(reversed(written.items()))


def _converted(
    model: keras.Model, inputs: list[str], outputs: list[str], opset: int, open_axes: Mapping[str, str]
) -> onnx.ModelProto:
    """Convert a part; `open_axes` names the axis that varies beside the batch, which is else that of the steps."""
    proto = to_onnx(model, inputs, outputs, opset=opset)
    for value in (*proto.graph.input, *proto.graph.output):
        for position, axis in enumerate(value.type.tensor_type.shape.dim):
            if not axis.dim_value or position == 0:
                axis.Clear()
                axis.dim_param = "batch" if position == 0 else open_axes.get(value.name, "steps")
    del proto.graph.value_info[:]
    check_graph(proto, model, opset)
    return proto


def _save(proto: onnx.ModelProto, path: Path, weights: bytes, facts: dict[str, Any]) -> dict[str, Any]:
    for tensor in proto.graph.initializer:
        _share(tensor, facts["weights"], weights)
    add_metadata(proto, {STEPS_KEY: facts})
    seal(proto)
    content = proto.SerializeToString()
    path.write_bytes(content)
    return {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}


def _share(tensor: onnx.TensorProto, name: str, weights: bytes) -> None:
    """Let a tensor read its numbers from a file that holds the same bytes."""
    raw = numpy_helper.to_array(tensor).tobytes()
    place = weights.find(raw) if len(raw) >= _MIN_SHARED_BYTES else -1
    if place < 0:
        return
    tensor.ClearField("raw_data")
    tensor.ClearField("float_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    for key, value in (("location", name), ("offset", str(place)), ("length", str(len(raw)))):
        tensor.external_data.add(key=key, value=value)


def _compare(path: Path, model: keras.Model, dataset: Dataset, task: Task) -> StepDifference:
    """Compare the steps with the saved model on test examples, evenly spaced."""
    test, signature = dataset.test, dataset.signature
    positions = np.unique(np.linspace(0, len(test) - 1, _COMPARED_EXAMPLES).astype(int))
    raw, target = test.take(positions), None
    source = tokens = as_tensors(raw, signature)
    if task.decodes:
        tokens = target = decoder_input(test.targets[positions])
    expected = keras_output(model, raw, signature, target)
    opened = open_steps(path)
    assert opened is not None, "they were written just before"
    return compare_steps(opened, tokens, expected, source if task.decodes else None)
