"""Models that take raw input: their graph, and its proof on the test split."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import keras
import numpy as np

from zoo.data.class_decisions import OOD_SCORE
from zoo.export.convert import check_graph, name_axes
from zoo.export.graph_outputs import add_bounds, add_nothing
from zoo.export.guards import guard
from zoo.export.parity import (
    Compared,
    Decisions,
    OutputParity,
    Parity,
    difference,
    hold_to,
    no_decisions,
)
from zoo.export.routes import convert
from zoo.export.tensor_forms import change_forms
from zoo.serving.exported_model import ExportedModel
from zoo.serving.file_outputs import derived_outputs
from zoo.tasks import START
from zoo.training.saved_outputs import chunks, keras_output

if TYPE_CHECKING:
    from pathlib import Path

    import onnx

    from zoo.data.dataset import Dataset, Signature, Split
    from zoo.export.card_text import CardText
    from zoo.recipe.schema import Recipe
    from zoo.serving.feeds import Feeds
    from zoo.serving.prediction import Prediction

SOURCE_AND_TARGET = ("source", "target")  # inputs of one step of decoding


@dataclass(frozen=True, kw_only=True)
class Predictor:
    """How models of one kind of task become a file.

    Attributes:
        outputs: names of the Keras model's outputs in the file; of several, in the order of the names in Keras's dict.
        inputs: names of the file's inputs; None where they are the signature's.
        extend: adds to the graph what follows from its outputs.
        decide: adds to the graph, behind its guards, the answers that `zoo.postprocessing.derived` describes.
        expected: takes the Keras model's output; returns it in the shape of the file's.
        decisions: counts the decisions in which file and model differ.
        decided: what is counted there, in the plural; None where the outputs are no decisions.
        exact: no decision may differ.
        bounded: the outputs lie in [0, 1]; else the tolerance grows with the largest of them.
        card: what the card says.
    """

    outputs: tuple[str, ...]
    inputs: tuple[str, ...] | None = None
    extend: Callable[[onnx.ModelProto, Signature], None] = add_nothing
    decide: Callable[[onnx.ModelProto, Signature], None] = add_nothing
    expected: Callable[[Any], Any] = lambda output: output
    decisions: Decisions = no_decisions
    decided: str | None = None
    exact: bool = False
    bounded: bool = False
    card: CardText
    compared_on: ClassVar[str] = "test"

    def convert(
        self, model: keras.Model, recipe: Recipe, signature: Signature
    ) -> tuple[onnx.ModelProto, dict[str, Any]]:
        """Return the graph, and what the file says of its inputs.

        Raises:
            ZooError: an operation of the model has no ONNX form.
        """
        if signature.kind == "image":  # models of older runs take one size where newer ones take any
            signature = replace(signature, shape=tuple(model.inputs[0].shape[1:]))
        forms: dict[str, Any] = {}

        def change(proto: onnx.ModelProto) -> None:
            forms.update(change_forms(proto, signature, recipe.export))

        proto = self.graph(model, signature, opset=recipe.export.opset, change=change)
        return proto, {**signature.to_json(), **forms}

    def graph(
        self,
        model: keras.Model,
        signature: Signature,
        *,
        opset: int,
        change: Callable[[onnx.ModelProto], None] | None = None,
    ) -> onnx.ModelProto:
        """Convert a saved model to ONNX.

        Every weight and statistic is a constant of the graph, the first axis is named `batch`, and inputs and outputs
        have the names that signature and kind give them.

        Args:
            model: from raw input to what the task puts out.
            signature: the raw input: one uint8 image, float array or sequence of token ids, one input for each column
                of a table, or the nodes and edges of a graph.
            opset: version of the ONNX operators, 13 to 18.
            change: changes the forms of inputs and outputs, before the graph is guarded.

        Returns:
            A checked model.

        Raises:
            ZooError: an operation of the model has no ONNX form.
        """
        if self.inputs is not None:
            inputs = list(self.inputs)
        else:
            names = dict(zip(signature.tensor_names, signature.input_names, strict=True))
            inputs = [names[x.name] for x in model.inputs]
        outputs = self.outputs
        if isinstance(model.output, dict):  # without the outputs that only Keras's evaluation reads
            outputs = tuple(sorted({*outputs, OOD_SCORE} & set(model.output)))  # in Keras's order
            model = keras.Model(model.input, {name: model.output[name] for name in outputs}, name=model.name)
        proto = convert(model, inputs, outputs, opset=opset)
        last = [output for output in proto.graph.output if output.name == OOD_SCORE]
        for output in last:  # behind what the task itself puts out
            proto.graph.output.remove(output)
        name_axes(proto)
        self.extend(proto, signature)
        add_bounds(proto, signature)
        proto.graph.output.extend(last)
        if change is not None:
            change(proto)
        guard(proto, signature)
        self.decide(proto, signature)
        check_graph(proto, model, opset)
        return proto

    def prove(
        self, path: Path, proto: onnx.ModelProto, model: keras.Model, recipe: Recipe, dataset: Dataset
    ) -> tuple[Parity, float]:
        """Compare a file with the saved model on the whole test split; return the difference and what is allowed."""
        parity = self.measure(path, model, dataset.test, dataset.signature)
        return hold_to(parity, recipe.export.tolerance, bounded=self.bounded)

    def try_out(
        self, path: Path, proto: onnx.ModelProto, model: keras.Model, recipe: Recipe, dataset: Dataset
    ) -> tuple[float, float]:
        """Compare the numbers of a file with those of a model that is not trained; what is returned is as of `prove`.

        Decisions are left out: where all outputs are equal, rounding decides.
        """
        parity = self.measure(path, model, dataset.test, dataset.signature, decisions=no_decisions)
        held, tolerance = hold_to(parity, recipe.export.tolerance, bounded=self.bounded)
        return held.max_abs_difference, tolerance

    def answers(self, model: keras.Model, feeds: Feeds, signature: Signature) -> dict[str, np.ndarray]:
        """Return the saved model's outputs by name, for inputs of the file.

        Args:
            model: the saved model.
            feeds: the inputs, by their names in the file.
            signature: the raw input.
        """
        given: Any = [keras.ops.convert_to_tensor(values) for values in feeds.values()]  # texts become tensors too
        if signature.kind in ("table", "graph", "series"):
            names = dict(zip(signature.input_names, signature.tensor_names, strict=True))
            given = {names[name]: values for name, values in zip(feeds, given, strict=True)}
        elif len(given) == 1:
            (given,) = given
        output = model(given, training=False)
        if isinstance(output, dict):
            names_of = [name for name in output if name in (*self.outputs, OOD_SCORE)]
            return {name: keras.ops.convert_to_numpy(output[name]) for name in names_of}
        return {self.outputs[0]: self.expected(keras.ops.convert_to_numpy(output))}

    def measure(
        self,
        path: Path,
        model: keras.Model,
        split: Split,
        signature: Signature,
        decisions: Decisions | None = None,
    ) -> Parity:
        """Compare a file with the saved model on a whole split, the same raw examples given to both.

        Args:
            path: the file.
            model: the saved model.
            split: the examples.
            signature: the raw input.
            decisions: counts the decisions that differ; that of the kind of task where it is left out.
        """
        exported = ExportedModel(path, verify=False)  # what is measured may have been changed on purpose
        outputs: dict[str, OutputParity] = {}
        flips = 0
        for positions in chunks(split):
            raw = split.take(positions)
            target = decoder_input(split.targets[positions]) if self.inputs == SOURCE_AND_TARGET else None
            expected = keras_output(model, raw, signature, target)
            prediction = exported.predict(raw, target)
            more: dict[str, tuple[Any, Any]] = {}
            if isinstance(expected, dict) and OOD_SCORE in expected:
                more[OOD_SCORE] = prediction.ood_scores, expected[OOD_SCORE]
                expected = expected[self.outputs[0]]
            if isinstance(expected, dict):
                pairs = {name: (values, expected[name]) for name, values in prediction.parts.items()}
            else:
                expected = self.expected(expected)
                pairs = {self.outputs[0]: (prediction.output, expected)}
                if signature.targets:  # numbers in different units: each has a tolerance of its own
                    places = enumerate(signature.targets)
                    pairs = {name: (prediction.output[..., i], expected[..., i]) for i, name in places}
                pairs |= _bounds(prediction, expected, raw, signature) | more
            pairs |= _derived(prediction, exported)
            for name, (found, wanted) in pairs.items():
                measured = difference(found, wanted, path)
                outputs[name] = outputs[name].joined(measured) if name in outputs else measured
            flips += (decisions or self.decisions)(
                Compared(
                    model=model,
                    exported=exported,
                    split=split,
                    signature=signature,
                    raw=raw,
                    expected=expected,
                    prediction=prediction,
                )
            )
        worst = max(output.max_abs_difference for output in outputs.values())
        return Parity(worst, flips, len(split), max(output.scale for output in outputs.values()), outputs)


def _derived(prediction: Prediction, exported: ExportedModel) -> dict[str, tuple[Any, Any]]:
    """Return the answers that the graph derives from its other outputs, and those that NumPy does, by name."""
    wanted = derived_outputs(exported.signature, prediction.outputs)
    return {name: (prediction.outputs[name].astype(np.float64), each) for name, each in wanted.items()}


def _bounds(prediction: Prediction, expected: Any, raw: Any, signature: Signature) -> dict[str, tuple[Any, Any]]:
    """Return the file's bounds around its predictions, and those around the model's, by name of output and target."""
    if signature.intervals is None:
        return {}
    pairs: dict[str, tuple[Any, Any]] = {}
    wanted = signature.intervals.bounds(expected, raw)
    for name, found, bound in zip(("lower", "upper"), (prediction.lower, prediction.upper), wanted, strict=True):
        assert found is not None, "a file of a signature with intervals has the outputs"
        bound = bound.astype(expected.dtype)
        if signature.targets:
            pairs |= {f"{name} of {t}": (found[..., i], bound[..., i]) for i, t in enumerate(signature.targets)}
        else:
            pairs[name] = found, bound
    return pairs


def decoder_input(targets: np.ndarray) -> np.ndarray:
    """Return the start token, then the targets shifted by one."""
    return np.concatenate([np.full((len(targets), 1), START, np.int32), targets[:, :-1]], axis=1)
