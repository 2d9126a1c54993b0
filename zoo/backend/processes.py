"""Several processes that train one run together, by JAX's coordination service.

Each is `zoo train RECIPE --coordinator HOST:PORT --process I --processes N`. The first writes, evaluates and exports.
"""

from __future__ import annotations

import ctypes
import importlib
import logging
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from zoo.backend.startup import environment_with, is_set
from zoo.errors import ZooError

if TYPE_CHECKING:
    from zoo.utils.stopping import StopRequests

START_TIMEOUT = 60  # seconds to wait for the other processes
HEARTBEAT_TIMEOUT = 20  # seconds without a sign of life after which a process counts as gone
_END_TIMEOUT = 60  # seconds to wait at the end
_WATCHED = "ZOO_WATCHED"  # environment variable of a training process that another process watches
_COME = "All processes have come"
_NATIVE = re.compile(r"[IWEF]\d{4} |\*\*\* Check failure|\[Gloo\]|WARNING: All log messages before")


@dataclass(frozen=True)
class Place:
    """The place of a process among those of a run.

    Attributes:
        coordinator: `HOST:PORT` of the first, which the others reach.
        process: number of this one, from 0.
        processes: how many there are.
    """

    coordinator: str
    process: int
    processes: int

    @classmethod
    def of(cls, coordinator: str | None, process: int | None, processes: int | None) -> Place | None:
        """Return the place that three options say; None where none is given.

        Raises:
            ZooError: some are missing, or do not fit together.
        """
        if coordinator is None and process is None and processes is None:
            return None
        if coordinator is None or process is None or processes is None:
            raise ZooError("--coordinator HOST:PORT, --process I and --processes N go together")
        host, _, port = coordinator.rpartition(":")
        if not host or not port.isdigit():
            raise ZooError(f"--coordinator: expected HOST:PORT of the first process, received {coordinator}")
        if processes < 2 or not 0 <= process < processes:
            raise ZooError(
                "--process counts from 0 to one below --processes, which is 2 or more; "
                f"received {process} and {processes}"
            )
        return cls(coordinator, process, processes)


def check_backend(place: Place | None) -> None:
    """Refuse several processes on another backend than JAX.

    Raises:
        ZooError: the backend is another.
    """
    import keras

    if place is not None and keras.backend.backend() != "jax":
        raise ZooError(
            "several processes train together on JAX: KERAS_BACKEND=jax zoo train …; on TensorFlow, "
            "training.distribution takes the devices of one machine"
        )


@contextmanager
def joined(place: Place | None, stop: StopRequests | None = None) -> Iterator[None]:
    """Train together with the other processes of a run.

    Args:
        place: the place of this process; None where it is alone.
        stop: what signals ask for; within the block, all processes stop after the same step.

    Raises:
        ZooError: a process does not come, or is gone.
    """
    if place is None:
        yield
        return
    import jax

    logging.getLogger("jax._src.distributed").setLevel(logging.ERROR)
    if watched():
        with suppress(OSError, AttributeError):  # Linux: end with the watching process
            ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    try:
        jax.distributed.initialize(
            place.coordinator,
            place.processes,
            place.process,
            initialization_timeout=START_TIMEOUT,
            heartbeat_timeout_seconds=HEARTBEAT_TIMEOUT,
            shutdown_timeout_seconds=_END_TIMEOUT,
        )
    except Exception as error:
        raise ZooError(_absent(place)) from error
    print(_COME, file=sys.stderr, flush=True)
    if stop is not None:  # JAX has taken SIGTERM: one process that gets it tells the others
        stop.agreed = importlib.import_module("jax.experimental.multihost_utils").reached_preemption_sync_point
    try:
        yield
    except jax.errors.JaxRuntimeError as error:
        raise ZooError(f"{_GONE} ({str(error).splitlines()[0]})") from error
    jax.distributed.shutdown()
    if stop is not None:
        stop.agreed = None
        stop.listen_again()


_GONE = "another process of this run is gone, or cannot be reached; start all of them again with --resume RUN"


def _absent(place: Place) -> str:
    return (
        f"not all of the {place.processes} processes came to {place.coordinator} within {START_TIMEOUT} s; start them "
        "all, each with a --process of its own"
    )


def watched() -> bool:
    """Return whether another process watches this one."""
    return is_set(_WATCHED)


def watch(place: Place, arguments: Sequence[str]) -> int:
    """Run `zoo` in a child process, and explain its end where JAX aborts it.

    Args:
        place: its place among the others.
        arguments: what follows `zoo`.

    Returns:
        The exit code: 2 where another process is gone, or did not come.

    Raises:
        ZooError: another process is gone, or did not come.
    """
    environment = environment_with(**{_WATCHED: "1"})
    command = [sys.executable, "-m", "zoo", *arguments]
    come = dying = False
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True, errors="replace") as process:
        before = signal.signal(signal.SIGTERM, lambda *_: process.send_signal(signal.SIGTERM))
        try:
            assert process.stderr is not None
            for line in process.stderr:
                come |= line.startswith(_COME)
                dying |= line.startswith("F0")  # what follows is the stack of native code
                if not dying and not _NATIVE.match(line):
                    print(line, end="", file=sys.stderr, flush=True)
        finally:
            signal.signal(signal.SIGTERM, before)
            if process.poll() is None and sys.exc_info()[0] is not None:
                process.kill()
    if process.returncode >= 0:
        return process.returncode
    if process.returncode != -signal.SIGABRT:
        raise ZooError(
            f"the process that trains was ended by signal {-process.returncode}; resume it with --resume RUN"
        )
    raise ZooError(_GONE if come else _absent(place))
