"""Text to token ids and back. The same code runs in training and in serving; the vocabulary travels in the file.

Ids: 0 is padding, always on the right; 1 stands for what the vocabulary lacks; 2 and 3 mark start and end of a text;
symbols of the vocabulary count from 4.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from zoo.tasks import END, PADDING, START, UNKNOWN

SPECIAL = ("<padding>", "<unknown>", "<start>", "<end>")
_WORD = re.compile(r"\w+|[^\w\s]")

Level = Literal["character", "word"]


@dataclass(frozen=True)
class Tokenizer:
    """A fixed vocabulary.

    Attributes:
        level: what a token is: one character, or a word or punctuation mark.
        symbols: the vocabulary, in the order of the ids from 4 on.
        lowercase: fold case first.
        length: most tokens of a text; what is longer is cut. None for no limit.
    """

    level: Level
    symbols: tuple[str, ...]
    lowercase: bool = False
    length: int | None = None

    def __len__(self) -> int:
        """Return the number of ids, special ones included."""
        return len(SPECIAL) + len(self.symbols)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all the ids, in their order."""
        return (*SPECIAL, *self.symbols)

    def encode(self, texts: Sequence[str] | np.ndarray, *, end: bool = False) -> np.ndarray:
        """Return int32 ids `(texts, longest)`, padded on the right; at least one column.

        Args:
            texts: the texts.
            end: put the end mark after each text, beyond `length`.
        """
        index = {symbol: i for i, symbol in enumerate(self.symbols, start=len(SPECIAL))}
        rows = [
            [index.get(token, UNKNOWN) for token in split(text, self.level, self.lowercase)[: self.length]]
            + [END] * end
            for text in texts
        ]
        ids = np.zeros((len(rows), max(map(len, rows), default=0) or 1), np.int32)
        for i, row in enumerate(rows):
            ids[i, : len(row)] = row
        return ids

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text of one row of ids, up to its end mark or its padding."""
        names = self.names
        found = []
        for i in ids:
            if i in (PADDING, END):
                break
            if i != START:
                found.append("\N{REPLACEMENT CHARACTER}" if i == UNKNOWN else names[i])
        return ("" if self.level == "character" else " ").join(found)

    def to_json(self) -> dict[str, Any]:
        """Return the tokenizer as plain data."""
        return {
            "level": self.level,
            "symbols": list(self.symbols),
            "lowercase": self.lowercase,
            "length": self.length,
        }

    @classmethod
    def from_json(cls, facts: Mapping[str, Any]) -> Tokenizer:
        """Return the tokenizer that `to_json` wrote."""
        return cls(facts["level"], tuple(facts["symbols"]), bool(facts["lowercase"]), facts["length"])


def fit_tokenizer(
    texts: Sequence[str] | np.ndarray,
    *,
    level: Level,
    lowercase: bool = False,
    most: int | None = None,
    length: int | None = None,
) -> Tokenizer:
    """Return a tokenizer with the vocabulary of some texts: the most frequent tokens, then in sorted order.

    Args:
        texts: the training texts.
        level: what a token is.
        lowercase: fold case first.
        most: most ids, special ones included; None for all that occur.
        length: most tokens of a text.
    """
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(split(text, level, lowercase))
    kept = sorted(counts, key=lambda token: (-counts[token], token))
    if most is not None:
        kept = kept[: max(0, most - len(SPECIAL))]
    return Tokenizer(level, tuple(sorted(kept)), lowercase, length)


def split(text: str, level: Level, lowercase: bool) -> list[str]:
    """Return the tokens of a text."""
    text = text.lower() if lowercase else text
    return list(text) if level == "character" else _WORD.findall(text)
