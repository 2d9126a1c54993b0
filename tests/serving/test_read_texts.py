"""Text files: lines keep their numbers, and what the model loses of them is said."""

from types import SimpleNamespace

import pytest

from zoo.data.tables.reading import Reading
from zoo.data.tokenizer import fit_tokenizer
from zoo.errors import ZooError
from zoo.serving.read_texts import read_texts


def model(task="sequence_to_sequence", shape=(), **settings):
    tokenizer = fit_tokenizer(["2 May 1999", "3 June 2001"], level="character", **settings)
    return SimpleNamespace(task=task, tokenizer=tokenizer, shape=shape, signature=SimpleNamespace(reading=Reading()))


def read(tmp_path, text, **settings):
    (tmp_path / "t.txt").write_bytes(text.encode())
    notes = []
    names, texts = read_texts(model(**settings), tmp_path / "t.txt", notes)
    return [name.rpartition(":")[2] for name in names], texts, [note.removeprefix(f"{tmp_path}/") for note in notes]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_keep_their_numbers(tmp_path, end):
    numbers, texts, notes = read(tmp_path, end.join(["2 May 1999", "", "  ", "3 June 2001", ""]))
    assert numbers == ["1", "4"] and texts == ["2 May 1999", "3 June 2001"] and not notes


def test_only_a_line_feed_ends_a_line(tmp_path):
    inner = "2\u2028May\x0b1\x0c9\x859\u20299\x1c"
    assert read(tmp_path, f"\ufeff{inner}\n3 June 2001")[:2] == (["1", "2"], [inner, "3 June 2001"])


def test_unknown_characters_are_counted_with_their_lines(tmp_path):
    notes = read(tmp_path, "🐎 May 1999\n2 May 1999\n\n🐎x May\n")[2]
    assert notes == ["t.txt (2 lines: 1, 4): 3 of 26 characters are unknown to the vocabulary: 'x', '🐎'"]
    assert not read(tmp_path, "🐎 May 1999", task="masked_language_modeling", shape=(20,))[2]  # is to be filled in


def test_what_is_cut_is_said(tmp_path):
    notes = read(tmp_path, "2 May\n2 May 1999\n", length=6)[2]
    assert notes == ["t.txt (1 lines: 2): 1 of 2 texts are cut at 6 characters"]
    assert read(tmp_path, "2 May\n2 May 1999\n", task="language_modeling", shape=(8,))[2] == [
        "t.txt: the model sees the last 8 characters of 1 lines: 2"
    ]


def test_a_file_without_text_is_refused(tmp_path):
    with pytest.raises(ZooError, match=r"t\.txt: the file holds no text"):
        read(tmp_path, "\n \n")
