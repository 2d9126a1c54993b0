import json
import os
from pathlib import Path

import pytest

from zoo.errors import ZooError
from zoo.utils.files import check_regular, read_json, read_regular, replacing, write_json, write_text


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_new_file_and_its_folders(tmp_path):
    write_text(tmp_path / "a/b/c.txt", "é\n")
    assert (tmp_path / "a/b/c.txt").read_bytes() == "é\n".encode()
    assert names(tmp_path / "a/b") == ["c.txt"]


def test_a_file_is_replaced_in_one_step(tmp_path):
    path = tmp_path / "model.tar.gz"
    path.write_text("old")
    with replacing(path) as temporary:
        assert temporary.parent == tmp_path
        assert temporary.name.startswith(".")
        assert temporary.name.endswith(".model.tar.gz")
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert names(tmp_path) == ["model.tar.gz"]


@pytest.mark.parametrize("stop", [RuntimeError, KeyboardInterrupt])
def test_a_failure_leaves_the_old_file_and_no_temporary(tmp_path, stop):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def write_half():
        with replacing(path) as temporary:
            temporary.write_text("hal")
            raise stop

    with pytest.raises(stop):
        write_half()
    assert path.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_a_first_write_that_fails_leaves_nothing(tmp_path):
    path = tmp_path / "a.txt"
    with pytest.raises(RuntimeError), replacing(path) as temporary:
        temporary.write_text("hal")
        raise RuntimeError
    assert names(tmp_path) == []


def test_a_block_that_writes_nothing_is_an_error(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(FileNotFoundError), replacing(path):
        pass
    assert path.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_two_writers_do_not_meet(tmp_path):
    path = tmp_path / "a.txt"
    with replacing(path) as first, replacing(path) as second:
        first.write_text("first")
        second.write_text("second")
    assert path.read_text() == "first"
    assert names(tmp_path) == ["a.txt"]


def test_json_comes_back(tmp_path):
    value = {"é": [1, 0.1, None, True, {"a": "×"}]}
    write_json(tmp_path / "a.json", value)
    text = (tmp_path / "a.json").read_text(encoding="utf-8")
    assert read_json(tmp_path / "a.json") == json.loads(text) == value
    assert "é" in text
    assert text.endswith("}\n")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {"a": [float("-inf")]}, {"a": object()}])
def test_what_json_cannot_hold_is_refused_and_the_old_file_stays(tmp_path, value):
    path = tmp_path / "a.json"
    write_json(path, 1)
    with pytest.raises((ValueError, TypeError)):
        write_json(path, value)
    assert read_json(path) == 1
    assert names(tmp_path) == ["a.json"]


@pytest.mark.parametrize("content", [None, b"", b"{", b"\xff"])
def test_what_is_not_json(tmp_path, content):
    path = tmp_path / "a.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ZooError, match=r"a\.json: not readable as JSON"):
        read_json(path)


def not_regular(folder):
    """Make what is no regular file, and return each with what a message says of it."""
    (folder / "folder").mkdir()
    os.mkfifo(folder / "pipe")
    (folder / "loop").symlink_to("loop")
    (folder / "broken").symlink_to("moved.png")
    (folder / "to pipe").symlink_to("pipe")
    return {
        folder / "folder": "a folder, not a file",
        folder / "pipe": "a pipe, not a file",
        folder / "to pipe": "a pipe, not a file",
        Path("/dev/zero"): "a device, not a file",
        folder / "loop": "Too many levels of symbolic links",
        folder / "broken": "a link to 'moved.png', which does not exist",
        folder / "gone": "No such file or directory",
    }


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no pipes")
def test_only_regular_files_are_read_and_nothing_is_waited_for(tmp_path):
    for path, reason in not_regular(tmp_path).items():
        for read in (check_regular, read_regular):
            with pytest.raises(OSError) as error:
                read(path)
            assert error.value.strerror == reason
    with pytest.raises(ZooError, match=r"pipe: not readable as JSON \(.*a pipe, not a file"):
        read_json(tmp_path / "pipe")
    (tmp_path / "a.txt").write_bytes(b"12345")
    (tmp_path / "link").symlink_to("a.txt")
    assert read_regular(tmp_path / "link", limit=5) == b"12345"
    assert check_regular(tmp_path / "link").st_size == 5


def test_a_file_beyond_the_limit_is_not_read(tmp_path):
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(1 << 40)  # takes no room on disk
    with pytest.raises(OSError) as error:
        read_regular(path, limit=1000)
    assert error.value.strerror == "1,099,511,627,776 bytes, and at most 1,000 are read"
