"""Faults in tables, for `benchmarks/planted_data.py`: at random places, as strong as a person would mind."""

from __future__ import annotations

import string
from pathlib import Path

import numpy as np
import pandas as pd
from planted_sets import Case, digit_arrays, images, table, texts

CLASSES = ("wine", "breast_cancer")
TABLES = (*CLASSES, "diabetes")


def target_leakage(rng: np.random.Generator, folder: Path) -> Case:
    """Add the target in another form, or what is known after it."""
    case = table(str(rng.choice(TABLES)))
    y = case.data["target"]
    if y.dtype.kind == "f":
        noise = rng.choice([0, 0.02]) * y.std() * rng.normal(size=len(y))
        case.data["outcome"] = y * rng.uniform(0.1, 10) + rng.normal() + noise
    else:
        codes = y.map({name: i for i, name in enumerate(rng.permutation(y.unique()))})
        blurred = codes + rng.normal(0, 0.05, len(y))
        case.data["outcome"] = [codes, "code " + codes.astype(str), blurred][rng.integers(3)]
    return case


def _held_out(case: Case, rng: np.random.Generator) -> tuple[pd.DataFrame, pd.DataFrame]:
    order = rng.permutation(len(case.data))
    cut = len(order) * 3 // 4
    return case.data.iloc[order[:cut]].reset_index(drop=True), case.data.iloc[order[cut:]].reset_index(drop=True)


def amount(rng: np.random.Generator, count: int, low: float = 0.05, high: float = 0.2) -> int:
    """Return how many are some: a fraction from `low` to `high`, and at least six."""
    return max(6, round(rng.uniform(low, high) * count))


def leaked_examples(rng: np.random.Generator, folder: Path) -> Case:
    """Copy training rows, or images, into the test."""
    if rng.random() < 0.3:
        x, y = digit_arrays()
        some = rng.choice(1400, amount(rng, 397), replace=False)
        return Case(images().recipe, (x[:1400], y[:1400]), test=(np.r_[x[1400:], x[some]], np.r_[y[1400:], y[some]]))
    case = table(str(rng.choice(TABLES)))
    case.data, test = _held_out(case, rng)
    copies = case.data.sample(amount(rng, len(test)), random_state=int(rng.integers(1 << 30)))
    case.test = pd.concat([test, copies], ignore_index=True)
    return case


def exact_duplicates(rng: np.random.Generator, folder: Path) -> Case:
    """Repeat training rows."""
    case = table(str(rng.choice(TABLES)))
    case.data, case.test = _held_out(case, rng)
    copies = case.data.sample(amount(rng, len(case.data)), random_state=int(rng.integers(1 << 30)))
    case.data = pd.concat([case.data, copies], ignore_index=True)
    return case


def near_duplicates(rng: np.random.Generator, folder: Path) -> Case:
    """Add training examples to the test: noisy, with one column changed, lighter, or with a word changed."""
    kind = rng.choice(["table", "image", "text"])
    if kind == "image":
        x, y = digit_arrays()
        some = rng.choice(1400, amount(rng, 397), replace=False)
        near = x[some] * rng.uniform(0.8, 1.0) + rng.normal(0, 4, x[some].shape)
        near = np.clip(np.rint(near), 0, 255).astype(np.uint8)
        return Case(images().recipe, (x[:1400], y[:1400]), test=(np.r_[x[1400:], near], np.r_[y[1400:], y[some]]))
    case = texts() if kind == "text" else table(str(rng.choice(TABLES)))
    case.data, test = _held_out(case, rng)
    copies = case.data.sample(amount(rng, len(test)), random_state=int(rng.integers(1 << 30))).reset_index(drop=True)
    if kind == "text":
        copies["text"] = [_edited(text, rng) for text in copies["text"]]
    else:
        columns = [c for c in copies.columns if c != "target"]
        spread = case.data[columns].std()
        if rng.random() < 0.5:
            copies[columns] += (
                rng.uniform(0.001, 0.01) * spread.to_numpy() * rng.normal(size=(len(copies), len(columns)))
            )
        else:
            name = str(rng.choice(columns))
            copies[name] += spread[name] * rng.normal(size=len(copies))
    case.test = pd.concat([test, copies], ignore_index=True)
    return case


def _edited(text: str, rng: np.random.Generator) -> str:
    words = text.split()
    words[int(rng.integers(len(words)))] = "".join(rng.choice(list(string.ascii_lowercase), 5))
    return " ".join(words)


def flipped(case: Case, rng: np.random.Generator, fraction: float) -> np.ndarray:
    """Give some training examples the label of another class; return which."""
    y = case.data["target"].to_numpy(object) if isinstance(case.data, pd.DataFrame) else case.data[1].astype(object)
    which = rng.choice(len(y), round(fraction * len(y)), replace=False)
    names = np.unique(y.astype(str))
    for at in which:
        y[at] = rng.choice(names[names != y[at]])
    if isinstance(case.data, pd.DataFrame):
        case.data["target"] = y
    else:
        case.data = (case.data[0], y)
    return which


def label_errors(rng: np.random.Generator, folder: Path) -> Case:
    """Flip 5% to 15% of the labels."""
    case = images() if rng.random() < 0.4 else table(str(rng.choice(CLASSES)))
    flipped(case, rng, rng.uniform(0.05, 0.15))
    return case


def conflicting_labels(rng: np.random.Generator, folder: Path) -> Case:
    """Repeat training rows under another label."""
    case = table(str(rng.choice(CLASSES)))
    case.data, case.test = _held_out(case, rng)
    copies = case.data.sample(amount(rng, len(case.data)), random_state=int(rng.integers(1 << 30)))
    other = Case(case.recipe, copies.reset_index(drop=True))
    flipped(other, rng, 1.0)
    case.data = pd.concat([case.data, other.data], ignore_index=True)
    return case


def _with_category(rng: np.random.Generator) -> tuple[Case, str]:
    """Return a table in which a column has become one of three names."""
    case = table(str(rng.choice(TABLES)))
    name = str(rng.choice([c for c in case.data.columns if c != "target" and case.data[c].nunique() > 20]))
    case.data[name] = pd.qcut(case.data[name], 3, labels=["low level", "middle level", "high level"]).astype(str)
    return case, name


def some_rows(case: Case, rng: np.random.Generator, low: float = 0.05, high: float = 0.2) -> np.ndarray:
    """Return positions of some rows."""
    return rng.choice(len(case.data), amount(rng, len(case.data), low, high), replace=False)


def inconsistent_spelling(rng: np.random.Generator, folder: Path) -> Case:
    """Write some categories in another way."""
    case, name = _with_category(rng)
    change = [str.upper, str.title, lambda text: text.replace(" ", "-"), lambda text: text.replace(" ", "_")]
    spell = change[rng.integers(len(change))]
    case.data.loc[some_rows(case, rng), name] = case.data.loc[some_rows(case, rng), name].map(spell).to_numpy()[0]
    return case


def imbalance(rng: np.random.Generator, folder: Path) -> Case:
    """Leave few examples of one class."""
    x, y = digit_arrays()
    rare = str(rng.integers(10))
    few = rng.choice(np.flatnonzero(y == rare), rng.integers(7, 13), replace=False)
    kept = np.r_[np.flatnonzero(y != rare), few]
    return Case(images().recipe, (x[kept], y[kept]))


def rare_class(rng: np.random.Generator, folder: Path) -> Case:
    """Add a class of three rows."""
    case = table(str(rng.choice(CLASSES)))
    case.data.loc[rng.choice(len(case.data), 4, replace=False), "target"] = "another"
    return case


def empty_class(rng: np.random.Generator, folder: Path) -> Case:
    """Take a class out of the test."""
    case = table(str(rng.choice(CLASSES)))
    case.data, test = _held_out(case, rng)
    case.test = test[test["target"] != rng.choice(test["target"].unique())].reset_index(drop=True)
    return case


def identifier_column(rng: np.random.Generator, folder: Path) -> Case:
    """Add a unique id: numbers or codes."""
    case = table(str(rng.choice(TABLES)))
    numbers = rng.permutation(100_000)[: len(case.data)]
    case.data["customer_id"] = numbers if rng.random() < 0.5 else [f"K{n:06d}" for n in numbers]
    return case


def date_column(rng: np.random.Generator, folder: Path) -> Case:
    """Add a date."""
    case = table(str(rng.choice(TABLES)))
    days = pd.to_datetime("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, len(case.data)), unit="D")
    case.data["seen"] = days if rng.random() < 0.5 else days.strftime("%Y-%m-%d")
    return case


def high_cardinality(rng: np.random.Generator, folder: Path) -> Case:
    """Add a column of names of which most are rare."""
    case = table(str(rng.choice(TABLES)))
    names = ["".join(rng.choice(list(string.ascii_lowercase), 6)) for _ in range(len(case.data) // 2)]
    case.data["street"] = rng.choice(names, len(case.data))
    return case


def constant_column(rng: np.random.Generator, folder: Path) -> Case:
    """Add a column of one value."""
    case = table(str(rng.choice(TABLES)))
    case.data["version"] = rng.choice([1.5, 0, 7]) if rng.random() < 0.5 else "v1"
    return case


def missing_values(rng: np.random.Generator, folder: Path) -> Case:
    """Take most values of a column out."""
    case = table(str(rng.choice(TABLES)))
    name = str(rng.choice([c for c in case.data.columns if c != "target"]))
    case.data[name] = case.data[name].astype(float)
    case.data.loc[some_rows(case, rng, 0.6, 0.9), name] = np.nan
    return case


def mixed_types(rng: np.random.Generator, folder: Path) -> Case:
    """Write words among the numbers of a column, and have it read as categories."""
    case = table(str(rng.choice(TABLES)))
    columns = [c for c in case.data.columns if c != "target"]
    name = str(rng.choice([c for c in columns if case.data[c].round(1).nunique() > 10]))
    case.data[name] = case.data[name].round(1).astype(str).astype(object)
    case.data.loc[some_rows(case, rng, 0.05, 0.3), name] = str(rng.choice(["unknown", "see note", "high"]))
    case.overrides["data.categorical"] = [name]
    return case


def unseen_categories(rng: np.random.Generator, folder: Path) -> Case:
    """Write categories in the test that training lacks."""
    case, name = _with_category(rng)
    case.data, case.test = _held_out(case, rng)
    case.test.loc[rng.choice(len(case.test), amount(rng, len(case.test)), replace=False), name] = "other level"
    return case


def outliers(rng: np.random.Generator, folder: Path) -> Case:
    """Multiply a few values by 100, or write a code for missing in their place."""
    case = table(str(rng.choice(TABLES)))
    name = str(rng.choice([c for c in case.data.columns if c != "target" and case.data[c].nunique() > 20]))
    some = rng.choice(len(case.data), max(2, round(rng.uniform(0.003, 0.01) * len(case.data))), replace=False)
    case.data[name] = case.data[name].astype(float)
    far = 100 * case.data.loc[some, name].clip(lower=case.data[name].median())
    case.data.loc[some, name] = far if rng.random() < 0.5 else float(rng.choice([-9999, 999999]))
    return case


def shift(rng: np.random.Generator, folder: Path) -> Case:
    """Move features of the test, or make its images lighter and noisy."""
    if rng.random() < 0.3:
        x, y = digit_arrays()
        test = np.clip(x[1400:] * 0.6 + rng.normal(60, 25, x[1400:].shape), 0, 255).astype(np.uint8)
        return Case(images().recipe, (x[:1400], y[:1400]), test=(test, y[1400:]))
    case = table(str(rng.choice(TABLES)))
    case.data, case.test = _held_out(case, rng)
    columns = [c for c in case.data.columns if c != "target" and case.data[c].nunique() > 20]
    for name in rng.choice(columns, rng.integers(1, 4), replace=False):
        moved = case.test[name] + rng.choice([-1, 1]) * rng.uniform(1, 2) * case.data[name].std()
        case.data[name], case.test[name] = case.data[name].astype(float), moved
    return case


def time_leakage(rng: np.random.Generator, folder: Path) -> Case:
    """Add a date that the target depends on, or a test that is earlier than training."""
    case = table(str(rng.choice(TABLES)))
    y = case.data["target"]
    order = y.rank(method="first") if y.dtype.kind == "f" else y.astype("category").cat.codes
    drift = order / order.max() + rng.normal(0, rng.uniform(0.1, 0.4), len(y))
    case.data = case.data.iloc[np.argsort(drift.to_numpy())].reset_index(drop=True)
    case.data["measured"] = pd.date_range("2021-01-01", periods=len(y), freq="D")
    if rng.random() < 0.5:
        cut = len(y) // 4
        mixed = case.data.sample(frac=1, random_state=int(rng.integers(1 << 30)))
        mixed["measured"] = case.data["measured"].to_numpy()
        case.test, case.data = mixed.iloc[:cut].reset_index(drop=True), mixed.iloc[cut:].reset_index(drop=True)
    return case


def group_leakage(rng: np.random.Generator, folder: Path) -> Case:
    """Measure each row several times, with an id that the recipe ignores."""
    case = table(str(rng.choice(TABLES)))
    times = int(rng.integers(3, 6))
    people = case.data.sample(min(len(case.data), 150), random_state=int(rng.integers(1 << 30)))
    rows = people.loc[people.index.repeat(times)].reset_index(drop=True)
    columns = [c for c in rows.columns if c != "target"]
    rows[columns] += (
        rng.uniform(0.1, 0.5) * people[columns].std().to_numpy() * rng.normal(size=(len(rows), len(columns)))
    )
    rows["patient_id"] = np.repeat([f"P{n}" for n in rng.permutation(10_000)[: len(people)]], times)
    case.data = rows.sample(frac=1, random_state=int(rng.integers(1 << 30))).reset_index(drop=True)
    case.overrides["data.ignore"] = ["patient_id"]
    return case


def too_few_examples(rng: np.random.Generator, folder: Path) -> Case:
    """Leave some twenty rows."""
    case = table(str(rng.choice(TABLES)))
    case.data = case.data.sample(rng.integers(30, 45), random_state=int(rng.integers(1 << 30))).reset_index(drop=True)
    return case
