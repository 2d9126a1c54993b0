"""The zoo's defaults on real data sets that no recipe was written for, beside what simple methods make of them.

    python benchmarks/real.py [--folder .real] [--seeds 1] [--only NAME …] [--kinds tables series …]

Makes an environment for the peers in the folder, and the sets there (`benchmarks/real_peers.py`; those of texts take
packages that `benchmarks/real_texts.py` names); then each set gets
`zoo init` and `zoo train` on the recipe it made, nothing else. Results go to `benchmarks/results/real.json` after each
run. A set whose results stand there for this commit's defaults is run again only with `--again`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml
from real_table import table

from zoo.training.run import environment
from zoo.utils.files import write_json

ROOT = Path(__file__).resolve().parent
RESULTS = ROOT / "results" / "real.json"
REQUIREMENTS = ROOT / "real_requirements.txt"
MAX_SECONDS = 900  # of one training, its report and export


def main() -> None:
    """Run what is asked for, and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--folder", type=Path, default=Path(".real"), help="for the environment, the sets and the runs")
    parser.add_argument("--only", nargs="*", default=[], help="names of sets")
    parser.add_argument("--kinds", nargs="*", default=[], help="tables, series, forecasts, texts")
    parser.add_argument("--seeds", type=int, default=1, help="trainings of each set")
    parser.add_argument("--again", action="store_true", help="train sets that have results, too")
    parser.add_argument("--table", action="store_true", help="print the table of the results that are there")
    arguments = parser.parse_args()
    known = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
    if not arguments.table:
        make_sets(arguments.folder, arguments.only)
        for folder, facts in sets(arguments.folder, arguments.only, arguments.kinds):
            name = facts["name"]
            done = [] if arguments.again else known.get(name, {}).get("runs", [])
            for seed in range(len(done), arguments.seeds):
                done.append(train(folder, facts, seed))
                print(f"{name}, seed {seed}: {done[-1]}", flush=True)
                known[name] = {**facts, "runs": done, "environment": _place()}
                write_json(RESULTS, known)
    print(table(known))


def make_sets(folder: Path, only: Sequence[str]) -> None:
    """Make the environment of the peers, and the sets that are missing."""
    python = folder / "peers" / "bin" / "python"
    if not python.is_file():
        print(f"Installing the peers in {folder / 'peers'}", flush=True)
        subprocess.run([sys.executable, "-m", "venv", str(folder / "peers")], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", "-r", str(REQUIREMENTS)], check=True)
    command = [str(python), "-W", "ignore", str(ROOT / "real_peers.py"), str(folder / "sets"), *only]
    subprocess.run(command, check=True)


def sets(folder: Path, only: Sequence[str], kinds: Sequence[str]) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield the folder of each set, and its facts."""
    for path in sorted((folder / "sets").glob("*/facts.json")):
        facts = json.loads(path.read_text())
        if (not only or facts["name"] in only) and (not kinds or facts["kind"] in kinds):
            yield path.parent, facts


def train(folder: Path, facts: dict[str, Any], seed: int) -> dict[str, Any]:
    """Propose a recipe and train it, as a person would; return what the test split says."""
    recipe, runs = folder / "recipe.yaml", folder / "runs"
    target = ["--target", facts["target"]] if "target" in facts else []
    recipe.unlink(missing_ok=True)
    _zoo("init", facts["data"], *target, "--output", recipe.name, folder=folder)
    started = time.perf_counter()
    _zoo("train", recipe.name, f"training.seed={seed}", "--runs", runs.name, folder=folder)
    seconds = time.perf_counter() - started
    newest = max(runs.rglob("report.json"), key=lambda path: path.stat().st_mtime)
    report = json.loads(newest.read_text())
    baseline = report.get("baseline") or {}
    metric = facts["metric"]
    if facts["kind"] == "forecasts":  # of simple forecasts, the best on validation
        facts["peers"] = {"best simple forecast": {"value": baseline["test"][metric], "seconds": None}}
    return {
        "seed": seed,
        "value": report["metrics"]["test"][metric],
        "interval": report["intervals"]["test"].get(metric),
        "validation": report["metrics"]["validation"][metric],
        "own baseline": {"name": baseline.get("name"), "value": baseline.get("test", {}).get(metric)},
        "seconds": round(seconds, 1),
        "model": yaml.safe_load(recipe.read_text())["model"],
    }


def _place() -> dict[str, Any]:
    """Return what figures depend on."""
    return {key: value for key, value in environment().items() if key != "command"}


def _zoo(*arguments: str, folder: Path) -> None:
    command = [sys.executable, "-m", "zoo", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=MAX_SECONDS)
    if done.returncode:
        raise SystemExit(f"{folder.name}: zoo {' '.join(arguments)} ended with {done.returncode}:\n{done.stderr}")


if __name__ == "__main__":
    main()
