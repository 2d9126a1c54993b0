"""`zoo export --format`: a run for LiteRT or OpenVINO, compared with the Keras model by the format's own runtime."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import onnx

from zoo.errors import ZooError
from zoo.export.compact_graph import drop_unread
from zoo.export.file_metrics import Measured
from zoo.export.kinds import KINDS
from zoo.export.sample import example_feeds
from zoo.recipe.load import published_source
from zoo.serving.certificate import CERTIFICATE_VERSION
from zoo.serving.metadata import read_signature
from zoo.serving.noise import draw_noise
from zoo.serving.onnx_file import scan
from zoo.training.run import versions
from zoo.training.saved_outputs import chunks
from zoo.utils.files import replacing, write_json
from zoo.utils.onnx_session import open_session

if TYPE_CHECKING:
    from zoo.serving.feeds import Feeds

_DRAWN_IMAGES = 64  # of a generator, from the same noise
Answers = Callable[["Feeds"], dict[str, np.ndarray]]


@dataclass(frozen=True, kw_only=True)
class Format:
    """A format beside ONNX.

    Attributes:
        package: what reads it, as pip names it.
        files: names of its files; the first one is opened, and the others lie beside it.
        write: takes the exported ONNX file, the saved model and a path; writes the file.
        answers: takes the file and the saved model; returns a function from the ONNX file's inputs to outputs by name.
        expected: takes the ONNX file and what is measured; returns the same of the Keras model.
        settings: of the runtime, under which it was compared.
    """

    package: str
    files: tuple[str, ...]
    write: Callable[[Path, keras.Model, Path], None]
    answers: Callable[[Path, Measured], Answers]
    expected: Callable[[Path, Measured], Answers]
    settings: dict[str, str]


def export_format(path: Path, measured: Measured, name: str) -> dict[str, Any]:
    """Write a run in another format beside its ONNX file, with a certificate of its own.

    Args:
        path: the ONNX file.
        measured: the data, whose whole test split is compared, and the saved model.
        name: "litert" or "openvino".

    Returns:
        The certificate.

    Raises:
        ZooError: the format cannot take the model, or the file differs from it; no
            file is left behind.
    """
    known = FORMATS[name]
    _check(measured, name)
    with TemporaryDirectory() as folder:
        written = Path(folder) / known.files[0]
        try:
            known.write(path, measured.model, written)
            outputs, flips, samples = _compared(path, written, measured, known)
        except ZooError:
            raise
        except Exception as error:  # of the converters and runtimes, which have classes of their own
            reason = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
            raise ZooError(f"model '{measured.model.name}' has no {name} form: {reason[:300]}") from error
        worst = max(each["max_abs_difference"] - each["tolerance"] for each in outputs.values())
        if worst > 0:
            far = max(each["max_abs_difference"] for each in outputs.values())
            raise ZooError(f"the {name} file differs from the Keras model by {far:.2e}; it was not kept")
        contents = {file: (Path(folder) / file).read_bytes() for file in known.files}
    for file, content in contents.items():
        with replacing(path.with_name(file)) as temporary:
            temporary.write_bytes(content)
    certificate = {
        "version": CERTIFICATE_VERSION,
        "file": known.files[0],
        "format": name,
        "max_abs_difference": max(each["max_abs_difference"] for each in outputs.values()),
        "outputs": outputs,
        "label_flips": flips,
        "samples": samples,
        "split": "noise" if measured.task.makes_images else "test",
        "data": {"source": published_source(measured.dataset.name), "fingerprint": measured.dataset.fingerprint},
        "bytes": sum(map(len, contents.values())),
        "sha256": {file: hashlib.sha256(content).hexdigest() for file, content in contents.items()},
        "runtimes": [{"runtime": known.package, "version": version(known.package), "settings": known.settings}],
        "versions": versions(),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    write_json(path.with_name(f"certificate.{name}.json"), certificate)
    return certificate


def _check(measured: Measured, name: str) -> None:
    settings, model = measured.loaded.recipe.export, measured.model
    if settings.numeric_columns == "one_tensor" or settings.numeric_only:
        raise ZooError(
            f"--format {name} takes the columns one by one; leave out export.numeric_columns and export.numeric_only"
        )
    texts = [given.name for given in model.inputs if keras.backend.standardize_dtype(given.dtype) == "string"]
    if texts:
        raise ZooError(
            f"--format {name}: {len(texts)} inputs of model '{model.name}' are text ({', '.join(texts[:5])}), and "
            f"{name} has no tensors of text; export to ONNX, or train without these columns (data.ignore)"
        )


def _compared(
    path: Path, written: Path, measured: Measured, known: Format
) -> tuple[dict[str, dict[str, float]], int | None, int]:
    """Return the difference of each output, how many labels differ, None where there are none, and the examples."""
    found, wanted = known.answers(written, measured), known.expected(path, measured)
    outputs: dict[str, dict[str, float]] = {}
    flips, samples = 0, 0
    totals: dict[str, tuple[float, int]] = {}
    for feeds in _batches(path, measured):
        got, expected = found(feeds), wanted(feeds)
        samples += len(next(iter(feeds.values())))
        for name, values in expected.items():
            if name not in got or values.dtype.kind != "f":
                continue
            if not np.array_equal(np.isfinite(got[name]), np.isfinite(values)) or got[name].shape != values.shape:
                raise ZooError(f"output '{name}' differs in its shape, or in where it is not finite; it was not kept")
            distance = np.abs(got[name].astype(np.float64) - values)[np.isfinite(values)]
            scale = float(np.abs(values[np.isfinite(values)]).max(initial=0.0))
            tolerance = measured.loaded.recipe.export.tolerance * max(1.0, scale)
            before = outputs.get(name, {"max_abs_difference": 0.0, "tolerance": 0.0})
            total, count = totals.get(name, (0.0, 0))
            totals[name] = total + float(distance.sum()), count + distance.size
            outputs[name] = {
                "max_abs_difference": max(before["max_abs_difference"], float(distance.max(initial=0.0))),
                "mean_abs_difference": totals[name][0] / max(1, totals[name][1]),
                "tolerance": max(before["tolerance"], tolerance),
            }
            if measured.task.classifies and values.ndim == 2:
                flips += int((got[name].argmax(axis=1) != values.argmax(axis=1)).sum())
    if not outputs:
        raise ZooError("no output of the file has a counterpart in the Keras model")
    return outputs, flips if measured.task.classifies else None, samples


def _batches(path: Path, measured: Measured) -> Iterator[Feeds]:
    """Yield the test split, or noise, as inputs of the ONNX file."""
    signature = read_signature(scan(path.read_bytes(), path), path, verify=False)
    if measured.task.makes_images:
        names = [given.name for given in open_session(path).get_inputs()]
        yield draw_noise(names, signature, count=_DRAWN_IMAGES, seed=0, labels=None, guidance=None)
        return
    for positions in chunks(measured.dataset.test):
        raw = measured.dataset.test.take(positions)
        singly = isinstance(raw, list) and len({image.shape for image in raw}) > 1
        for part in np.array_split(positions, len(positions) if singly else 1):
            yield example_feeds(measured.dataset.test, part, signature)


# === LiteRT, by Keras's exporter ===


def _write_litert(path: Path, model: keras.Model, written: Path) -> None:
    model.export(str(written), format="litert", verbose=False)


def _keras_inputs(feeds: Feeds, measured: Measured) -> dict[str, np.ndarray]:
    """Return inputs of the ONNX file by the names that the Keras model has for them."""
    signature = measured.dataset.signature
    names = dict(zip(signature.input_names, signature.tensor_names, strict=True))
    own = [given.name for given in measured.model.inputs]
    return {names.get(name, own[i]): values for i, (name, values) in enumerate(feeds.items())}


def _litert_answers(written: Path, measured: Measured) -> Answers:
    from ai_edge_litert.interpreter import Interpreter

    runner = Interpreter(str(written)).get_signature_runner()
    return lambda feeds: dict(runner(**_keras_inputs(feeds, measured)))


def _keras_answers(path: Path, measured: Measured) -> Answers:
    model = measured.model

    def answers(feeds: Feeds) -> dict[str, np.ndarray]:
        given = _keras_inputs(feeds, measured)
        output = model.predict_on_batch(keras.tree.pack_sequence_as(model.input, [given[x.name] for x in model.inputs]))
        if isinstance(output, dict):
            return {name: np.asarray(values) for name, values in output.items()}
        return {f"output_{i}": np.asarray(values) for i, values in enumerate(keras.tree.flatten(output))}

    return answers


# === OpenVINO, from the ONNX file: its reader takes recurrent layers, which Keras's exporter for it does not ===


def _write_openvino(path: Path, model: keras.Model, written: Path) -> None:
    import openvino

    proto = onnx.load(path)
    for output in list(proto.graph.output):
        if output.type.tensor_type.elem_type == onnx.TensorProto.STRING:  # on which OpenVINO 2026.4 ends the process
            proto.graph.output.remove(output)
    drop_unread(proto.graph)
    numeric = written.with_suffix(".onnx")
    onnx.save(proto, numeric)
    openvino.save_model(openvino.Core().read_model(str(numeric)), str(written), compress_to_fp16=False)


_FULL_PRECISION = {"INFERENCE_PRECISION_HINT": "f32"}  # else bfloat16, where the CPU has it


def _openvino_answers(written: Path, measured: Measured) -> Answers:
    import openvino

    compiled = openvino.Core().compile_model(str(written), "CPU", _FULL_PRECISION)

    def answers(feeds: Feeds) -> dict[str, np.ndarray]:
        found = compiled(feeds)
        return {output.any_name: np.asarray(found[output]) for output in compiled.outputs}

    return answers


def _file_answers(path: Path, measured: Measured) -> Answers:
    """Return the Keras model's answers by the names of the ONNX file; a generator's are those of the file."""
    exporter, signature = KINDS[measured.task.kind], measured.dataset.signature
    if not measured.task.makes_images:
        return lambda feeds: exporter.answers(measured.model, feeds, signature)
    session = open_session(path)
    names = [output.name for output in session.get_outputs()]
    return lambda feeds: dict(zip(names, session.run(names, feeds), strict=True))


FORMATS = {
    "litert": Format(
        package="ai-edge-litert",
        files=("model.tflite",),
        write=_write_litert,
        answers=_litert_answers,
        expected=_keras_answers,
        settings={},
    ),
    "openvino": Format(
        package="openvino",
        files=("model.xml", "model.bin"),
        write=_write_openvino,
        answers=_openvino_answers,
        expected=_file_answers,
        settings=_FULL_PRECISION,
    ),
}


def format_line(certificate: dict[str, Any]) -> str:
    """Return how far a file is from the model, for a person to read."""
    labels = "" if certificate["label_flips"] is None else f", {certificate['label_flips']} labels differ"
    return (
        f"{certificate['format']}, {certificate['bytes'] / 1024:,.0f} KB: largest difference "
        f"{certificate['max_abs_difference']:.1e} on {certificate['samples']:,} examples{labels}"
    )
