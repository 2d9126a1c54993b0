"""Odd texts: empty, read with the wrong encoding, of another script or language, far too long or short."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator

import numpy as np

from zoo.audit.finding import Finding, found
from zoo.audit.outliers import far_values
from zoo.audit.subject import Subject
from zoo.audit.tabular import sampled

_MAX_TEXTS = 20_000  # of a split
_SHOWN = 80  # characters of a text
_GARBLED = re.compile("\ufffd|[ÃÂ][\x80-\xbf]|â€[\x9c\x9d\u0153\u2122\u0080-\u009f™œ“”]|ï»¿|Ã[©¨¤¶¼Ÿ±§ª¡]")
_MIN_LETTERS = 12  # of a text whose script is told
_MAX_MIXED = 0.3  # of the texts in another script or language; more is a mixture, as it may be meant
_MIN_OTHERS = 2  # texts in another language; one may be a quotation
_MIN_WORDS = 8  # of a text whose language is told
_STOPWORDS = {  # the most frequent words of languages in Latin script
    "English": "the of and to in is that it was for on with as are be this by not from have or at which but",
    "German": "der die und das ist nicht ein eine zu den mit von auf für sich dem des im auch es wird war an als",
    "French": "le la les et des est une dans que pour qui pas sur au avec ce il du en sont par ne se plus",
    "Spanish": "el los las y que es una por con para del se no en un lo como más su al pero sus le ya",
    "Italian": "il di che è la per una con non sono del della nel si da gli le più anche come ma alla dei",
    "Portuguese": "o os as e que é uma para com não do da em um por mais dos como mas ao das se na no",
    "Dutch": "de het een van en is dat niet op te zijn met voor die er aan om ook als bij maar naar dan",
}
_WORDS_OF = {language: frozenset(words.split()) for language, words in _STOPWORDS.items()}


def text_findings(subject: Subject) -> Iterator[Finding]:
    """Yield odd texts of the training and the test split, at most 20,000 of each."""
    if subject.task is not None and subject.task.reads_corpus:
        return  # windows of running text
    texts: list[str] = []
    places: list[tuple[str, int]] = []
    for name in ("train", "test"):
        split = subject.splits[name]
        positions = sampled(len(split), _MAX_TEXTS)
        texts += [str(text) for text in split.take(positions)] if len(positions) else []
        places += [(name, int(at)) for at in positions]
    if not texts:
        return

    def listed(name: str, what: str, odd: list[int]) -> Iterator[Finding]:
        if odd:
            yield found(
                name,
                f"{len(odd)} of {len(texts)} texts {what}",
                count=len(odd),
                evidence=[subject.example(*places[at], text=texts[at][:_SHOWN]) for at in odd[:20]],
                severity="note" if name == "language_mix" and len(odd) < _MIN_OTHERS else None,
            )

    yield from listed("empty_texts", "have no word", [i for i, t in enumerate(texts) if not any(map(str.isalnum, t))])
    garbled = [i for i, text in enumerate(texts) if _GARBLED.search(text)]
    yield from listed("text_encoding", "were read with another encoding than they were written in", garbled)
    others, what = _other_language(texts)
    yield from listed("language_mix", what, others)
    lengths = np.array([len(text.split()) + 1 for text in texts], np.float64)
    yield from listed(
        "odd_lengths",
        f"are far longer than the others, whose median has {np.median(lengths) - 1:.0f} words",
        [i for i in far_values(lengths).tolist() if lengths[i] > np.median(lengths)],
    )


def _other_language(texts: list[str]) -> tuple[list[int], str]:
    """Return the texts in another script than most, or in another language, and what is said of them."""
    scripts = [_script(text) for text in texts]
    usual = Counter(script for script in scripts if script).most_common(1)
    if not usual:
        return [], ""
    others = [i for i, script in enumerate(scripts) if script and script != usual[0][0]]
    if usual[0][0] == "LATIN":
        languages = [_language(text) if scripts[i] == "LATIN" else "" for i, text in enumerate(texts)]
        spoken = Counter(language for language in languages if language).most_common(1)
        if spoken:
            others += [i for i, language in enumerate(languages) if language and language != spoken[0][0]]
    known = sum(bool(script) for script in scripts)
    if len(others) > _MAX_MIXED * known:
        return [], ""
    return sorted(others), "are in another script or language than most"


def _script(text: str) -> str:
    """Return the script of most letters of a text; "" where it has few."""
    letters = [c for c in text[:400] if c.isalpha()]
    if len(letters) < _MIN_LETTERS:
        return ""
    if text.isascii():
        return "LATIN"
    names = Counter(_SCRIPTS.get(word := unicodedata.name(c, "").split(" ")[0], word) for c in letters)
    return names.most_common(1)[0][0]


_SCRIPTS = {"HIRAGANA": "CJK", "KATAKANA": "CJK", "FULLWIDTH": "LATIN"}


def _language(text: str) -> str:
    """Return the language whose frequent words a text has, where it has clearly more of one than of any other."""
    words = re.findall(r"[^\W\d_]+", text[:2000].lower())
    if len(words) < _MIN_WORDS:
        return ""
    counts = sorted(((sum(word in known for word in words), name) for name, known in _WORDS_OF.items()), reverse=True)
    (most, language), (second, _) = counts[:2]
    return language if most >= max(3, 0.12 * len(words)) and most >= 2 * second else ""
