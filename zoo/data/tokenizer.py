"""Text to token ids and back, the same in training and in serving.

Ids: 0 padding (on the right), 1 unknown, 2 start and 3 end of a text; symbols of the vocabulary count from 4.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from zoo.errors import MAX_SHOWN_NAMES, visible
from zoo.tasks import END, PADDING, START, UNKNOWN

SPECIAL = ("<padding>", "<unknown>", "<start>", "<end>")
_WORD = re.compile(r"\w+|[^\w\s]")

Level = Literal["character", "word", "whitespace"]
_TOKENS: dict[Level, str] = {"character": "characters", "word": "words", "whitespace": "words"}  # in messages


@dataclass(frozen=True)
class Tokenizer:
    """A fixed vocabulary.

    Attributes:
        level: what a token is: one character; a word or punctuation mark; or what whitespace separates.
        symbols: the vocabulary, in the order of the ids from 4 on.
        lowercase: fold case first.
        length: number of tokens at which a text is cut; None for no limit.
    """

    level: Level
    symbols: tuple[str, ...]
    lowercase: bool = False
    length: int | None = None

    def __len__(self) -> int:
        """Return the number of ids, with the special ones."""
        return len(SPECIAL) + len(self.symbols)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all ids, in their order."""
        return (*SPECIAL, *self.symbols)

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {symbol: i for i, symbol in enumerate(self.symbols, start=len(SPECIAL))}

    def encode(self, texts: Sequence[str] | np.ndarray, *, end: bool = False) -> np.ndarray:
        """Return int32 ids `(texts, longest)`, padded on the right; at least one column.

        Args:
            texts: the texts.
            end: add the end mark to each text, beyond `length`.
        """
        rows = [
            [self._ids.get(token, UNKNOWN) for token in split(text, self.level, self.lowercase)[: self.length]]
            + [END] * end
            for text in texts
        ]
        ids = np.zeros((len(rows), max(map(len, rows), default=0) or 1), np.int32)
        for i, row in enumerate(rows):
            ids[i, : len(row)] = row
        return ids

    def note(self, texts: Sequence[str] | np.ndarray, where: str) -> str | None:
        """Return a sentence on what the vocabulary and the length limit lose of some texts; None where it is nothing.

        Args:
            texts: the texts.
            where: what they are, for example "the test split".
        """
        total = unknown = cut = 0
        examples = dict[str, None]()
        for text in texts:
            tokens = split(text, self.level, self.lowercase)
            cut += self.length is not None and len(tokens) > self.length
            tokens = tokens[: self.length]
            total += len(tokens)
            lost = [token for token in tokens if token not in self._ids]
            unknown += len(lost)
            examples |= dict.fromkeys(lost)
        parts = []
        if unknown:
            shown = ", ".join(f"'{visible(token)}'" for token in sorted(examples)[:MAX_SHOWN_NAMES])
            more = ", …" if len(examples) > MAX_SHOWN_NAMES else ""
            parts.append(f"{unknown:,} of {total:,} {_TOKENS[self.level]} are unknown to the vocabulary: {shown}{more}")
        if cut:
            parts.append(f"{cut:,} of {len(texts):,} texts are cut at {self.length} {_TOKENS[self.level]}")
        return f"{where}: {'; '.join(parts)}" if parts else None

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text of one row of ids, up to its end mark or padding."""
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
    max_ids: int | None = None,
    length: int | None = None,
) -> Tokenizer:
    """Return a tokenizer whose vocabulary is the most frequent tokens of some texts, in sorted order.

    Args:
        texts: the training texts.
        level: what a token is.
        lowercase: fold case first.
        max_ids: number of ids, with the special ones; None for all tokens that occur.
        length: number of tokens at which a text is cut.
    """
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(split(text, level, lowercase))
    kept = sorted(counts, key=lambda token: (-counts[token], token))
    if max_ids is not None:
        kept = kept[: max(0, max_ids - len(SPECIAL))]
    return Tokenizer(level, tuple(sorted(kept)), lowercase, length)


def split(text: str, level: Level, lowercase: bool) -> list[str]:
    """Return the tokens of a text."""
    text = text.lower() if lowercase else text
    if level == "whitespace":
        return text.split()
    return list(text) if level == "character" else _WORD.findall(text)
