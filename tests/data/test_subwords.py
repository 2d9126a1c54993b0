"""Subword tokenizers: against the package that trains them, the same each time, and from a file."""

import json
import sys

import numpy as np
import pytest

from zoo.data.sources.load import load_dataset
from zoo.data.tokenizer import SPECIAL, Tokenizer, fit_tokenizer
from zoo.errors import ZooError
from zoo.recipe import load_recipe
from zoo.tasks import END, PADDING, TASKS, UNKNOWN

tokenizers = pytest.importorskip("tokenizers")
WORDS = ["lower", "lowest", "newer", "newest", "wider", "widest", "slow", "new", "wide", "Zürich", "naïve"]
TEXTS = [" ".join(np.random.default_rng(i).choice(WORDS, 6)) for i in range(80)]
KINDS = {"bpe": 300, "wordpiece": 60}


def trained(kind, **settings):
    return fit_tokenizer(TEXTS, level="subword", kind=kind, max_ids=KINDS[kind], **settings)


@pytest.mark.parametrize("kind", KINDS)
def test_ids_are_those_of_the_package_behind_the_special_ones(kind):
    tokenizer = trained(kind, lowercase=True)
    package = tokenizers.Tokenizer.from_str(tokenizer.subwords)
    assert 30 < len(tokenizer) <= KINDS[kind] and package.get_vocab_size() == len(tokenizer.symbols)
    ids = tokenizer.encode([*TEXTS[:3], ""], end=True)
    for row, text in zip(ids, [*TEXTS[:3], ""], strict=True):
        expected = [i + len(SPECIAL) for i in package.encode(text).ids]
        assert row[row != PADDING].tolist() == [*expected, END]
        assert [tokenizer.names[i] for i in expected] == package.encode(text).tokens
        assert tokenizer.decode(row) == text.lower()


@pytest.mark.parametrize("kind", KINDS)
def test_training_twice_gives_the_same(kind):
    first, second = trained(kind), trained(kind)
    assert first == second and first.encode(TEXTS).tolist() == second.encode(TEXTS).tolist()
    assert Tokenizer.from_json(json.loads(json.dumps(first.to_json()))) == first


@pytest.mark.parametrize("kind", KINDS)
def test_accents_are_composed_first(kind):
    tokenizer = trained(kind)
    assert tokenizer.encode(["Zu\u0308rich"]).tolist() == tokenizer.encode(["Z\u00fcrich"]).tolist()


def test_bytes_know_every_text():
    tokenizer = trained("bpe", length=9)
    text = "\N{SNOWMAN}\N{GREEK SMALL LETTER OMEGA} new"
    ids = tokenizer.encode([text])
    assert UNKNOWN not in ids and tokenizer.decode(ids[0]) == text
    assert tokenizer.note([text], "here") is None
    assert tokenizer.note([text * 3, "new"], "here") == "here: 1 of 2 texts are cut at 9 pieces of words"


def test_word_pieces_that_are_unknown_are_counted():
    tokenizer = trained("wordpiece")
    ids = tokenizer.encode(["new \N{SNOWMAN} wide"])[0]
    assert ids.tolist().count(UNKNOWN) == 1
    assert tokenizer.decode(ids) == "new\N{REPLACEMENT CHARACTER}wide"
    note = "here: 1 of 3 pieces of words are unknown to the vocabulary: '[UNK]'"
    assert tokenizer.note(["new \N{SNOWMAN} wide"], "here") == note


def recipe(tmp_path, tokenize, *overrides):
    rows = "".join(f"{text},{'ab'[i % 2]}\n" for i, text in enumerate(TEXTS))
    (tmp_path / "t.csv").write_text(f"text,label\n{rows}")
    (tmp_path / "r.yaml").write_text(
        "extends: [_base/sequence_classification, _base/adamw_cosine]\n"
        f"data: {{source: 'csv:{tmp_path}/t.csv', target: label, text: text}}\n"
        f"preprocess: [{{tokenize: {tokenize}}}]\nmodel: {{name: fasttext}}\ntraining: {{batch_size: 8, epochs: 2}}\n"
    )
    return load_recipe(tmp_path / "r.yaml", overrides).recipe


def test_a_file_is_taken_as_it_is(tmp_path):
    """As a published one has it: with padding and special tokens, which are not added."""
    package = tokenizers.Tokenizer.from_str(trained("wordpiece").subwords)
    package.enable_padding()
    package.enable_truncation(3)
    package.add_special_tokens(["[CLS]"])
    package.post_processor = tokenizers.processors.TemplateProcessing("[CLS] $A", special_tokens=[("[CLS]", 60)])
    package.save(str(tmp_path / "tokenizer.json"))
    found = recipe(tmp_path, f"{{level: subword, file: '{tmp_path}/tokenizer.json'}}")
    tokenizer = load_dataset(found.data, TASKS[found.task], found.preprocess).signature.tokenizer
    assert tokenizer.encode(TEXTS).tolist() == trained("wordpiece").encode(TEXTS).tolist()
    assert tokenizer.symbols[-1] == "[CLS]"


@pytest.mark.parametrize(
    ("tokenize", "problem"),
    [
        ("{level: word, kind: bpe}", "kind is of level: subword, and the level is word"),
        ("{level: subword, vocabulary: 100}", "at least 260 for byte pair encoding"),
        ("{level: subword, file: t.json, lowercase: true}", "lowercase has no effect beside file"),
        ("{level: subword, file: t.json, vocabulary: 900}", "vocabulary has no effect beside file"),
    ],
)
def test_settings_without_an_effect_are_refused(tmp_path, tokenize, problem):
    with pytest.raises(ZooError, match=problem):
        recipe(tmp_path, tokenize)


@pytest.mark.parametrize(("content", "problem"), [(None, "cannot be read"), ("{}", "holds no tokenizer")])
def test_files_that_are_none(tmp_path, content, problem):
    if content is not None:
        (tmp_path / "t.json").write_text(content)
    found = recipe(tmp_path, f"{{level: subword, file: '{tmp_path}/t.json'}}")
    with pytest.raises(ZooError, match=problem):
        load_dataset(found.data, TASKS[found.task], found.preprocess)


def test_without_the_package(monkeypatch):
    tokenizer = Tokenizer.from_json(trained("bpe").to_json())
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(ZooError, match=r"a tokenizer of subwords needs tokenizers, which is not installed: .*\[text\]"):
        tokenizer.encode(["new"])
