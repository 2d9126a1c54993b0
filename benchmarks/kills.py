"""Kill `zoo train` at random instants, resume it, and compare the end with that of a run that was never stopped.

python benchmarks/kills.py [--kills 40] [--seed 0] [--only NAME…] [--folder FOLDER]

Small runs of six families, with a checkpoint every other step, a report and an export, get SIGKILL at an instant drawn
evenly from the time that the whole run took, again and again until they end by themselves. Compared bit by bit: all
weights of the last, the best and the saved model, each epoch's metrics, the report, and the exported graph. It ends
with an error if anything differs or is missing, is left over, or a checkpoint cannot be read.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import multiprocessing
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from zoo.utils.files import write_json

STEPS = ["training.epochs=4", "training.steps_per_execution=1", "training.checkpoints.every_steps=2"]
RUNS = {
    "mlp": ("mlp/digits", ["model.widths=[32]", "model.dropout=0.2", "training.batch_size=64"]),
    "cnn with ema": (
        "cnn/digits",
        [
            *("model.widths=[8, 16]", "model.depth=1", "training.batch_size=64", "regularization.mixup=0.3"),
            "augment=[{random_translation: {height: 0.2, width: 0.2}}, {gaussian_noise: {std: 0.05}}]",
            "optimizer.ema=0.99",
        ],
    ),
    "lstm": ("lstm/digits", ["model.units=8", "model.dropout=0.2", "training.batch_size=64"]),
    "gan": (
        "gan/digits",
        [
            *("model.generator_widths=[16, 8]", "model.discriminator_widths=[8, 16]", "training.batch_size=64"),
            "evaluation.samples=200",
        ],
    ),
    "diffusion": (
        "diffusion/digits",
        [
            *("model.widths=[4]", "model.attention=[]", "model.heads=1", "model.groups=4", "training.batch_size=64"),
            *("sampling.steps=2", "evaluation.samples=200"),
        ],
    ),
    "graph": ("graph/digit_neighbors", ["model.width=8"]),
}
_TIMED = ("seconds", "created", "hardware", "versions", "command", "sha256", "bytes")  # what differs by clock and place
_OF_TIMED = ("model_sha256", "metrics_sha256")  # of files that hold times; what is in them is compared by itself


def train(name: str, root: Path) -> None:
    """Train a run below `root`, or resume it; what is said is in `said.txt`."""
    import zoo
    from zoo.utils.stopping import StopRequests

    source, overrides = RUNS[name]
    run = run_folder(root)
    with StopRequests().listening(), open(root / "said.txt", "a", encoding="utf-8") as said:
        console = Console(file=said, width=200)
        if run is None:
            zoo.train(source, [*overrides, *STEPS], runs=root / "runs", console=console)
        elif not (run / "export" / "certificate.json").is_file():
            zoo.train(None, resume=run, console=console)


def run_folder(root: Path) -> Path | None:
    """Return the run below `root`, if there is one that says what it is."""
    return next((path.parent for path in (root / "runs").rglob("environment.json")), None)


def run(context: ForkServerContext, name: str, folder: Path, limit: float | None) -> bool:
    """Train in a process of its own, killed after some seconds; return whether it ended by itself."""
    process = context.Process(target=train, args=(name, folder))
    process.start()
    process.join(limit)
    if process.is_alive():
        process.kill()
        process.join()
        return False
    if process.exitcode:
        raise SystemExit(f"{name}: the run in {folder} failed: {(folder / 'said.txt').read_text()[-500:]}")
    return True


def result(root: Path) -> dict[str, Any]:
    """Return what a run has ended with: names to arrays, rows and plain data."""
    import h5py
    import keras
    import onnx.numpy_helper

    import zoo

    folder = run_folder(root)
    assert folder is not None
    left = [path.name for path in folder.rglob(".*")]
    found: dict[str, Any] = {"left over": left}
    for name in ("model.keras", "checkpoints/last.keras"):
        model = zoo.load(folder).model if name == "model.keras" else keras.saving.load_model(folder / name)
        found |= {f"{name} {i}": np.asarray(w) for i, w in enumerate(model.get_weights())}
    with h5py.File(folder / "checkpoints" / "best.weights.h5") as file:
        file.visititems(lambda key, item: found.update({key: item[()]} if hasattr(item, "shape") else {}))
    with open(folder / "metrics.csv", encoding="utf-8", newline="") as rows:
        found["metrics.csv"] = [_untimed(row) for row in csv.DictReader(rows)]
    for name in ("report.json", "training.json", "export/certificate.json"):
        found[name] = _untimed(json.loads((folder / name).read_text(encoding="utf-8")))
    graph = onnx.load(folder / "export" / "model.onnx").graph  # in which tf2onnx names and orders by chance
    constants = [onnx.numpy_helper.to_array(constant) for constant in graph.initializer]
    found["model.onnx"] = [
        sorted(node.op_type for node in graph.node),
        sorted((str(values.dtype), values.shape, values.tobytes()) for values in constants if values.dtype != object),
    ]
    names = [str(path.relative_to(folder)) for path in folder.rglob("*") if "tensorboard" not in path.parts]
    found["files"] = sorted(name for name in names if "step-" not in name)  # a state's name has a checksum of times
    return found


def _untimed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _untimed(item) for key, item in value.items() if key not in (*_TIMED, *_OF_TIMED)}
    return [_untimed(item) for item in value] if isinstance(value, list) else value


def differences(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """Return the names of what differs."""
    missing = sorted(set(one) ^ set(other))
    return missing + [name for name in sorted(set(one) & set(other)) if not _same(one[name], other[name])]


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray):
        return np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
    return bool(one == other)


def main() -> None:
    """Kill and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", choices=list(RUNS), default=list(RUNS))
    parser.add_argument("--folder", type=Path, default=None, help="a temporary one where left out")
    given = parser.parse_args()
    root = given.folder or Path(tempfile.mkdtemp())
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tensorflow", "keras", "zoo.commands.train", "zoo.training.fit", "sklearn"])
    generator, console = np.random.default_rng(given.seed), Console()
    took, whole = dict[str, float](), dict[str, dict[str, Any]]()
    kills, ended, differing = Counter[str](), Counter[str](), list[str]()
    damaged = 0
    for name in given.only:
        folder = root / name / "whole"
        folder.mkdir(parents=True)
        started = time.perf_counter()
        run(context, name, folder, None)
        took[name], whole[name] = time.perf_counter() - started, result(folder)
        console.print(f"{name}: the whole run took {took[name]:.1f} s")
    while sum(kills.values()) < given.kills:
        for name in given.only:
            folder = root / name / f"cut{ended[name]}"
            folder.mkdir()
            started = time.perf_counter()
            while not run(context, name, folder, float(generator.uniform(0, took[name]))):
                kills[name] += 1
                started = -math.inf
            took[name] = min(took[name], time.perf_counter() - started)  # the first had to fill the cache
            damaged += (folder / "said.txt").read_text().count("is damaged")
            ended[name] += 1
            found = result(folder)
            wrong = differences(whole[name], found) + found["left over"]
            if wrong:
                differing.append(f"{folder}: {', '.join(wrong[:5])}")
            else:
                shutil.rmtree(folder)
            console.print(f"{name}: {kills[name]} kills, {ended[name]} runs ended{'; DIFFERS' if wrong else ''}")
    write_json(root / "kills.json", {"kills": kills, "ended": ended, "damaged": damaged, "differing": differing})
    console.print(
        f"{sum(kills.values())} kills, {sum(ended.values())} resumed runs, {len(differing)} differ from the whole run, "
        f"{damaged} checkpoints not readable"
    )
    for line in differing:
        console.print(line, markup=False)
    sys.exit(bool(differing or damaged))


if __name__ == "__main__":
    main()
