"""Planted faults: which of them does a test notice?

python benchmarks/planted_faults.py [NAME ...]    plant each fault of planted_faults.json in a copy of the sources, and
                                                  run the tests that ought to notice it

A fault that no test notices is printed as "survives"; the exit code is their number.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FAULTS = ROOT / "benchmarks" / "planted_faults.json"
LIMIT_SECONDS = 300  # for the tests of one fault


@dataclass(frozen=True)
class Fault:
    """One fault: in `file`, `old` (which stands there once) becomes `new`; `tests` ought to notice."""

    name: str
    file: str
    old: str
    new: str
    tests: list[str]


def plant(fault: Fault, folder: Path) -> str:
    """Plant one fault in a copy of the sources, run its tests there and say what they found."""
    path = folder / fault.file
    text = path.read_text(encoding="utf-8")
    if text.count(fault.old) != 1:
        return f"cannot be planted: what it replaces stands {text.count(fault.old)} times in {fault.file}"
    tests = [name for name in fault.tests if (folder / name).exists()]
    if not tests:
        return "survives (there are no such tests)"
    path.write_text(text.replace(fault.old, fault.new), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-n", "0", "-p", "no:cacheprovider", *tests]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(folder)},
            capture_output=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "noticed (no end)"
    finally:
        path.write_text(text, encoding="utf-8")
    return {0: "survives", 1: "noticed"}.get(done.returncode, f"exit {done.returncode}: {done.stdout[-300:]!r}")


def main(names: list[str]) -> int:
    """Plant all faults, or those whose names hold one of `names`; return how many survive."""
    survivors = 0
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "tree"
        shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(".git", "runs", "exported", "__pycache__"))
        for fault in (Fault(**entry) for entry in json.loads(FAULTS.read_text(encoding="utf-8"))):
            if names and not any(name in fault.name for name in names):
                continue
            found = plant(fault, folder)
            survivors += found != "noticed" and not found.startswith("noticed")
            print(f"{found:10} {fault.name}", flush=True)
    return survivors


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
