"""`python_topics`: the text of Python's `help()` on the language, for language models."""

from __future__ import annotations

import hashlib
import platform
from itertools import pairwise

from zoo.data.builtin.definition import Definition, Splits
from zoo.errors import ZooError

_PARAGRAPH_END = "\n\n"
_SPLIT_ENDS = (0.9, 0.95)  # of training and validation, as fractions of the text


def python_topics() -> Definition:
    """Define the topics of `help()` in alphabetical order, in three contiguous parts."""
    import tensorflow_datasets as tfds

    text = _text()
    digest, version = hashlib.sha256(text.encode()).hexdigest(), platform.python_version()
    return Definition(
        description=(
            "The topics of Python's help(), from pydoc_data: parts of the language reference in alphabetical order, "
            "with a blank line between two. The first 90% of the text are for training, the next 5% for validation, "
            "the last 5% for the test; cut at the end of a paragraph. Each split is one example. The text depends on "
            f"the version of Python: this is that of Python {version}, {len(text):,} characters, SHA-256 {digest}."
        ),
        features={"text": tfds.features.Text()},
        splits=lambda: _parts(text),
        metadata={"python": version, "sha256": digest, "characters": len(text)},
        variant=f"{version}-{digest[:8]}",
    )


def _text() -> str:
    try:
        from pydoc_data.topics import topics
    except ImportError as error:
        raise ZooError(
            "builtin:python_topics needs pydoc_data, a part of Python's standard library that this installation lacks: "
            "use the Python of python.org, or your system's full package of it"
        ) from error
    return _PARAGRAPH_END.join(topics[name] for name in sorted(topics))


def _parts(text: str) -> Splits:
    """Cut the text into three parts that together are the text."""
    cuts = [text.index(_PARAGRAPH_END, int(fraction * len(text))) + len(_PARAGRAPH_END) for fraction in _SPLIT_ENDS]
    parts = [text[start:end] for start, end in pairwise([0, *cuts, len(text)])]
    return {split: [{"text": part}] for split, part in zip(("train", "validation", "test"), parts, strict=True)}
