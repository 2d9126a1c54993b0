"""What an exported file says of itself, checked before it is used."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, get_args

from zoo.data.class_decisions import ClassDecisions
from zoo.data.columns import Column, ColumnType, column_from_json
from zoo.data.graph_form import GraphForm
from zoo.data.prediction_intervals import PredictionIntervals
from zoo.data.tables.reading import Reading
from zoo.data.tables.time_order import TimeColumn
from zoo.data.tokenizer import SPECIAL, Level, Tokenizer
from zoo.errors import ZooError, listing
from zoo.serving.certificate import HOW_TO_SKIP
from zoo.serving.noise_form import Noise, noise_from_json
from zoo.serving.onnx_file import CHECKSUM_KEY, OnnxFile
from zoo.serving.tensor_forms import TensorForm, form_from_json
from zoo.tasks import TASKS

SIGNATURE_KEY = "zoo.signature"
FORMAT_KEY = "zoo.format"  # version of the metadata; files without it are of version 1
FORMAT = 3  # version that this package writes; it reads all up to it
RAW_KINDS = ("image", "array", "series", "audio", "table", "text", "tokens", "graph")
KINDS = (*RAW_KINDS, "noise")
_RANKS = {  # of `shape`
    **{"image": (3,), "array": (1, 2), "audio": (1,), "table": (0,), "text": (0, 1), "tokens": (1,), "graph": (2,)},
    "series": (2,),
}


@dataclass(frozen=True, kw_only=True)
class FileSignature:
    """What an exported file says of itself.

    Attributes:
        task: name of the task.
        kind: "image", "array", "series" (windows with covariates), "audio", "table", "text", "tokens" or "graph";
            "noise" where images are made.
        target: name of what is predicted.
        targets: names of the numbers that are predicted, in the order of the outputs, where there are several.
        shape: shape of one example, or of a graph's nodes; None where an axis varies.
        inputs: column to the name of its input in the file; in older files, which lack it, both are the same.
        columns: the columns of a table, of the table that a series comes from (the target first), or the column of the
            table that texts or images come from.
        labels: class names in the order of the probabilities, or the symbols of the target; empty for numbers.
        vocabulary: number of token ids that the model takes; None where it takes no tokens.
        tokenizer: how texts become token ids; None where the input is no text.
        threshold: anomaly detection: the score above which an example is abnormal.
        steps: steps of a diffusion sampler.
        guidance: weight of the class where the caller gives none.
        time: the column of time of a series from a table.
        series: the columns of a table that tell its series apart; empty where it holds one.
        known: the known covariates of a series, the last of its columns.
        static: the columns that tell something of a whole series.
        horizon: steps of a series that are predicted.
        reading: how the file of a table is read, where it is not as usual.
        double: arrays, and numbers that are predicted, are float64.
        sample_rate: samples a second of audio; 0 for other inputs.
        graph: names of the files and columns that graphs come from; None where they came from no tables.
        intervals: bounds that the file gives around its predictions; None for none.
        decisions: how its probabilities become answers; None for the most probable class alone.
        recipe: its name; empty where the file does not say it.
        noise: of a file that makes images, what it takes and from which distribution that is drawn.
        tensors: how columns become inputs, where not each is one as it stands.
        version: of the metadata.
    """

    task: str
    kind: str
    target: str
    shape: tuple[int | None, ...]
    columns: tuple[Column, ...]
    inputs: dict[str, str]
    labels: tuple[str, ...]
    vocabulary: int | None
    tokenizer: Tokenizer | None
    threshold: float | None
    steps: int
    guidance: float
    time: TimeColumn | None = None
    targets: tuple[str, ...] = ()
    series: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    static: tuple[Column, ...] = ()
    horizon: int = 0
    reading: Reading = field(default_factory=Reading)
    double: bool = False
    sample_rate: int = 0
    graph: GraphForm | None = None
    intervals: PredictionIntervals | None = None
    decisions: ClassDecisions | None = None
    recipe: str = ""
    noise: Noise = field(default_factory=Noise)
    tensors: TensorForm = field(default_factory=TensorForm)
    version: int = FORMAT

    @property
    def ood_threshold(self) -> float | None:
        """The out-of-distribution score above which an example is unusual; None where there is no score."""
        quantiles = None if self.decisions is None else self.decisions.ood_quantiles
        return quantiles[1] if quantiles else None


def read_signature(file: OnnxFile, path: Path, *, verify: bool = True) -> FileSignature:
    """Return what an exported file says of itself.

    Args:
        file: the file's metadata and checksum.
        path: the file, for messages.
        verify: compare the file with the checksum in its metadata.

    Raises:
        ZooError: the metadata are missing, damaged, or of a later version, or the file was changed.
    """
    metadata = file.metadata
    if SIGNATURE_KEY not in metadata:
        raise ZooError(f"{path}: lacks the metadata '{SIGNATURE_KEY}'; only files written by `zoo export` can be used")
    version = _version(metadata, path)
    if version > FORMAT:
        raise ZooError(
            f"{path}: its metadata are of version {version}, and this package reads versions up to {FORMAT}; install "
            "the version that exported the file, or a later one"
        )
    try:
        facts = json.loads(metadata[SIGNATURE_KEY])
    except ValueError as error:
        raise ZooError(f"{path}: the metadata '{SIGNATURE_KEY}' are damaged: no JSON ({error})") from error
    if not isinstance(facts, dict):
        raise ZooError(
            f"{path}: the metadata '{SIGNATURE_KEY}' are damaged: expected an object, received {facts!r:.40}"
        )
    signature = replace(_signature(facts, path), version=version)
    if verify and (version > 1 or CHECKSUM_KEY in metadata) and metadata.get(CHECKSUM_KEY) != file.sha256:
        raise ZooError(
            f"{path}: not as it was exported: its content and '{CHECKSUM_KEY}' in its metadata differ; it was "
            f"changed or damaged, so export it again ({HOW_TO_SKIP})"
        )
    return signature


def _version(metadata: Mapping[str, str], path: Path) -> int:
    text = metadata.get(FORMAT_KEY, "1")
    if not (text.isascii() and text.isdigit() and int(text) >= 1):
        raise ZooError(f"{path}: the metadata '{FORMAT_KEY}' are damaged: expected a version, received {text!r:.40}")
    return int(text)


def _signature(facts: Mapping[str, Any], path: Path) -> FileSignature:
    def take(key: str, fits: Callable[[Any], bool], expected: str, default: Any = None) -> Any:
        value = facts.get(key, default)
        if not fits(value):
            raise ZooError(
                f"{path}: the metadata '{SIGNATURE_KEY}' are damaged or of another version: '{key}' must be "
                f"{expected}, received {value!r:.60}"
            )
        return value

    task = take("task", lambda v: v in list(TASKS), f"a task that this version knows ({listing(TASKS)})")
    makes_images = TASKS[task].makes_images
    known = ("noise",) if makes_images else (*TASKS[task].inputs, *TASKS[task].published)
    if "text" in known:
        known = (*known, "tokens")
    kind = take("kind", lambda v: v in [k for k in KINDS if k in known], f"for the task {task} {' or '.join(known)}")
    shape = take("shape", lambda v: _is_shape(v) and len(v) in _RANKS.get(kind, range(8)), f"the shape of one {kind}")
    columns = take("columns", _are_columns, "a list of columns with name and type", [])
    has_steps = (
        TASKS[task].forecasts or TASKS[task].takes_sequences or TASKS[task].scans_series
    )  # which are rows of a table
    one = len(columns) <= 1
    files = {"image": one, "audio": one}
    fits = {"table": len(columns) > 0, "text": one, **files, "graph": len(columns) in (0, *shape[-1:])}
    columns_fit = fits.get(kind, not columns or has_steps)
    if not columns_fit:
        raise ZooError(f"{path}: the metadata '{SIGNATURE_KEY}' are damaged: {len(columns)} columns, and kind '{kind}'")
    static = take("static", _are_columns, "a list of columns with name and type", [])
    named = {"table": columns, "series": static}.get(kind, [])
    tensors = take("tensors", lambda v: _is_tensor_form(v, named), "the tensors of columns", {})
    joined = form_from_json(tensors).numbers
    same = {column["name"]: column["name"] for column in named if column["name"] not in joined}
    inputs = take("inputs", lambda v: _are_inputs(v, same), "a name for each column", same)
    if columns and kind in ("array", "series") and len(columns) != shape[-1]:
        raise ZooError(f"{path}: the metadata '{SIGNATURE_KEY}' are damaged: {len(columns)} columns of {shape[-1]}")
    graph = take("graph", lambda v: v is None or (kind == "graph" and _is_graph_form(v)), "the tables of graphs")
    intervals = take(
        "intervals",
        lambda v: v is None or (TASKS[task].scales_targets and _reads(PredictionIntervals.from_json, v)),
        "prediction intervals",
    )
    decisions = take(
        "decisions",
        lambda v: v is None or (TASKS[task].classifies and _reads(ClassDecisions.from_json, v)),
        "costs and prediction sets",
    )
    reading = take("reading", _is_reading, "separator and encoding", {})
    time = take("time", lambda v: v is None or _reads(TimeColumn.from_json, v), "a column of time")
    tokenizer = take("tokenizer", lambda v: (v is not None) == (kind == "text") and _is_tokenizer(v), "a tokenizer")
    tokens = take("tokens", lambda v: v is None or _is_count(v), "a number of token ids")
    return FileSignature(
        task=task,
        kind=kind,
        target=take("target", lambda v: isinstance(v, str), "a name"),
        shape=tuple(shape),
        inputs=dict(inputs),
        columns=tuple(map(column_from_json, columns)),
        labels=tuple(take("labels", _are_texts, "a list of different names")),
        vocabulary=len(tokenizer["symbols"]) + len(SPECIAL) if tokenizer else tokens,
        tokenizer=Tokenizer.from_json(tokenizer) if tokenizer else None,
        threshold=take("threshold", lambda v: v is None or _is_number(v), "a number"),
        steps=take("steps", _is_count, "a number of steps", 1),
        guidance=take("guidance", _is_number, "a number", 1.0),
        time=TimeColumn.from_json(time) if time else None,
        known=tuple(take("known", _are_texts, "a list of different columns", [])),
        static=tuple(map(column_from_json, static)),
        horizon=take("horizon", lambda v: v == 0 or _is_count(v), "a number of steps", 0),
        series=tuple(take("series", _are_texts, "a list of different columns", [])),
        reading=Reading(**reading),
        targets=tuple(take("targets", _are_texts, "a list of different names", [])),
        graph=GraphForm(**graph) if graph else None,
        intervals=PredictionIntervals.from_json(intervals) if intervals else None,
        decisions=ClassDecisions.from_json(decisions) if decisions else None,
        noise=noise_from_json(take("noise", lambda v: _reads(noise_from_json, v), "a distribution", {})),
        tensors=form_from_json(tensors),
        recipe=take("recipe", lambda v: isinstance(v, str), "a name", ""),
        double=take("double", lambda v: isinstance(v, bool), "true or false", False),
        sample_rate=take(
            "sample_rate", lambda v: (v != 0) == (kind == "audio") and (v == 0 or _is_count(v)), "a sample rate", 0
        ),
    )


def _is_tensor_form(value: Any, columns: Sequence[Mapping[str, Any]]) -> bool:
    if not isinstance(value, dict) or not _reads(form_from_json, value):
        return False
    form, types = form_from_json(value), {column["name"]: column["type"] for column in columns}
    numbers = all(types.get(name) == "number" for name in form.numbers) and bool(form.input) == bool(form.numbers)
    return numbers and all(types.get(name) == "category" for name in form.ids)


def _are_inputs(value: Any, columns: Mapping[str, str]) -> bool:
    if not isinstance(value, dict) or set(value) != set(columns):
        return False
    return all(isinstance(name, str) for name in value.values()) and len(set(value.values())) == len(value)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < float("inf")


def _is_shape(value: Any) -> bool:
    return isinstance(value, list) and all(n is None or _is_count(n) for n in value)


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(v, str) for v in value) and len(set(value)) == len(value)


def _are_columns(value: Any) -> bool:
    if not isinstance(value, list) or not all(isinstance(c, dict) for c in value):
        return False
    names = [c.get("name") for c in value]
    known = _are_texts(names) and all(c.get("type") in get_args(ColumnType) for c in value)
    return known and all(_reads(column_from_json, column) for column in value)


def _is_reading(value: Any) -> bool:
    if not isinstance(value, dict) or not set(value) <= {"separator", "other_encoding", "whole_files"}:
        return False
    return all(isinstance(fact, bool if name == "whole_files" else str) for name, fact in value.items())


def _is_graph_form(value: Any) -> bool:
    if not isinstance(value, dict) or set(value) != {entry.name for entry in fields(GraphForm)}:
        return False
    types = {"directed": bool, "hops": int}
    return all(isinstance(fact, types.get(name, str)) for name, fact in value.items())


def _reads(read: Callable[[Any], Any], facts: Any) -> bool:
    """Return whether plain data are what a part of the signature was written as."""
    try:
        read(facts)
    except (TypeError, ValueError, KeyError, AttributeError):
        return False
    return True


def _is_tokenizer(value: Any) -> bool:
    if value is None:
        return True
    return (
        isinstance(value, dict)
        and value.get("level") in get_args(Level)
        and _are_texts(value.get("symbols"))
        and "lowercase" in value
        and isinstance(value.get("subwords", ""), str)
        and bool(value.get("subwords")) == (value["level"] == "subword")
        and (value.get("length", 0) is None or _is_count(value.get("length", 0)))
    )
