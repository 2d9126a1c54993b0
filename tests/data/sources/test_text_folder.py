"""Folders of text files, one a class: what is read, what is left out, and what is refused."""

import os

import numpy as np
import pytest
from loading import load, refused

TEXT = "sequence_classification"
TEXTS = {f"{label}/{i:02}.txt": f"{label} text {i}\n" for label in ("ham", "spam") for i in range(15)}


@pytest.fixture
def folder(tmp_path):
    def write(files=TEXTS, **more):
        for name, content in {**files, **more}.items():
            path = tmp_path / "data" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return f"folder:{tmp_path / 'data'}"

    return write


def content(split):
    return split.take(np.arange(len(split))).tolist()


def test_a_file_is_a_text_and_its_folder_the_class(folder):
    dataset = load(folder(), TEXT)
    assert dataset.signature.kind == "text" and dataset.signature.labels == ("ham", "spam")
    texts = sorted(content(dataset.train) + content(dataset.validation) + content(dataset.test))
    assert texts == sorted(TEXTS.values())
    assert all(
        text.startswith(dataset.signature.labels[y])
        for text, y in zip(content(dataset.train), dataset.train.targets, strict=True)
    )
    assert dataset.signature.to_json()["reading"] == {"whole_files": True}


def test_folders_of_splits(folder):
    files = {f"{split}/{name}": text for split in ("Train", "dev", "test") for name, text in TEXTS.items()}
    dataset = load(folder(files), TEXT)
    assert [len(s) for s in (dataset.train, dataset.validation, dataset.test)] == [30, 30, 30]
    assert "by the names of the folders: 'Train' is the train split, 'dev' is the validation split" in dataset.notes


def test_what_is_left_out_is_counted(folder, tmp_path):
    source = folder(
        **{
            "ham/sub/x.TXT": "deeper",
            "ham/.hidden.txt": "h",
            "spam/a.pdf": "%PDF",
            "read.txt": "loose",
            "spam/e.txt": " \n",
        }
    )
    (tmp_path / "data/ham/.DS_Store").write_text("")
    dataset = load(source, TEXT)
    assert len(dataset.train) + len(dataset.validation) + len(dataset.test) == 32
    said = " | ".join(dataset.notes)
    assert "left out, no .txt files or hidden: 2 files: .txt (1), .pdf (1)" in said
    assert "left out, as they lie in no class folder: 1 texts: read.txt" in said
    assert "empty or blank: 1 of 32 texts: spam/e.txt" in said


def test_another_encoding_and_a_byte_order_mark(folder):
    source = folder({name: text.replace("text", "téxt").encode("latin-1") for name, text in TEXTS.items()})
    refused(
        r"30 of 30 texts cannot be read: ham/00\.txt .*, …; save them as UTF-8 or name their data\.encoding",
        source,
        TEXT,
    )
    assert "téxt" in content(load(source, TEXT, encoding="latin-1").train)[0]
    assert not content(load(folder({n: f"\ufeff{t}" for n, t in TEXTS.items()}), TEXT).train)[0].startswith("\ufeff")


def test_files_that_cannot_be_read_are_left_out_on_request(folder, tmp_path):
    source = folder(**{"ham/bad.txt": b"\xff\xfe\x00"})
    (tmp_path / "data/ham/gone.txt").symlink_to(tmp_path / "nowhere")
    dataset = load(source, TEXT, on_error="skip")
    assert len(dataset.train) + len(dataset.validation) + len(dataset.test) == 30
    assert any(
        n.startswith("left out by data.on_error: 2 of 32 texts cannot be read: ham/bad.txt (") for n in dataset.notes
    )


def links(folder):
    (folder / "ham/loop").symlink_to(folder / "ham")


def pipe(folder):
    os.mkfifo(folder / "ham/p.txt")


BAD = [  # files beside the thirty good ones, what else is done, settings, and what is said
    ({"ham/a.txt": b"\xff"}, None, {}, r"1 of 31 texts cannot be read: ham/a\.txt \(not readable as UTF-8"),
    (
        {"ham/a.txt": b"\xff", "spam/b.txt": b"a\xe9"},
        None,
        {},
        r"2 of 32 texts cannot be read: ham/a\.txt .*spam/b\.txt",
    ),
    ({"ham/a.txt": b"a" * ((1 << 24) + 1)}, None, {}, r"ham/a\.txt \(.*16,777,217 bytes, and at most 16,777,216"),
    ({}, pipe, {}, r"ham/p\.txt \(.*a pipe, not a file"),
    ({}, links, {}, r"ham/loop \(a link to a folder that is read already"),
    ({"empty/a.md": "a"}, None, {}, r"1 classes have no \.txt files: .*empty"),
    ({"empty/a.txt": b"\xff"}, None, {"on_error": "skip"}, r"1 classes have no \.txt files: .*empty"),
    ({"train/ham/a.txt": "a"}, None, {}, r"train are splits, and beside them lie texts in 2 folders: ham, spam"),
    ({"train/a.txt": "a"}, None, {}, r"folders named as splits without folders of classes in them: train"),
    ({"ham/test/a.txt": "a"}, None, {}, r"a class folder holds folders of splits \(test\)"),
    ({}, None, {"splits": {"train": "tain"}}, r"data\.splits\.train names the folder 'tain', which is not there"),
    ({"te\u0301/a.txt": "a", "t\xe9/a.txt": "a"}, None, {}, "two class folders have the name 'té'"),
    ({"egg/a.txt": "a"}, None, {}, "a class has only one example: 'egg'"),
    ({"ham/a.txt": b"\xff"}, None, {"encoding": "ascii"}, r"not readable as ascii text"),
]
ALONE = [  # all the files, and what is said
    ({"one/a.txt": "a"}, "expected one subfolder a class, at least two; found one"),
    ({"a.txt": "a"}, "expected one subfolder a class, at least two; found none"),
    ({"a/a.md": "a", "b/b.md": "b"}, r"2 classes have no \.txt files"),
    (
        {"train/a/a.txt": "a", "train/b/b.txt": "b", "test/c/c.txt": "c"},
        "classes that the training split does not have: c",
    ),
    ({"train/a/a.txt": "a", "train/b/b.txt": "b", "test/a/c.txt": "c"}, r"1 classes have no \.txt files: .*test/b"),
    ({"test/a/a.txt": "a", "dev/b/b.txt": "b"}, "no folder holds the training split"),
    (
        {"val/a/a.txt": "a", "dev/a/b.txt": "b", "train/a/b.txt": "b"},
        "the folders dev, val are all for the validation split",
    ),
]


@pytest.mark.parametrize(("files", "change", "settings", "message"), BAD, ids=range(len(BAD)))
def test_a_folder_with_faults_is_refused(folder, tmp_path, files, change, settings, message):
    source = folder(**files)
    if change is not None:
        change(tmp_path / "data")
    refused(f"(?s){message}", source, TEXT, **settings)


@pytest.mark.parametrize(("files", "message"), ALONE, ids=range(len(ALONE)))
def test_another_layout_is_refused(folder, files, message):
    refused(message, folder(files), TEXT)


def test_a_folder_that_is_not_there(tmp_path):
    refused("does not exist", f"folder:{tmp_path}/gone", TEXT)
