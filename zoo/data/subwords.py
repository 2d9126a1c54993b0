"""Subword tokenizers of the package `tokenizers`: byte pair encoding and WordPiece, or one from its file."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np

from zoo.errors import ZooError, import_extra, visible

SubwordKind = Literal["bpe", "wordpiece"]
_UNKNOWN = "[UNK]"


class Subwords:
    """A subword tokenizer.

    Args:
        text: what a file `tokenizer.json` of the package `tokenizers` holds.
    """

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def _tokenizer(self) -> Any:
        tokenizers = import_extra("tokenizers", "a tokenizer of subwords")
        tokenizer = tokenizers.Tokenizer.from_str(self.text)
        tokenizer.no_padding()  # both are ours
        tokenizer.no_truncation()
        return tokenizer

    @cached_property
    def unknown(self) -> int | None:
        """Number of the piece that stands for what cannot be cut into pieces; None where there is none."""
        model = json.loads(self.text)["model"]
        if model.get("unk_id") is not None:
            return int(model["unk_id"])
        name = model.get("unk_token")
        return None if name is None else self._tokenizer.token_to_id(name)

    @cached_property
    def pieces(self) -> tuple[str, ...]:
        """The pieces in the order of their numbers."""
        numbers = self._tokenizer.get_vocab(with_added_tokens=True)
        names = {number: name for name, number in numbers.items()}
        return tuple(names.get(i, f"<unused {i}>") for i in range(max(names, default=-1) + 1))

    def cut(self, text: str, length: int | None = None, *, marks: bool = False) -> tuple[list[int], list[str]]:
        """Return the numbers of the pieces of a text, and the pieces.

        Args:
            text: the text.
            length: number of pieces, with the marks, after which the text is cut; None for no limit.
            marks: put the marks around it that the tokenizer's template has.
        """
        found = self._tokenizer.encode(text, add_special_tokens=False)
        if length is not None:
            found.truncate(max(0, length - (self._tokenizer.num_special_tokens_to_add(False) if marks else 0)))
        if marks:
            found = self._tokenizer.post_process(found)
        return found.ids, found.tokens

    def join(self, numbers: Sequence[int], *, without_marks: bool = False) -> str:
        """Return the text of pieces; without the tokenizer's special ones, such as [CLS], if they are not wanted."""
        return str(self._tokenizer.decode(list(numbers), skip_special_tokens=without_marks)).removeprefix(" ")


def train_subwords(texts: Sequence[str] | np.ndarray, *, kind: SubwordKind, lowercase: bool, size: int) -> Subwords:
    """Train a tokenizer on texts, whose Unicode is composed first (NFC). The same texts give the same tokenizer.

    Args:
        texts: the training texts.
        kind: "bpe", byte pair encoding of bytes, to which no text is unknown (Sennrich et al., 2016,
            arXiv:1508.07909); or "wordpiece" (Devlin et al., 2018, arXiv:1810.04805).
        lowercase: fold case first.
        size: number of pieces, as far as the texts have so many.

    Raises:
        ZooError: the package is not installed.
    """
    tokenizers = import_extra("tokenizers", f"preprocess.tokenize: {{level: subword, kind: {kind}}}")
    normalizers, before = tokenizers.normalizers, tokenizers.pre_tokenizers
    words = [str(text) for text in texts]
    normalizer = normalizers.Sequence([normalizers.NFC(), *([normalizers.Lowercase()] if lowercase else [])])
    if kind == "bpe":
        tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
        tokenizer.normalizer = normalizer
        tokenizer.pre_tokenizer = before.ByteLevel(add_prefix_space=True)
        alphabet = before.ByteLevel.alphabet()
        trainer = tokenizers.trainers.BpeTrainer(vocab_size=size, initial_alphabet=alphabet, show_progress=False)
        tokenizer.train_from_iterator(words, trainer)
        tokenizer.decoder = tokenizers.decoders.ByteLevel()
        return Subwords(tokenizer.to_str())
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordPiece(unk_token=_UNKNOWN))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizer, before.BertPreTokenizer()
    first = [_UNKNOWN, *_letters(tokenizer, words, size - 1)]  # else their order is that of a hash table
    trainer = tokenizers.trainers.WordPieceTrainer(vocab_size=size, special_tokens=first, show_progress=False)
    tokenizer.train_from_iterator(words, trainer)
    vocabulary = tokenizer.get_vocab()
    again = tokenizers.Tokenizer(tokenizers.models.WordPiece(vocabulary, unk_token=_UNKNOWN))  # letters not special
    again.normalizer, again.pre_tokenizer = tokenizer.normalizer, tokenizer.pre_tokenizer
    again.decoder = tokenizers.decoders.WordPiece()
    return Subwords(again.to_str())


def _letters(tokenizer: Any, texts: Sequence[str], most: int) -> list[str]:
    """Return the first letters of words, and the others behind their mark, as far as they are frequent; sorted."""
    counts: Counter[str] = Counter()
    for text in texts:
        for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(tokenizer.normalizer.normalize_str(text)):
            counts.update([word[0], *(f"##{letter}" for letter in word[1:])])
    ranked = sorted(counts, key=lambda piece: (-counts[piece], piece))
    return sorted(ranked[:most])


def read_subwords(path: str) -> Subwords:
    """Return the tokenizer that a file `tokenizer.json` holds.

    Raises:
        ZooError: the file is not readable, or holds no tokenizer; or the package is not installed.
    """
    tokenizers = import_extra("tokenizers", f"preprocess.tokenize.file: {path}")
    try:
        text = Path(path).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ZooError(f"preprocess.tokenize.file: {visible(path)} cannot be read: {error}") from error
    try:
        tokenizers.Tokenizer.from_str(text)
    except Exception as error:  # the package raises plain ones
        raise ZooError(
            f"preprocess.tokenize.file: {visible(path)} holds no tokenizer of the package tokenizers: {error}"
        ) from error
    return Subwords(text)
