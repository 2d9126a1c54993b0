"""`zoo export --quantize`: a smaller file beside the exported one, its loss measured on the same test examples."""

from __future__ import annotations

import hashlib
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx

from zoo.errors import ZooError
from zoo.evaluation.metrics.names import PERCENT
from zoo.export.compact_graph import compact
from zoo.export.convert import add_metadata, seal
from zoo.export.file_metrics import Measured, compare_files, file_answers
from zoo.export.quantization import convolves, float16, static_int8
from zoo.export.sample import example_feeds, take_sample
from zoo.export.stored_weights import store_weights
from zoo.recipe.load import published_source
from zoo.serving.certificate import CERTIFICATE_VERSION
from zoo.serving.exported_model import ExportedModel
from zoo.serving.metadata import read_signature
from zoo.serving.onnx_file import scan
from zoo.serving.sample_files import Sample, write_sample
from zoo.training.run import versions
from zoo.utils.files import replacing, write_json
from zoo.utils.onnx_session import open_session, runtime

if TYPE_CHECKING:
    from zoo.data.dataset import Dataset
    from zoo.serving.feeds import Feeds

QUANTIZATION_KEY = "zoo.quantization"
SMALLEST = "smallest"  # of all forms
_CALIBRATED_EXAMPLES = 256  # of the training split
_CALIBRATION_BATCH = 32
_USUAL_LOSS = 0.005  # of a fraction, and
_USUAL_PART = 0.02  # of another metric: what a form may lose where no budget is given
_MAX_TIMED_SECONDS = 2.0
_TIMED_CALLS = 200
_ROUNDING = 1e-9  # of a difference of two metrics
_MIN_TOLERANCE = 1e-4  # of the sample's answers on another machine
_QDQ, _WEIGHTS = "QDQ: weights int8 and activations uint8, static", "weights alone"


@dataclass(frozen=True, kw_only=True)
class _Candidate:
    """A way to make the file smaller, with what it costs.

    Attributes:
        form: "int8", "int4" or "float16".
        method: how, in words.
        content: the file.
        figures: `metric`, `float32`, `quantized`, `difference`, `interval`, `loss`.
        allowed: loss that the budget, or what is usual, allows.
    """

    form: str
    method: str
    content: bytes
    figures: dict[str, Any]
    allowed: float

    @property
    def is_within(self) -> bool:
        """Whether it loses no more than is allowed."""
        return bool(self.figures["loss"] <= self.allowed + _ROUNDING)

    @property
    def facts(self) -> dict[str, Any]:
        """What the certificate says of every way that was tried."""
        parts = {name: self.figures[name] for name in ("quantized", "interval", "loss")}
        return {"form": self.form, "method": self.method, "bytes": len(self.content), **parts}


def quantize_file(path: Path, measured: Measured, form: str) -> dict[str, Any]:
    """Write `model.int8.onnx`, or another form, beside an exported file, with sample and certificate.

    Of a form, the first way is taken that loses no more than is allowed, and of "smallest" the smallest such form.

    Args:
        path: the exported file.
        measured: the data: training examples calibrate, the whole test split measures.
        form: "int8", "int4", "float16" or "smallest".

    Returns:
        The certificate. Where the loss exceeds the budget, or no bytes are saved, `kept` is False: there is no file,
        and the certificate says what was measured.

    Raises:
        ZooError: the file has no such form.
    """
    dataset, recipe = measured.dataset, measured.loaded.recipe
    limit = (recipe.export.budget or {}).get(measured.task.primary)
    with TemporaryDirectory() as folder:
        tried = Path(folder) / "model.onnx"
        best, candidates = _best(path, tried, measured, form, limit)
        tried.write_bytes(best.content)
        sample = take_sample(tried, dataset)
        beside = _beside(path, tried, sample)
    own, float32 = path.with_name(f"model.{best.form}.onnx"), path.read_bytes()
    kept = (limit is None or best.is_within) and len(best.content) < len(float32)
    certificate = {
        "version": CERTIFICATE_VERSION,
        "file": own.name,
        "form": best.form,
        "method": best.method,
        **best.figures,
        "budget": limit,
        "kept": kept,
        "bytes": len(best.content),
        "float32_bytes": len(float32),
        **beside,
        "tried": [each.facts for each in candidates],
        "samples": len(dataset.test),
        "split": "test",
        "calibrated_on": {"split": "train", "examples": min(_CALIBRATED_EXAMPLES, len(dataset.train))}
        if best.method == _QDQ
        else None,
        "data": {"source": published_source(dataset.name), "fingerprint": dataset.fingerprint},
        "sha256": hashlib.sha256(best.content).hexdigest(),
        "float32_sha256": hashlib.sha256(float32).hexdigest(),
        "runtimes": [runtime()],
        "versions": versions(),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    if kept:
        with replacing(own) as temporary:
            temporary.write_bytes(best.content)
        write_sample(own.parent, sample, f".{best.form}")
    write_json(own.with_name(f"certificate.{best.form}.json"), certificate)
    return certificate


def _best(
    path: Path, tried: Path, measured: Measured, form: str, limit: float | None
) -> tuple[_Candidate, list[_Candidate]]:
    """Return the chosen candidate and all that were tried: the smallest that loses no more than is allowed.

    If none does, the one that loses least is chosen.
    """
    before, found = file_answers(path, measured), []
    for each in FORMS if form == SMALLEST else (form,):
        for candidate in _candidates(each, path, tried, measured, before, limit):
            found.append(candidate)
            if candidate.is_within:
                break  # the next way of this form is slower or larger
    if not found:
        raise ZooError(
            f"export.quantize: no answer of the file in {form} is finite, or it has no weights large enough for it"
        )
    within = [each for each in found if each.is_within]
    if within:
        return min(within, key=lambda each: len(each.content)), found
    return min(found, key=lambda each: each.figures["loss"]), found


def _candidates(
    form: str, path: Path, tried: Path, measured: Measured, before: np.ndarray, limit: float | None
) -> Iterator[_Candidate]:
    original = onnx.load(path)
    for method, proto in FORMS[form](original, measured.dataset):
        tried.write_bytes(_sealed(proto, original, {"form": form, "method": method}))
        figures = compare_files(before, file_answers(tried, measured), measured)
        if figures is None:  # an answer is not finite
            continue
        usual = _USUAL_LOSS if measured.task.primary in PERCENT else _USUAL_PART * abs(figures["float32"])
        allowed = usual if limit is None else limit
        yield _Candidate(form=form, method=method, content=tried.read_bytes(), figures=figures, allowed=allowed)


def _int4(proto: onnx.ModelProto, dataset: Dataset) -> Iterator[tuple[str, onnx.ModelProto]]:
    stored = store_weights(proto, "int4")
    if stored is not None:
        yield _WEIGHTS, stored


def _int8(proto: onnx.ModelProto, dataset: Dataset) -> Iterator[tuple[str, onnx.ModelProto]]:
    static = static_int8(proto, _calibration(proto, dataset)) if convolves(proto) else None
    if static is not None and _is_faster(static, proto, dataset):
        yield _QDQ, store_weights(static, "int8") or static
    stored = store_weights(proto, "int8")
    if stored is not None:
        yield _WEIGHTS, stored


def _float16(proto: onnx.ModelProto, dataset: Dataset) -> Iterator[tuple[str, onnx.ModelProto]]:
    half = float16(proto)
    if half is not None:
        yield "all but inputs and outputs", half
    stored = store_weights(proto, "float16")
    if stored is not None:
        yield _WEIGHTS, stored


Ways = Callable[[onnx.ModelProto, "Dataset"], Iterator[tuple[str, onnx.ModelProto]]]
FORMS: dict[str, Ways] = {"int4": _int4, "int8": _int8, "float16": _float16}


def _is_faster(static: onnx.ModelProto, proto: onnx.ModelProto, dataset: Dataset) -> bool:
    """Return whether one batch of training examples takes less time: some networks are too small for int8 kernels."""
    feeds = next(_calibration(proto, dataset))
    first, second = (open_session(each.SerializeToString()) for each in (proto, static))
    return _latency_ratio(first, second, feeds) < 1


def _calibration(proto: onnx.ModelProto, dataset: Dataset) -> Iterator[Feeds]:
    content = proto.SerializeToString()
    signature = read_signature(scan(content, "the model"), Path("model.onnx"), verify=False)
    train = dataset.train
    chosen = np.sort(np.random.default_rng(0).permutation(len(train))[:_CALIBRATED_EXAMPLES])
    for start in range(0, len(chosen), _CALIBRATION_BATCH):
        yield example_feeds(train, chosen[start : start + _CALIBRATION_BATCH], signature)


def _sealed(proto: onnx.ModelProto, original: onnx.ModelProto, facts: dict[str, str]) -> bytes:
    """Return a changed graph as a file with the interface and the metadata of the original."""
    for part in ("input", "output"):
        values = getattr(proto.graph, part)
        del values[:]
        values.extend(getattr(original.graph, part))
    kept = {entry.key: entry.value for entry in original.metadata_props}
    add_metadata(proto, {**kept, QUANTIZATION_KEY: facts})
    proto.producer_name, proto.producer_version = original.producer_name, original.producer_version
    proto.ir_version, proto.doc_string = original.ir_version, original.doc_string
    compact(proto)
    seal(proto)
    content: bytes = proto.SerializeToString()
    return content


def _beside(path: Path, own: Path, sample: Sample) -> dict[str, Any]:
    """Return the latency ratio of two files, and how far the answers to the sample are apart."""
    first, second = (ExportedModel(each, verify=False).session for each in (path, own))
    outputs = {}
    for name, found in sample.outputs.items():
        if found.dtype.kind == "f":
            distance = np.abs(first.run([name], sample.inputs)[0].astype(np.float64) - found)
            largest = float(distance.max(initial=0.0))
            outputs[name] = {
                "max_abs_difference": largest,
                "mean_abs_difference": float(distance.mean()),
                "tolerance": max(_MIN_TOLERANCE, 2 * largest),  # another CPU rounds otherwise
            }
    one = {name: values[:1] for name, values in sample.inputs.items()}
    return {"latency_ratio": _latency_ratio(first, second, one), "outputs": outputs}


def _latency_ratio(first: Any, second: Any, feeds: Feeds) -> float:
    """Return the median time of a call of the second session over that of the first, called in turns."""
    ratios: list[float] = []
    started = time.monotonic()
    while len(ratios) < _TIMED_CALLS and time.monotonic() - started < _MAX_TIMED_SECONDS:
        times = []
        for session in (first, second):
            begun = time.perf_counter()
            session.run(None, feeds)
            times.append(time.perf_counter() - begun)
        ratios.append(times[1] / times[0])
    return statistics.median(ratios[len(ratios) // 10 :])


def quantized_line(certificate: dict[str, Any]) -> str:
    """Return what a smaller file costs and brings, for a person to read."""
    metric, loss, size = certificate["metric"], certificate["loss"], certificate["bytes"] / certificate["float32_bytes"]
    line = (
        f"{certificate['form']} ({certificate['method']}): {metric} {certificate['quantized']:.4f}, float32 "
        f"{certificate['float32']:.4f}; {size:.2f} of the bytes, {certificate['latency_ratio']:.2f} of the time"
    )
    if certificate["kept"]:
        return line
    if certificate["bytes"] >= certificate["float32_bytes"]:
        return f"{line}; it saves no bytes, as its weights are few, so the file was not kept"
    return f"{line}; the loss {loss:.4g} exceeds export.budget ({certificate['budget']:g}), so the file was not kept"
