"""How often `zoo drift` gives alarm: on the test split, which it must not, and on streams that have drifted.

python benchmarks/drift.py [--streams 100] [--rows 1000] [--output benchmarks/results/drift.json]

Of each data set a recipe is trained and exported. A stream is 1,000 test examples drawn with replacement: as they are;
shifted by half a standard deviation in one feature, another one each time; with noise; or with one class four times as
frequent. Of texts a shift cuts the last fifth off, and noise changes one character in ten. Printed is in how many of
100 streams there is an alarm. About four minutes on two cores; "fortunes" needs `python examples/fortunes.py` first.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from zoo.backend.startup import start_keras
from zoo.commands.train import train
from zoo.data.sources.load import load_dataset
from zoo.serving.drift.monitor import DriftMonitor
from zoo.serving.exported_model import ExportedModel
from zoo.tasks import TASKS
from zoo.training.run import hardware, open_run, versions
from zoo.utils.files import write_json

DATA: dict[str, tuple[str, list[str]]] = {
    "wine": ("mlp/wine", []),
    "breast cancer": ("mlp/breast_cancer", []),
    "digits": ("mlp/digits", []),
    "fortunes": (
        "ngrams/fortunes",
        ["data.source=folder:fortunes", "data.accept=[near_duplicates]", "training.epochs=4"],
    ),
}
SHIFT = 0.5  # standard deviations of a feature
NOISE = 1.0  # standard deviations of each feature of a table
PIXEL_NOISE = 0.1  # of white
CUT = 0.2  # of a text, from its end
TYPING_ERRORS = 0.1  # of the characters of a text
WEIGHT = 4.0  # of one class in a stream with another balance

Change = Callable[[Any, Any, int, np.random.Generator], Any]


def shifted(raw: Any, train: Any, stream: int, generator: np.random.Generator) -> Any:
    """Return examples with one feature shifted: a column, or the brightness."""
    if isinstance(raw, dict):
        name = sorted(raw)[stream % len(raw)]
        return {**raw, name: raw[name] + (SHIFT * np.nanstd(train[name])).astype(raw[name].dtype)}
    if raw.dtype == object:
        return np.array([text[: max(1, round((1 - CUT) * len(text)))] for text in raw], object)
    step = SHIFT * 255 * (train.reshape(len(train), -1).mean(axis=1) / 255).std()
    return np.clip(raw + step, 0, 255).round().astype(np.uint8)


def noisy(raw: Any, train: Any, stream: int, generator: np.random.Generator) -> Any:
    """Return examples with noise in each number or pixel."""
    if isinstance(raw, dict):
        scales = {name: NOISE * np.nanstd(values) for name, values in train.items()}
        return {n: (v + generator.normal(0, scales[n], len(v))).astype(v.dtype) for n, v in raw.items()}
    if raw.dtype == object:
        return np.array([_mistyped(text, generator) for text in raw], object)
    return np.clip(raw + generator.normal(0, 255 * PIXEL_NOISE, raw.shape), 0, 255).round().astype(np.uint8)


def _mistyped(text: str, generator: np.random.Generator) -> str:
    wrong = generator.random(len(text)) < TYPING_ERRORS
    letters = generator.integers(ord("a"), ord("z") + 1, len(text))
    return "".join(chr(letter) if is_wrong else c for c, letter, is_wrong in zip(text, letters, wrong, strict=True))


CHANGES: dict[str, Change] = {
    "test": lambda raw, train, stream, generator: raw,
    "shifted": shifted,
    "noisy": noisy,
    "re-balanced": lambda raw, train, stream, generator: raw,
}


def alarms(name: str, runs: Path, streams: int, rows: int) -> dict[str, Any]:
    """Train, export, and return the rate of streams with an alarm by what was done to them."""
    recipe, overrides = DATA[name]
    run = open_run(train(recipe, overrides, runs=runs, console=Console(quiet=True)))
    loaded = run.recipe().recipe
    data = load_dataset(loaded.data, TASKS[loaded.task])
    model = ExportedModel(run.folder / "export" / "model.onnx")
    before = data.train.take(np.arange(min(len(data.train), 2000)))
    classes = np.unique(data.test.targets)
    found: dict[str, Any] = {
        "recipe": recipe,
        "train": len(data.train),
        "test": len(data.test),
        "rates": {},
    }
    for what, change in CHANGES.items():
        count = 0
        for stream in range(streams):
            generator = np.random.default_rng(stream)
            weights = np.ones(len(data.test))
            if what == "re-balanced":
                weights[data.test.targets == classes[stream % len(classes)]] = WEIGHT
            drawn = generator.choice(len(data.test), rows, p=weights / weights.sum())
            raw = change(data.test.take(drawn), before, stream, generator)
            monitor = DriftMonitor(model, window=rows)
            monitor.add(raw, model.predict(raw))
            count += monitor.report()["drift"]
        found["rates"][what] = count / streams
    return found


def main() -> None:
    """Print a line for each data set, and write all of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", type=int, default=100)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--data", nargs="+", choices=DATA, default=list(DATA))
    parser.add_argument("--output", type=Path)
    given = parser.parse_args()
    start_keras()
    result: dict[str, Any] = {"streams": given.streams, "rows": given.rows, "data": {}}
    with tempfile.TemporaryDirectory() as folder:
        for name in given.data:
            found = alarms(name, Path(folder), given.streams, given.rows)
            result["data"][name] = found
            rates = ", ".join(f"{what} {rate:.0%}" for what, rate in found["rates"].items())
            print(f"{name} ({found['train']} training, {found['test']} test examples): {rates}", flush=True)
            if given.output:
                write_json(given.output, {**result, "versions": versions(), "hardware": hardware()})


if __name__ == "__main__":
    main()
