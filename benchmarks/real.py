"""The zoo's defaults on real data sets that no recipe was written for, beside what simple methods make of them.

    python benchmarks/real.py [--folder .real] [--seeds 1] [--only NAME …] [--kinds tables series …]

Makes an environment for the peers in the folder, and the sets there (`benchmarks/real_peers.py`); then each set gets
`zoo init` and `zoo train` on the recipe it made, nothing else. Results go to `benchmarks/results/real.json` after each
run. A set whose results stand there for this commit's defaults is run again only with `--again`.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from zoo.training.run import environment
from zoo.utils.files import write_json

ROOT = Path(__file__).resolve().parent
RESULTS = ROOT / "results" / "real.json"
REQUIREMENTS = ROOT / "real_requirements.txt"
HALVES = ("chosen by", "reported")
MAX_SECONDS = 900  # of one training, its report and export
TIE = 0.01  # of the peer's value: a smaller difference counts as none


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
                known[name] = {**facts, "runs": done, "environment": environment()}
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
    return {
        "seed": seed,
        "value": report["metrics"]["test"][metric],
        "interval": report["intervals"]["test"].get(metric),
        "validation": report["metrics"]["validation"][metric],
        "own baseline": {"name": baseline.get("name"), "value": baseline.get("test", {}).get(metric)},
        "seconds": round(seconds, 1),
        "model": yaml.safe_load(recipe.read_text())["model"],
    }


def _zoo(*arguments: str, folder: Path) -> None:
    command = [sys.executable, "-m", "zoo", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=MAX_SECONDS)
    if done.returncode:
        raise SystemExit(f"{folder.name}: zoo {' '.join(arguments)} ended with {done.returncode}:\n{done.stderr}")


def table(known: dict[str, Any]) -> str:
    """Return the results as Markdown: a table for each kind and half, and what they come to."""
    parts = []
    for kind in dict.fromkeys(facts["kind"] for facts in known.values()):
        for half in HALVES:
            rows = [facts for facts in known.values() if facts["kind"] == kind and facts["half"] == half]
            if rows:
                parts.append(_part(kind, half, rows))
    return "\n\n".join(parts)


def _part(kind: str, half: str, rows: list[dict[str, Any]]) -> str:
    peers = list(dict.fromkeys(peer for facts in rows for peer in facts["peers"]))
    head = ["data", "metric", "zoo", *peers, "zoo's seconds", f"{peers[0]}'s"]
    lines = [f"**{kind}, sets that defaults were {half}**" if half == HALVES[0] else f"**{kind}, the other sets**", ""]
    lines += [_row(head), _row(["---"] * len(head))]
    for facts in rows:
        values = [run["value"] for run in facts["runs"]]
        mean = statistics.mean(values)
        spread = f" ± {statistics.stdev(values):.3g}" if len(values) > 1 else ""
        others = [_number(facts["peers"].get(peer, {}).get("value")) for peer in peers]
        seconds = statistics.mean(run["seconds"] for run in facts["runs"])
        first = facts["peers"].get(peers[0], {}).get("seconds")
        lines.append(
            _row([facts["name"], facts["metric"], _number(mean) + spread, *others, f"{seconds:.0f}", _number(first)])
        )
    lines.append("")
    ranks = [_rank(facts) for facts in rows]
    lines.append(f"Mean rank of the zoo among {len(peers) + 1}: {statistics.mean(ranks):.2f}.")
    for peer in peers:
        outcomes = [_outcome(facts, peer) for facts in rows if peer in facts["peers"]]
        wins, ties, losses = (outcomes.count(which) for which in (1, 0, -1))
        lines.append(f"Against {peer}: {wins} wins, {ties} ties (within {TIE:.0%}), {losses} losses.")
    return "\n".join(lines)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _is_greater_better(facts: dict[str, Any]) -> bool:
    return bool(facts["metric"] == "accuracy")


def _rank(facts: dict[str, Any]) -> float:
    """Return the place of the zoo among its peers, 1 for the best; equal ones get the mean of their places."""
    ours = statistics.mean(run["value"] for run in facts["runs"])
    others = [peer["value"] for peer in facts["peers"].values()]
    sign = 1 if _is_greater_better(facts) else -1
    return 1 + sum(sign * other > sign * ours for other in others) + sum(other == ours for other in others) / 2


def _outcome(facts: dict[str, Any], peer: str) -> int:
    """Return 1 for a win, 0 for a tie, -1 for a loss."""
    ours, other = statistics.mean(run["value"] for run in facts["runs"]), facts["peers"][peer]["value"]
    if abs(ours - other) <= TIE * abs(other):
        return 0
    return 1 if (ours > other) == _is_greater_better(facts) else -1


if __name__ == "__main__":
    main()
