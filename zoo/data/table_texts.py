"""Columns of free text beside other columns: their vocabularies, and their texts as token ids of one length."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from zoo.data.tokenizer import fit_tokenizer

if TYPE_CHECKING:
    from zoo.data.columns import Column
    from zoo.data.dataset import Signature, Split
    from zoo.recipe.steps import Tokenize


def with_vocabularies(
    signature: Signature, splits: Mapping[str, Split], settings: Tokenize
) -> tuple[Signature, list[str]]:
    """Fit the vocabulary of each column of free text on the training split.

    Args:
        signature: of a table.
        splits: "training" and the others, by the names that notes give them.
        settings: how texts are cut into tokens.

    Returns:
        The signature with the vocabularies, and notes on what they lose of each split.
    """
    columns, notes = [], []
    for column in signature.columns:
        if column.type == "free_text":
            texts = {name: part.take(np.arange(len(part)))[column.name] for name, part in splits.items()}
            column, more = _with_vocabulary(column, texts, settings)
            notes += more
        columns.append(column)
    return replace(signature, columns=tuple(columns)), notes


def _with_vocabulary(column: Column, texts: Mapping[str, np.ndarray], settings: Tokenize) -> tuple[Column, list[str]]:
    train = texts["training"]
    tokenizer = fit_tokenizer(
        train,
        level=settings.level,
        lowercase=settings.lowercase,
        max_ids=settings.vocabulary,
        kind=settings.kind,
        file=settings.file,
        marks=settings.marks,
    )
    longest = max((tokenizer.encode([text]).shape[1] for text in train), default=1)
    tokenizer = replace(tokenizer, length=min(longest, settings.length or longest))
    found = [tokenizer.note(some, f"column '{column.name}', the {name} split") for name, some in texts.items()]
    lengths = f"column '{column.name}' goes into the model as text, {len(tokenizer.symbols):,} different tokens"
    return replace(column, tokenizer=tokenizer), [lengths, *(note for note in found if note)]


def text_ids(texts: Sequence[str] | np.ndarray, column: Column) -> np.ndarray:
    """Return the texts of a column as token ids, int32 `(rows, length)`, padded with 0 to the column's length."""
    tokenizer = column.tokenizer
    assert tokenizer is not None and tokenizer.length is not None, "fitted before a model is built"
    ids = tokenizer.encode(texts)
    return np.pad(ids, ((0, 0), (0, tokenizer.length - ids.shape[1])))
