"""Planted faults in real data: which of them does the audit find, and what does it say of clean data?

python benchmarks/planted_data.py [--draws 10] [KIND …]      writes benchmarks/results/planted_data.json

Each kind of fault is planted in digits, tables, texts, series and sounds that come with Python packages, at random
places and in random strength, and `zoo.check` has to find it by its name: as an error or a warning, or as a note where
a note is all that it can be. Labels are flipped, too: precision and recall beside cleanlab alone.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import plants_media
import plants_tables
from planted_sets import CLEAN, Case, images, table
from plants_tables import flipped

import zoo
from zoo.errors import ZooError
from zoo.recipe.findings import FINDINGS

PLANTS: dict[str, Callable[[np.random.Generator, Path], Case]] = {
    name: function
    for module in (plants_tables, plants_media)
    for name, function in vars(module).items()
    if name in FINDINGS
}
RESULTS = Path(__file__).parent / "results" / "planted_data.json"
NOTES_WILL_DO = ("identifier_column", "high_cardinality")  # loading leaves the column out and says so
FLIPPED = (0.05, 0.15)  # of the labels
LABEL_DRAWS = 2


def findings(case: Case) -> list[dict[str, Any]]:
    """Return what the audit finds."""
    (result,) = zoo.check(
        case.recipe or (),
        case.overrides,
        data=case.data,
        target=case.target,
        validation=case.validation,
        test=case.test,
    )
    if "findings" not in result:
        raise ZooError("\n".join(result["problems"]))
    return list(result["findings"])


def is_found(name: str, found: list[dict[str, Any]]) -> bool:
    """Return whether a fault is among the findings, as more than a note where it can be more."""
    a_note_will_do = name in NOTES_WILL_DO or FINDINGS[name].severity == "note"
    return any(f["name"] == name and (a_note_will_do or f["severity"] != "note") for f in found)


def recall(kinds: list[str], draws: int) -> dict[str, dict[str, Any]]:
    """Return, for each kind, how many of the draws were found."""
    results: dict[str, dict[str, Any]] = {}
    for kind in kinds:
        hits, missed, started = 0, [], time.perf_counter()
        for draw in range(draws):
            rng = np.random.default_rng([zlib.crc32(kind.encode()), draw])
            with tempfile.TemporaryDirectory() as folder:
                try:
                    seen = findings(PLANTS[kind](rng, Path(folder)))
                except ZooError as error:
                    seen, problem = [], str(error)[:200]
                    missed.append(f"draw {draw}: {problem}")
            hits += is_found(kind, seen)
            if not is_found(kind, seen) and seen:
                missed.append(f"draw {draw}: {[(f['name'], f['severity']) for f in seen]}")
        seconds = time.perf_counter() - started
        results[kind] = {"draws": draws, "found": hits, "missed": missed}
        print(f"{kind:24} {hits} of {draws}  ({seconds / draws:.2f} s each)", *missed, sep="\n    ", flush=True)
    return results


def false_alarms() -> dict[str, Any]:
    """Return errors and warnings on clean data."""
    results = {}
    for name, make in CLEAN.items():
        found = [f for f in findings(make()) if f["severity"] != "note"]
        results[name] = [{key: f[key] for key in ("severity", "name", "count", "message")} for f in found]
        print(
            f"{name:24} {len(found)} warnings", *(f"{f['name']}: {f['message']}" for f in results[name]), sep="\n    "
        )
    return results


def label_errors() -> list[dict[str, Any]]:
    """Return precision and recall of flipped labels, ours and those of cleanlab alone."""

    results = []
    for fraction in FLIPPED:
        for name in ("digits", "wine", "breast_cancer"):
            ours, alone = [], []
            for draw in range(LABEL_DRAWS):
                case = images() if name == "digits" else table(name)
                rng = np.random.default_rng([zlib.crc32(name.encode()), draw, round(100 * fraction)])
                which = flipped(case, rng, fraction)
                rows, listed = _ours(case)
                wrong = set(which.tolist()) & set(rows.tolist())
                ours.append(_scores(listed, wrong))
                alone.append(_scores(_alone(case, rows), wrong))
            row: dict[str, Any] = {"data": name, "flipped": fraction}
            for who, scores in (("zoo", ours), ("cleanlab", alone)):
                precision, found = np.mean(scores, axis=0)
                row[who] = {"precision": round(float(precision), 3), "recall": round(float(found), 3)}
            results.append(row)
            print(row, flush=True)
    return results


def _scores(listed: set[int], wrong: set[int]) -> tuple[float, float]:
    hits = len(listed & wrong)
    return hits / max(1, len(listed)), hits / max(1, len(wrong))


def _ours(case: Case) -> tuple[np.ndarray, set[int]]:
    """Return the examples of the training split, and those that the audit lists."""
    from zoo.audit.label_errors import likely_errors
    from zoo.audit.subject import Subject
    from zoo.commands.given_data import given
    from zoo.data.sources.load import load_dataset
    from zoo.tasks import TASKS

    what = given(case.data, case.target)
    recipe = what.load(case.recipe, case.overrides).recipe
    dataset = load_dataset(recipe.data, TASKS[recipe.task], recipe.preprocess, what.memory)
    errors = likely_errors(Subject(dataset=dataset, recipe=recipe))
    indices = dataset.train.indices
    return indices, set() if errors is None else set(indices[errors.positions].tolist())


def _alone(case: Case, rows: np.ndarray) -> set[int]:
    """Return what cleanlab lists as its documentation begins: a logistic regression on standardised inputs."""
    from cleanlab.classification import CleanLearning
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if isinstance(case.data, pd.DataFrame):
        x, y = case.data.drop(columns="target").to_numpy(float), case.data["target"].to_numpy(str)
    else:
        x, y = case.data[0].reshape(len(case.data[0]), -1) / 255, case.data[1].astype(str)
        x = x.reshape(len(x), 32, 32)[:, ::4, ::4].reshape(len(x), -1)
    codes = np.unique(y, return_inverse=True)[1]
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=400))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        issues = CleanLearning(model, seed=0, find_label_issues_kwargs={"n_jobs": 1}).find_label_issues(
            x[rows], codes[rows]
        )
    return set(rows[issues["is_label_issue"].to_numpy()].tolist())


def main() -> None:
    """Plant, count and write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=f"one of {', '.join(PLANTS)}")
    parser.add_argument("--draws", type=int, default=10)
    arguments = parser.parse_args()
    started = time.perf_counter()
    found = recall(arguments.kinds or list(PLANTS), arguments.draws)
    if arguments.kinds:
        return
    alarms, labels = false_alarms(), label_errors()
    total = sum(each["found"] for each in found.values())
    facts = {
        "draws": arguments.draws,
        "recall": total / (arguments.draws * len(found)),
        "kinds": found,
        "clean": alarms,
        "label_errors": labels,
        "seconds": round(time.perf_counter() - started),
    }
    RESULTS.write_text(json.dumps(facts, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    errors = sum(f["severity"] == "error" for each in alarms.values() for f in each)
    print(f"{len(found)} kinds, recall {facts['recall']:.3f}; {errors} errors on {len(alarms)} clean sets")


if __name__ == "__main__":
    main()
