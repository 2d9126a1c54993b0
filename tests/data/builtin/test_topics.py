"""The topics of `help()`: the whole text, in three parts."""

import hashlib
import platform

import pytest
from builtin_examples import examples, sizes

from zoo.data.builtin import builtin_builder


def test_python_topics():
    from pydoc_data.topics import topics

    parts = {split: str(examples("python_topics", split)["text"][0]) for split in ("train", "validation", "test")}
    whole = "".join(parts.values())
    assert whole == "\n\n".join(text for _, text in sorted(topics.items()))
    assert sizes("python_topics") == {"train": 1, "validation": 1, "test": 1}
    for split, fraction in (("train", 0.9), ("validation", 0.05), ("test", 0.05)):
        assert len(parts[split]) / len(whole) == pytest.approx(fraction, abs=0.01)
    assert parts["train"].endswith("\n\n") and parts["validation"].endswith("\n\n")
    builder = builtin_builder("python_topics")
    metadata = builder.info.metadata
    assert metadata["sha256"] == hashlib.sha256(whole.encode()).hexdigest()
    assert metadata["python"] == platform.python_version()
    assert metadata["python"] in builder.data_dir and metadata["sha256"][:8] in builder.data_dir
    assert metadata["sha256"] in builder.info.description
