"""Rebuild `exported/`: train small recipes, or take runs, and keep each ONNX file, its int8 file and certificates.

python benchmarks/exported.py [--again] [RECIPE | RUN ...]    default: recipes on built-in data with published results

A run is never changed: what it lacks, such as the int8 file, is made from a copy. With `--again` all of it is exported
anew from `model.keras`, except where `exported/` has an export of that data that is newer than the run and the last
commit to `zoo/`; so it can be stopped and started again. At the end `exported/README.md` is written, and the size of
all files checked.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import tempfile
from datetime import datetime
from pathlib import Path

from exported_table import write_readme
from rich.console import Console

import zoo
from zoo.utils.files import read_json, replacing

ROOT = Path(__file__).resolve().parents[1]
EXPORTED = ROOT / "exported"
MAX_BYTES = 4 << 20  # of a file in the repository
MAX_REPEATED_BYTES = 100_000  # of a sample as JSON beside that of a smaller file
MAX_ALL_BYTES = 30_000_000  # of `exported/`
NAMES = (  # autoencoders alone have a decoder, and what writes texts has steps
    *("model.onnx", "certificate.json", "card.md", "sample.npz", "sample.json", "decoder.onnx"),
    *("certificate.decoder.json", "sample.decoder.npz", "sample.decoder.json", "step.onnx", "encoder.onnx"),
    *("model.int8.onnx", "certificate.int8.json", "sample.int8.npz", "sample.int8.json"),
)
_LEFT_OUT = shutil.ignore_patterns("checkpoints", "tensorboard", "samples", "*.log")  # of a copy of a run


def small_recipes() -> list[str]:
    """Return the recipes on built-in data, which needs no network, that have results in `benchmarks/results/`."""
    names = [name for name in zoo.list_recipes() if any((ROOT / "benchmarks" / "results" / name).glob("seed-*.json"))]
    return [name for name in names if zoo.load_recipe(name).recipe.data.source.startswith("builtin:")]


def rebuild(recipe: str, console: Console) -> None:
    """Train, export, and put the files in `exported/<recipe>/`."""
    with tempfile.TemporaryDirectory() as runs:
        run = zoo.train(recipe, ["export.quantize=int8"], runs=runs, console=console).folder
        keep(run / "export", recipe, console)


def take(run: Path, console: Console, *, again: bool) -> None:
    """Put the exported files of a run in `exported/<recipe>/`, exported anew where that is asked for or needed."""
    recipe = read_json(run / "environment.json")["recipe"]
    if again and is_newer(EXPORTED / recipe, run):
        console.print(f"{recipe}: exported since the last commit to zoo/ already")
    elif not again and (run / "export" / "certificate.int8.json").is_file():
        keep(run / "export", recipe, console)
    else:
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / run.name
            shutil.copytree(run, copy, ignore=_LEFT_OUT)
            zoo.export(copy, quantize="int8", console=console)
            keep(copy / "export", recipe, console)


def is_newer(folder: Path, run: Path) -> bool:
    """Return whether a folder of `exported/` is of a run's data, and later than it and the last commit to `zoo/`."""
    path = folder / "certificate.int8.json"
    if not path.is_file() or not (folder / "certificate.json").is_file():
        return False
    certificate = read_json(path)
    changed = subprocess.run(
        ["git", "log", "-1", "--format=%ct", "--", "zoo"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    made = datetime.fromisoformat(certificate["created"]).timestamp()
    same_data = certificate["data"]["fingerprint"] == read_json(run / "data.json")["fingerprint"]
    return same_data and made > max(int(changed), (run / "model.keras").stat().st_mtime)


def keep(source: Path, recipe: str, console: Console) -> None:
    """Put exported files in `exported/<recipe>/`, and remove what an earlier export left there.

    Raises:
        ZooError: the file is too large for a repository.
    """
    size = (source / "model.onnx").stat().st_size
    if size > MAX_BYTES:
        raise zoo.ZooError(f"{recipe}: the file has {size:,} bytes, more than {MAX_BYTES:,}; make the model smaller")
    for path in (EXPORTED / recipe).glob("*"):
        path.unlink()
    for name in NAMES:
        if (source / name).is_file() and not _repeats(source / name):
            with replacing(EXPORTED / recipe / name) as path:
                shutil.copyfile(source / name, path)
    console.print(f"Kept in {EXPORTED / recipe}")


def _repeats(path: Path) -> bool:
    """Return whether a sample is large, and stands in `sample.int8.npz` and almost the same in `sample.json`, too."""
    return path.name == "sample.int8.json" and path.stat().st_size > MAX_REPEATED_BYTES


def check_size() -> int:
    """Return the bytes of `exported/`.

    Raises:
        ZooError: there are too many.
    """
    size = sum(path.stat().st_size for path in EXPORTED.rglob("*") if path.is_file())
    if size > MAX_ALL_BYTES:
        raise zoo.ZooError(f"exported/ has {size:,} bytes, more than {MAX_ALL_BYTES:,}; leave out the largest files")
    return size


def main() -> None:
    """Fill `exported/`, write its README, check its size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("chosen", nargs="*", metavar="RECIPE | RUN")
    parser.add_argument("--again", action="store_true", help="export runs anew, with today's code")
    given, shown = parser.parse_args(), Console(stderr=True, soft_wrap=True, highlight=False)
    failed = []
    for chosen in given.chosen or small_recipes():
        try:
            if (Path(chosen) / "environment.json").is_file():
                take(Path(chosen), shown, again=given.again)
            else:
                rebuild(chosen, shown)
        except zoo.ZooError as error:  # the others are kept
            failed.append(f"{chosen}: {error}")
            shown.print(f"failed: {failed[-1]}", markup=False)
    write_readme(EXPORTED)
    shown.print(f"exported/ has {check_size():,} bytes")
    if failed:
        raise SystemExit("\n".join(["failed:", *failed]))


if __name__ == "__main__":
    main()
