"""Requests in the form of a file: pictures, tables, texts or JSON in, answers in words out."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from zoo.errors import ZooError
from zoo.serving.exported_model import ExportedModel
from zoo.serving.inputs import read_inputs
from zoo.serving.predict import Observer, facts, unseen
from zoo.serving.prediction import Prediction
from zoo.serving.server.limits import Limits, check_count
from zoo.serving.server.pictures import pictures_of
from zoo.serving.server.protocol import parse_json
from zoo.serving.server.rejection import Rejection
from zoo.tasks import TASKS

JSON = "application/json"
_LINES = ("application/x-ndjson", "application/jsonl", "application/jsonlines")
_SUFFIXES = {"text/csv": ".csv", "text/plain": ".txt", **dict.fromkeys(_LINES, ".jsonl")}
_AUDIO = {"wav": ".wav", "x-wav": ".wav", "wave": ".wav", "flac": ".flac", "x-flac": ".flac", "ogg": ".ogg"}
_TABLES = ("text/csv", *_LINES)
MEDIA_TYPES = {  # by the kind of input; a table of paths is not taken, as it would name files of the server
    "image": ("image/*",),
    "audio": ("audio/*",),
    "table": _TABLES,
    "series": _TABLES,
    "array": _TABLES,
    "text": ("text/plain", *_TABLES),
    "tokens": (),
    "graph": (),
}
_BODY = "body"  # what messages call the input


def answer_in_words(
    model: ExportedModel,
    content: bytes,
    content_type: str,
    limits: Limits,
    see: Observer = unseen,
    *,
    pictures: bool = False,
) -> tuple[list[dict[str, Any]], list[str]]:
    """Return what `zoo predict --json` says of a file with this content, and what a reader of it should know.

    Args:
        model: what is asked.
        content: the body of the request.
        content_type: its header: an image, audio, CSV, JSON Lines, text, or JSON: examples as `ExportedModel.predict`
            takes them, or rows of a table as objects.
        limits: how many examples are taken.
        see: takes the examples and what the file answered.
        pictures: add `picture` to each answer, where the task draws what it finds: a PNG in base64.

    Raises:
        ZooError: the examples do not fit, or the model takes none.
        Rejection: the model takes other types (415), or there are too many examples (413).
    """
    if TASKS[model.task].makes_images:
        raise ZooError("the model makes images from noise: POST /sample/NAME, or the noise to /v2/models/NAME/infer")
    if pictures:
        drawn: list[str | None] = []

        def draw(raw: Any, prediction: Prediction) -> None:
            see(raw, prediction)
            drawn.extend(pictures_of(model, raw, prediction))

        rows, notes = answer_in_words(model, content, content_type, limits, draw)
        pairs = zip(rows, drawn or [None] * len(rows), strict=True)
        return [row if picture is None else {**row, "picture": picture} for row, picture in pairs], notes
    media_type = content_type.partition(";")[0].strip().lower()
    if not content:
        raise ZooError("the body is empty")
    if media_type == JSON:
        value = parse_json(content)
        if not _are_rows(value) or model.kind not in ("table", "series", "array", "text"):
            return _said(model, value, limits, see)
        rows = value if isinstance(value, list) else [value]
        content = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode()
        media_type = _LINES[0]
    suffix = _suffix(model, media_type)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{_BODY}{suffix}"
        path.write_bytes(content)
        return _read(model, path, limits, see)


def _are_rows(value: Any) -> bool:
    """Return whether a value is a row of a table, or several."""
    rows = value if isinstance(value, list) else [value]
    return bool(rows) and all(isinstance(row, dict) and not _has_columns(row) for row in rows)


def _has_columns(row: dict[str, Any]) -> bool:
    """Return whether an object holds lists: columns of a table, or arrays by name."""
    return any(isinstance(value, list | dict) for value in row.values())


def _suffix(model: ExportedModel, media_type: str) -> str:
    """Return the suffix of a file of a type.

    Raises:
        Rejection: the model does not take it.
    """
    kind, _, form = media_type.partition("/")
    taken = MEDIA_TYPES[model.kind]
    if media_type not in taken and f"{kind}/*" not in taken:
        expected = ", ".join((*taken, JSON))
        raise Rejection(415, f"Content-Type: the model takes {expected}; received {media_type or 'none'}")
    if kind == "audio" and form not in _AUDIO:
        raise Rejection(415, f"Content-Type: expected audio/{', audio/'.join(_AUDIO)}; received {media_type}")
    return _AUDIO[form] if kind == "audio" else _SUFFIXES.get(media_type, "")


def _said(model: ExportedModel, value: Any, limits: Limits, see: Observer) -> tuple[list[dict[str, Any]], list[str]]:
    """Answer JSON that holds examples as `ExportedModel.predict` takes them."""
    if isinstance(value, list):
        if not value:
            raise ZooError("expected at least one example, received none")
        if model.kind != "array" or isinstance(value[0], list):
            check_count(len(value), limits)
    try:
        rows = facts(model, value, see)
    except ZooError as error:
        raise ZooError(_placeless(str(error), model, model.path)) from error
    return [{"input": f"row {number}", **row} for number, row in enumerate(rows, start=1)], []


def _read(model: ExportedModel, path: Path, limits: Limits, see: Observer) -> tuple[list[dict[str, Any]], list[str]]:
    """Answer a file, whose place no answer and no message tells."""
    notes: list[str] = []
    found: list[dict[str, Any]] = []
    try:
        for names, raw in read_inputs(model, [path], notes):
            check_count(len(found) + len(names), limits)
            found += [{"input": name, **row} for name, row in zip(names, facts(model, raw, see), strict=True)]
    except ZooError as error:
        raise ZooError(_placeless(str(error), model, path)) from error
    for row in found:
        row["input"] = _placeless(row["input"], model, path)
    return found, [_placeless(note, model, path) for note in notes]


def _placeless(text: str, model: ExportedModel, path: Path) -> str:
    return text.replace(str(path), _BODY).replace(str(model.path), "the model")
