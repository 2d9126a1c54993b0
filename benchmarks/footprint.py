"""What the package costs beside training: time and memory to start, to build, to look after an epoch, and to read data.

python benchmarks/footprint.py [--parts start builders epoch step pipeline stream] [--gigabytes 10] [--folder FOLDER]

start       import of the package, the first `zoo.build`, and the command line's help; each in five new processes
builders    every model of the registry at its own size: seconds to build, parameters, memory, each family in a process
epoch       what callbacks, log and checkpoints add to an epoch of one batch, against `model.fit` without them
step        from the start of `zoo train` to the end of the first training step
pipeline    training batches alone: examples a second, without augmentation and with that of cnn/fashion_mnist
stream      `zoo train` on an array of so many GB in an npz file, and the most memory that it held; needs twice the disk
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from results import FOOTPRINT, footprint

from zoo.utils.files import read_json, write_json

ROUNDS = 5
ENVIRONMENT = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
STARTS = {
    "import zoo": "import zoo",
    "zoo --help": "import sys; sys.argv = ['zoo', '--help']\nfrom zoo.cli import app\napp(standalone_mode=False)",
    "import keras": "import keras",
    'zoo.build("mlp")': "import zoo; zoo.build('mlp')",
}
MEMORY = (
    "\nimport resource, sys; print('\\n', resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, file=sys.stderr)"
)


def in_process(code: str, **environment: str) -> tuple[float, int, str]:
    """Run Python code in a new process; return seconds, bytes of memory at most, and what it printed."""
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code + MEMORY], capture_output=True, text=True, env={**ENVIRONMENT, **environment}
    )
    seconds = time.perf_counter() - started
    if done.returncode:
        raise SystemExit(done.stderr)
    return seconds, int(done.stderr.split()[-1]), done.stdout


def start() -> dict[str, Any]:
    """Measure what it takes to begin."""
    found = {}
    for name, code in STARTS.items():
        for backend in ("tensorflow", "jax") if "keras" in name or "build" in name else ("",):
            runs = [in_process(code, **({"KERAS_BACKEND": backend} if backend else {})) for _ in range(ROUNDS)]
            found[f"{name} ({backend})" if backend else name] = {
                "seconds": statistics.median(r[0] for r in runs),
                "bytes": statistics.median(r[1] for r in runs),
            }
    return found


BUILD = """
import json, sys, time, resource, keras, zoo
from zoo import registry
zoo.build("mlp")
found = {}
for name in registry.list_models(family=sys.argv[1]):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    model = zoo.build(name)
    found[name] = {"seconds": time.perf_counter() - started, "parameters": model.count_params(),
        "bytes": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024}
    del model
    keras.backend.clear_session()
print(json.dumps(found))
"""


def builders() -> dict[str, Any]:
    """Build every model."""
    from zoo import registry

    found: dict[str, Any] = {}
    for family in dict.fromkeys(registry.entry(name).family for name in registry.list_models()):
        code = f"import sys; sys.argv = ['', {family!r}]" + BUILD
        found |= json.loads(in_process(code)[2].strip().splitlines()[-1])
    return found


def epoch() -> dict[str, Any]:
    """Measure an epoch of one batch with all that `zoo train` does, and with nothing but `fit`."""
    from rich.console import Console

    from zoo.data.batches import evaluation_batches, training_batches
    from zoo.data.sources.load import load_dataset
    from zoo.recipe import load_recipe
    from zoo.tasks import TASKS
    from zoo.training.callbacks.log import EpochStart
    from zoo.training.fit import compile_for_training, fit
    from zoo.training.problem import set_up

    epochs, found = 200, {}
    recipe = load_recipe("mlp/digits", ["training.batch_size=1024", f"training.epochs={epochs}"]).recipe
    dataset = load_dataset(recipe.data, TASKS[recipe.task], recipe.preprocess)
    times: dict[str, list[float]] = {"zoo train": [], "fit": []}
    for _ in range(ROUNDS):
        problem = set_up(recipe, dataset)
        with open(os.devnull, "w") as nowhere, tempfile.TemporaryDirectory() as folder:
            rows = fit(problem, Path(folder), Console(file=nowhere)).history
        times["zoo train"].append((rows[-1]["seconds"] - rows[0]["seconds"]) / (epochs - 1))
        problem = set_up(recipe, dataset)
        compile_for_training(problem, recipe.optimizer, 1, epochs)
        place = EpochStart(1)
        batches = training_batches(problem.train, recipe, start=place.step, steps=1)
        options: dict[str, Any] = {"validation_data": evaluation_batches(problem.validation), "verbose": 0}
        problem.views.trained.fit(batches, callbacks=[place], **options)
        started = time.perf_counter()
        problem.views.trained.fit(batches, epochs=epochs - 1, callbacks=[place], **options)
        times["fit"].append((time.perf_counter() - started) / (epochs - 1))
    for name, values in times.items():
        found[name] = {"seconds": statistics.median(values)}
    return found


STEP = """
import time, sys
started = time.perf_counter()
import keras
def first(self, batch, logs=None):
    print("took", time.perf_counter() - started, flush=True)
    import os; os._exit(0)
from zoo.training.callbacks.log import EpochStart
EpochStart.on_train_batch_end = first
from zoo.commands.train import train
train(sys.argv[1], runs=sys.argv[2])
"""


def step() -> dict[str, Any]:
    """Measure the time to the end of the first step, imports included, data prepared."""
    found = {}
    for recipe in ("mlp/digits", "cnn/digits", "lstm/digits", "transformer/dates", "diffusion/digits"):
        with tempfile.TemporaryDirectory() as folder:
            times = []
            for _ in range(ROUNDS + 1):  # the first prepares the data
                done = subprocess.run(
                    [sys.executable, "-c", STEP, recipe, folder], capture_output=True, text=True, env=ENVIRONMENT
                )
                if "took" not in done.stdout:
                    raise SystemExit(done.stderr)
                times.append(float(done.stdout.split("took")[1].split()[0]))
        found[recipe] = {"seconds": statistics.median(times[1:])}
    return found


def pipeline() -> dict[str, Any]:
    """Read training batches and do nothing with them."""
    from zoo.data.batches import training_batches
    from zoo.data.dataset import Dataset, Signature, whole
    from zoo.data.inputs import ArrayInputs
    from zoo.data.prepared import prepare
    from zoo.data.preprocessing import fit_preprocessor
    from zoo.recipe import load_recipe

    found, size, steps = {}, 128, 200
    generator = np.random.default_rng(0)
    split = whole(
        ArrayInputs(generator.integers(0, 256, (20_000, 28, 28, 1), dtype=np.uint8)), np.zeros(20_000, np.int32)
    )
    dataset = Dataset(
        name="made up",
        signature=Signature("image", "y", (28, 28, 1), labels=("a", "b")),
        train=split,
        validation=split,
        test=split,
        fingerprint="",
    )
    for name, memory in (("cnn/fashion_mnist", "resident"), ("cnn/fashion_mnist", "streamed")):
        for augmented in (False, True):
            changes = [f"training.batch_size={size}", f"data.memory={memory}"] + ([] if augmented else ["augment=[]"])
            recipe = load_recipe(name, changes).recipe
            targets = np.eye(10, dtype=np.float32)[split.targets]
            prepared = prepare(split, fit_preprocessor(recipe.preprocess, dataset), targets, memory)
            batches = training_batches(prepared, recipe, start=0, steps=steps)
            times = []
            for _ in range(ROUNDS + 1):
                started = time.perf_counter()
                for _ in batches:
                    pass
                times.append(time.perf_counter() - started)
            label = f"{memory}, {'augmented' if augmented else 'plain'}"
            found[label] = {"examples_per_second": size * steps / statistics.median(times[1:])}
    return found


def stream(gigabytes: float, folder: Path) -> dict[str, Any]:
    """Train on more than memory is to hold."""
    side = 128
    count = int(gigabytes * 1e9 / (side * side * 3))
    path = folder / "large.npz"
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 10, count).astype(np.int64)
    with zipfile.ZipFile(path, "w", allowZip64=True) as archive:
        with archive.open("x.npy", "w", force_zip64=True) as file:
            header = {"descr": "|u1", "fortran_order": False, "shape": (count, side, side, 3)}
            np.lib.format.write_array_header_2_0(file, header)
            for begin in range(0, count, 2048):
                part = labels[begin : begin + 2048]
                noise = generator.integers(0, 128, (len(part), side, side, 3), dtype=np.uint8)
                file.write((noise + (12 * part[:, None, None, None]).astype(np.uint8)).tobytes())
        with archive.open("y.npy", "w") as file:
            np.lib.format.write_array(file, labels)
    (folder / "large.yaml").write_text(
        f"extends: _base/image_classification\ndata: {{source: 'npz:{path}', validation: 0.01, test: 0.01}}\n"
        "model: {name: mlp, widths: [32]}\noptimizer: {name: adam, learning_rate: 1e-4}\n"
        "training: {batch_size: 256, epochs: 1}\nevaluation: {baseline: majority_class}\n"
    )
    started = time.perf_counter()
    environment = {**ENVIRONMENT, "ZOO_CACHE": str(folder / "cache")}
    command = [sys.executable, "-m", "zoo", "train", str(folder / "large.yaml"), "--runs", str(folder), "--no-export"]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    most = 0
    while process.poll() is None:
        try:
            lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
        except OSError:
            break
        held = [int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS")]
        most = max([most, *held])
        time.sleep(0.05)
    _, said = process.communicate()
    if process.returncode:
        raise SystemExit(said)
    report = read_json(next(folder.glob("large/*/report.json")))
    return {
        "gigabytes": path.stat().st_size / 1e9,
        "examples": count,
        "seconds": time.perf_counter() - started,
        "training_seconds": report["seconds"],
        "bytes": most,
        "bytes_by_getrusage": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024,
        "accuracy": report["metrics"]["test"]["accuracy"],
    }


def main() -> None:
    """Measure the parts, keep the figures, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts = {"start": start, "builders": builders, "epoch": epoch, "step": step, "pipeline": pipeline}
    parser.add_argument("--parts", nargs="+", default=[*parts, "stream"], choices=[*parts, "stream"])
    parser.add_argument("--gigabytes", type=float, default=10.0)
    parser.add_argument("--folder", type=Path, help="where the large file is written; a temporary one where left out")
    given = parser.parse_args()
    from zoo.training.run import hardware, versions

    kept = read_json(FOOTPRINT) if FOOTPRINT.is_file() else {}
    for name in given.parts:
        print(f"{name} …", flush=True)
        if name == "stream":
            folder = Path(tempfile.mkdtemp(dir=given.folder))
            try:
                kept[name] = stream(given.gigabytes, folder)
            finally:
                shutil.rmtree(folder, ignore_errors=True)
        else:
            kept[name] = parts[name]()
        print(json.dumps(kept[name], indent=1))
        write_json(FOOTPRINT, kept | {"versions": versions(), "hardware": hardware()})
    print(footprint())


if __name__ == "__main__":
    main()
