"""`zoo init` on data sets that come with packages: is the task right, and does the recipe run as it is?

    python benchmarks/init.py [--train] [NAME …]

Prints a row for each: the target that is named, the task that is proposed and the one that is right, what is wrong, and
the doubts. Needs statsmodels; data sets of vega_datasets are left out where it is not installed.
"""

from __future__ import annotations

import argparse
import importlib
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import zoo
from zoo.errors import ZooError

CLASSES, NUMBERS, SERIES = "tabular_classification", "tabular_regression", "forecasting"


@dataclass(frozen=True)
class Case:
    """A data set, and what is right for it.

    Attributes:
        load: returns the data frame.
        target: the column to predict.
        task: what is right.
        keys: keys of the recipe that are right, such as `data.group`; None for one that has to be absent.
    """

    load: Callable[[], Any]
    target: str
    task: str
    keys: dict[str, Any]


def _sklearn(name: str) -> Callable[[], Any]:
    return lambda: getattr(importlib.import_module("sklearn.datasets"), f"load_{name}")(as_frame=True).frame


def _statsmodels(name: str) -> Callable[[], Any]:
    return lambda: importlib.import_module(f"statsmodels.datasets.{name}").load_pandas().data


def _vega(name: str) -> Callable[[], Any]:
    return lambda: getattr(importlib.import_module("vega_datasets").local_data, name)()


CASES = {
    "iris": Case(_sklearn("iris"), "target", CLASSES, {}),
    "breast_cancer": Case(_sklearn("breast_cancer"), "target", CLASSES, {}),
    "linnerud": Case(_sklearn("linnerud"), "Pulse", NUMBERS, {}),
    "anes96": Case(_statsmodels("anes96"), "vote", CLASSES, {}),
    "ccard": Case(_statsmodels("ccard"), "AVGEXP", NUMBERS, {}),
    "copper": Case(_statsmodels("copper"), "WORLDCONSUMPTION", NUMBERS, {}),
    "engel": Case(_statsmodels("engel"), "foodexp", NUMBERS, {}),
    "fair": Case(_statsmodels("fair"), "affairs", NUMBERS, {}),
    "grunfeld": Case(_statsmodels("grunfeld"), "invest", NUMBERS, {"data.group": "firm"}),
    "heart": Case(_statsmodels("heart"), "survival", NUMBERS, {}),
    "macrodata": Case(_statsmodels("macrodata"), "realgdp", SERIES, {"data.window.season": 4}),
    "modechoice": Case(_statsmodels("modechoice"), "choice", CLASSES, {"data.group": "individual"}),
    "nile": Case(_statsmodels("nile"), "volume", SERIES, {"data.time": "year"}),
    "randhie": Case(_statsmodels("randhie"), "mdvis", NUMBERS, {}),
    "scotland": Case(_statsmodels("scotland"), "YES", NUMBERS, {}),
    "spector": Case(_statsmodels("spector"), "GRADE", CLASSES, {}),
    "stackloss": Case(_statsmodels("stackloss"), "STACKLOSS", NUMBERS, {}),
    "star98": Case(_statsmodels("star98"), "NABOVE", NUMBERS, {}),
    "statecrime": Case(_statsmodels("statecrime"), "murder", NUMBERS, {}),
    "strikes": Case(_statsmodels("strikes"), "duration", NUMBERS, {}),
    "sunspots": Case(_statsmodels("sunspots"), "SUNACTIVITY", SERIES, {"data.time": "YEAR"}),
    "fertility": Case(_statsmodels("fertility"), "Country Code", CLASSES, {}),
    "vega cars": Case(_vega("cars"), "Miles_per_Gallon", NUMBERS, {"data.on_error": "skip"}),
    "vega barley": Case(_vega("barley"), "yield", NUMBERS, {}),
    "vega seattle_weather": Case(_vega("seattle_weather"), "weather", CLASSES, {"data.time": "date"}),
    "vega stocks": Case(_vega("stocks"), "price", SERIES, {"data.series": "symbol"}),
}


def value_of(recipe: Any, key: str) -> Any:
    """Return the value of a recipe under a key with dots; None where it has none."""
    for part in key.split("."):
        recipe = recipe.get(part) if isinstance(recipe, dict) else getattr(recipe, part, None)
    return recipe


def run(name: str, train: bool) -> tuple[str, ...]:
    """Return the row of a data set."""
    case = CASES[name]
    frame = case.load()
    frame.to_csv("data.csv", index=False)
    try:
        made = zoo.init("data.csv", case.target, output="data.yaml")
    except ZooError as error:
        return name, f"{frame.shape}", case.target, "refused", f"wrong: {error}", ""
    recipe = zoo.load_recipe("data.yaml").recipe
    wrong = [f"task {made['task']}, right is {case.task}"] if made["task"] != case.task else []
    for key, right in case.keys.items():
        found = value_of(recipe, key)
        wrong += [f"{key} {found}, right is {right}"] if found != right else []
    (checked,) = zoo.check("data.yaml")
    problems = list(checked["problems"])
    try:
        if not problems:
            (checked,) = zoo.check(data="data.csv", target=case.target)  # reads the data
            problems = list(checked["problems"])
        if train and not problems:
            zoo.train("data.yaml", {"training.epochs": 2, "evaluation.baselines": []}, runs="runs", export=False)
    except ZooError as error:
        problems.append(str(error))
    wrong += [f"does not run: {problem}" for problem in problems]
    return name, f"{frame.shape}", case.target, made["task"], "; ".join(wrong) or "right", " | ".join(made["doubts"])


def main() -> None:
    """Print a row for each data set, and how many are right."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=list(CASES))
    parser.add_argument("--train", action="store_true", help="train two epochs")
    options = parser.parse_args()
    rows = []
    print("| data set | shape | target | proposed | verdict | doubts |\n| --- | --- | --- | --- | --- | --- |")
    for name in options.names:
        with tempfile.TemporaryDirectory() as folder:
            here = Path.cwd()
            os.chdir(folder)
            try:
                rows.append(run(name, options.train))
            except ImportError as error:
                print(f"| {name} | left out: {error} | | | | |")
                continue
            finally:
                os.chdir(here)
        print(f"| {' | '.join(cell.replace('|', '/') for cell in rows[-1])} |", flush=True)
    right = sum(row[4] == "right" for row in rows)
    print(f"\n{right} of {len(rows)} right")


if __name__ == "__main__":
    main()
