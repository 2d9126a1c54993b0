"""What the page says of a model, and the form that it shows: its kind of input, its columns, an example."""

from __future__ import annotations

from typing import Any

from zoo.data.columns import Column
from zoo.data.tables.number_style import PLAIN
from zoo.errors import ZooError
from zoo.serving.certificate import certificate_of
from zoo.serving.drift.distribution import Distribution, read_distribution
from zoo.serving.server.page.example import example_of, plausible
from zoo.serving.server.plain import JSON, MEDIA_TYPES
from zoo.serving.server.served_model import ServedModel
from zoo.tasks import TASKS
from zoo.utils.files import read_json

CARD = "card.md"
MAX_CARD_BYTES = 1 << 20
MAX_CHOICES = 100  # categories that a form lists


def in_short(model: ServedModel) -> dict[str, Any]:
    """Return what the list of models says of one."""
    exported = model.exported
    return {
        "name": model.name,
        "version": model.version,
        "task": exported.task.replace("_", " "),
        "kind": exported.kind,
        "takes": _taken(model),
        "gives": list(model.outputs),
        "labels": len(exported.labels),
    }


def _taken(model: ServedModel) -> str:
    """Return in words what one example is."""
    exported = model.exported
    sizes = " × ".join("any" if size is None else str(size) for size in exported.shape)
    words = {
        "table": f"a row of {len(exported.columns)} columns",
        "text": "a text",
        "tokens": "token ids",
        "graph": f"a graph, {exported.shape[-1] if exported.shape else 0} features a node",
        "noise": f"noise, {sizes}",
        "audio": f"a clip, {sizes} samples at {exported.signature.sample_rate:,} Hz",
        "series": f"a series, {sizes}, with covariates",
        "array": f"numbers, {sizes}",
        "image": f"an image, {sizes}",
    }
    return words[exported.kind]


def in_full(model: ServedModel, versions: list[str]) -> dict[str, Any]:
    """Return all that the page says of a model."""
    exported = model.exported
    signature = exported.signature
    distribution = _distribution(model)
    inputs = [node.name for node in exported.session.get_inputs()]
    takes_classes = "label" in inputs and bool(exported.labels)
    return {
        **in_short(model),
        "versions": versions,
        "recipe": signature.recipe,
        "bytes": exported.path.stat().st_size,
        "shape": list(exported.shape),
        "target": exported.target,
        "targets": list(exported.targets),
        "labels": list(exported.labels),
        "threshold": exported.threshold,
        "tensors": {"inputs": _tensors(model.inputs), "outputs": _tensors(model.outputs)},
        "columns": [_column(column, distribution) for column in exported.columns],
        "media_types": [] if exported.kind == "noise" else [*MEDIA_TYPES[exported.kind], JSON],
        "sample_rate": signature.sample_rate,
        "example": example_of(model, distribution),
        "classes": list(exported.labels) if takes_classes else [],
        "guidance": signature.guidance if "guidance" in inputs else None,
        "draws": TASKS[exported.task].kind in ("detection", "segmentation"),
        "card": _card(model),
        "certificate": _certificate(model),
    }


def _tensors(specs: dict[str, Any]) -> list[dict[str, Any]]:
    return [spec.facts() for spec in specs.values()]


def _distribution(model: ServedModel) -> Distribution | None:
    try:
        return read_distribution(model.exported.metadata, model.exported.path)
    except ZooError:  # a file of an earlier version, or one that makes images
        return None


def _column(column: Column, distribution: Distribution | None) -> dict[str, Any]:
    feature = None if distribution is None else distribution.of(column.name)
    return {
        "name": column.name,
        "type": column.type,
        "form": column.form,
        "plain": column.style == PLAIN,
        "choices": [] if feature is None else list(feature.categories[:MAX_CHOICES]),
        "usual": None if feature is None else plausible(feature),
    }


def _card(model: ServedModel) -> str | None:
    path = model.exported.path.with_name(CARD)
    try:
        with path.open("rb") as file:
            return file.read(MAX_CARD_BYTES).decode("utf-8", "replace")
    except OSError:
        return None


def _certificate(model: ServedModel) -> dict[str, Any] | None:
    try:
        path = certificate_of(model.exported.path)
        found = None if path is None else read_json(path)
    except ZooError:
        return None
    return found if isinstance(found, dict) else None
