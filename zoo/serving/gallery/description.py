"""What a page's script knows of a file: `model.json`."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from zoo.postprocessing.class_colors import class_rgb
from zoo.serving.certificate import certificate_of
from zoo.serving.exported_model import ExportedModel
from zoo.serving.kinds import MIN_LISTED_SCORE
from zoo.serving.metadata import SIGNATURE_KEY
from zoo.serving.predict import CONTINUATION_LENGTH
from zoo.serving.sample_check import MAX_CHANGED
from zoo.tasks import END, IGNORED_PIXEL, LABEL_THRESHOLD, PADDING, START, TASKS, UNKNOWN
from zoo.utils.files import read_json

MAX_COLORS = 256  # of classes
CONSTANTS = {
    **{"padding": PADDING, "unknown": UNKNOWN, "start": START, "end": END},
    "ignored_pixel": IGNORED_PIXEL,
    "label_threshold": LABEL_THRESHOLD,
    "min_listed_score": MIN_LISTED_SCORE,
    "max_changed": MAX_CHANGED,
    "continuation_length": CONTINUATION_LENGTH,
}


def describe(model: ExportedModel, title: str, sample: bool) -> dict[str, Any]:
    """Return what the script of a page knows of its file.

    Args:
        model: the file.
        title: what the page calls it.
        sample: whether `sample.json` is beside it.
    """
    task = TASKS[model.task]
    content, certificate = model.path.read_bytes(), certified(model.path)
    return {
        "title": title,
        "file": "model.onnx",
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "certified": certificate.get("sha256"),
        "tolerances": _tolerances(certificate),
        "sample": "sample.json" if sample else None,
        "signature": json.loads(model.metadata[SIGNATURE_KEY]),
        "inputs": _tensors(model.session.get_inputs()),
        "outputs": _tensors(model.session.get_outputs()),
        "answers": task.kind,
        "flow": flow(model),
        "ood_threshold": model.ood_threshold,
        "colors": [class_rgb(i) for i in range(min(MAX_COLORS, len(model.labels) + 1))],
        "constants": CONSTANTS,
    }


def flow(model: ExportedModel) -> str:
    """Return how answers come about: "predict", or one of the loops around a file."""
    task = TASKS[model.task]
    loops = {"generate": task.makes_images, "translate": task.decodes}
    loops |= {"fill_in": task.fills_in, "continue": task.reads_corpus and not task.fills_in}
    return next((name for name, taken in loops.items() if taken), "predict")


def certified(path: Path) -> dict[str, Any]:
    """Return the certificate of a file; empty where it has none."""
    beside = certificate_of(path)
    facts = {} if beside is None else read_json(beside)
    return facts if isinstance(facts, dict) else {}


def _tolerances(certificate: dict[str, Any]) -> dict[str, float]:
    """Return what a smaller file's answers may differ by, by output: another runtime rounds to whole numbers otherwise.

    The answers of other files are compared relative to their scale.
    """
    if "form" not in certificate:
        return {}
    return {name: output["tolerance"] for name, output in certificate.get("outputs", {}).items()}


def _tensors(tensors: list[Any]) -> list[dict[str, Any]]:
    return [{"name": each.name, "type": each.type[7:-1], "shape": list(each.shape)} for each in tensors]
