"""A lock on a file: who holds it, and that it ends with its process."""

import errno
import os
import signal
import socket
import subprocess
import sys

import pytest

from zoo.errors import ZooError
from zoo.utils.lock import holder, locked

HOLD = """
import sys, time
from zoo.utils.lock import locked
with locked(sys.argv[1], "busy"):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def other_process(tmp_path):
    """Return a process that holds the lock, and the path."""
    path = tmp_path / "run" / ".lock"
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    yield process, path
    process.kill()
    process.wait()


def test_another_process_is_named_and_its_death_frees_the_lock(other_process):
    process, path = other_process
    message = rf"^busy: process {process.pid} on .* since \d{{4}}-"
    with pytest.raises(ZooError, match=message) as refused, locked(path, "busy"):
        pass
    assert socket.gethostname() in str(refused.value) and holder(path) in str(refused.value)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert path.exists() and holder(path) is None
    with locked(path, "busy"):
        assert f"process {os.getpid()} " in path.read_text()
    assert not path.exists()


def test_two_holders_in_one_process(tmp_path):
    one, two = (locked(tmp_path / "lock", name) for name in ("one", "two"))
    with one, pytest.raises(ZooError, match=r"^two: process"), two:
        pass
    with locked(tmp_path / "lock", "three"):
        pass


def test_a_lock_file_that_is_removed_while_it_is_opened_is_made_again(tmp_path, monkeypatch):
    """The holder removes the file between the other's opening and locking."""
    import fcntl

    path, real = tmp_path / "lock", fcntl.flock
    calls = []

    def flock(file, how):
        calls.append(how)
        if len(calls) == 1:
            path.unlink()
        real(file, how)

    monkeypatch.setattr(fcntl, "flock", flock)
    with locked(path, "busy"):
        assert path.exists() and len(calls) == 2


@pytest.mark.parametrize("alive", [True, False])
def test_a_file_system_without_locks(tmp_path, monkeypatch, alive):
    import fcntl

    def flock(file, how):
        raise OSError(errno.ENOTSUP, "Operation not supported")

    monkeypatch.setattr(fcntl, "flock", flock)
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    process = os.getpid() if alive else int(ended.stdout)
    (tmp_path / "lock").write_text(f"process {process} on {socket.gethostname()} since then")
    if alive:
        with pytest.raises(ZooError, match=f"busy: process {process}"), locked(tmp_path / "lock", "busy"):
            pass
    else:
        with locked(tmp_path / "lock", "busy"):
            pass


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ZooError, match="the lock file cannot be written"), locked(tmp_path / "file" / "lock", "busy"):
        pass
