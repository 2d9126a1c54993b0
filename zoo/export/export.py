"""Exporting a run: convert, write under a temporary name, prove, and only then put the file in its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import onnx

from zoo.data.input_names import input_names
from zoo.errors import ZooError
from zoo.export.awkward_inputs import try_awkward_inputs
from zoo.export.card import card
from zoo.export.certificate_facts import certificate_facts
from zoo.export.convert import DATA_KEY, RECIPE_KEY, VERSIONS_KEY, add_metadata, seal
from zoo.export.decisions import with_decisions
from zoo.export.decoder import BESIDE, export_decoder
from zoo.export.distribution import add_distribution
from zoo.export.file_metrics import Measured
from zoo.export.graph_postprocessing import add_abnormal
from zoo.export.intervals import with_intervals
from zoo.export.kinds import KINDS
from zoo.export.latency import median_latency
from zoo.export.ood_score import with_ood_score
from zoo.export.other_formats import FORMATS as OTHER_FORMATS
from zoo.export.other_formats import export_format
from zoo.export.quantized_file import FORMS, quantize_file
from zoo.export.sample import take_sample
from zoo.export.steps import STEP_FILES, export_steps, has_steps
from zoo.recipe.load import published_source
from zoo.serving.feeds import as_columns
from zoo.serving.metadata import FORMAT, FORMAT_KEY, SIGNATURE_KEY, read_signature
from zoo.serving.onnx_file import scan
from zoo.serving.sample_files import SAMPLE, SAMPLE_JSON, write_sample
from zoo.tasks import TASKS
from zoo.training.run import Run, versions
from zoo.training.run_files import read_run_file
from zoo.utils.files import replacing, write_json, write_text

if TYPE_CHECKING:
    import keras
    import numpy as np

    from zoo.data.dataset import Dataset
    from zoo.export.generators import Generator
    from zoo.export.parity import Parity
    from zoo.export.predictors import Predictor
    from zoo.recipe import LoadedRecipe
    from zoo.serving.feeds import Feeds
    from zoo.serving.metadata import FileSignature


def export_run(
    run: Run,
    dataset: Dataset,
    model: keras.Model,
    quantize: str | None = None,
    changes: Mapping[str, Any] | None = None,
    other_format: str | None = None,
) -> dict[str, Any]:
    """Write `export/model.onnx` with its sample, certificate and card, and the steps of what writes texts.

    Args:
        run: the run to export.
        dataset: the run's data; its whole test split is compared.
        model: the run's saved model.
        quantize: form of a smaller file to write beside it, "int8", "int4", "float16" or "smallest"; that of the recipe
            where left out.
        changes: values of the recipe's `export` that differ for this file.
        other_format: "litert" or "openvino": write the run in this format beside it, too.

    Returns:
        The certificate, and under `quantized` and `other_format` those of the other files that were asked for.

    Raises:
        ZooError: the model has no ONNX form, or the file does not equal the model; no file is left behind.
    """
    loaded = run.recipe()
    settings = loaded.recipe.export.model_copy(update=dict(changes or {}))
    loaded = replace(loaded, recipe=loaded.recipe.model_copy(update={"export": settings}))
    task = TASKS[loaded.recipe.task]
    exporter = KINDS[task.kind]
    path = run.folder / "report.json"
    report = read_run_file(path) if path.exists() or path.is_symlink() else None
    dataset = with_decisions(with_intervals(dataset, loaded.recipe, report or {}), loaded.recipe, report or {})
    signature = replace(dataset.signature, numeric_only=settings.numeric_only)
    model = with_ood_score(model, dataset, task.name)
    threshold = None if report is None else report.get("threshold")
    proto = converted(loaded, dataset, model, threshold)
    path = run.folder / "export" / "model.onnx"
    beside = ("certificate.json", "card.md", *BESIDE, *STEP_FILES, SAMPLE, SAMPLE_JSON)
    others = (each for name in (*FORMS, *OTHER_FORMATS) for each in path.parent.glob(f"*.{name}.*"))
    files = (name for other in OTHER_FORMATS.values() for name in other.files)
    for older in (*(path.with_name(name) for name in (*beside, *files)), *others, path):
        older.unlink(missing_ok=True)  # must not pass for this one if this one fails
    with replacing(path) as temporary:
        onnx.save(proto, temporary)
        add_distribution(proto, temporary, dataset)
        onnx.save(proto, temporary)
        parity, tolerance = exporter.prove(temporary, proto, model, loaded.recipe, dataset)
        if parity.max_abs_difference > tolerance or (exporter.exact and parity.label_flips):
            raise ZooError(
                f"the exported file differs from the Keras model by {parity.max_abs_difference:.2e} "
                f"(allowed {tolerance:.0e}){_in_decisions(parity, exporter.decided)}; it was removed"
            )
        content = temporary.read_bytes()
    file = read_signature(scan(content, path), path, verify=False)
    if task.reconstructs and signature.kind == "image":
        export_decoder(path.parent, model, dataset, loaded)
    steps = {"steps": export_steps(path, model, dataset, task, settings)} if has_steps(task) else {}
    sample = take_sample(path, dataset)
    write_sample(path.parent, sample)
    certificate = certificate_facts(
        path.name,
        content,
        parity,
        tolerance,
        dataset,
        split=exporter.compared_on,
        opset=next(each.version for each in proto.opset_import if not each.domain),
        decisions=exporter.decided,
        awkward_inputs=_awkward_inputs(content, exporter, model, sample.inputs, dataset, file, settings.tolerance),
    )
    certificate |= {**steps, "ir_version": proto.ir_version, "latency": median_latency(content, sample.inputs)}
    if report is not None:
        text = card(
            report,
            certificate,
            signature,
            loaded.recipe.description,
            file.tensors,
            settings.license,
            file.shape if task.makes_images else (),
        )
        write_text(path.with_name("card.md"), text)
    form = quantize or settings.quantize
    measured = Measured(loaded=loaded, dataset=dataset, model=model)
    quantized = {} if form is None else {"quantized": quantize_file(path, measured, form)}
    other = {} if other_format is None else {"other_format": export_format(path, measured, other_format)}
    write_json(path.with_name("certificate.json"), certificate)  # last: it says that the export is whole
    return certificate | quantized | other


def converted(
    loaded: LoadedRecipe, dataset: Dataset, model: keras.Model, threshold: dict[str, Any] | None = None
) -> onnx.ModelProto:
    """Return a trained model as ONNX with its metadata, not yet proved.

    Args:
        loaded: the recipe.
        dataset: its data, for what goes in.
        model: from raw input to what the task puts out.
        threshold: anomaly detection: what the report says of the threshold.

    Raises:
        ZooError: the model has no ONNX form.
    """
    recipe, signature, packages = loaded.recipe, dataset.signature, versions()
    proto, facts = KINDS[TASKS[recipe.task].kind].convert(model, recipe, signature)
    if threshold is not None:
        facts["threshold"] = threshold["threshold"]
        add_abnormal(proto, threshold["threshold"])
    add_metadata(
        proto,
        {
            SIGNATURE_KEY: {**facts, "task": recipe.task, "recipe": loaded.name},
            RECIPE_KEY: loaded.published_yaml(),
            DATA_KEY: {"source": published_source(dataset.name), "fingerprint": dataset.fingerprint},
            VERSIONS_KEY: packages,
            FORMAT_KEY: str(FORMAT),
        },
    )
    proto.producer_name, proto.producer_version = "zoo", packages.get("keras-model-zoo", "")
    proto.doc_string = recipe.description
    seal(proto)
    return proto


def _awkward_inputs(
    content: bytes,
    exporter: Predictor | Generator,
    model: keras.Model,
    feeds: Feeds,
    dataset: Dataset,
    signature: FileSignature,
    tolerance: float,
) -> list[dict[str, Any]]:

    def answers(given: Feeds) -> dict[str, np.ndarray]:
        return exporter.answers(model, _usual(given, signature), dataset.signature)

    return try_awkward_inputs(content, answers, feeds, signature, tolerance)


def _usual(feeds: Feeds, signature: FileSignature) -> Feeds:
    """Return inputs of a file as one without other forms of columns takes them."""
    columns = as_columns(feeds, signature)
    if signature.kind != "table":
        return columns
    names = input_names([column.name for column in signature.columns])
    return {name: columns[column.name] for name, column in zip(names, signature.columns, strict=True)}


def _in_decisions(parity: Parity, decided: str | None) -> str:
    return "" if decided is None else f" and in {parity.label_flips} of {parity.samples} {decided}"


def exported_path(run: Run) -> Path:
    """Return where the run's ONNX file is."""
    return run.folder / "export" / "model.onnx"
