"""CoNLL files: a token and its tags a line, in columns; an empty line ends a sentence."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

from zoo.data.tables.encoding import decode_file
from zoo.data.tables.reading import Reading
from zoo.errors import MAX_SHOWN_NAMES, ZooError, counted, did_you_mean, first_few, listing

CONLL_SUFFIXES = (".conll", ".conllu", ".bio", ".iob")
_CONLLU = ("ID", "FORM", "LEMMA", "UPOS", "XPOS", "FEATS", "HEAD", "DEPREL", "DEPS", "MISC")
_DOCUMENT = "-DOCSTART-"
_NAMES = "# global.columns ="  # the header of CoNLL-U Plus
_MAX_SKIPPED_FRACTION = 0.5  # of the sentences; a file with more faults is another file than the recipe says


@dataclass(kw_only=True)
class Sentence:
    """The lines of a sentence: their fields, and their numbers in the file."""

    rows: list[list[str]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class ConllFile:
    """The sentences of a file.

    Attributes:
        where: the file, for messages.
        sentences: all that have a token.
        width: number of columns.
        names: of the columns, where the file gives them.
        reading: how it was read.
    """

    where: str
    sentences: list[Sentence]
    width: int
    names: tuple[str, ...]
    reading: Reading

    def column(self, wanted: str | None, default: int, key: str) -> int:
        """Return the position of a column that the recipe names or numbers, from 0.

        Raises:
            ZooError: there is none of this name or number.
        """
        if wanted is None:
            return default
        if wanted in self.names:
            return self.names.index(wanted)
        if wanted.isdecimal() and 1 <= int(wanted) <= self.width:
            return int(wanted) - 1
        known = f", or one of {listing(self.names)}" if self.names else ""
        raise ZooError(
            f"{self.where}: {key}: expected a column from 1 to {self.width}{known}, received '{wanted}'"
            f"{did_you_mean(wanted, self.names)}"
        )


def read_conll(path: Path, reading: Reading, notes: list[str]) -> ConllFile:
    """Read a file; tabs separate its columns where it has any, else blanks.

    Lines that begin with `#` before the first token of a sentence are comments, unless they have the columns of the
    others and tabs between them. The first sentence of each document, `-DOCSTART-`, is left out, and so are lines of
    CoNLL-U that are no words (`3-4`, `8.1`).

    Raises:
        ZooError: it is not readable, has no tokens, or has lines of another number of columns.
    """
    text, encoding = decode_file(path, reading, notes)
    lines = text.split("\n")
    tabs = any("\t" in line for line in lines)
    names: tuple[str, ...] = _CONLLU if path.suffix.lower() == ".conllu" else ()
    sentences, current = [], Sentence()
    comments = documents = 0
    for number, line in enumerate([*lines, ""], start=1):
        line = line.rstrip("\r")
        if not line.strip():
            sentences += [current] if current.rows else []
            current = Sentence()
        elif line.startswith(_NAMES) and not current.rows:
            names = tuple(line.removeprefix(_NAMES).split())
        elif line.startswith("#") and not current.rows and not (tabs and "\t" in line):
            comments += 1
        elif line.split()[0] == _DOCUMENT and not current.rows:
            documents += 1
        else:
            current.rows.append(line.split("\t") if tabs else line.split())
            current.lines.append(number)
    if not sentences:
        raise ZooError(f"{path}: expected a token and its tag a line, found no tokens")
    notes += [f"{comments:,} lines are comments"] if comments else []
    notes += [f"{documents:,} lines mark documents ({_DOCUMENT}) and are left out"] if documents else []
    width = Counter(len(row) for sentence in sentences for row in sentence.rows).most_common(1)[0][0]
    sentences = _even(path, sentences, width, reading, notes)
    if names and len(names) != width:
        raise ZooError(f"{path}: names {len(names)} columns ({', '.join(names)}), and its lines have {width}")
    if "ID" in names:
        sentences = _words(sentences, names.index("ID"), notes)
    return ConllFile(
        where=str(path), sentences=sentences, width=width, names=names, reading=replace(reading, encoding=encoding)
    )


def _even(path: Path, sentences: list[Sentence], width: int, reading: Reading, notes: list[str]) -> list[Sentence]:
    """Refuse lines of another number of columns than most, or leave their sentences out where the recipe says so."""
    ragged = [
        f"line {line} ({len(row)})"
        for sentence in sentences
        for row, line in zip(sentence.rows, sentence.lines, strict=True)
        if len(row) != width
    ]
    if not ragged:
        return sentences
    total = sum(len(sentence.rows) for sentence in sentences)
    what = f"{len(ragged)} of {total} lines have another number of columns than most ({width}): {first_few(ragged)}"
    kept = [sentence for sentence in sentences if all(len(row) == width for row in sentence.rows)]
    lost = len(sentences) - len(kept)
    if not reading.skip or lost > _MAX_SKIPPED_FRACTION * len(sentences):
        raise ZooError(f"{path}: {what}; correct them, or leave their sentences out (data.on_error=skip)")
    notes.append(f"{what}; their {lost} of {len(sentences)} sentences are left out")
    return kept


def _words(sentences: list[Sentence], identity: int, notes: list[str]) -> list[Sentence]:
    """Leave out the lines of CoNLL-U for several words together, and for words that are not written."""
    others: list[str] = []
    for sentence in sentences:
        kept = [i for i, row in enumerate(sentence.rows) if row[identity].isdecimal()]
        others += [row[identity] for row in sentence.rows if not row[identity].isdecimal()]
        sentence.rows = [sentence.rows[i] for i in kept]
        sentence.lines = [sentence.lines[i] for i in kept]
    if others:
        notes.append(f"left out, as they are no words of their own: {counted(others[: MAX_SHOWN_NAMES + 1], 'lines')}")
    return [sentence for sentence in sentences if sentence.rows]
