"""Every task from every source that reads it: tiny files, a recipe for them, a short training, and the parity.

    python benchmarks/task_sources.py                      # write docs/sources.md: the recipes
    python benchmarks/task_sources.py --train [TASK:SOURCE …]   # train, export, compare, keep; prints figure and parity

Which task reads which source is what `zoo.tasks` says; a pair without an example is an error.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml
from scenes_from_files import FORMS as SCENE_RECIPES
from source_files import (
    Written,
    write_graphs,
    write_pairs_of_texts,
    write_rows,
    write_running_text,
    write_series,
    write_tags,
    write_texts,
)
from source_images import write_boxes, write_clips, write_images, write_masks

import zoo
from zoo.evaluation.metrics.names import TITLES
from zoo.tasks import FILE_SOURCES, MEMORY, TASKS
from zoo.utils.files import read_json, write_json

PAGE = Path(__file__).resolve().parent.parent / "docs" / "sources.md"
RESULTS = Path(__file__).resolve().parent / "results"
KEPT = RESULTS / "sources.json"  # figure and parity of each pair that was trained
SCENES = RESULTS / "scenes_from_files.json"  # written by scenes_from_files.py
MODELS: dict[str, dict[str, Any]] = {
    "image_classification": {"name": "cnn", "widths": [8, 16]},
    "image_multi_label_classification": {"name": "cnn", "widths": [8, 16]},
    "image_regression": {"name": "cnn", "widths": [8, 16]},
    "audio_classification": {"name": "cnn", "widths": [8, 16]},
    "tabular_classification": {"name": "mlp", "widths": [16]},
    "tabular_multi_label_classification": {"name": "mlp", "widths": [16]},
    "tabular_regression": {"name": "mlp", "widths": [16]},
    "tabular_anomaly_detection": {"name": "row_autoencoder", "widths": [16], "code": 2},
    "sequence_classification": {"name": "gru", "units": 16},
    "sequence_multi_label_classification": {"name": "gru", "units": 16},
    "sequence_regression": {"name": "gru", "units": 16},
    "node_classification": {"name": "gcn", "width": 16},
    "graph_classification": {"name": "graph_sage", "width": 16},
    "graph_regression": {"name": "graph_sage", "width": 16},
    "sequence_labeling": {"name": "bilstm", "embedding": 8, "units": 8},
    "language_modeling": {"name": "lstm", "embedding": 8, "units": 16},
    "masked_language_modeling": {"name": "masked_language_model", "width": 16, "depth": 1, "heads": 2},
    "sequence_to_sequence": {"name": "seq2seq_lstm", "embedding": 8, "units": 16},
    "transcription": {"name": "crnn", "widths": [8, 16], "units": 8, "layers": 1},
    "forecasting": {"name": "mlp", "widths": [16]},
    "series_anomaly_detection": {"name": "window_autoencoder", "widths": [16], "code": 2},
    "semantic_segmentation": {"name": "unet", "widths": [8, 16]},
    "object_detection": {"name": "center_net", "widths": [8, 16], "depth": 1, "head_width": 8},
    "reconstruction": {"name": "conv_autoencoder", "widths": [8, 16], "code": 4},
    "anomaly_detection": {"name": "conv_autoencoder", "widths": [8, 16], "code": 4},
    "image_generation": {"name": "dcgan", "latent": 8, "generator_widths": [16, 8], "discriminator_widths": [8, 16]},
    "representation_learning": {
        "name": "supcon",
        "encoder": "cnn",
        "encoder_config": {"widths": [8, 16]},
        "projection": [8],
    },
}
MORE: dict[str, dict[str, Any]] = {  # what else a recipe needs
    "image_generation": {"loss": {"name": "adversarial"}},
    "representation_learning": {
        "loss": {"name": "supcon"},
        "augment": [{"random_translation": {"height": 0.1, "width": 0.1}}],
    },
}


def pairs() -> list[tuple[str, str]]:
    """Return each task with each source of a person's own data that reads it."""
    own = (*FILE_SOURCES, MEMORY)
    return [(task.name, source) for task in TASKS.values() for source in task.sources if source in own]


def write(task: str, source: str, folder: Path) -> Written:
    """Write tiny data for a task in the form of a source.

    Raises:
        KeyError: there is no example for the task.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_it = _BY_TASK.get(task) or _BY_INPUT[TASKS[task].inputs[0]]
    return write_it(task, source, folder)


def recipe(task: str, written: Written) -> dict[str, Any]:
    """Return a recipe for data that was written."""
    data = {"source": written.source, **written.data} if written.source else dict(written.data)
    extends = [f"_base/{task}", "_base/adamw_cosine"]
    training = {"batch_size": 16, "epochs": 2}
    steps = {"preprocess": written.preprocess} if written.preprocess else {}
    return {
        "extends": extends,
        "data": data,
        **steps,
        "model": MODELS[task],
        **MORE.get(task, {}),
        "training": training,
    }


_BY_INPUT: dict[str, Callable[[str, str, Path], Written]] = {  # the first kind of input that a task takes
    "image": write_images,
    "audio": write_clips,
    "table": write_rows,
    "text": write_texts,
    "tokens": write_tags,
    "graph": write_graphs,
    "array": write_series,
}
_BY_TASK: dict[str, Callable[[str, str, Path], Written]] = {
    "sequence_to_sequence": write_pairs_of_texts,
    "language_modeling": write_running_text,
    "masked_language_modeling": write_running_text,
    "semantic_segmentation": write_masks,
    "object_detection": write_boxes,
}


# === The page, and the trainings ===


def shown(task: str, source: str, folder: Path) -> str:
    """Return the lines of the recipe, and the call in Python where the data is given there."""
    written = write(task, source, folder)
    lines = [f"{key}: {_flow(value)}" for key, value in recipe(task, written).items() if value]
    if written.shown:
        lines.append(f"# zoo.train(recipe, data={written.shown})")
    return "\n".join(lines)


def _flow(value: Any) -> str:
    return yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10**6).strip()


def page() -> str:
    """Return `docs/sources.md`."""
    found: dict[str, list[str]] = {}
    for task, source in pairs():
        found.setdefault(task, []).append(source)
    own = (*FILE_SOURCES, MEMORY)
    out = [
        "# Tasks and sources",
        "",
        "Which task reads which source, and a recipe for each; made by `python benchmarks/task_sources.py`.",
        "A test writes such files, trains, exports, compares. [Your own data](data.md) says how each source is read.",
        "",
        f"| task | {' | '.join(f'`{source}`' for source in own)} |",
        f"| --- |{' --- |' * len(own)}",
    ]
    out += [
        f"| {task.replace('_', ' ')} | {' | '.join('×' if s in sources else '' for s in own)} |"
        for task, sources in found.items()
    ]
    out += ["", *_figures(), "", *_scenes()]
    for task, sources in found.items():
        out += ["", f"## {task.replace('_', ' ').capitalize()}"]
        for source in sources:
            with tempfile.TemporaryDirectory() as folder:
                language = "text" if source == MEMORY else "yaml"
                out += ["", f"```{language}", f"# {source}", shown(task, source, Path(folder)), "```"]
    return "\n".join(out) + "\n"


def _figures() -> list[str]:
    """Return the table of the pairs that were trained."""
    kept = read_json(KEPT)
    rows = [
        f"| {task.replace('_', ' ')} | `{source}` | {TITLES[each['metric']]} {_shown(each['value'])} | "
        f"{each['difference']:.1e} | {each['allowed']:.1e} |"
        for task, source in pairs()
        if (each := kept.get(f"{task}:{source}")) is not None
    ]
    return [
        "## Figures",
        "",
        f"{len(rows)} of {len(pairs())} pairs were trained for two epochs, exported and compared, from tiny files: the "
        "figure shows that the chain is whole, not how good a model is. Parity is the largest difference of the ONNX "
        "file from the Keras model.",
        "",
        "| task | source | test | parity | allowed |",
        "| --- | --- | --- | --- | --- |",
        *rows,
    ]


def _shown(value: float | None) -> str:
    return "none" if value is None else f"{value:.3g}"


def _scenes() -> list[str]:
    """Return the table of the digit scenes that were written as files."""
    kept = read_json(SCENES)
    rows = []
    for form, each in kept["files"].items():
        recipe = SCENE_RECIPES[form]
        there, here = kept["builtin"][recipe]["figures"], each["figures"]
        primary = next(name for name in ("ap50", "mean_iou") if name in there)
        cells = [f"{there[name]:.4f} / {here[name]:.4f}" for name in (primary, "val_loss")]
        rows.append(
            f"| `{form}` | `{recipe}` | {each['epochs']} | {each['examples']:,} | {each['largest_difference']:.0e} | "
            f"{' | '.join(cells)} |"
        )
    return [
        "## Digit scenes from files",
        "",
        "The built-in scenes, written as files: the same splits, pixels and classes, and targets that differ by what "
        "the format rounds. Then a short training of one recipe and seed, from the built-in source / from the files. "
        "`python benchmarks/scenes_from_files.py` makes the table. YOLO's six decimals move a centre at half pixels by "
        "5e-7, and training carries the difference on. The masks' one epoch finds the background alone; the losses of "
        "both trainings are equal to the last digit.",
        "",
        "| files | recipe | epochs | scenes | targets differ by | AP at IoU 0.5, or mean IoU | validation loss |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        *rows,
    ]


def train(task: str, source: str, folder: Path) -> tuple[Any, float, float]:
    """Train and export; return the run, the largest difference of the file from the model, and what is allowed."""
    written = write(task, source, folder)
    path = folder / "mine.yaml"
    path.write_text(yaml.safe_dump(recipe(task, written)))
    overrides: dict[str, Any] = {"evaluation.baseline": None, "evaluation.baselines": []}
    run = zoo.train(path, overrides, data=written.given, runs=folder / "runs")
    certificate = json.loads((run / "export" / "certificate.json").read_text())
    return run, certificate["max_abs_difference"], certificate["tolerance"]


def keep(pair: str, metric: str, value: float | None, difference: float, allowed: float) -> None:
    """Keep the figure and the parity of a pair for the page."""
    kept = read_json(KEPT) if KEPT.exists() else {}
    kept[pair] = {"metric": metric, "value": value, "difference": difference, "allowed": allowed}
    write_json(KEPT, dict(sorted(kept.items())))


def chosen(names: list[str]) -> Iterator[tuple[str, str]]:
    """Yield the pairs that are named `TASK:SOURCE`, or all."""
    for task, source in pairs():
        if not names or f"{task}:{source}" in names:
            yield task, source


def main() -> None:
    """Write the page, or train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="TASK:SOURCE")
    parser.add_argument("--train", action="store_true")
    options = parser.parse_args()
    if not options.train:
        PAGE.write_text(page(), encoding="utf-8")
        return
    print("| task | source | metric | test | largest difference | allowed |\n| --- | --- | --- | --- | --- | --- |")
    for task, source in chosen(options.names):
        with tempfile.TemporaryDirectory() as folder:
            run, difference, allowed = train(task, source, Path(folder))
            primary = TASKS[task].primary
            value = run.metrics["test"][primary]
            keep(f"{task}:{source}", primary, value, difference, allowed)
            print(f"| {task} | {source} | {primary} | {_shown(value)} | {difference:.2g} | {allowed:.2g} |", flush=True)


if __name__ == "__main__":
    main()
