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

from zoo.data.subwords import SubwordKind, Subwords, read_subwords, train_subwords
from zoo.errors import MAX_SHOWN_NAMES, visible
from zoo.tasks import END, PADDING, START, UNKNOWN

SPECIAL = ("<padding>", "<unknown>", "<start>", "<end>")
_WORD = re.compile(r"\w+|[^\w\s]")

Level = Literal["character", "word", "whitespace", "subword"]
_TOKENS: dict[Level, str] = {  # in messages
    "character": "characters",
    "word": "words",
    "whitespace": "words",
    "subword": "pieces of words",
}
DEFAULT_SUBWORDS = 8000  # ids


@dataclass(frozen=True)
class Tokenizer:
    """A fixed vocabulary.

    Attributes:
        level: what a token is: one character; a word or punctuation mark; what whitespace separates; or a piece of a
            word.
        symbols: the vocabulary, in the order of the ids from 4 on.
        lowercase: fold case first.
        length: number of tokens at which a text is cut; None for no limit.
        subwords: how words are cut into pieces, as the package tokenizers writes it; empty at all other levels.
        marks: put the marks around each text that the subword tokenizer's own template has, such as [CLS] and [SEP];
            they count in `length`.
    """

    level: Level
    symbols: tuple[str, ...]
    lowercase: bool = False
    length: int | None = None
    subwords: str = ""
    marks: bool = False

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

    @cached_property
    def _pieces(self) -> Subwords:
        return Subwords(self.subwords)

    def _cut(self, text: str, length: int | None) -> tuple[list[int], list[str]]:
        """Return the ids of a text, and its tokens: as many as `length`, all of them if it is None."""
        if self.level != "subword":
            tokens = split(text, self.level, self.lowercase)[:length]
            return [self._ids.get(token, UNKNOWN) for token in tokens], tokens
        numbers, tokens = self._pieces.cut(text, length, marks=self.marks)
        unknown = self._pieces.unknown
        return [UNKNOWN if number == unknown else number + len(SPECIAL) for number in numbers], tokens

    def encode(self, texts: Sequence[str] | np.ndarray, *, end: bool = False) -> np.ndarray:
        """Return int32 ids `(texts, longest)`, padded on the right; at least one column.

        Args:
            texts: the texts.
            end: add the end mark to each text, beyond `length`.
        """
        rows = [self._cut(text, self.length)[0] + [END] * end for text in texts]
        ids = np.zeros((len(rows), max(map(len, rows), default=0) or 1), np.int32)
        for i, row in enumerate(rows):
            ids[i, : len(row)] = row
        return ids

    def tokens(self, text: str) -> list[str]:
        """Return the tokens of a text whose ids `encode` gives."""
        return self._cut(text, self.length)[1]

    def note(self, texts: Sequence[str] | np.ndarray, where: str) -> str | None:
        """Return a sentence on what the vocabulary and the length limit lose of some texts; None where it is nothing.

        Args:
            texts: the texts.
            where: what they are, for example "the test split".
        """
        total = unknown = cut = 0
        examples = dict[str, None]()
        for text in texts:
            ids, tokens = self._cut(text, None)
            cut += self.length is not None and len(tokens) > self.length
            ids = ids[: self.length]
            total += len(ids)
            lost = [token for i, token in zip(ids, tokens, strict=False) if i == UNKNOWN]
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
        if self.level == "subword":
            return self._joined(ids)
        found = []
        for i in ids:
            if i in (PADDING, END):
                break
            if i != START:
                found.append("\N{REPLACEMENT CHARACTER}" if i == UNKNOWN else self.symbols[i - len(SPECIAL)])
        return ("" if self.level == "character" else " ").join(found)

    def _joined(self, ids: Iterable[int]) -> str:
        """Return the text of pieces, between those that are unknown."""
        parts = list[list[int]]([[]])
        for i in ids:
            if i in (PADDING, END):
                break
            if i == UNKNOWN:
                parts.append([])
            elif i != START:
                parts[-1].append(int(i) - len(SPECIAL))
        texts = [self._pieces.join(part, without_marks=self.marks) for part in parts]
        return "\N{REPLACEMENT CHARACTER}".join(texts)

    def to_json(self) -> dict[str, Any]:
        """Return the tokenizer as plain data."""
        facts: dict[str, Any] = {
            "level": self.level,
            "symbols": list(self.symbols),
            "lowercase": self.lowercase,
            "length": self.length,
        }
        facts |= {"subwords": self.subwords} if self.subwords else {}
        return facts | ({"marks": True} if self.marks else {})

    @classmethod
    def from_json(cls, facts: Mapping[str, Any]) -> Tokenizer:
        """Return the tokenizer that `to_json` wrote."""
        return cls(
            facts["level"],
            tuple(facts["symbols"]),
            bool(facts["lowercase"]),
            facts["length"],
            facts.get("subwords", ""),
            bool(facts.get("marks", False)),
        )


def fit_tokenizer(
    texts: Sequence[str] | np.ndarray,
    *,
    level: Level,
    lowercase: bool = False,
    max_ids: int | None = None,
    length: int | None = None,
    kind: SubwordKind | None = None,
    file: str | None = None,
    marks: bool = False,
) -> Tokenizer:
    """Return a tokenizer whose vocabulary is the most frequent tokens of some texts, in sorted order.

    Pieces of words are trained on the texts, in the order in which they were found; or read from a file.

    Args:
        texts: the training texts.
        level: what a token is.
        lowercase: fold case first.
        max_ids: number of ids, with the special ones; None for all tokens that occur.
        length: number of tokens at which a text is cut.
        kind: of subwords: "bpe", the default, or "wordpiece".
        file: `tokenizer.json` of a tokenizer of subwords, which is taken as it is.
        marks: put the marks of its template around each text.
    """
    if level == "subword":
        pieces = read_subwords(file) if file else None
        if pieces is None:
            size = (max_ids or DEFAULT_SUBWORDS) - len(SPECIAL)
            pieces = train_subwords(texts, kind=kind or "bpe", lowercase=lowercase, size=size)
        return Tokenizer(level, pieces.pieces, lowercase, length, pieces.text, marks)
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
