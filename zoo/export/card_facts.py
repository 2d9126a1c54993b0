"""What a card says for hubs of models, and its parts on use, limits, classes, speed and awkward inputs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from zoo.export import markdown

MAX_LISTED_CLASSES = 40  # rows of the table of classes
UNKNOWN_LICENSE = "unknown"  # of hubs, where none is stated
# Least version of onnxruntime, by its own table of compatibility, for an opset and for a version of the file format.
_OF_OPSET = {13: (1, 6), 14: (1, 8), 15: (1, 10), 16: (1, 11), 17: (1, 12), 18: (1, 14)}
_OF_IR_VERSION = {7: (1, 6), 8: (1, 10), 9: (1, 15), 10: (1, 18), 11: (1, 21)}
_PIPELINES = {  # of hubs, by task; tasks that are not there have none
    "image_classification": "image-classification",
    "image_multi_label_classification": "image-classification",
    "audio_classification": "audio-classification",
    "tabular_classification": "tabular-classification",
    "tabular_multi_label_classification": "tabular-classification",
    "tabular_regression": "tabular-regression",
    "tabular_anomaly_detection": "tabular-classification",
    "node_classification": "graph-ml",
    "graph_classification": "graph-ml",
    "graph_regression": "graph-ml",
    "sequence_labeling": "token-classification",
    "language_modeling": "text-generation",
    "masked_language_modeling": "fill-mask",
    "sequence_to_sequence": "text-generation",
    "transcription": "image-to-text",
    "forecasting": "time-series-forecasting",
    "semantic_segmentation": "image-segmentation",
    "object_detection": "object-detection",
    "reconstruction": "image-feature-extraction",
    "anomaly_detection": "image-classification",
    "image_generation": "unconditional-image-generation",
    "representation_learning": "image-feature-extraction",
}


def front_matter(report: Mapping[str, Any], kind: str, source: str, license_name: str | None) -> str:
    """Return what hubs of models read in front of a card, as YAML.

    Args:
        report: what `report.json` holds.
        kind: what the model takes.
        source: the data, as it is published.
        license_name: of the model, as hubs name it; None where it is not stated.
    """
    import yaml

    task, name = str(report["task"]), str(report["recipe"])
    pipeline = _PIPELINES.get(task)
    if task.startswith("sequence_") and "classification" in task and kind == "text":
        pipeline = "text-classification"
    metrics = [
        {"type": metric, "name": metric.replace("_", " "), "value": float(value)}
        for metric, value in report["metrics"]["test"].items()
        if isinstance(value, int | float) and math.isfinite(value)
    ]
    what = {"type": pipeline or task.replace("_", "-"), "name": task.replace("_", " ")}
    result = {"task": what, "dataset": {"type": source, "name": source, "split": "test"}, "metrics": metrics}
    facts: dict[str, Any] = {
        "library_name": "onnx",
        **({} if pipeline is None else {"pipeline_tag": pipeline}),
        "license": license_name or UNKNOWN_LICENSE,
        "tags": ["keras-model-zoo", "onnxruntime", task.replace("_", "-"), str(report["model"])],
        "model-index": [{"name": name, "results": [result] if metrics else []}],
    }
    text: str = yaml.safe_dump(facts, allow_unicode=True, sort_keys=False)
    return text


def least_runtime(opset: int, ir_version: int | None) -> str:
    """Return the least version of onnxruntime that takes an opset and a version of the file format."""
    needed = [_OF_OPSET[opset], *([_OF_IR_VERSION[ir_version]] if ir_version in _OF_IR_VERSION else [])]
    return ".".join(map(str, max(needed)))


def use_and_limits(report: Mapping[str, Any], source: str, license_name: str | None) -> str:
    """Say what the model is for, and what is known to limit it."""
    lines = [
        f"- Meant for {report['task'].replace('_', ' ')} on data that is collected as {markdown.code(source)} was; "
        "`zoo drift` says whether new data is like it.",
        "- Nothing was measured on other data, on groups that the data does not name, or on inputs made to deceive.",
        f"- The figures are of {report['data']['splits']['test']:,} test examples, as exact as their intervals.",
    ]
    lines += [f"- {markdown.text(line)}" for line in (report.get("diagnosis") or {}).get("evidence", [])[:3]]
    pairs = (report.get("confused_pairs") or [])[:3]
    if pairs:
        named = ", ".join(
            f"{markdown.code(str(pair['true']))} as {markdown.code(str(pair['predicted']))} ({pair['count']})"
            for pair in pairs
        )
        lines.append(f"- Most confused on the test split: {named}.")
    stated = "not stated; `export.license` states one" if license_name is None else markdown.text(license_name)
    return "\n".join([*lines, f"- License of the model: {stated}."])


def class_table(report: Mapping[str, Any]) -> str:
    """Return precision, recall and F1 of each class; empty where the task has no classes."""
    rows = report.get("per_class") or []
    if not rows or not {"label", "precision", "recall", "f1", "support"} <= set(rows[0]):
        return ""
    lines = [
        f"| {markdown.text(str(row['label']))} | {_number(row['precision'])} | {_number(row['recall'])} | "
        f"{_number(row['f1'])} | {row['support']:,} |"
        for row in rows[:MAX_LISTED_CLASSES]
    ]
    more = f"\n\n{len(rows) - MAX_LISTED_CLASSES:,} further classes are in `report.json`."
    head = "| class | precision | recall | F1 | examples |\n| --- | --- | --- | --- | --- |\n"
    return f"\n{head}" + "\n".join(lines) + more * (len(rows) > MAX_LISTED_CLASSES) + "\n"


def awkward_table(certificate: Mapping[str, Any]) -> str:
    """Say how the file answers to inputs that are rare but come."""
    rows = [row for row in certificate.get("awkward_inputs", []) if row["answer"] != "not tried"]
    if not rows:
        return ""
    lines = [f"| {row['input']} | {row.get('file', '')} | {row['answer']} |" for row in rows]
    head = "Inputs that are rare but come, and the file's answer beside Keras's:\n\n| input | file | against Keras |\n"
    return f"\n{head}| --- | --- | --- |\n" + "\n".join(lines) + "\n"


def speed(certificate: Mapping[str, Any]) -> str:
    """Say how long one example takes, and on what."""
    latency = certificate.get("latency")
    if latency is None:
        return ""
    where = ", ".join(f"{key} {value}" for key, value in latency["hardware"].items())
    figure = f"{latency['milliseconds']:.3g} ms for one example, median of {latency['calls']} calls"
    return f"| latency | {figure} on {markdown.text(where)} |\n"


def thresholds(report: Mapping[str, Any]) -> str:
    """Say above which score an example is abnormal."""
    threshold = (report.get("threshold") or {}).get("threshold")
    return "" if threshold is None else f"| threshold | a score above {threshold:.6g} is abnormal |\n"


def _number(value: Any) -> str:
    return "not defined" if value is None else f"{value:.3f}"
