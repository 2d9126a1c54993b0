"""The model card that goes with an exported file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo.data.dataset import Signature
from zoo.tasks import TASKS, Task

_DECISIONS = {
    "tokens": "most probable tokens",
    "sequences": "decoded texts",
    "transcription": "steps",
    "segmentation": "pixels",
}
LISTED = 40  # names of classes that a card lists, at most


def card(report: Mapping[str, Any], certificate: Mapping[str, Any], signature: Signature, description: str) -> str:
    """Return the card in Markdown: what the model is for, how good it is, how to call it, what was proved.

    Args:
        report: what `report.json` holds.
        certificate: what `certificate.json` holds.
        signature: the raw input.
        description: the recipe's own.
    """
    task = TASKS[report["task"]]
    metrics, intervals = report["metrics"]["test"], report["intervals"]["test"]
    rows = "\n".join(
        f"| {name.replace('_', ' ')} | {value:.4f} | {_interval(intervals.get(name))} |"
        for name, value in metrics.items()
    )
    splits = report["data"]["splits"]
    versions = report["versions"]
    findings = "\n".join(f"- {finding}" for finding in report["data"]["findings"]) or "- none"
    return f"""# {report["recipe"]}

{description}

| | |
| --- | --- |
| task | {report["task"].replace("_", " ")} |
| model | {report["model"]}, {report["parameters"]:,} parameters |
| data | `{report["data"]["source"]}`, fingerprint `{report["data"]["fingerprint"][:16]}` |
| splits | {splits["train"]:,} train, {splits["validation"]:,} validation, {splits["test"]:,} test |
| seed | {report["seed"]} |
| file | {certificate["bytes"] / 1024:,.0f} KB, opset {certificate["opset"]}, SHA-256 `{certificate["sha256"][:16]}` |
| made with | {", ".join(f"{name} {versions[name]}" for name in ("python", "keras", "tensorflow") if name in versions)} |

## Figures on the test split

| metric | value | 95% interval |
| --- | --- | --- |
{rows}

Against the baseline: {report["verdict"]}.

## Input and output

{_inputs(signature) if task.kind != "generation" else _noise(report)}

{_outputs(signature, task)}

{"" if task.kind == "generation" else "Preprocessing is inside the file. "}With onnxruntime alone:

```python
import numpy as np, onnxruntime

session = onnxruntime.InferenceSession("model.onnx")
{_call(signature, task)}
```

## Proof

{_proof(certificate, task)}

## What to know about the data

{findings}
"""


def _proof(certificate: Mapping[str, Any], task: Task) -> str:
    difference = f"{certificate['max_abs_difference']:.1e} (allowed {certificate['tolerance']:.0e})"
    if task.kind == "generation":
        return (
            f"The file was run in onnxruntime on the noise of {certificate['samples']:,} images. Its difference from the "
            f"Keras model, or for a sampler of several steps the root mean square of that from a float64 reference, is "
            f"{difference}."
        )
    return (
        f"The file was run in onnxruntime on all {certificate['samples']:,} test examples and compared with the Keras "
        f"model: largest\ndifference {difference}, {certificate['label_flips']} "
        f"{_DECISIONS.get(task.kind, 'labels')} differ."
    )


def _noise(report: Mapping[str, Any]) -> str:
    return (
        "- `noise` `(batch, …)`: float32, standard normal, which decides what is made\n"
        "- `label` `(batch,)`: int32, the class, where the model takes one\n"
        "- `guidance` `(1,)`: float32, weight of the class, where a diffusion model takes one\n"
        "- `step_noise` `(steps, batch, …)`: float32, standard normal, with the sampler ddpm"
    )


def _interval(bounds: list[float] | None) -> str:
    return f"{bounds[0]:.4f} to {bounds[1]:.4f}" if bounds else ""


def _inputs(signature: Signature) -> str:
    if signature.kind == "table":
        types = {"number": "float32, NaN where missing", "category": "text, empty where missing"}
        rows = "\n".join(f"- `{c.name}` `(batch, 1)`: {types[c.type]}" for c in signature.columns)
        return f"One input for each column:\n\n{rows}"
    if signature.kind in ("text", "tokens"):
        ids = f"int32 ids below {signature.vocabulary}, padded on the right with 0"
        if signature.kind == "tokens":
            return f"- `tokens` `(batch, length)`: {ids}"
        level = signature.tokenizer.level if signature.tokenizer else ""
        return (
            f"Text, one token for each {level}; `zoo.ExportedModel` does this with the vocabulary that the file carries. "
            f"Token ids: {ids}; 1 is unknown, 2 and 3 mark start and end."
        )
    if signature.kind == "graph":
        return (
            f"- `nodes` `(batch, nodes, {signature.shape[-1]})`: float32, features of each node; NaN pads a graph that "
            "has fewer than another\n"
            "- `edges` `(batch, edges, 2)`: int32, source and target of each edge, an undirected one in both directions; "
            "-1 pads\n\n"
            "Where nodes are classified, the first node of a graph is the one that is asked for, and the others are its "
            "neighborhood."
        )
    axes = ", ".join(
        name if n is None else str(n) for name, n in zip(("height", "width", "channels"), signature.shape, strict=False)
    )
    what = "uint8, 0 to 255, as decoded from the image file" if signature.kind == "image" else "float32"
    return f"- `{signature.kind}` `(batch, {axes})`: {what}"


def _outputs(signature: Signature, task: Task) -> str:
    classes = len(signature.labels)
    names = ", ".join(f"`{label}`" for label in signature.labels[:LISTED]) + (" …" if classes > LISTED else "")
    return {
        "classification": (
            f"- `probabilities` `(batch, {classes})`: float32, in the order {names}\n"
            "- `label` `(batch,)`: the most probable class, text"
        ),
        "regression": f"- `value` `(batch,)`: {signature.target}, float32",
        "forecasting": f"- `forecast` `(batch, {signature.horizon})`: the next values of {signature.target}, float32",
        "tokens": f"- `logits` `(batch, length, {classes})`: float32, at each step, before the softmax",
        "sequences": (
            "The graph is one step of decoding: it takes `source` `(batch, source_length)` and the `target` so far "
            f"`(batch, target_length)`, which begins with 2, and gives\n- `logits` `(batch, target_length, {classes})`: "
            "float32; the last step is for the next token"
        ),
        "transcription": (
            f"- `probabilities` `(batch, steps, {classes})`: float32, for connectionist temporal classification, in the "
            f"order {names}: take the best at each step, drop repeats, then blanks"
        ),
        "segmentation": (
            f"- `probabilities` `(batch, height, width, {classes})`: float32, in the order {names}\n"
            "- `mask` `(batch, height, width)`: the most probable class of each pixel, int64"
        ),
        "detection": (
            "- `boxes` `(batch, places, 4)`: ymin, xmin, ymax, xmax in shares of the image, float32\n"
            f"- `scores` `(batch, places, {classes})`: float32, in the order {names}; 0 where there is no peak, so that "
            "no further suppression is needed"
        ),
        "reconstruction": _RECONSTRUCTED,
        "generation": (
            "- `image` `(batch, height, width, channels)`: uint8\n"
            "- `sample`: the same in float32, before -1 to 1 became 0 to 255"
        ),
        "representation": "- `embedding` `(batch, features)`: float32",
        "anomaly": f"{_RECONSTRUCTED}; the file's metadata hold the threshold above which an image is abnormal",
    }[task.kind]


_RECONSTRUCTED = (
    "- `embedding` `(batch, features)`: the code, float32; `decoder.onnx` takes it back to an image\n"
    "- `reconstruction` `(batch, height, width, channels)`: float32 in [0, 1]\n"
    "- `score` `(batch,)`: mean squared difference of image and reconstruction, float32"
)


def _call(signature: Signature, task: Task) -> str:
    if task.kind == "generation":
        return (
            "shapes = {x.name: x.shape for x in session.get_inputs()}  # every axis `batch` is yours to choose\n"
            "images = session.run(['image'], {'noise': np.random.randn(4, *shapes['noise'][1:]).astype(np.float32)})"
        )
    if signature.kind == "table":
        number = next((c.name for c in signature.columns if c.type == "number"), signature.columns[0].name)
        feed = f"row = {{...}}  # every column, for example {number!r}: np.array([[1.0]], np.float32)"
    elif signature.kind == "graph":
        feed = (
            f"row = {{'nodes': np.zeros((1, 3, {signature.shape[-1]}), np.float32), "
            "'edges': np.array([[[0, 1], [1, 0]]], np.int32)}"
        )
    elif task.kind == "sequences":
        feed = "row = {'source': np.array([[4, 5, 6]], np.int32), 'target': np.array([[2]], np.int32)}"
    elif signature.kind in ("text", "tokens"):
        feed = "row = {'tokens': np.array([[4, 5, 6]], np.int32)}"
    else:
        shape = ", ".join(str(n or 64) for n in signature.shape)
        dtype = "uint8" if signature.kind == "image" else "float32"
        feed = f"row = {{{signature.kind!r}: np.zeros((1, {shape}), np.{dtype})}}"
    results = {
        "classification": "probabilities, label",
        "regression": "(value,)",
        "forecasting": "(forecast,)",
        "transcription": "(probabilities,)",
        "segmentation": "probabilities, mask",
        "detection": "boxes, scores",
        "reconstruction": "embedding, reconstruction, score",
        "anomaly": "embedding, reconstruction, score",
        "representation": "(embedding,)",
    }
    return f"{feed}\n{results.get(task.kind, '(logits,)')} = session.run(None, row)"
