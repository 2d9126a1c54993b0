"""Rebuild `exported/`: train small recipes, or take runs, and keep each ONNX file with its card and certificate.

python benchmarks/exported.py [RECIPE | RUN ...]    default: every recipe on built-in data that has published results
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from rich.console import Console

import zoo
from zoo.utils.files import read_json, replacing

ROOT = Path(__file__).resolve().parents[1]
EXPORTED = ROOT / "exported"
MAX_BYTES = 4 << 20  # of a file in the repository


def small_recipes() -> list[str]:
    """Return the recipes on built-in data, which needs no network, that have results in `benchmarks/results/`."""
    names = [name for name in zoo.list_recipes() if any((ROOT / "benchmarks" / "results" / name).glob("seed-*.json"))]
    return [name for name in names if zoo.load_recipe(name).recipe.data.source.startswith("builtin:")]


def rebuild(recipe: str, console: Console) -> None:
    """Train, export, and put the files in `exported/<recipe>/`."""
    with tempfile.TemporaryDirectory() as runs:
        keep(zoo.train(recipe, runs=runs, console=console).folder, console)


def keep(run: Path, console: Console) -> None:
    """Put the exported files of a run in `exported/<recipe>/`."""
    recipe = read_json(run / "environment.json")["recipe"]
    size = (run / "export" / "model.onnx").stat().st_size
    if size > MAX_BYTES:
        raise zoo.ZooError(f"{recipe}: the file has {size:,} bytes, more than {MAX_BYTES:,}; make the model smaller")
    for name in ("model.onnx", "certificate.json", "card.md", "sample.npz", "sample.json", "decoder.onnx"):
        if not (run / "export" / name).is_file():
            continue  # autoencoders alone have a decoder
        with replacing(EXPORTED / recipe / name) as path:
            shutil.copyfile(run / "export" / name, path)
    console.print(f"Kept in {EXPORTED / recipe}")


if __name__ == "__main__":
    shown = Console(stderr=True, soft_wrap=True, highlight=False)
    for chosen in sys.argv[1:] or small_recipes():
        if (Path(chosen) / "environment.json").is_file():
            keep(Path(chosen), shown)
        else:
            rebuild(chosen, shown)
