"""What a model card says of inputs, outputs, call and proof, by kind of task and of input."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zoo.export import markdown

if TYPE_CHECKING:
    from zoo.data.columns import Column
    from zoo.data.dataset import Signature

MAX_LISTED_CLASSES = 40  # names of classes that a card lists

OfSignature = Callable[["Signature"], str]


@dataclass(frozen=True, kw_only=True)
class CardText:
    """The parts of a card that depend on the kind of task.

    Attributes:
        inputs: takes the signature; describes the file's inputs.
        outputs: takes the signature; describes the file's outputs.
        call: takes the signature; Python code that makes an input and runs the file on it.
        proof: takes the certificate; says what was proved.
        has_preprocessing: preprocessing is inside the file.
    """

    inputs: OfSignature
    outputs: OfSignature
    call: OfSignature
    proof: Callable[[Mapping[str, Any]], str]
    has_preprocessing: bool = True


# === Inputs ===


def inputs(signature: Signature) -> str:
    """Describe the inputs of a file that takes raw examples."""
    return {"table": _columns, "text": _text, "tokens": _tokens, "graph": _graph}.get(signature.kind, _array)(signature)


def noise(signature: Signature) -> str:
    """Describe the inputs of a file that makes images."""
    return (
        "- `noise` `(batch, …)`: float32, standard normal, which decides what is made\n"
        "- `label` `(batch,)`: int32, the class, where the model takes one\n"
        "- `guidance` `(1,)`: float32, weight of the class, where a diffusion model takes one\n"
        "- `step_noise` `(steps, batch, …)`: float32, standard normal, with the sampler ddpm"
    )


def _columns(signature: Signature) -> str:
    rows = "\n".join(
        f"- {markdown.code(name)} `(batch, 1)`: {_column(c)}"
        f"{'' if name == c.name else f'; the column {markdown.code(c.name)}'}"
        for name, c in zip(signature.input_names, signature.columns, strict=True)
    )
    return f"One input for each column:\n\n{rows}"


def _column(column: Column) -> str:
    """Describe what the file takes of a column, and how the table that it was trained on wrote it."""
    if column.type == "category":
        return "text, empty where missing"
    forms = {
        "number": column.style.describe(),
        "boolean": "1 for true, 0 for false",
        "time": f"days since 1970, from moments written as {column.time}",
    }
    written = f" ({forms[column.form]})" if forms[column.form] else ""
    return f"{_float(column.double)}, NaN where missing{written}"


def _float(double: bool) -> str:
    return "float64" if double else "float32"


def _series(signature: Signature) -> str:
    """Describe the columns and the moments of a series."""
    names = ", ".join(markdown.code(column.name) for column in signature.columns)
    time = signature.time
    if time is None or not time.name:
        return f"\n\nThe columns are, in this order, {names}; a row is a step of the series, the last one the newest."
    return (
        f"\n\nThe columns are, in this order, {names}. A row is a step of {time.step}, the last one the newest; "
        f"`zoo predict` takes them by name and checks column `{time.name}`. The series ended at {time.last}."
    )


def _ids(signature: Signature) -> str:
    return f"int32 ids below {signature.vocabulary}, padded on the right with 0"


def _tokens(signature: Signature) -> str:
    return f"- `tokens` `(batch, length)`: {_ids(signature)}"


def _text(signature: Signature) -> str:
    level = signature.tokenizer.level if signature.tokenizer else ""
    return (
        f"Text, one token for each {level}; `zoo.ExportedModel` does this with the vocabulary that the file carries. "
        f"Token ids: {_ids(signature)}; 1 is unknown, 2 and 3 mark start and end."
    )


def _graph(signature: Signature) -> str:
    return (
        f"- `nodes` `(batch, nodes, {signature.shape[-1]})`: float32, features of each node; NaN pads a graph that "
        "has fewer than another\n"
        "- `edges` `(batch, edges, 2)`: int32, source and target of each edge, an undirected one in both directions; "
        "-1 pads\n\n"
        "Where nodes are classified, the first node of a graph is the one that is asked for, and the others are its "
        "neighborhood."
    )


def _array(signature: Signature) -> str:
    axes = ", ".join(
        name if n is None else str(n) for name, n in zip(("height", "width", "channels"), signature.shape, strict=False)
    )
    is_image = signature.kind == "image"
    what = "uint8, 0 to 255, as decoded from the image file" if is_image else _float(signature.double)
    series = _series(signature) if signature.columns else ""
    return f"- `{signature.kind}` `(batch, {axes})`: {what}{series}"


# === Outputs ===


def class_outputs(signature: Signature) -> str:
    """Describe probabilities and the most probable class of each example."""
    return (
        f"- `probabilities` `(batch, {len(signature.labels)})`: float32, in the order {_classes(signature)}\n"
        "- `label` `(batch,)`: the most probable class, text"
    )


def value_outputs(signature: Signature) -> str:
    """Describe one number an example."""
    return f"- `value` `(batch,)`: {markdown.text(signature.target)}, {_float(signature.double)}"


def forecast_outputs(signature: Signature) -> str:
    """Describe the next values of a series."""
    what = f"the next values of {markdown.text(signature.target)}, {_float(signature.double)}"
    return f"- `forecast` `(batch, {signature.horizon})`: {what}"


def token_outputs(signature: Signature) -> str:
    """Describe the logits of each step."""
    return f"- `logits` `(batch, length, {len(signature.labels)})`: float32, at each step, before the softmax"


def decoder_outputs(signature: Signature) -> str:
    """Describe one step of decoding."""
    return (
        "The graph is one step of decoding: it takes `source` `(batch, source_length)` and the `target` so far "
        "`(batch, target_length)`, which begins with 2, and gives\n"
        f"- `logits` `(batch, target_length, {len(signature.labels)})`: float32; the last step is for the next token"
    )


def transcription_outputs(signature: Signature) -> str:
    """Describe the probabilities that CTC takes."""
    return (
        f"- `probabilities` `(batch, steps, {len(signature.labels)})`: float32, for connectionist temporal "
        f"classification, in the order {_classes(signature)}: take the best at each step, drop repeats, then blanks"
    )


def mask_outputs(signature: Signature) -> str:
    """Describe probabilities and the most probable class of each pixel."""
    return (
        f"- `probabilities` `(batch, height, width, {len(signature.labels)})`: float32, in the order "
        f"{_classes(signature)}\n"
        "- `mask` `(batch, height, width)`: the most probable class of each pixel, int64"
    )


def box_outputs(signature: Signature) -> str:
    """Describe boxes and scores."""
    return (
        "- `boxes` `(batch, places, 4)`: ymin, xmin, ymax, xmax in shares of the image, float32\n"
        f"- `scores` `(batch, places, {len(signature.labels)})`: float32, in the order {_classes(signature)}; 0 where "
        "there is no peak, so that no further suppression is needed"
    )


def autoencoder_outputs(signature: Signature) -> str:
    """Describe embedding, reconstruction and score."""
    return (
        "- `embedding` `(batch, features)`: the code, float32; `decoder.onnx` takes it back to an image\n"
        "- `reconstruction` `(batch, height, width, channels)`: float32 in [0, 1]\n"
        "- `score` `(batch,)`: mean squared difference of image and reconstruction, float32"
    )


def anomaly_outputs(signature: Signature) -> str:
    """Describe the outputs of an autoencoder whose score is compared with a threshold."""
    threshold = "the file's metadata hold the threshold above which an image is abnormal"
    return f"{autoencoder_outputs(signature)}; {threshold}"


def image_outputs(signature: Signature) -> str:
    """Describe images."""
    return (
        "- `image` `(batch, height, width, channels)`: uint8\n"
        "- `sample`: the same in float32, before -1 to 1 became 0 to 255"
    )


def embedding_outputs(signature: Signature) -> str:
    """Describe embeddings."""
    return "- `embedding` `(batch, features)`: float32"


def _classes(signature: Signature) -> str:
    names = ", ".join(markdown.code(label) for label in signature.labels[:MAX_LISTED_CLASSES])
    return names + (" …" if len(signature.labels) > MAX_LISTED_CLASSES else "")


# === A call with onnxruntime ===


def row(signature: Signature) -> str:
    """Return a line of Python that makes one raw example."""
    if signature.kind == "table":
        return (
            "types = {'tensor(float)': np.float32, 'tensor(double)': np.float64}\n"
            "row = {x.name: np.zeros((1, 1), types[x.type]) if x.type in types else np.array([['']], object)\n"
            "       for x in session.get_inputs()}  # a value for each column"
        )
    if signature.kind == "graph":
        return (
            f"row = {{'nodes': np.zeros((1, 3, {signature.shape[-1]}), np.float32), "
            "'edges': np.array([[[0, 1], [1, 0]]], np.int32)}"
        )
    if signature.kind in ("text", "tokens"):
        return "row = {'tokens': np.array([[4, 5, 6]], np.int32)}"
    shape = ", ".join(str(n or 64) for n in signature.shape)
    dtype = "uint8" if signature.kind == "image" else _float(signature.double)
    return f"row = {{{signature.kind!r}: np.zeros((1, {shape}), np.{dtype})}}"


def decoder_row(signature: Signature) -> str:
    """Return a line of Python that makes a source and the beginning of its target."""
    return "row = {'source': np.array([[4, 5, 6]], np.int32), 'target': np.array([[2]], np.int32)}"


def image_call(signature: Signature) -> str:
    """Return Python code that makes images."""
    return (
        "count, inputs = 4, {}\n"
        "for x in session.get_inputs():\n"
        "    shape = [count if size == 'batch' else size for size in x.shape]\n"
        "    inputs[x.name] = np.random.standard_normal(shape).astype(np.float32)\n"
        "if 'label' in inputs:\n"
        f"    inputs['label'] = np.arange(count, dtype=np.int32) % {max(1, len(signature.labels))}\n"
        "if 'guidance' in inputs:\n"
        "    inputs['guidance'] = np.ones(1, np.float32)\n"
        "(images,) = session.run(['image'], inputs)"
    )


# === Proof ===


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


def predictor_text(outputs: OfSignature, results: str = "(logits,)", *, row: OfSignature = row) -> CardText:
    """Return the text for a file that takes raw examples.

    Args:
        outputs: describes the outputs.
        results: the outputs as a call in Python unpacks them.
        row: makes an example in Python.
    """
    return CardText(
        inputs=inputs,
        outputs=outputs,
        call=lambda signature: f"{row(signature)}\n{results} = session.run(None, row)",
        proof=proof_on_examples,
    )
