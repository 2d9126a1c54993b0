"""Tables with a column of images: the same images and targets as the files hold, and what is wrong with them."""

import json
import os

import numpy as np
import pandas as pd
import pytest
from loading import IMAGES, load, refused
from PIL import Image

from zoo.errors import ZooError

COUNT = 40


def picture(number):
    """Return a colour picture, its size and colours decided by its number."""
    generator = np.random.default_rng(number)
    return generator.integers(0, 256, (6 + number % 2, 5, 3), np.uint8)


@pytest.fixture
def rows(tmp_path):
    """Write pictures, and return the rows of a table that names them."""
    (tmp_path / "photos").mkdir()
    for number in range(COUNT):
        Image.fromarray(picture(number)).save(tmp_path / f"photos/{number}.png")
    kinds = ["cat", "dog"]
    return [
        {"file": f"photos/{i}.png", "kind": kinds[i % 2], "id": i, "day": f"2024-01-{1 + i // 2:02}", "owner": i // 4}
        for i in range(COUNT)
    ]


@pytest.fixture(params=["csv", "parquet", "jsonl"])
def source(request, rows, tmp_path):
    frame = pd.DataFrame(rows)
    path = tmp_path / f"t.{request.param}"
    if request.param == "jsonl":
        path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    else:
        frame.to_csv(path, index=False) if request.param == "csv" else frame.to_parquet(path)
    return f"{request.param}:{path}"


@pytest.fixture
def table(rows, tmp_path):
    """Write a CSV file of these rows, or of others."""

    def write(other=None):
        pd.DataFrame(rows if other is None else other).to_csv(tmp_path / "t.csv", index=False)
        return f"csv:{tmp_path / 't.csv'}"

    return write


def check_examples(dataset):
    """Compare every example with the picture of its row; the classes alternate."""
    for split in (dataset.train, dataset.validation, dataset.test):
        for position, row in enumerate(split.indices):
            np.testing.assert_array_equal(split.take([position])[0], picture(int(row)))
            assert dataset.signature.labels[split.targets[position]] == ["cat", "dog"][row % 2]


def test_images_and_targets_are_those_of_the_files(source):
    dataset = load(source, IMAGES, image="file", target="kind", ignore=["id", "day"])
    check_examples(dataset)
    assert dataset.signature.shape == (None, None, 3) and dataset.signature.labels == ("cat", "dog")
    assert "no inputs, as data.image names 'file': 1 columns: 'owner'" in dataset.notes
    assert sum(map(len, (dataset.train, dataset.validation, dataset.test))) == COUNT


def test_a_pattern_makes_paths_of_ids(source):
    dataset = load(source, IMAGES, image="photos/{id}.png", target="kind")
    check_examples(dataset)
    assert [column.name for column in dataset.signature.columns] == ["photos/{id}.png"]


def test_rows_are_split_by_a_column_a_group_or_time(table, rows):
    for row in rows:
        row["part"] = "test" if row["id"] in (3, 8) else "train"
    dataset = load(table(), IMAGES, image="file", target="kind", split_column="part")
    assert dataset.test.indices.tolist() == [3, 8]
    check_examples(dataset)
    dataset = load(table(), IMAGES, image="file", target="kind", group="owner")
    owners = [set(split.indices // 4) for split in (dataset.train, dataset.validation, dataset.test)]
    assert sum(map(len, owners)) == len(set.union(*owners)) == COUNT // 4
    dataset = load(table(), IMAGES, image="file", target="kind", time="day")
    assert dataset.train.indices.max() < dataset.validation.indices.min() <= dataset.test.indices.min()
    check_examples(dataset)


def test_skipped_rows_leave_the_others_as_they_are(table, rows, tmp_path):
    (tmp_path / "photos/4.png").write_bytes(b"none")
    rows[7]["file"], rows[9]["file"], rows[12]["kind"] = "gone.png", None, None
    dataset = load(table(), IMAGES, image="file", target="kind", on_error="skip", group="owner")
    assert sum(map(len, (dataset.train, dataset.validation, dataset.test))) == COUNT - 4
    kept = [i for i in range(COUNT) if i not in (4, 7, 9, 12)]
    for split in (dataset.train, dataset.validation, dataset.test):
        for position, place in enumerate(split.indices):
            np.testing.assert_array_equal(split.take([position])[0], picture(kept[place]))
            assert dataset.signature.labels[split.targets[position]] == ["cat", "dog"][kept[place] % 2]
    notes = " ".join(dataset.notes)
    assert "because of column 'kind' (1): row 13 (line 14); they are left out" in notes
    assert "left out by data.on_error: 3 of 39 examples: 1 images that are not there: row 8 (line 9): gone.png" in notes
    assert "1 rows without an image: row 10 (line 11); 1 images that cannot be read: row 5 (line 6): photos/4.png" in (
        notes
    )


def test_the_fingerprint_follows_pixels_and_classes(table, rows, tmp_path):
    first = load(table(), IMAGES, image="file", target="kind").fingerprint
    assert load(table(), IMAGES, image="file", target="kind").fingerprint == first
    Image.fromarray(picture(100)).save(tmp_path / "photos/0.png")
    assert load(table(), IMAGES, image="file", target="kind").fingerprint != first


def as_cell(text):
    """Return a change of row 3 (line 4), whose image it names otherwise."""
    return lambda rows, folder: rows[2].update(file=text)


def _other_file(name, content=b""):
    def change(rows, folder):
        (folder / name).write_bytes(content)
        rows[2]["file"] = name

    return change


def _pipe(rows, folder):
    os.mkfifo(folder / "pipe.png")
    rows[2]["file"] = "pipe.png"


def _link(rows, folder):
    (folder / "link.png").symlink_to("nowhere.png")
    rows[2]["file"] = "link.png"


def _folder(rows, folder):
    (folder / "folder.png").mkdir()
    rows[2]["file"] = "folder.png"


BAD = {
    "missing": (as_cell("gone.png"), r"1 images that are not there: row 3 \(line 4\): gone.png; mend them"),
    "empty cell": (as_cell(None), r"1 rows without an image: row 3 \(line 4\)"),
    "blank cell": (as_cell("  "), r"1 rows without an image: row 3 \(line 4\)"),
    "named missing": (as_cell("none"), r"1 rows without an image: row 3 \(line 4\)"),
    "out of the folder": (
        as_cell("../other.png"),
        r"1 paths that are absolute or lead out of the table's folder: row 3",
    ),
    "out and in again": (as_cell("photos/../../x.png"), r"1 paths that are absolute or lead out of the table's folder"),
    "absolute": (as_cell("/etc/passwd"), r"1 paths that are absolute or lead out .* row 3 \(line 4\): /etc/passwd"),
    "out by backslash": (as_cell("..\\x.png"), r"1 paths that are absolute or lead out of the table's folder"),
    "address": (as_cell("https://example.org/cat.png"), r"1 images that are not there: row 3"),
    "too long": (as_cell("x" * 5000), r"1 images that are not there"),
    "folder": (_folder, r"1 paths of no regular file: row 3 \(line 4\): folder.png"),
    "pipe": (_pipe, r"1 paths of no regular file: row 3 \(line 4\): pipe.png"),
    "dead link": (_link, r"1 images that are not there: row 3 \(line 4\): link.png"),
    "empty file": (
        _other_file("e.png"),
        r"1 images that cannot be read: row 3 \(line 4\): e.png \(the file is empty\)",
    ),
    "text": (_other_file("t.png", b"hello"), r"t.png \(its content is of no format that is read\)"),
    "cut short": (_other_file("c.png", None), r"1 images that cannot be read: row 3 \(line 4\): c.png"),
    "postscript": (_other_file("p.png", b"%!PS-Adobe-3.0 EPSF-3.0\n"), r"of no format that is read"),
    "no class": (lambda rows, folder: rows[2].update(kind=None), r"row 3 \(line 4\) has no label"),
    "one class": (lambda rows, folder: [row.update(kind="cat") for row in rows], r"needs at least two classes"),
    "all missing": (lambda rows, folder: [row.update(file="x.png") for row in rows], r"40 images that are not there"),
    "no column": (lambda rows, folder: [row.pop("file") for row in rows], r"data.image names the column 'file', which"),
    "deep numbers": (lambda rows, folder: _deep(rows, folder), r"images of mode 'I;16' are not supported"),
}


def _deep(rows, folder):
    Image.fromarray(np.full((4, 4), 40_000, np.uint16)).save(folder / "deep.png")
    rows[2]["file"] = "deep.png"


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_with_a_table_of_images_is_refused(name, rows, table, tmp_path):
    change, message = BAD[name]
    if name == "cut short":
        change = _other_file("c.png", (tmp_path / "photos/5.png").read_bytes()[:60])
    change(rows, tmp_path)
    missing = ["none"] if name == "named missing" else []
    refused(message, table(), IMAGES, image="file", target="kind", missing=missing)


def test_all_faults_are_counted(rows, table):
    for i, text in enumerate(["gone.png", "../x.png", None, "lost.png"]):
        rows[i]["file"] = text
    with pytest.raises(ZooError) as error:
        load(table(), IMAGES, image="file", target="kind")
    assert "2 images that are not there: row 1 (line 2): gone.png, row 4 (line 5): lost.png" in str(error.value)
    assert "1 paths that are absolute" in str(error.value) and "1 rows without an image" in str(error.value)
    assert "data.on_error=skip" in str(error.value)


def test_most_rows_are_not_left_out(rows, table):
    for row in rows[: COUNT // 2 + 1]:
        row["file"] = "gone.png"
    refused(
        r"21 of 40 examples: 21 images that are not there: .*; too many to leave out",
        *(table(), IMAGES),
        **{"image": "file", "target": "kind", "on_error": "skip"},
    )


def test_backslashes_and_repeated_images_are_said(rows, table):
    for row in rows[:3]:
        row["file"] = row["file"].replace("/", "\\")
    rows[10]["file"] = rows[12]["file"]
    dataset = load(table(), IMAGES, image="file", target="kind")
    assert any(note.startswith("backslashes in paths are read as slashes: 3 rows: row 1") for note in dataset.notes)
    assert "named by several rows, each an example of its own: 1 images: photos/12.png (2)" in dataset.notes
