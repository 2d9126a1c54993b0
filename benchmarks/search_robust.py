"""Robustness of searches: kills at random instants, workers that die, memory over a hundred trials.

python benchmarks/search_robust.py [--parts kills workers memory] [--kills 50] [--trials 100] [--seed 0] [--folder F]

kills: small random searches get SIGKILL at an instant drawn evenly from the time that the whole search took, and are
started again with the same command until they end; every third time one of the files that say what is known of a trial
is cut in half before. Compared with the search that was never killed: each trial's values, figure, and curve, bit by
bit, and the best recipe.

workers: a chief and two workers, three processes on loopback, against one process; one of the workers gets SIGKILL on
the way. Compared: the trials.

memory: what the process that searches holds after five trials and after all.

It ends with an error if anything differs.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from results import ROBUST
from rich.console import Console

from zoo.training.run import hardware, versions
from zoo.utils.files import read_json, write_json

RECIPE = """extends: mlp/digits
model: {widths: [32]}
training: {epochs: 4, checkpoints: {every_steps: 5}}
search:
  tuner: random
  max_trials: 6
  space:
    optimizer.learning_rate.peak: {log: [1e-4, 1e-1]}
    model.widths: [[16], [32], [16, 16]]
    model.dropout: {linear: [0.0, 0.5]}
    training.batch_size: [32, 64]
"""
LONGER = ["training.epochs=30", "search.max_trials=8"]


def command(folder: Path, *arguments: str) -> list[str]:
    """Return the command that searches in a folder."""
    return [
        sys.executable,
        "-m",
        "zoo",
        "tune",
        str(folder.parent / "recipe.yaml"),
        "--folder",
        str(folder),
        *arguments,
    ]


def start(folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """Start a search; what it says goes to a file beside its folder."""
    with open(folder.with_suffix(".txt"), "ab") as said:
        return subprocess.Popen(command(folder, *arguments), stdout=said, stderr=said)


def finish(process: subprocess.Popen[bytes], folder: Path) -> None:
    """Wait for a search that must succeed."""
    if process.wait():
        raise SystemExit(f"the search in {folder} failed: see {folder.with_suffix('.txt')}")


def trials(folder: Path) -> dict[int, tuple[Any, ...]]:
    """Return what is compared of each trial."""
    found = {}
    for path in sorted(folder.glob("trials/*/trial.json")):
        record = read_json(path)
        values = json.dumps(record["values"], sort_keys=True)
        found[record["number"]] = (values, record["status"], record["figure"], tuple(record["curve"]))
    return found


def best(folder: Path) -> list[str]:
    """Return the best recipe, without the comments that name its own place."""
    return [line for line in (folder / "best.yaml").read_text().splitlines() if not line.startswith("#   zoo")]


def kills(root: Path, count: int, seed: int, console: Console) -> dict[str, Any]:
    """Kill searches and compare them with one that was left alone."""
    generator = np.random.default_rng(seed)
    whole = root / "whole"
    started = time.perf_counter()
    finish(start(whole), whole)
    took = time.perf_counter() - started
    wanted, kills, ended, damaged, differing = trials(whole), 0, 0, 0, list[str]()
    console.print(f"the whole search: {len(wanted)} trials, {took:.1f} s")
    while kills < count:
        folder = root / f"cut{ended}"
        while True:
            process = start(folder)
            try:
                process.wait(float(generator.uniform(0, took)))
                break
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                kills += 1
            files = [
                *folder.glob("trials/*/trial.json"),
                *folder.glob("trials/*/seed-*/outcome.json"),
                *folder.glob("*.json"),
            ]
            if kills % 3 == 0 and files:
                victim = files[int(generator.integers(len(files)))]
                os.truncate(victim, victim.stat().st_size // 2)
                damaged += 1
        finish(process, folder)
        ended += 1
        if trials(folder) != wanted or best(folder) != best(whole):
            differing.append(str(folder))
        console.print(
            f"{kills} kills, {ended} searches ended{', this one DIFFERS' if str(folder) in differing else ''}"
        )
    return {"kills": kills, "searches": ended, "damaged": damaged, "differing": differing, "trials": len(wanted)}


def workers(root: Path, console: Console) -> dict[str, Any]:
    """Search with one process, and with a chief and two workers of which one is killed."""
    alone, shared, undisturbed = root / "alone", root / "shared", root / "undisturbed"
    started = time.perf_counter()
    finish(start(alone, *LONGER), alone)
    one = time.perf_counter() - started
    console.print(f"one process: {one:.1f} s")
    seconds = {}
    for folder, kill in ((undisturbed, False), (shared, True)):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            where = f"127.0.0.1:{free.getsockname()[1]}"
        started = time.perf_counter()
        chief = start(folder, *LONGER, "--chief", where)
        helpers = [start(folder, *LONGER, "--chief", where, "--worker", name) for name in ("a", "b")]
        if kill:
            while len(list(folder.glob("trials/*/seed-0/metrics.csv"))) < 3:
                time.sleep(0.1)
            helpers[1].send_signal(signal.SIGKILL)
            helpers[1].wait()
        finish(chief, folder)
        seconds["killed" if kill else "two workers"] = time.perf_counter() - started
        for helper in helpers[: 1 if kill else 2]:
            finish(helper, folder)
        console.print(f"chief and two workers{', one killed' if kill else ''}: {time.perf_counter() - started:.1f} s")
    same = trials(alone) == trials(shared) == trials(undisturbed)
    given = shared.with_suffix(".txt").read_text().count("is given to another")
    return {"one process": one, **seconds, "same": same, "given_back": given, "trials": len(trials(alone))}


def memory(root: Path, count: int, console: Console) -> dict[str, Any]:
    """Watch what the process that searches holds."""
    folder = root / "memory"
    tiny = ["training.epochs=2", f"search.max_trials={count}"]
    process = start(folder, *tiny)
    held: dict[int, list[int]] = {}
    while process.poll() is None:
        ended = len(list(folder.glob("trials/*/seed-0/outcome.json")))
        try:
            pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
        except (OSError, IndexError):
            break
        held.setdefault(ended, []).append(pages * os.sysconf("SC_PAGE_SIZE"))
        time.sleep(0.2)
    finish(process, folder)
    found = {n: statistics.median(held[n]) for n in (5, max(n for n in held if n < count))}
    (few, some), (many, all_) = found.items()
    console.print(f"after {few} trials {some / 1e6:.0f} MB, after {many} {all_ / 1e6:.0f} MB")
    return {"trials": [few, many], "bytes": [some, all_]}


def main() -> None:
    """Run the parts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", default=["kills", "workers", "memory"])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, default=None, help="a temporary one where left out")
    given = parser.parse_args()
    root, console = given.folder or Path(tempfile.mkdtemp()), Console(stderr=True)
    root.mkdir(parents=True, exist_ok=True)
    (root / "recipe.yaml").write_text(RECIPE)
    results = read_json(ROBUST) if ROBUST.is_file() else {}
    if "kills" in given.parts:
        results["kills"] = kills(root, given.kills, given.seed, console)
    if "workers" in given.parts:
        results["workers"] = workers(root, console)
    if "memory" in given.parts:
        results["memory"] = memory(root, given.trials, console)
    results |= {"versions": versions(), "hardware": hardware()}
    write_json(ROBUST, results)
    print(json.dumps(results, indent=2))
    wrong = results.get("kills", {}).get("differing") or not results.get("workers", {}).get("same", True)
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
