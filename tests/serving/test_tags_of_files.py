"""`zoo predict` with a model that tags words: the same answers from CoNLL, JSON Lines, lines of text and Python."""

import json

import numpy as np
import onnxruntime
import pytest

from zoo.errors import ZooError
from zoo.serving.exported_model import ExportedModel
from zoo.serving.inputs import read_inputs

WORDS = [["Ann", "saw", "Rome"], ["Zoë", "saw", "Ulm"], ["Bo"]]


@pytest.fixture(scope="module")
def file(trained):
    return trained("tags").run / "export" / "model.onnx"


def test_it_learns_and_the_file_gives_the_tags_itself(file, trained):
    report = json.loads((trained("tags").run / "report.json").read_text())
    assert report["metrics"]["test"]["token_accuracy"] == 1 and report["baseline"]["name"] == "unigram_tagger"
    model = ExportedModel(file)
    ids = model.tokenizer.encode([" ".join(words) for words in WORDS])
    logits, tags = onnxruntime.InferenceSession(file).run(["logits", "tags"], {"tokens": ids})
    expected = np.array(model.labels)[1 + logits[..., 1:].argmax(axis=-1)]
    assert tags.shape == (3, 3) and tags.tolist() == np.where(ids > 0, expected, "").tolist()
    assert tags[0].tolist() == ["B-PER", "O", "B-LOC"] and tags[2].tolist()[1:] == ["", ""]


def test_every_kind_of_file_gets_the_same_tags(zoo, tmp_path, file):
    model = ExportedModel(file)
    expected = model.predict([" ".join(words) for words in WORDS]).tags
    assert [len(row) for row in expected] == [3, 3, 1] and expected == model.predict(WORDS).tags
    (tmp_path / "n.txt").write_text("\n".join("  ".join(words) for words in WORDS))
    (tmp_path / "n.jsonl").write_text("".join(json.dumps({"tokens": words, "id": 1}) + "\n" for words in WORDS))
    (tmp_path / "n.conll").write_text("\n".join("".join(f"{word} X\n" for word in words) for words in WORDS))
    (tmp_path / "n.csv").write_text("tokens\n" + "\n".join(map(" ".join, WORDS)))
    names = {"txt": (1, 2, 3), "jsonl": (1, 2, 3), "conll": (1, 5, 9), "csv": (1, 2, 3)}
    for kind, numbers in names.items():
        code, out, err = zoo("predict", str(file), f"n.{kind}", "--json")
        assert code == 0, err
        answers = json.loads(out)
        assert [answer["tags"] for answer in answers] == expected
        assert [answer["input"] for answer in answers] == [f"n.{kind}:{number}" for number in numbers]
        assert "1 of 7 words are unknown to the vocabulary: 'zoë'" in err
    code, out, _ = zoo("predict", str(file), "n.txt")
    assert out.splitlines()[0] == "n.txt:1  B-PER O B-LOC"
    zoo("predict", str(file), "n.txt", "--output", "o.csv")
    assert json.loads(
        (tmp_path / "o.csv").read_text().splitlines()[1].partition(",")[2].strip('"').replace('""', '"')
    ) == [
        "B-PER",
        "O",
        "B-LOC",
    ]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.conll", "Ann\tO\n\tO\n", r"1 lines have an empty token or one with a blank in it: line 2 \(''\)"),
        ("a.conll", "Ann O\nBo\nCy O\n", r"1 of 3 lines have another number of columns than most \(2\): line 2 \(1\)"),
        ("a.conll", "\n", "found no tokens"),
        ("a.jsonl", '{"tokens": ["a b"]}\n', "column 'tokens': 1 of 1 rows hold no list of words: row 1"),
        ("a.jsonl", '{"words": ["a"]}\n', "missing columns: tokens"),
    ],
)
def test_what_holds_no_sentences_is_refused(tmp_path, file, name, content, message):
    (tmp_path / name).write_text(content)
    with pytest.raises(ZooError, match=message):
        list(read_inputs(ExportedModel(file), [tmp_path / name], []))


def test_words_that_are_none_are_refused(file):
    with pytest.raises(ZooError, match=r"text 2 has a token that is empty or has a blank in it, 'a b' \(1 of 2\)"):
        ExportedModel(file).predict([["a"], ["a b"]])
