"""The model card that goes with an exported file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from zoo.audit.finding import as_findings
from zoo.export import markdown
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
) -> str:
    """Return the card in Markdown: what the model is for, how good it is, how to call it, what was proved.

    Args:
        report: what `report.json` holds.
        certificate: what `certificate.json` holds.
        signature: the raw input.
        description: the recipe's own.
        form: of columns, where not each is an input as it stands.
    """
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
{front_matter(report)}---

# {markdown.text(report["recipe"])}

{markdown.text(description)}

| | |
| --- | --- |
| task | {report["task"].replace("_", " ")} |
| model | {markdown.text(report["model"])}, {report["parameters"]:,} parameters |
| data | {markdown.code(published_source(report["data"]["source"]))}, fingerprint `{report["data"]["fingerprint"][:16]}` |
| splits | {splits["train"]:,} train, {splits["validation"]:,} validation, {splits["test"]:,} test |
| seed | {report["seed"]} |
| file | {certificate["bytes"] / 1024:,.0f} KB, opset {certificate["opset"]}, SHA-256 `{certificate["sha256"][:16]}` |
| made with | {", ".join(f"{name} {versions[name]}" for name in ("python", "keras", "tensorflow") if name in versions)} |

## Figures on the test split

| metric | value | 95% interval |
| --- | --- | --- |
{rows}

Against the baseline: {markdown.text(report["verdict"])}.

## Input and output

{text.inputs(signature, form)}

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

## What to know about the data

{findings or "- none"}
"""


def front_matter(report: Mapping[str, Any]) -> str:
    """Return what hubs of models read in front of a card, as YAML."""
    import yaml

    facts = {
        "library_name": "onnx",
        "tags": ["keras-model-zoo", "onnxruntime", report["task"].replace("_", "-"), str(report["model"])],
    }
    text: str = yaml.safe_dump(facts, allow_unicode=True, sort_keys=False)
    return text


def _interval(bounds: list[float] | None) -> str:
    return f"{bounds[0]:.4f} to {bounds[1]:.4f}" if bounds else ""
