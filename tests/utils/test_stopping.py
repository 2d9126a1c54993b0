"""Signals: at once, after a step, and the second one in native code."""

import contextlib
import os
import signal
import subprocess
import sys

import pytest

from zoo.utils.stopping import Stopped, StopRequests

IN_NATIVE_CODE = """
import hashlib
from zoo.utils.stopping import Stopped, StopRequests
with StopRequests().listening():
    while True:
        try:
            print("begun", flush=True)
            hashlib.pbkdf2_hmac("sha256", b"a", b"b", (1 << 31) - 1)
        except Stopped:
            pass  # the first came before the native code began
"""


@pytest.fixture
def listening():
    """Signals are listened to, whether the tests were started in the background, where Ctrl-C is ignored, or not."""
    started = signal.signal(signal.SIGINT, signal.default_int_handler)
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    requests = StopRequests()
    with requests.listening():
        yield requests
    assert {number: signal.getsignal(number) for number in before} == before
    assert signal.set_wakeup_fd(-1) == -1
    signal.signal(signal.SIGINT, started)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_the_first_signal_ends_at_once_what_keeps_no_state(listening, number, code):
    with pytest.raises(Stopped, match=f"^stopped by {number.name}$") as stopped:
        os.kill(os.getpid(), number)
        signal.pause()
    assert stopped.value.exit_code == code
    assert str(Stopped(number, "go on")) == f"stopped by {number.name}; go on"


def test_where_it_is_deferred_the_step_ends_first(listening):
    done = []
    with pytest.raises(Stopped), listening.deferred():
        assert not listening.is_due(1)
        os.kill(os.getpid(), signal.SIGTERM)
        done.append("step")
        assert listening.is_due(2)
    assert done == ["step"]


def test_of_several_processes_the_step_is_agreed(listening):
    listening.agreed = lambda step: step >= 3
    assert [listening.is_due(step) for step in (1, 2, 3)] == [False, False, True]
    assert listening.stopped().number == signal.SIGTERM


def test_the_second_signal_ends_native_code():
    process = subprocess.Popen([sys.executable, "-c", IN_NATIVE_CODE], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "begun\n"
    for _ in range(300):  # two that are sent at once may arrive as one
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.2)
            break
    assert process.returncode == 143
