"""`zoo export --quantize`: a smaller file beside the exported one, its loss measured on the same test examples."""

from __future__ import annotations

import hashlib
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx

from zoo.errors import ZooError
from zoo.evaluation.metrics.comparison import compare
from zoo.evaluation.metrics.evaluate import evaluate
from zoo.evaluation.metrics.names import PERCENT
from zoo.export.convert import add_metadata, seal
from zoo.export.quantization import float16, static_int8, weights_int8
from zoo.export.sample import example_feeds, take_sample
from zoo.postprocessing.kinds import compact_outputs
from zoo.recipe.load import published_source
from zoo.recipe.task import task_of
from zoo.serving.certificate import CERTIFICATE_VERSION
from zoo.serving.exported_model import ExportedModel
from zoo.serving.metadata import read_signature
from zoo.serving.onnx_file import scan
from zoo.serving.sample_files import Sample, write_sample
from zoo.tasks import NEED_MORE_THAN_OUTPUTS
from zoo.training.run import versions
from zoo.training.saved_outputs import chunks
from zoo.utils.files import replacing, write_json
from zoo.utils.onnx_session import runtime

if TYPE_CHECKING:
    from zoo.data.dataset import Dataset
    from zoo.recipe import LoadedRecipe
    from zoo.serving.feeds import Feeds
    from zoo.tasks import Task

QUANTIZATION_KEY = "zoo.quantization"
_CALIBRATED_EXAMPLES = 256  # of the training split
_CALIBRATION_BATCH = 32
_USUAL_LOSS = 0.005  # of a fraction, and
_USUAL_PART = 0.02  # of another metric: where no budget is given, the first way that stays within is taken
_MAX_TIMED_SECONDS = 2.0
_TIMED_CALLS = 200
_MIN_TOLERANCE = 1e-4  # of the sample's answers on another machine
_QDQ, _WEIGHTS = "QDQ: weights int8 and activations uint8, static", "weights alone"


@dataclass(frozen=True, kw_only=True)
class _Candidate:
    """A way to make the file smaller, with what it costs.

    Attributes:
        method: how, in words.
        content: the file.
        figures: `metric`, `float32`, `quantized`, `difference`, `interval`, `loss`.
    """

    method: str
    content: bytes
    figures: dict[str, Any]


def quantize_file(path: Path, loaded: LoadedRecipe, dataset: Dataset, form: str) -> dict[str, Any]:
    """Write `model.int8.onnx`, or float16, beside an exported file, with sample and certificate.

    int8 is tried for weights and activations, and where that loses more than is allowed, for weights alone.

    Args:
        path: the exported file.
        loaded: the recipe.
        dataset: the run's data: training examples calibrate, the whole test split measures.
        form: "int8" or "float16".

    Returns:
        The certificate. Where the loss exceeds the budget, `kept` is False: there is no file, and the certificate says
        what was measured.

    Raises:
        ZooError: the metric needs more than the file, or the file has no such form.
    """
    task, limit = task_of(loaded.recipe), (loaded.recipe.export.budget or {}).get(task_of(loaded.recipe).primary)
    if task.kind in NEED_MORE_THAN_OUTPUTS:
        raise ZooError(f"export.quantize: {task.name} needs more than the outputs on the test split to be measured")
    with TemporaryDirectory() as folder:
        best = _best(path, Path(folder) / "model.onnx", loaded, dataset, form, limit)
        (Path(folder) / "model.onnx").write_bytes(best.content)
        sample = take_sample(Path(folder) / "model.onnx", dataset)
        beside = _beside(path, Path(folder) / "model.onnx", sample)
    own = path.with_name(f"model.{form}.onnx")
    kept = limit is None or best.figures["loss"] <= limit
    certificate = {
        "version": CERTIFICATE_VERSION,
        "file": own.name,
        "form": form,
        "method": best.method,
        **best.figures,
        "budget": limit,
        "kept": kept,
        "bytes": len(best.content),
        "float32_bytes": path.stat().st_size,
        **beside,
        "samples": len(dataset.test),
        "split": "test",
        "calibrated_on": {"split": "train", "examples": min(_CALIBRATED_EXAMPLES, len(dataset.train))}
        if best.method == _QDQ
        else None,
        "data": {"source": published_source(dataset.name), "fingerprint": dataset.fingerprint},
        "sha256": hashlib.sha256(best.content).hexdigest(),
        "float32_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "runtimes": [runtime()],
        "versions": versions(),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    if kept:
        with replacing(own) as temporary:
            temporary.write_bytes(best.content)
        write_sample(own.parent, sample, f".{form}")
    write_json(own.with_name(f"certificate.{form}.json"), certificate)
    return certificate


def _best(
    path: Path, tried: Path, loaded: LoadedRecipe, dataset: Dataset, form: str, limit: float | None
) -> _Candidate:
    """Return the first way that loses no more than is allowed, else the one that loses least."""
    task, original = task_of(loaded.recipe), onnx.load(path)
    before, found = _outcomes(path, dataset, task), []
    for method, proto in FORMS[form](original, dataset):
        tried.write_bytes(_sealed(proto, original, {"form": form, "method": method}))
        figures = _figures(task, dataset, before, _outcomes(tried, dataset, task), loaded.recipe.training.seed)
        if figures is None:  # an answer is not finite
            continue
        found.append(_Candidate(method=method, content=tried.read_bytes(), figures=figures))
        usual = _USUAL_LOSS if task.primary in PERCENT else _USUAL_PART * abs(figures["float32"])
        if figures["loss"] <= (usual if limit is None else limit):
            return found[-1]
    if not found:
        raise ZooError(f"export.quantize: no answer of the file in {form} is finite, or it has no weights to quantize")
    return min(found, key=lambda each: each.figures["loss"])


def _int8(proto: onnx.ModelProto, dataset: Dataset) -> Iterator[tuple[str, onnx.ModelProto]]:
    static = static_int8(proto, _calibration(proto, dataset))
    if static is not None:
        yield _QDQ, weights_int8(static)
    yield _WEIGHTS, weights_int8(proto)


def _float16(proto: onnx.ModelProto, dataset: Dataset) -> Iterator[tuple[str, onnx.ModelProto]]:
    yield "all but inputs and outputs", float16(proto)


FORMS = {"int8": _int8, "float16": _float16}


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
    seal(proto)
    content: bytes = proto.SerializeToString()
    return content


def _outcomes(path: Path, dataset: Dataset, task: Task) -> np.ndarray:
    """Return a file's answers to the test split in the form that metrics take."""
    exported, split = ExportedModel(path, verify=False), dataset.test

    def run(raw: Any) -> Any:
        if task.decodes:
            return exported.predict(raw[0], decoder_input=raw[1]).output
        prediction = exported.predict(raw)
        output = prediction.output
        return dict(prediction.parts) or (output[:, None] if output.ndim == 1 else output)

    return compact_outputs(task.kind, run, (split.take(positions) for positions in chunks(split)), split.targets)


def _figures(task: Task, dataset: Dataset, before: np.ndarray, after: np.ndarray, seed: int) -> dict[str, Any] | None:
    """Return the metric of both files and the interval of their difference; None where an answer is not finite."""
    y, labels = dataset.test.targets, dataset.signature.labels
    compared = compare(task, y, after, before, seed=seed, labels=labels)
    if compared["difference"] is None:
        return None
    sign, interval = 1 if task.greater_is_better else -1, compared["interval"]
    return {
        "metric": task.primary,
        "float32": float(evaluate(task, y, before, labels)[task.primary]),
        "quantized": float(evaluate(task, y, after, labels)[task.primary]),
        "difference": sign * float(compared["difference"]),
        "interval": None if interval is None else sorted(sign * bound for bound in interval),
        "loss": 0.0 - float(compared["difference"]),
    }


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
    return f"{line}; the loss {loss:.4g} exceeds export.budget ({certificate['budget']:g}), so the file was not kept"
