"""Windows of text: every character but the first is predicted once."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.data.sources.load import load_dataset
from zoo.data.sources.text import read_text, text_windows
from zoo.errors import ZooError
from zoo.recipe.data_section import Data
from zoo.tasks import TASKS


@given(st.text(min_size=2), st.integers(1, 9))
def test_every_character_but_the_first_is_predicted_once(text, context):
    seen, following = text_windows(text, context)
    assert "".join(following) == text[1:]
    assert "".join(seen) == text[:-1]
    assert all(len(x) == len(y) <= context for x, y in zip(seen, following, strict=True))


def test_a_text_is_its_characters_with_line_feeds(tmp_path):
    (tmp_path / "a.txt").write_bytes("\ufeffä\r\nb\u2028c\rd\x0ce\n".encode())
    assert read_text(tmp_path / "a.txt") == "ä\nb\u2028c\nd\x0ce\n"
    (tmp_path / "a.txt").write_bytes(b"caf\xe9")
    with pytest.raises(ZooError, match=r"a\.txt: not readable as UTF-8 text \(.*0xe9"):
        read_text(tmp_path / "a.txt")
    os.mkfifo(tmp_path / "pipe.txt")
    with pytest.raises(ZooError, match=r"pipe\.txt: not readable as UTF-8 text \(a pipe, not a file\)"):
        read_text(tmp_path / "pipe.txt")


def test_characters_that_the_training_text_lacks_are_counted(tmp_path):
    (tmp_path / "a.txt").write_text("ab" * 40 + "xyxz" + "ab" * 8)
    data = {"source": f"text:{tmp_path / 'a.txt'}", "context": 8, "test": 0.2, "validation": 0.1}
    notes = load_dataset(Data(**data), TASKS["language_modeling"]).notes
    assert notes[-1] == "the test text: 4 of 20 characters are unknown to the vocabulary: 'x', 'y', 'z'"
    assert not any("the validation text" in note for note in notes)
