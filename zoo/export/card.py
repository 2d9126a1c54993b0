"""The model card that goes with an exported file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from zoo.audit.finding import as_findings
from zoo.export import markdown
from zoo.export.card_facts import (
    awkward_table,
    class_table,
    front_matter,
    least_runtime,
    speed,
    thresholds,
    use_and_limits,
)
from zoo.export.kinds import KINDS
from zoo.recipe.load import published_source
from zoo.serving.tensor_forms import TensorForm
from zoo.tasks import TASKS

if TYPE_CHECKING:
    from zoo.data.dataset import Signature


def card(
    report: Mapping[str, Any],
    certificate: Mapping[str, Any],
    signature: Signature,
    description: str,
    form: TensorForm | None = None,
    license_name: str | None = None,
    noise_shape: Sequence[int | None] = (),
) -> str:
    """Return the card in Markdown: what the model is for, how good it is, how to call it, what was proved.

    Args:
        report: what `report.json` holds.
        certificate: what `certificate.json` holds.
        signature: the raw input.
        description: the recipe's own.
        form: of columns, where not each is an input as it stands.
        license_name: of the model; None where it is not stated.
        noise_shape: of one example of noise, for a model that makes images.
    """
    source = published_source(report["data"]["source"])
    needed = least_runtime(certificate["opset"], certificate.get("ir_version"))
    tried = "".join(f"; opened here in {each['version']}" for each in certificate.get("runtimes", []))
    shape = f"\n- one example of `noise` has the shape {tuple(noise_shape)}, all numbers independent" * bool(
        noise_shape
    )
    form = form or TensorForm()
    text = KINDS[TASKS[report["task"]].kind].card
    metrics, intervals = report["metrics"]["test"], report["intervals"]["test"]
    rows = "\n".join(
        f"| {name.replace('_', ' ')} | {'not defined' if value is None else f'{value:.4f}'} | "
        f"{_interval(intervals.get(name))} |"
        for name, value in metrics.items()
    )
    splits = report["data"]["splits"]
    versions = report["versions"]
    findings = "\n".join(f"- {markdown.text(each.message)}" for each in as_findings(report["data"]["findings"]))
    return f"""---
{front_matter(report, signature.kind, source, license_name)}---

# {markdown.text(report["recipe"])}

{markdown.text(description)}

| | |
| --- | --- |
| task | {report["task"].replace("_", " ")} |
| model | {markdown.text(report["model"])}, {report["parameters"]:,} parameters |
| data | {markdown.code(source)}, fingerprint `{report["data"]["fingerprint"][:16]}` |
| splits | {splits["train"]:,} train, {splits["validation"]:,} validation, {splits["test"]:,} test |
| seed | {report["seed"]} |
| file | {certificate["bytes"] / 1024:,.0f} KB, opset {certificate["opset"]}, SHA-256 `{certificate["sha256"][:16]}` |
| runs in | onnxruntime {needed} or later, by opset and file format{tried} |
{speed(certificate)}{thresholds(report)}| made with | {", ".join(f"{name} {versions[name]}" for name in ("python", "keras", "tensorflow") if name in versions)} |

## Figures on the test split

| metric | value | 95% interval |
| --- | --- | --- |
{rows}

{class_table(report)}
Against the baseline: {markdown.text(report["verdict"])}.

## Use and limits

{use_and_limits(report, source, license_name)}

## Input and output

{text.inputs(signature, form)}{shape}

{text.outputs(signature)}

{"Preprocessing is inside the file. " if text.has_preprocessing else ""}With onnxruntime alone:

```python
import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # from version 1.31 on, onnxruntime reports to its vendor otherwise
import numpy as np, onnxruntime

session = onnxruntime.InferenceSession("model.onnx")
{text.call(signature, form)}
```

## Proof

{text.proof(certificate)}
{awkward_table(certificate)}
## What to know about the data

{findings or "- none"}
"""


def _interval(bounds: list[float] | None) -> str:
    return f"{bounds[0]:.4f} to {bounds[1]:.4f}" if bounds else ""
