"""Findings that take long to look for, kept in the cache: runs with another model or seed have the same data."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from functools import wraps
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from zoo.audit.finding import Finding, as_findings
from zoo.audit.subject import Subject
from zoo.utils.cache import cached
from zoo.utils.files import read_json, write_json

_VERSION = 10  # of what the detectors look for; a higher one ignores older findings in the cache
_PACKAGES = ("scikit-learn", "numpy", "cleanlab", "datasketch")
_FILE = "findings.json"


def kept(detect: Callable[[Subject], Iterator[Finding]]) -> Callable[[Subject], Iterator[Finding]]:
    """Return a detector that takes its findings from the cache where the same data was audited before."""

    @wraps(detect)
    def from_cache(subject: Subject) -> Iterator[Finding]:
        def look(folder: Path) -> None:
            write_json(folder / _FILE, [finding.to_json() for finding in detect(subject)])

        folder = cached(f"audit/{_key(detect.__name__, subject)}", look)
        yield from as_findings(read_json(folder / _FILE))

    return from_cache


def _key(name: str, subject: Subject) -> str:
    dataset, recipe = subject.dataset, subject.recipe
    facts = {
        "detector": name,
        "version": _VERSION,
        "packages": {package: _installed(package) for package in _PACKAGES},
        "source": dataset.name,
        "fingerprint": dataset.fingerprint,
        "held_out": dataset.held_out,
        "in_time": subject.is_cut_in_time,
        "task": None if recipe is None else recipe.task,
        "preprocess": [] if recipe is None else [step.model_dump(mode="json") for step in recipe.preprocess],
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
