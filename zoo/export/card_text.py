"""The parts of a model card that depend on the kind of task, and what it says of the proof."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zoo.export.card_inputs import inputs, row

if TYPE_CHECKING:
    from zoo.data.dataset import Signature
    from zoo.serving.tensor_forms import TensorForm

OfSignature = Callable[["Signature"], str]
OfInputs = Callable[["Signature", "TensorForm"], str]


@dataclass(frozen=True, kw_only=True)
class CardText:
    """The parts of a card that depend on the kind of task.

    Attributes:
        inputs: takes the signature and the form of columns; describes the file's inputs.
        outputs: takes the signature; describes the file's outputs.
        call: takes the signature and the form of columns; Python code that makes an input and runs the file on it.
        proof: takes the certificate; says what was proved.
        has_preprocessing: preprocessing is inside the file.
    """

    inputs: OfInputs
    outputs: OfSignature
    call: OfInputs
    proof: Callable[[Mapping[str, Any]], str]
    has_preprocessing: bool = True


def _difference(facts: Mapping[str, Any]) -> str:
    return f"{facts['max_abs_difference']:.1e} (allowed {facts['tolerance']:.0e})"


def proof_on_noise(certificate: Mapping[str, Any]) -> str:
    """Say how far images are from those of the Keras model."""
    return (
        f"The file was run in onnxruntime on the noise of {certificate['samples']:,} images. Its difference from the "
        f"Keras model, or for a sampler of several steps the root mean square of that from a float64 reference, is "
        f"{_difference(certificate)}."
    )


def proof_on_examples(certificate: Mapping[str, Any]) -> str:
    """Say how far each output is from that of the Keras model, and how many decisions differ, where there are some."""
    outputs, decided = certificate.get("outputs", {}), certificate.get("decisions")
    differences = ", ".join(f"`{name}` {_difference(output)}" for name, output in outputs.items())
    decisions = "" if decided is None else f" {certificate['label_flips']:,} {decided} differ."
    return (
        f"The file was run in onnxruntime on all {certificate['samples']:,} test examples and compared with the Keras "
        f"model: largest\ndifference {differences or _difference(certificate)}.{decisions}"
    )


def predictor_text(outputs: OfSignature, results: str | OfSignature = "(logits,)", *, row: OfInputs = row) -> CardText:
    """Return the text for a file that takes raw examples.

    Args:
        outputs: describes the outputs.
        results: the outputs as a call in Python unpacks them, the same for all files or not.
        row: makes an example in Python.
    """

    def call(signature: Signature, form: TensorForm) -> str:
        unpacked = results if isinstance(results, str) else results(signature)
        return f"{row(signature, form)}\n{unpacked} = session.run(None, row)"

    return CardText(
        inputs=inputs,
        outputs=outputs,
        call=call,
        proof=proof_on_examples,
    )
