"""Images a second from a folder of JPEGs, beside torchvision's ImageFolder, and the memory that reading them takes.

python benchmarks/image_folder.py [--images 4000] [--rounds 3] [--torch PYTHON] [--folder FOLDER]

The images have 500 by 375 pixels; each is resized to 224 by 224, flipped and cropped at random, and nothing is trained.
Both sides run in processes of their own, in turn: torchvision's with a DataLoader of two workers, in the Python that
`--torch` names (this one where it is left out); without torchvision only the zoo is measured. An epoch's first batch is
waited for before the clock starts. Memory is the largest resident set of the zoo's process.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

WIDTH, HEIGHT, SIDE, BATCH, CLASSES = 500, 375, 224, 64, 10

_ZOO = """
import json, resource, sys, time
from zoo.backend.startup import start_keras
start_keras(1)
from zoo.data.batches import training_batches
from zoo.data.prepared import prepare
from zoo.data.preprocessing import fit_preprocessor
from zoo.data.sources.load import load_dataset
from zoo.recipe import load_recipe
from zoo.tasks import TASKS
from zoo.training.targets import TargetScale, one_hot
started = time.perf_counter()
recipe = load_recipe(sys.argv[1]).recipe
data = load_dataset(recipe.data, TASKS[recipe.task], recipe.preprocess)
scanned = time.perf_counter() - started
preprocessor = fit_preprocessor(recipe.preprocess, data)
train = prepare(data.train, preprocessor, one_hot(data.train, data.signature, TargetScale()), recipe.data.memory)
steps = len(data.train) // recipe.training.batch_size
for epoch in range(2):  # the first also starts what is started once
    batches = iter(training_batches(train, recipe, start=epoch * steps, steps=steps))
    next(batches)
    started, count = time.perf_counter(), 0
    for x, y in batches:
        count += len(x)
    seconds = time.perf_counter() - started
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps({"rate": count / seconds, "scan": scanned, "peak": peak, "resident": train.array is not None}))
"""

_TORCH = """
import json, sys, time
from torch.utils.data import DataLoader
from torchvision import datasets, transforms
steps = [transforms.Resize((224, 224)), transforms.RandomHorizontalFlip(),
         transforms.RandomResizedCrop(224, (0.6, 1.0)), transforms.ToTensor()]
loader = DataLoader(datasets.ImageFolder(sys.argv[1], transforms.Compose(steps)), batch_size=64, shuffle=True,
                    num_workers=2, drop_last=True, persistent_workers=True)
for epoch in range(2):
    batches = iter(loader)
    next(batches)
    started, count = time.perf_counter(), 0
    for x, y in batches:
        count += len(x)
    seconds = time.perf_counter() - started
print(json.dumps({"rate": count / seconds}))
"""

_RECIPE = """
extends: [_base/image_classification, _base/adamw_cosine]
data: {{source: "folder:{folder}", validation: 0.05, test: 0.05, memory: streamed}}
preprocess: [{{resize: {{height: 224, width: 224}}}}, {{standardize: {{mean: [120, 120, 120], std: [60, 60, 60]}}}}]
augment: [{{random_flip: {{}}}}, {{random_resized_crop: {{area: [0.6, 1.0]}}}}]
model: {{name: resnet18}}
training: {{batch_size: 64, epochs: 2}}
"""


def write_images(folder: Path, count: int) -> int:
    """Write JPEGs by class, which hold what a photograph's do: much that is smooth, and grain. Return their bytes."""
    generator = np.random.default_rng(0)
    for number in range(count):
        path = folder / f"class{number % CLASSES}" / f"{number:06}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            rough = Image.fromarray(generator.integers(0, 256, (12, 16, 3), np.uint8))
            smooth = np.asarray(rough.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC), np.int16)
            grain = generator.normal(0, 12, (HEIGHT, WIDTH, 1))
            Image.fromarray(np.clip(smooth + grain, 0, 255).astype(np.uint8)).save(path, quality=90)
    return sum(path.stat().st_size for path in folder.rglob("*.jpg"))


def run(python: str, code: str, argument: str) -> dict[str, float] | None:
    """Run code in a process of its own, and return what it printed; None where a package is missing."""
    done = subprocess.run([python, "-c", code, argument], capture_output=True, text=True, check=False)
    if done.returncode:
        missing = "No module named" in done.stderr
        print(done.stderr.strip().splitlines()[-1] if missing else done.stderr)
        if not missing:
            raise SystemExit(1)
        return None
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Write the images, and measure both sides in turn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--torch", default=sys.executable)
    parser.add_argument("--folder", type=Path, help="where the images are written, and kept")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary) / "images"
        size = write_images(folder, given.images)
        print(f"{given.images:,} JPEGs of {WIDTH}×{HEIGHT}, {size / 1e9:.2f} GB")
        recipe = Path(temporary) / "recipe.yaml"
        recipe.write_text(_RECIPE.format(folder=folder.resolve()))
        rates: dict[str, list[float]] = {"zoo": [], "torchvision": []}
        for _ in range(given.rounds):
            zoo = run(sys.executable, _ZOO, str(recipe))
            torch = run(given.torch, _TORCH, str(folder))
            assert zoo is not None, "the zoo runs in this Python"
            rates["zoo"].append(zoo["rate"])
            rates["torchvision"] += [torch["rate"]] if torch is not None else []
            print(
                f"zoo {zoo['rate']:.0f} images/s, all files checked in {zoo['scan']:.1f} s, at most "
                f"{zoo['peak'] / 1e9:.2f} GB resident; torchvision "
                + (f"{torch['rate']:.0f} images/s" if torch is not None else "is not there")
            )
        print(", ".join(f"{name} {statistics.median(r):.0f} images/s (median)" for name, r in rates.items() if r))


if __name__ == "__main__":
    main()
