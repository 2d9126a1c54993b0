"""npz files are looked at before anything is unpacked."""

import io
import os
import zipfile

import numpy as np
import pytest

from zoo.data.sources import archive
from zoo.data.sources.archive import Archive
from zoo.errors import ZooError


def header(shape, descr="<f8"):
    """Return the header of an array alone."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": descr, "fortran_order": False, "shape": shape})
    return file.getvalue()


def zipped(path, **members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(f"{name}.npy", content)
    return path


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize(
    "x",
    [np.arange(6).reshape(2, 3), np.asfortranarray(np.eye(3)), np.array(["é", "bc"]), np.zeros((0, 3)), np.array(5)],
    ids=str,
)
def test_arrays_are_those_that_numpy_reads(save, x, tmp_path):
    save(tmp_path / "a.npz", x=x, y=np.ones(3))
    found = Archive(tmp_path / "a.npz")
    assert found.names == ["x", "y"]
    member = found.look_at("x")
    assert (member.dtype, member.shape, member.size) == (x.dtype, x.shape, x.nbytes)
    np.testing.assert_array_equal(found.read("x"), x)
    assert found.read("x").dtype == x.dtype and set(found.read_all(10_000)) == {"x", "y"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (header((10**12,)) + bytes(80), r"its header speaks of 8,000,000,000,000 bytes, and it has 80\)"),
        (header((10,)) + bytes(72), "its header speaks of 80 bytes, and it has 72"),
        (header((-1,)) + bytes(80), "array 'x' is not readable"),
        (header((1 << 62, 8)) + bytes(8), "its header speaks of"),
        (header((1,), "|O") + bytes(8), "it holds Python objects, which are not unpacked"),
        (b"\x93NUMPY\x01\x00\xff\xff{", "array 'x' is not readable"),
        (b"not an array", "array 'x' is not readable"),
        (b"", "array 'x' is not readable"),
    ],
)
def test_what_an_array_says_of_itself_is_not_believed(content, message, tmp_path):
    found = Archive(zipped(tmp_path / "a.npz", x=content))
    for read in (found.look_at, found.read):
        with pytest.raises(ZooError, match=message):
            read("x")


def test_bombs_are_not_unpacked(tmp_path, monkeypatch):
    path = zipped(tmp_path / "bomb.npz", x=header((1 << 21,)) + bytes(8 << 21))
    assert path.stat().st_size < 50_000  # of 16 MiB
    with pytest.raises(ZooError, match=r"the arrays have 16,777,216 bytes unpacked, and at most 1,000 are read"):
        Archive(path).read_all(1000)
    monkeypatch.setattr(archive, "MAX_UNPACKED_BYTES", 1 << 20)
    with pytest.raises(ZooError, match=r"it has 16,777,216 bytes unpacked, and at most 1,048,576 are"):
        Archive(path).read("x")
    monkeypatch.undo()
    monkeypatch.setattr(archive, "MAX_RESIDENT_BYTES", 1 << 20)
    monkeypatch.setattr(archive, "_MIN_FREE_BYTES", 1 << 60)
    with pytest.raises(ZooError, match="the disk of the cache has room for 0"):
        Archive(path).read("x")


def test_members_with_paths_are_never_written(tmp_path, monkeypatch):
    """An array whose name leads out of the folder is an array like any other."""
    monkeypatch.setattr(archive, "MAX_RESIDENT_BYTES", 10)
    path = zipped(tmp_path / "a.npz", **{"../../evil": header((4,)) + bytes(32)})
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    assert Archive(path).read("../../evil").tolist() == [0] * 4
    assert not list(tmp_path.rglob("evil*")) and len(list(tmp_path.rglob("cache/arrays/*/array.npy"))) == 1


def test_files_that_are_no_archives(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros(3))
    os.mkfifo(tmp_path / "pipe.npz")
    for path, reason in (
        (tmp_path / "a.npy", "not a zip file"),
        (tmp_path / "pipe.npz", "a pipe, not a file"),
        (tmp_path, "a folder, not a file"),
        (tmp_path / "gone.npz", "No such file"),
    ):
        with pytest.raises(ZooError, match=f"not readable as an npz file .*{reason}"):
            Archive(path)
    with zipfile.ZipFile(tmp_path / "twice.npz", "w") as file, pytest.warns(UserWarning):
        file.writestr("x.npy", header((1,)) + bytes(8))
        file.writestr("x.npy", header((1,)) + bytes(8))
    with pytest.raises(ZooError, match="arrays named twice: x"):
        Archive(tmp_path / "twice.npz")
