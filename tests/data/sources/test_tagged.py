"""Sentences with a tag for each word, from CoNLL files and from tables of lists: what is read, and what is refused."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from loading import load, refused

from zoo.audit.audit import audit
from zoo.data.sources.load import load_dataset
from zoo.recipe import load_recipe
from zoo.tasks import TASKS

TAGS = "sequence_labeling"
NAMES, TOWNS = ("Ann", "Bo", "Cy"), ("Rome", "Ulm")
SENTENCES = [
    ([NAMES[i % 3], "saw", TOWNS[i % 2], "."][: 3 + i % 2], ["PER", "O", "LOC", "O"][: 3 + i % 2]) for i in range(40)
]


def as_conll(sentences=SENTENCES, blank="\t"):
    return "\n".join("".join(f"{word}{blank}X{blank}{tag}\n" for word, tag in zip(*s, strict=True)) for s in sentences)


@pytest.fixture
def conll(tmp_path):
    def write(content, name="t.conll"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return f"conll:{path}"

    return write


@pytest.fixture
def lines(tmp_path):
    def write(rows):
        (tmp_path / "t.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
        return f"jsonl:{tmp_path / 't.jsonl'}"

    return write


ROWS = [{"tokens": tokens, "tags": tags} for tokens, tags in SENTENCES]
COLUMNS = {"text": "tokens", "target": "tags"}


def sentences(dataset):
    """Return all sentences with their tags, sorted."""
    found, labels = [], np.array(dataset.signature.labels)
    for split in (dataset.train, dataset.validation, dataset.test):
        for text, ids in zip(split.take(np.arange(len(split))), split.targets, strict=True):
            assert not ids[len(text.split()) :].any()
            found.append((text.split(), labels[ids[ids > 0]].tolist()))
    return sorted(found)


@pytest.mark.parametrize("blank", ["\t", " ", "   "])
def test_words_and_tags_are_those_of_the_file(conll, blank):
    dataset = load(conll(as_conll(blank=blank)), TAGS)
    assert dataset.signature.labels == ("<padding>", "LOC", "O", "PER") and dataset.signature.tags_tokens
    assert sentences(dataset) == sorted(SENTENCES)
    seen = {word for text in dataset.train.take(np.arange(len(dataset.train))) for word in text.split()}
    assert set(dataset.signature.tokenizer.symbols) == seen
    assert "140 tokens in 40 sentences, 3 tags" in dataset.notes
    columns = load(conll(as_conll(blank=blank)), TAGS, text="3", target="1")
    assert sentences(columns) == sorted((tags, words) for words, tags in SENTENCES)


def test_tables_of_lists_and_of_texts_hold_the_same(lines, tmp_path):
    expected = sorted(SENTENCES)
    assert sentences(load(lines(ROWS), TAGS, **COLUMNS)) == expected
    pd.DataFrame(ROWS).to_parquet(tmp_path / "t.parquet")
    assert sentences(load(f"parquet:{tmp_path}/t.parquet", TAGS, **COLUMNS)) == expected
    pd.DataFrame(ROWS).map(" ".join).to_csv(tmp_path / "t.csv", index=False)
    assert sentences(load(f"csv:{tmp_path}/t.csv", TAGS, **COLUMNS)) == expected
    numbered = [
        {"tokens": words, "tags": [["O", "PER", "LOC"].index(tag) for tag in tags]} for words, tags in SENTENCES
    ]
    assert load(lines(numbered), TAGS, **COLUMNS).signature.labels == ("<padding>", "0", "1", "2")


def test_the_recipe_of_the_page_reads_such_a_file(conll, tmp_path):
    page = (Path(__file__).parents[3] / "docs/data.md").read_text(encoding="utf-8")
    (recipe,) = re.findall(r"```yaml\n(# names\.yaml .*?)```", page, re.DOTALL)
    (tmp_path / "names.yaml").write_text(recipe)
    for split in ("train", "dev", "test"):
        conll(as_conll(), f"names/{split}.conll")
    loaded = load_recipe(tmp_path / "names.yaml").recipe
    dataset = load_dataset(loaded.data, TASKS[loaded.task], loaded.preprocess)
    assert len(dataset.train) == len(dataset.test) == 40


def test_documents_and_comments_are_left_out_and_counted(conll):
    head = "-DOCSTART- -X- O\n\n# a comment\n#\n"
    dataset = load(conll(head + as_conll(blank=" ") + "\n-DOCSTART- -X- O\n\n" + as_conll(blank=" ")), TAGS)
    assert sentences(dataset) == sorted(SENTENCES * 2)
    assert "t.conll: 2 lines are comments" in dataset.notes
    assert "t.conll: 2 lines mark documents (-DOCSTART-) and are left out" in dataset.notes
    number_sign = [(["#", "1"], ["O", "PER"])]
    assert (["#", "1"], ["O", "PER"]) in sentences(load(conll(as_conll([*SENTENCES, *number_sign])), TAGS))


def test_conllu_has_its_columns_by_name(conll):
    rows = [
        "".join(f"{i}\t{w}\t_\t{t}\t_\t_\t_\t_\t_\t_\n" for i, (w, t) in enumerate(zip(*s, strict=True), start=1))
        for s in SENTENCES
    ]
    rows[0] = "# text = a\tb\n1-2\tdu\t_\t_\t_\t_\t_\t_\t_\t_\n" + rows[0] + "4.1\tgone\t_\t_\t_\t_\t_\t_\t_\t_\n"
    source = conll("\n".join(rows).replace("# text = a\tb", "# text = a b"), "t.conllu")
    dataset = load(source, TAGS, target="UPOS")
    assert sentences(dataset) == sorted(SENTENCES) and dataset.signature.target == "UPOS"
    assert "t.conllu: left out, as they are no words of their own: 2 lines: 1-2, 4.1" in dataset.notes
    refused(r"data\.target: required, and missing: one of the columns ID, FORM, LEMMA", source, TAGS)
    refused(
        r"data\.target: expected a column from 1 to 10, or one of .*; did you mean 'UPOS'", source, TAGS, target="UPO"
    )
    named = conll("# global.columns = WORD KIND TAG\n" + as_conll())
    assert sentences(load(named, TAGS, target="TAG")) == sorted(SENTENCES)


def test_a_folder_has_a_file_a_split(conll, tmp_path):
    for name, part in (("train", SENTENCES[:30]), ("dev", SENTENCES[30:35]), ("test", SENTENCES[35:])):
        conll(as_conll(part), f"d/{name}.conll")
    conll("read me", "d/README.md")
    dataset = load(f"conll:{tmp_path}/d", TAGS)
    assert [len(split) for split in (dataset.train, dataset.validation, dataset.test)] == [30, 5, 5]
    assert "not used, as they name no split: README.md" in dataset.notes
    conll(as_conll(), "d/valid.txt")
    refused("several files for one split: dev.conll, valid.txt", f"conll:{tmp_path}/d", TAGS)


def test_a_split_column_and_unknown_words(lines):
    rows = [{**row, "split": ("train", "test")[i >= 30]} for i, row in enumerate(ROWS)]
    rows[35] = {**rows[35], "tokens": ["Zoë", *rows[35]["tokens"][1:]], "id": 1}
    dataset = load(lines(rows), TAGS, **COLUMNS, split_column="split")
    assert len(dataset.test) == 10
    assert any(
        re.match(r"the texts of the test split: 1 of 35 words are unknown .*'Zoë'", note) for note in dataset.notes
    )
    assert "no inputs, as data.text names 'tokens': 1 columns: 'id'" in dataset.notes


def test_groups_stay_in_one_split(lines):
    rows = [{**row, "story": f"s{i % 9}"} for i, row in enumerate(ROWS)]
    dataset = load(lines(rows), TAGS, **COLUMNS, group="story")
    stories = [{rows[i]["story"] for i in split.indices} for split in (dataset.train, dataset.validation, dataset.test)]
    assert sum(map(len, stories)) == len(set().union(*stories)) == 9
    assert sentences(dataset) == sorted(SENTENCES)
    pairs = [{"a": " ".join(tokens), "b": " ".join(tags), "story": i % 9} for i, (tokens, tags) in enumerate(SENTENCES)]
    assert len(load(lines(pairs), "sequence_to_sequence", text="a", target="b", group="story").test) > 0


def test_a_tag_outside_the_training_split_is_refused(lines, conll, tmp_path):
    rows = [{**row, "split": ("train", "test")[i >= 30]} for i, row in enumerate(ROWS)]
    rows[30] = {**rows[30], "tags": ["ORG", "ORG", "MISC"]}
    message = r"has 2 tags that no training sentence has: 'ORG' \(2\), 'MISC' \(1\) \(training: LOC, O, PER\)"
    refused(message, lines(rows), TAGS, **COLUMNS, split_column="split")
    conll(as_conll(), "d/train.conll")
    conll(as_conll([(["a", "b"], ["ORG", "O"])]), "d/test.conll")
    refused(r"the split 'test' has 1 tags that no", f"conll:{tmp_path}/d", TAGS)


def test_a_tag_that_the_cut_leaves_to_another_split_is_said(lines):
    rare = [{"tokens": ["rare"], "tags": [f"R{i}"]} for i in range(8)]
    dataset = load(lines([*ROWS, *rare]), TAGS, **COLUMNS)
    present = set(np.unique(dataset.train.targets)) - {0}
    absent = [name for i, name in enumerate(dataset.signature.labels) if i and i not in present]
    (found,) = [each for each in audit(dataset)["findings"] if each["name"] == "empty_class"]
    assert absent and found["message"] == f"tags with no token in the training split: {', '.join(absent)}"


GOOD = as_conll()
BAD = [  # what is put in front of forty good sentences, settings, and what is said
    ("Ann\tPER\n\n", {}, r"1 of 141 lines have another number of columns than most \(3\): line 1 \(2\)"),
    ("Ann\n\nBo\tX\tO\tO\n\n", {}, r"2 of 142 lines .*: line 1 \(1\), line 3 \(4\)"),
    ("Ann PER\n\n", {}, r"line 1 \(1\)"),
    ("Ann\tX\t\n\n", {}, r"1 lines have an empty token or tag, .*: line 1 \(token 'Ann', tag ''\)"),
    ("\tX\tO\n\n", {}, r"line 1 \(token '', tag 'O'\)"),
    ("New York\tX\tO\nBo\tX\ta b\n\n", {}, r"2 lines have .* blank in it: line 1 \(token 'New York', .* line 2"),
    ("New\u00a0York\tX\tO\n\n", {}, "1 lines have an empty token or tag, or one with a blank in it: line 1"),
    ("Ann\tX\tO\n# late\n\n", {}, r"line 2 \(1\)"),
    ("Ann\tX\tO\n-DOCSTART-\n\n", {}, r"line 2 \(1\)"),
    ("", {"target": "4"}, r"data\.target: expected a column from 1 to 3, received '4'"),
    ("", {"target": "0"}, r"data\.target: expected a column from 1 to 3, received '0'"),
    ("", {"target": "NER"}, r"data\.target: expected a column from 1 to 3, received 'NER'"),
    ("", {"text": "-1"}, r"data\.text: expected a column from 1 to 3, received '-1'"),
    ("", {"target": "1"}, r"data\.target: column 1 holds the tokens; name another one"),
    ("", {"target": "2"}, "expected at least two different tags, found X"),
    ("# global.columns = A B\n", {"target": "A"}, r"names 2 columns \(A, B\), and its lines have 3"),
    (b"\xe9\tX\tO\n\n", {}, "line 1: the byte 0xe9 is no UTF-8"),
    ("", {"encoding": "latin-99"}, "unknown encoding 'latin-99'"),
]
ALONE = [  # all of a file, and what is said
    ("", "expected a token and its tag a line, found no tokens"),
    ("\n \n\n", "found no tokens"),
    ("# only\n# comments\n", "found no tokens"),
    ("-DOCSTART- O\n\n", "found no tokens"),
    ("Ann\nsaw\n\nBo\n" * 9, "has one column, and tags are expected beside the tokens"),
    ("Ann O\n" * 9, "expected at least two different tags, found O"),
    ('{"tokens": ["a"], "tags": ["O"]}\n', "expected at least two different tags"),
]


@pytest.mark.parametrize(("first", "settings", "message"), BAD, ids=range(len(BAD)))
def test_a_file_with_faults_is_refused(conll, first, settings, message):
    first = first if isinstance(first, bytes) else first.encode()
    refused(f"(?s){message}", conll(first + GOOD.encode()), TAGS, **settings)


@pytest.mark.parametrize("first", [text for text, settings, _ in BAD[:9]], ids=range(9))
def test_sentences_with_faults_are_left_out_on_request(conll, first):
    dataset = load(conll(first + GOOD), TAGS, on_error="skip")
    assert sentences(dataset) == sorted(SENTENCES)
    assert any(" sentences are left out" in note for note in dataset.notes)


@pytest.mark.parametrize(("content", "message"), ALONE, ids=range(len(ALONE)))
def test_another_file_is_refused(conll, content, message):
    refused(message, conll(content), TAGS)


def test_paths_that_hold_nothing(tmp_path):
    refused("No such file", f"conll:{tmp_path}/gone", TAGS)
    (tmp_path / "empty").mkdir()
    refused("no file for the training split .found: none.; expected one file a split", f"conll:{tmp_path}/empty", TAGS)


BAD_ROWS = [  # a row in front of the good ones, and what is said of it
    ({"tokens": ["a", "b"], "tags": ["O"]}, r"\(line 1\) \(2 tokens and 1 tags\)"),
    ({"tokens": [], "tags": []}, r"\('tokens' has no tokens\)"),
    ({"tokens": ["a"], "tags": []}, r"\('tags' has no tokens\)"),
    ({"tokens": ["a"]}, r"\('tags' has nothing\)"),
    ({"tags": ["O"]}, r"\('tokens' has nothing\)"),
    ({"tokens": None, "tags": ["O"]}, r"\('tokens' has nothing\)"),
    ({"tokens": 3, "tags": ["O"]}, r"\('tokens' has 3\)"),
    ({"tokens": {"a": 1}, "tags": ["O"]}, r"\('tokens' has \{'a': 1\}\)"),
    ({"tokens": ["a b"], "tags": ["O"]}, r"has a token that is empty or has a blank in it, 'a b'"),
    ({"tokens": [""], "tags": ["O"]}, r"a token that is empty or has a blank in it, ''"),
    ({"tokens": ["a\u00a0b"], "tags": ["O"]}, r"has a blank in it, 'a\\xa0b'"),
    ({"tokens": ["a\n"], "tags": ["O"]}, r"has a blank in it, 'a\\n'"),
    ({"tokens": [1], "tags": ["O"]}, r"'tokens' has 1 among the tokens"),
    ({"tokens": [None], "tags": ["O"]}, r"'tokens' has None among the tokens"),
    ({"tokens": [["a"]], "tags": ["O"]}, r"'tokens' has \['a'\] among the tokens"),
    ({"tokens": ["a"], "tags": [True]}, r"'tags' has True among the tokens"),
    ({"tokens": ["a"], "tags": [1.5]}, r"'tags' has 1.5 among the tokens"),
    ({"tokens": ["a"], "tags": ["B PER"]}, r"'tags' has a token that is empty or has a blank in it, 'B PER'"),
    ({"tokens": " ", "tags": "O"}, r"\('tokens' has no tokens\)"),
    ({"tokens": "a b", "tags": "O"}, r"\(2 tokens and 1 tags\)"),
]


@pytest.mark.parametrize(("row", "message"), BAD_ROWS, ids=range(len(BAD_ROWS)))
def test_a_row_that_is_no_sentence_is_refused_or_left_out(lines, row, message):
    source = lines([row, *ROWS])
    refused(f"1 of 41 rows hold no tokens with a tag each: row 1 .*{message}", source, TAGS, **COLUMNS)
    assert sentences(load(source, TAGS, **COLUMNS, on_error="skip")) == sorted(SENTENCES)


def test_pairs_of_texts_come_from_tables(tmp_path):
    rows = [{"from": f"{i} and", "to": f"{'ab'[i % 2]} {i}"} for i in range(40)]
    rows[3]["to"] = None
    pd.DataFrame(rows).to_json(tmp_path / "t.jsonl", orient="records", lines=True)
    pd.DataFrame(rows).to_csv(tmp_path / "t.csv", index=False)
    for kind in ("csv", "jsonl"):
        source = f"{kind}:{tmp_path}/t.{kind}"
        refused(
            "column 'to': 1 of 40 rows have no text: row 4", source, "sequence_to_sequence", text="from", target="to"
        )
        dataset = load(source, "sequence_to_sequence", text="from", target="to", on_error="skip")
        labels = dataset.signature.labels
        kept = [row for row in rows if row["to"]]
        for split in (dataset.train, dataset.validation, dataset.test):
            said = ["".join(labels[i] for i in ids if i > 3) for ids in split.targets]
            assert said == [kept[i]["to"] for i in split.indices]
            assert split.take(np.arange(len(split))).tolist() == [kept[i]["from"] for i in split.indices]
