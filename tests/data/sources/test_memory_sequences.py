"""Sentences with tags, running text and graphs of a Python program: as in files, and what they may not hold."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from zoo.data.memory.datasets import hold
from zoo.data.sources.load import load_dataset
from zoo.errors import ZooError
from zoo.recipe.data_section import Data
from zoo.tasks import TASKS

TAGS, TEXT, GRAPHS = "sequence_labeling", "language_modeling", "graph_classification"
SENTENCES = [["the", "cat", "sat", "in", "Rome"][: 2 + i % 4] for i in range(40)]
NAMES = [["O", "O", "O", "O", "B-LOC"][: len(words)] for words in SENTENCES]
LETTERS = "the quick brown fox jumps over the lazy dog.\r\n" * 40
NODES, EDGES = np.eye(3), [[0, 1], [1, 2]]
GOOD = {"nodes": NODES, "edges": EDGES}


def memory(train, task, *, test=None, **settings):
    given = hold(train, None, test)
    return load_dataset(Data(source=given.source, **settings), TASKS[task], (), given)


def file(source, task, **settings):
    return load_dataset(Data(source=source, **settings), TASKS[task])


def same(here, there):
    assert here.signature.labels == there.signature.labels
    assert here.signature.tokenizer == there.signature.tokenizer
    for name in ("train", "validation", "test"):
        own, other = getattr(here, name), getattr(there, name)
        assert np.array_equal(own.targets, other.targets)
        assert own.take(np.arange(len(own))).tolist() == other.take(np.arange(len(other))).tolist()


@pytest.mark.parametrize("form", ["lists", "columns", "frame", "arrays"])
def test_sentences_are_those_of_a_conll_file(form, tmp_path):
    lines = ["".join(f"{w}\t{t}\n" for w, t in zip(*pair, strict=True)) for pair in zip(SENTENCES, NAMES, strict=True)]
    (tmp_path / "a.conll").write_text("\n".join(lines))
    columns = {"words": SENTENCES, "tags": NAMES}
    settings = {} if form in ("lists", "arrays") else {"text": "words", "target": "tags"}
    data = {
        "lists": (SENTENCES, NAMES),
        "columns": columns,
        "frame": pd.DataFrame(columns),
        "arrays": ([np.array(words) for words in SENTENCES], [np.array(names) for names in NAMES]),
    }[form]
    same(memory(data, TAGS, **settings), file(f"conll:{tmp_path / 'a.conll'}", TAGS))


BAD_SENTENCES = {
    "fewer tags": (["a", "b"], ["O"], r"data sentence 3 \(2 tokens and 1 tags\)"),
    "no words": ([], [], r"data sentence 3 \('words' has no tokens\)"),
    "no tags": (["a"], None, r"data sentence 3 \('tags' has nothing\)"),
    "a blank": (["New York"], ["B-LOC"], r"data sentence 3 \('words' has a token that is empty or has a blank"),
    "an empty word": ([""], ["O"], r"data sentence 3 \('words' has a token that is empty or has a blank"),
    "a number": ([5], ["O"], r"data sentence 3 \('words' has 5 among the tokens\)"),
    "a fraction as tag": (["a"], [0.5], r"data sentence 3 \('tags' has 0\.5 among the tokens\)"),
    "no list": (7, ["O"], r"data sentence 3 \('words' has 7\)"),
}


@pytest.mark.parametrize("name", BAD_SENTENCES)
def test_bad_sentences_are_refused_or_left_out(name):
    words, tags, message = BAD_SENTENCES[name]
    data = SENTENCES[:2] + [words] + SENTENCES[3:], NAMES[:2] + [tags] + NAMES[3:]
    with pytest.raises(ZooError, match=rf"1 of 40 sentences hold no words with a tag each: {message}"):
        memory(data, TAGS)
    found = memory(data, TAGS, on_error="skip")
    assert len(found.train) + len(found.validation) + len(found.test) == 39
    assert any("they are left out" in note for note in found.notes)


@pytest.mark.parametrize("task", [TEXT, "masked_language_modeling"])
def test_running_text_is_that_of_a_file(task, tmp_path):
    (tmp_path / "a.txt").write_text(LETTERS, newline="")
    there = file(f"text:{tmp_path / 'a.txt'}", task)
    same(memory(LETTERS, task), there)
    lines = LETTERS.split("\r\n")
    same(memory(lines, task), there)
    same(memory(pd.DataFrame({"text": lines, "number": 0}), task, text="text"), there)
    assert "data: 41 texts are joined by line feeds to one running text" in memory({"text": lines}, task).notes


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (5, r"expected running text \(a str\), or a list of texts, received int"),
        (["a", None], r"expected running text \(a str\), or a list of texts, received list of 2"),
        ({"a": ["x"], "b": ["y"]}, r"which column holds the text\? Name it under data\.text \(columns: a, b\)"),
        ("ab", r"part has 0 characters; a language model needs at least two"),
        (b"bytes", r"expected running text \(a str\), or a list of texts, received bytes"),
    ],
)
def test_what_is_no_running_text_is_refused(data, message):
    with pytest.raises(ZooError, match=message):
        memory(data, TEXT)


def test_graphs_keep_their_nodes_edges_and_labels():
    random = np.random.default_rng(0)
    graphs = [{"nodes": random.normal(size=(3 + i % 2, 2)), "edges": [[0, 1], [1, 2]][: i % 3]} for i in range(40)]
    labels = ["a", "b"] * 20
    found = memory((graphs, labels), GRAPHS)
    assert found.signature.labels == ("a", "b") and found.signature.shape == (None, 2)
    for split in (found.train, found.validation, found.test):
        raw = split.take(np.arange(len(split)))
        for row, index in enumerate(split.indices):
            nodes = raw["nodes"][row][~np.isnan(raw["nodes"][row]).all(axis=1)]
            np.testing.assert_allclose(nodes, graphs[index]["nodes"], rtol=1e-6)
            edges = raw["edges"][row]
            assert edges[edges[:, 0] >= 0].tolist() == graphs[index]["edges"]
            assert found.signature.labels[split.targets[row]] == labels[index]
    as_torch = [SimpleNamespace(x=g["nodes"], edge_index=np.array(g["edges"]).reshape(-1, 2).T) for g in graphs]
    assert memory((as_torch, labels), GRAPHS).fingerprint == found.fingerprint
    columns = memory({"graph": graphs, "kind": labels}, GRAPHS, target="kind")
    assert np.array_equal(columns.train.targets, found.train.targets)


BAD_GRAPHS = {
    "no nodes": ({"edges": EDGES}, r"expected 'nodes' of numbers \(nodes, features\), received object \(\)"),
    "no edges": ({"nodes": NODES}, r"expected 'edges' of whole numbers \(edges, 2\), received object \(\)"),
    "one axis": ({"nodes": [1.0, 2.0], "edges": EDGES}, r"\(nodes, features\), received float64 \(2,\)"),
    "text": ({"nodes": [["a"]], "edges": EDGES}, r"\(nodes, features\), received <U1"),
    "three ends": ({"nodes": NODES, "edges": [[0, 1, 2]]}, r"\(edges, 2\), received int64 \(1, 3\)"),
    "fractions": ({"nodes": NODES, "edges": [[0.0, 1.0]]}, r"\(edges, 2\), received float64 \(1, 2\)"),
    "an unknown node": (
        {"nodes": NODES, "edges": [[0, 3]]},
        r"edges must join nodes 0 to 2, received the edge \[0, 3\]",
    ),
    "a negative node": ({"nodes": NODES, "edges": [[0, -1]]}, r"edges must join nodes 0 to 2"),
    "NaN": ({"nodes": NODES * np.nan, "edges": EDGES}, r"features must be finite"),
    "empty": ({"nodes": np.zeros((0, 3)), "edges": []}, r"expected at least one node, received none"),
    "no dict": (5, r"expected 'nodes' of numbers"),
}


@pytest.mark.parametrize("name", BAD_GRAPHS)
def test_bad_graphs_are_refused_by_number(name):
    graph, message = BAD_GRAPHS[name]
    graphs = [GOOD] * 2 + [graph] + [GOOD] * 37
    with pytest.raises(ZooError, match=rf"1 of 40 graphs cannot be used: data graph 3 \(.*{message}"):
        memory((graphs, ["a", "b"] * 20), GRAPHS)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (([GOOD] * 40, ["a"] * 39), r"expected \(graphs, labels\).*lengths: x 40, y 39"),
        (([GOOD, {"nodes": np.eye(4), "edges": EDGES}] * 20, ["a", "b"] * 20), r"one number of features, found 3, 4"),
        (([GOOD] * 40, [["a"]] * 40), None),
        (([GOOD] * 40, [["a", "b"]] * 40), r"targets must be one label or number an example"),
    ],
)
def test_graphs_that_do_not_fit_together_are_refused(data, message):
    with pytest.raises(ZooError, match=message):
        memory(data, GRAPHS)
