"""Columns of a table: gaps, constants, mixed types, spelling, categories that are many or unseen, outliers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

import numpy as np

from zoo.audit.finding import Finding, found
from zoo.audit.outliers import far_values
from zoo.audit.subject import HELD_OUT, Subject
from zoo.data.columns import Column
from zoo.data.tables.number_style import looks_like_number
from zoo.errors import first_few

_MANY_MISSING = 0.5  # of the values of a column
_MANY_MORE_MISSING = 0.1  # of the values of a split, more than in training
_MIN_MIXED = 0.02  # of the rows of a column of categories that hold numbers, or texts: the rarer of the two
_MANY_UNSEEN = 0.01  # of the rows of a split
_MANY_CATEGORIES = 0.2  # of the rows, that are different; beside `_MIN_CATEGORIES`
_MIN_CATEGORIES = 50
_SHAPE = re.compile(r"[\W_]+")  # what spellings of one name differ in, beside case


def column_findings(subject: Subject) -> Iterator[Finding]:
    """Yield what is odd about single columns."""
    for column in subject.dataset.signature.columns:
        values = subject.column("train", column.name)
        gaps = is_gap(values)
        yield from _gaps(subject, column, gaps)
        present = values[~gaps]
        if len(present) and gaps.sum() == 0 and (values == values[0]).all():
            yield found(
                "constant_column",
                f"column '{column.name}' has only one value and carries no information",
                evidence=[{"column": column.name, "value": values[0]}],
                remedy=f"data: {{ignore: [{column.name}]}}",
            )
        elif column.type == "category" and len(present):
            yield from _categories(subject, column, present)
        elif column.type == "number" and column.form == "number" and len(present):
            yield from _outliers(subject, column)


def _gaps(subject: Subject, column: Column, gaps: np.ndarray) -> Iterator[Finding]:
    count, total = int(gaps.sum()), len(gaps)
    more = [
        name
        for name in HELD_OUT
        if len(subject.splits[name])
        and is_gap(subject.column(name, column.name)).mean() > gaps.mean() + _MANY_MORE_MISSING
        and subject.is_own(name)
    ]
    if not count and not more:
        return
    is_many = count > _MANY_MISSING * total
    text = f"column '{column.name}' lacks {count} of {total} training values"
    yield found(
        "missing_values",
        text + (f", and more in {' and '.join(more)}" if more else ""),
        count=count,
        evidence=[{"column": column.name, "missing": count, "of": total}],
        severity="warning" if is_many or more else "note",
        remedy=f"data: {{ignore: [{column.name}]}}" if is_many else "",
    )


def _categories(subject: Subject, column: Column, present: np.ndarray) -> Iterator[Finding]:
    name, counts = column.name, Counter(present.tolist())
    yield from _mixed(name, counts, len(present))
    yield from spelling_findings(name, counts)
    if len(counts) >= max(_MIN_CATEGORIES, _MANY_CATEGORIES * len(present)):
        yield found(
            "high_cardinality",
            f"column '{name}' has {len(counts):,} categories in {len(present):,} rows",
            count=len(counts),
            evidence=[{"column": name, "values": len(counts), "rows": len(present)}],
            remedy=f"data: {{ignore: [{name}]}}, or texts: [{name}] to learn from its words",
        )
    for split in HELD_OUT:
        values = subject.column(split, name)
        unseen = Counter(value for value in values.tolist() if value and value not in counts)
        rows = sum(unseen.values())
        if rows:
            yield found(
                "unseen_categories",
                f"column '{name}': {rows} of {len(values)} {split} rows have categories that training lacks: "
                f"{first_few([repr(text) for text, _ in unseen.most_common()])}",
                count=rows,
                evidence=[{"column": name, "split": split, "value": v, "count": c} for v, c in unseen.most_common(20)],
                severity="warning" if rows > _MANY_UNSEEN * len(values) and subject.is_own(split) else "note",
            )


def _mixed(name: str, counts: Counter[str], rows: int) -> Iterator[Finding]:
    numbers = {text: count for text, count in counts.items() if looks_like_number(text)}
    few = min(sum(numbers.values()), rows - sum(numbers.values()))
    if few < max(2, _MIN_MIXED * rows) or len(numbers) < 3:
        return
    others = [text for text in counts if text not in numbers]
    yield found(
        "mixed_types",
        f"column '{name}' holds numbers ({sum(numbers.values())} rows, such as {next(iter(numbers))!r}) and text "
        f"({rows - sum(numbers.values())} rows, such as {others[0]!r}), and is read as categories",
        count=few,
        evidence=[{"column": name, "value": text, "count": counts[text]} for text in others],
        remedy=f"data: {{missing: [{others[0]}]}}" if len(others) == 1 else "write one type, or list what is missing",
    )


def spelling_findings(name: str, counts: Counter[str]) -> Iterator[Finding]:
    """Yield texts that differ in blanks, hyphens and the like alone; loading says which differ in case alone."""
    alike: dict[str, list[str]] = {}
    for text in counts:
        alike.setdefault(_SHAPE.sub("", text.casefold()), []).append(text)
    groups = [
        group
        for shape, group in alike.items()
        if not shape.isdecimal() and shape and len({text.casefold() for text in group}) > 1
    ]
    if groups:
        listed = first_few([" and ".join(map(repr, group)) for group in groups])
        yield found(
            "inconsistent_spelling",
            f"column '{name}': {listed} may be one category{' each' if len(groups) > 1 else ''}",
            count=sum(map(len, groups)),
            evidence=[{"column": name, "value": text, "count": counts[text]} for group in groups for text in group],
        )


def _outliers(subject: Subject, column: Column) -> Iterator[Finding]:
    by_split = {name: subject.column(name, column.name).astype(np.float64) for name in subject.splits}
    values = np.concatenate(list(by_split.values()))
    far = far_values(values)
    if not len(far):
        return
    starts = np.cumsum([0, *(len(own) for own in by_split.values())])
    names = list(by_split)
    splits = np.searchsorted(starts, far, side="right") - 1
    places = [(names[split], int(at - starts[split])) for split, at in zip(splits, far, strict=True)]
    shown = sorted({f"{value:.6g}" for value in values[far]}, key=float)
    yield found(
        "outliers",
        f"column '{column.name}': {len(far)} of {len(values)} values lie far outside the range of the others: "
        f"{first_few(shown)}",
        count=len(far),
        evidence=[
            subject.example(*place, column=column.name, value=values[at])
            for place, at in list(zip(places, far, strict=True))[:20]
        ],
        remedy=f"correct them, or take them for missing: data: {{missing: [{shown[0]}]}}",
    )


def is_gap(values: np.ndarray) -> np.ndarray:
    """Return which values of a column are missing."""
    return values == "" if values.dtype == object else np.isnan(values)
