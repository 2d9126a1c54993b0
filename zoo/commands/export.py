"""`zoo export`: a run as an ONNX file, proved on the test split."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, get_args

from rich.console import Console

from zoo.backend.startup import choose_backend, environment_with, start_keras
from zoo.commands.export_published import export_weights
from zoo.commands.given_data import given_data
from zoo.commands.reopen import SILENT, reopen
from zoo.errors import ZooError, import_extra
from zoo.utils.files import write_text
from zoo.utils.notebook import default_console

if TYPE_CHECKING:
    from keras import Model

    from zoo.data.dataset import Dataset
    from zoo.data.memory.given import MemoryData
    from zoo.recipe import LoadedRecipe
    from zoo.training.run import Run

OTHER_FORMATS = {"litert": ("ai_edge_litert",), "openvino": ("openvino",)}  # and the modules that read them
_EXPORTING = "tensorflow"  # the backend whose models tf2onnx reads


def export(
    run_folder: str | os.PathLike[str],
    *,
    data: Any = None,
    validation: Any = None,
    test: Any = None,
    quantize: str | None = None,
    one_tensor: bool = False,
    numeric_only: bool = False,
    format: str = "onnx",
    weights: str | None = None,
    output: str | os.PathLike[str] | None = None,
    labels: str | os.PathLike[str] | Sequence[str] | None = None,
    task: str | None = None,
    console: Console | None = None,
) -> dict[str, Any]:
    """Export a run to ONNX, proved on the whole test split; or a published network, without training.

    Args:
        run_folder: the run; with `weights` the name of a builder.
        data: what `zoo.train` was given as `data`, which a run does not keep; a `zoo.Run` that it returned knows it.
        validation: likewise.
        test: likewise.
        quantize: "int8", "int4", "float16" or "smallest" of them: write a smaller file beside it too, measured on the
            test split; as the recipe says where it is left out.
        one_tensor: put all numeric columns of a table into one input, as `export.numeric_columns: one_tensor` does.
        numeric_only: let no texts go in or out, as `export.numeric_only` does.
        format: "litert" or "openvino": write the run in this format beside the ONNX file, too.
        weights: source of published weights, such as `package:NAME`, which the file then holds.
        output: with weights, the file to write.
        labels: with weights, names of the classes, or a file with a name a line; those that are known for the weights
            where it is left out.
        task: with weights, "image_classification", "representation_learning" (features) or "language_modeling"; theirs
            where it is left out.
        console: where progress is shown; the cell, in a notebook, and nowhere in other programs, where it is left out.

    Returns:
        The certificate, and `path`, the file; under `quantized` and `other_format` the certificates of the smaller file
        and of the one in another format, where asked for.

    Raises:
        ZooError: no such run, one that is still in use, other data than the run was trained on, or a file that differs
            from the model.
    """
    shown = console or default_console()
    if weights is not None:
        of_runs = {"quantize": quantize, "one_tensor": one_tensor or None, "numeric_only": numeric_only or None}
        of_runs["format"] = None if format == "onnx" else format
        _refuse("weights", data=data, validation=validation, test=test, **of_runs)
        return export_weights(str(run_folder), weights, output, labels=labels, task=task, console=shown)
    _refuse("a run", output=output, labels=labels, task=task)
    from zoo.recipe.schema import Quantization
    from zoo.training.run import open_run
    from zoo.training.stages import held

    forms = get_args(Quantization)
    if quantize not in (None, *forms):
        raise ZooError(f"quantize: expected {', '.join(forms[:-1])} or {forms[-1]}, received {quantize!r}")
    if format not in ("onnx", *OTHER_FORMATS):
        raise ZooError(f"format: expected onnx, {' or '.join(OTHER_FORMATS)}, received {format!r}")
    for module in OTHER_FORMATS.get(format, ()):
        import_extra(module, f"--format {format}")  # before the work
        if one_tensor or numeric_only:
            raise ZooError(f"--format {format} takes the columns one by one; leave out --one-tensor and --numeric-only")
    memory = given_data(data, None, validation, test)
    with held(open_run(run_folder)):
        changes: dict[str, Any] = {"numeric_columns": "one_tensor"} if one_tensor else {}
        changes |= {"numeric_only": True} if numeric_only else {}
        other = None if format == "onnx" else format
        return export_held(run_folder, shown, memory, quantize, changes, other)


def _refuse(what: str, **others: Any) -> None:
    given = [name for name, value in others.items() if value is not None]
    if given:
        raise ZooError(f"{given[0]} has no effect on the export of {what}; leave it out")


def export_held(
    run_folder: str | os.PathLike[str],
    console: Console = SILENT,
    memory: MemoryData | None = None,
    quantize: str | None = None,
    changes: Mapping[str, Any] | None = None,
    other_format: str | None = None,
) -> dict[str, Any]:
    """Export a run whose lock this process, or the one that started it, holds: see `export`."""
    choose_backend(_EXPORTING)
    start_keras()
    from zoo.export.export import export_run, exported_path
    from zoo.training.saved_model import load_model

    run, _, dataset = reopen(run_folder, memory)
    console.print(f"Exporting {run.folder}")
    certificate = export_run(run, dataset, load_model(run), quantize, changes, other_format)
    print_export(console, certificate)
    return {"path": str(exported_path(run)), **certificate}


def exported(run: Run, dataset: Dataset, model: Model) -> dict[str, Any]:
    """Export a run, on JAX in another process, whose backend the converter reads; return the certificate."""
    import keras

    from zoo.export.export import export_run

    if keras.backend.backend() == _EXPORTING:
        return export_run(run, dataset, model)
    certificate: dict[str, Any] = json.loads(_in_other_process(str(run.folder)))
    return certificate


def check_exports_here() -> None:
    """Check that this process can export: another one has no data that was given in Python.

    Raises:
        ZooError: Keras runs on another backend than the one that the converter reads.
    """
    import keras

    if keras.backend.backend() != _EXPORTING:
        raise ZooError(
            f"on {keras.backend.backend()} another process exports, which has no data that was given in Python; train "
            f"with export=False, or on {_EXPORTING} (KERAS_BACKEND)"
        )


def try_in_other_process(loaded: LoadedRecipe) -> None:
    """On another backend than the one that the converter reads, try the export of the recipe's model in a process.

    Raises:
        ZooError: it cannot be exported.
    """
    import keras

    if keras.backend.backend() != _EXPORTING:
        with TemporaryDirectory() as folder:
            path = Path(folder) / "recipe.yaml"
            write_text(path, loaded.run_yaml())
            _in_other_process(str(path), "--trial")


def try_in_this_process(loaded: LoadedRecipe, dataset: Dataset, model: Model) -> None:
    """On the backend that the converter reads, try the export of a model that is not trained yet.

    Raises:
        ZooError: it cannot be exported.
    """
    import keras

    if keras.backend.backend() == _EXPORTING:
        from zoo.export.trial import try_export

        try_export(loaded, dataset, model)


def _in_other_process(*arguments: str) -> str:
    """Run `zoo.commands.export_process` on the backend that the converter reads; return what it prints.

    Raises:
        ZooError: it failed.
    """
    done = subprocess.run(
        [sys.executable, "-m", "zoo.commands.export_process", *arguments],
        env=environment_with(KERAS_BACKEND=_EXPORTING),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ZooError(done.stderr.strip().rpartition("error: ")[2] or "the process that exports failed")
    return done.stdout


def print_export(console: Console, certificate: dict[str, Any]) -> None:
    """Say how far the file is from the model."""
    if certificate["split"] == "noise":
        console.print(
            f"Exported {certificate['bytes'] / 1024:,.0f} KB: difference from Keras "
            f"{certificate['max_abs_difference']:.1e} (allowed {certificate['tolerance']:.1e}) on the noise of "
            f"{certificate['samples']} images"
        )
        return
    console.print(
        f"Exported {certificate['bytes'] / 1024:,.0f} KB: largest difference from Keras "
        f"{certificate['max_abs_difference']:.1e} on {certificate['samples']:,} test examples"
        f"{differing_decisions(certificate)}"
    )
    if "quantized" in certificate:
        from zoo.export.quantized_file import quantized_line

        console.print(f"Exported {quantized_line(certificate['quantized'])}", markup=False)
    if "other_format" in certificate:
        from zoo.export.other_formats import format_line

        console.print(f"Exported {format_line(certificate['other_format'])}", markup=False)


def differing_decisions(certificate: dict[str, Any]) -> str:
    """Return how many labels, decoded texts or the like differ, empty where none were compared."""
    decided = certificate.get("decisions")
    return "" if decided is None else f", {certificate['label_flips']:,} {decided} differ"
