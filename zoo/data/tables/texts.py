"""Columns of texts: what is said of them, and those that are left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from zoo.data.columns import Column, shown
from zoo.data.notes import Note
from zoo.data.tables.file import Table, as_texts
from zoo.data.tables.number_style import MISSING_NUMBERS
from zoo.errors import MAX_SHOWN_NAMES, first_few

MIN_WORDS = 3  # of a text, on average, from which a column is free text rather than names
_MIN_TEXTS = 20  # in a column; of fewer, most may well occur once
_MAX_SINGLE_FRACTION = 0.5  # of the texts that occur once; a category that is seen once is not seen again


def spellings(counts: Mapping[str, int]) -> str:
    """Return texts with their counts, the most frequent first, at most five."""
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return first_few([f"'{text}' ({count})" for text, count in ranked])


def text_notes(table: Table, name: str, counts: Counter[str], what: str = "category") -> list[str]:
    """Return notes on texts that were tidied, that differ in case alone, or that could stand for a missing value."""
    notes: list[str] = []
    raw = as_texts(table.columns[name])
    blanks = sum(text != text.strip() for text in raw)
    if blanks:
        notes.append(f"column '{name}': blanks around {blanks} values were removed")
    tidied = table.texts(name)
    composed = sum(text.strip() != tidy for text, tidy in zip(raw, tidied, strict=True))
    if composed:
        notes.append(f"column '{name}': accents of {composed} values were composed with their letters (NFC)")
    alike: dict[str, list[str]] = {}
    for text in counts:
        alike.setdefault(text.casefold(), []).append(text)
    for group in [group for group in alike.values() if len(group) > 1][:MAX_SHOWN_NAMES]:
        named = spellings({text: counts[text] for text in group})
        text = f"column '{name}': {named} differ only in case and are different {_PLURAL[what]}"
        spelled = [{"column": name, "value": each, "count": counts[each]} for each in group]
        notes.append(Note(text, "inconsistent_spelling", severity="warning", affected=len(group), evidence=spelled))
    gaps = {text: counts[text] for text in counts if text.casefold() in MISSING_NUMBERS and text.casefold() != "-"}
    if gaps:
        notes.append(
            f"column '{name}': {spellings(gaps)} is a {what} like any other; list it under data.missing if it says "
            "that there is none"
        )
    return notes


_PLURAL = {"category": "categories", "class": "classes"}


def without_names(
    table: Table, columns: Sequence[Column], categorical: Sequence[str]
) -> tuple[list[Column], list[str]]:
    """Leave out columns of texts in which most texts occur once, such as names: no category of them is seen again."""
    kept: list[Column] = []
    notes: list[str] = []
    for column in columns:
        if column.type == "category" and column.name not in categorical:
            counts = Counter(text for text in table.texts(column.name).tolist() if text)
            total, single = sum(counts.values()), sum(count == 1 for count in counts.values())
            if total >= _MIN_TEXTS and single > _MAX_SINGLE_FRACTION * total:
                example = shown(next(text for text, count in counts.items() if count == 1))
                words = sum(len(text.split()) * count for text, count in counts.items()) / total
                key = "data.texts to learn from its words" if words >= MIN_WORDS else "data.categorical to use it"
                text = (
                    f"column '{column.name}' is left out: {single} of its {total} texts occur once, such as "
                    f"{example}; list it under {key}"
                )
                facts = {"column": column.name, "values": len(counts), "rows": total}
                is_id = len(counts) == total and words < MIN_WORDS
                notes.append(Note(text, "identifier_column" if is_id else "high_cardinality", evidence=[facts]))
                continue
        kept.append(column)
    return kept, notes
