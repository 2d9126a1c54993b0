"""The chief of a search on several machines: it gives trials to workers, with leases.

Chief and workers see one folder: values and outcomes go through its files, and a worker can resume a trial from the
checkpoints of another. Nothing is encrypted and nobody has to authenticate.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent import futures
from typing import Any

from keras_tuner.engine.trial import TrialStatus
from rich.console import Console

from zoo.errors import ZooError, visible
from zoo.search.keras_tuner_service import keras_tuner_service
from zoo.search.progress import SearchDisplay
from zoo.search.records import TrialRecord
from zoo.search.rpc import LEASE_SECONDS, SERVER_OPTIONS, import_grpc, is_loopback, parse_address, service
from zoo.search.run_trials import POLL_SECONDS
from zoo.search.state import SearchState

MAX_NAME_CHARACTERS = 200  # of a worker
MAX_WORKERS = 1000  # at a time; each name is kept until its worker has been silent
_NO_WORKER_SECONDS = 60.0  # after which the chief says that no worker has come


class Chief:
    """Gives the trials of a search to workers.

    A worker says every few seconds that it lives; one that falls silent loses its trial to the next that asks.

    Args:
        state: the search.
        ended: called with each trial that ended.
    """

    def __init__(self, state: SearchState, ended: Callable[[TrialRecord], None]) -> None:
        self.state, self._ended = state, ended
        self._last_heard: dict[str, float] = {}  # by worker
        self._trials: dict[str, int] = {}  # by worker
        self._lock = threading.Lock()

    # === What workers call ===

    def take(self, request: dict[str, Any]) -> dict[str, Any]:
        """Give a worker a trial; one that asks again while it has one lost its process, and resumes the trial."""
        worker = self._hear(request)
        with self._lock:
            number = self._trials.get(worker)
        record = self.state.store.records[number] if number is not None else self.state.take(worker)
        if record is not None:
            with self._lock:
                self._trials[worker] = record.number
            return {"status": TrialStatus.RUNNING, "number": record.number}
        if not self.state.over:
            return {"status": TrialStatus.IDLE, "number": None}
        with self._lock:
            self._last_heard.pop(worker, None)  # it leaves
        return {"status": TrialStatus.STOPPED, "number": None}

    def put(self, request: dict[str, Any]) -> dict[str, Any]:
        """Take in that a worker's trial has ended; of a trial that is another's, only what its files say."""
        worker, number = self._hear(request), self._number(request)
        with self._lock:
            is_own = self._trials.get(worker) == number
            if is_own:
                del self._trials[worker]
        failed = is_own and request.get("failed") is True
        record = self.state.put(number, "its process did not end well" if failed else None)
        if record is not None:
            self._ended(record)
        elif is_own and self.state.store.records[number].status == "running":
            self.state.give_back(number)  # its files are not to be seen from here
        return {}

    def still_own(self, request: dict[str, Any]) -> dict[str, Any]:
        """Take in a sign of life; say whether the trial is still this worker's."""
        worker, number = self._hear(request), self._number(request)
        with self._lock:
            return {"own": self._trials.get(worker) == number}

    def owner_of(self, number: int) -> str:
        """Return the worker that has a trial.

        Raises:
            ValueError: nobody has it.
        """
        with self._lock:
            for worker, own in self._trials.items():
                if own == number:
                    return worker
        raise ValueError(f"no worker has trial {number}")

    def _hear(self, request: dict[str, Any]) -> str:
        """Take in that a worker lives, and return its name.

        Raises:
            ValueError: the request names no worker, or there are too many.
        """
        worker = request.get("worker") if isinstance(request, dict) else None
        if not isinstance(worker, str) or not 0 < len(worker) <= MAX_NAME_CHARACTERS:
            raise ValueError(f"worker: expected a name of 1 to {MAX_NAME_CHARACTERS} characters")
        with self._lock:
            if worker not in self._last_heard and len(self._last_heard) >= MAX_WORKERS:
                raise ValueError(f"there are {MAX_WORKERS} workers already")
            self._last_heard[worker] = time.monotonic()
        return worker

    def _number(self, request: dict[str, Any]) -> int:
        """Return the trial that a request is about.

        Raises:
            ValueError: there is no such trial.
        """
        number = request.get("number")
        if isinstance(number, bool) or not isinstance(number, int) or number not in self.state.store.records:
            raise ValueError(f"number: expected that of a trial that has begun, received {number!r:.40}")
        return number

    # === What the chief does ===

    def give_back_silent(self) -> list[tuple[str, int]]:
        """Give back the trials of workers that have been silent too long; return both."""
        now = time.monotonic()
        with self._lock:
            silent = [w for w, heard in self._last_heard.items() if now - heard > LEASE_SECONDS]
            lost = [(w, self._trials.pop(w)) for w in silent if w in self._trials]
            for worker in silent:
                del self._last_heard[worker]
        for _, number in lost:
            self.state.give_back(number)
        return lost

    @property
    def workers(self) -> list[str]:
        """The workers that were heard of lately."""
        with self._lock:
            return sorted(self._last_heard)


def start_server(chief: Chief, host: str, port: int) -> Any:
    """Serve in threads; `stop` of what is returned ends it.

    Raises:
        ZooError: the address cannot be had.
    """
    server = import_grpc().server(futures.ThreadPoolExecutor(max_workers=4), options=SERVER_OPTIONS)
    calls = {"take": chief.take, "put": chief.put, "still_own": chief.still_own}
    server.add_generic_rpc_handlers([service(calls), keras_tuner_service(chief)])
    try:
        server.add_insecure_port(f"{host}:{port}")
    except RuntimeError as error:
        raise ZooError(f"--chief: cannot listen on {host}:{port}: it is in use, or not of this machine") from error
    server.start()
    return server


def serve_trials(state: SearchState, where: str, console: Console, display: SearchDisplay) -> None:
    """Give trials to workers on other machines until there are no more.

    Args:
        state: the search.
        where: `HOST:PORT` to serve at.
        console: where it is said what happens to workers.
        display: shows the progress.
    """
    host, port = parse_address(where)
    chief = Chief(state, display.ended)
    server = start_server(chief, host, port)
    console.print(f"Waiting for workers at {where}: zoo tune … --chief {where} --worker NAME", markup=False)
    if not is_loopback(host):
        console.print(
            f"  {where} is reached from other machines, without a password and without encryption: see that it is "
            "only those that should",
            style="yellow",
            markup=False,
        )
    started, warned = time.monotonic(), False
    try:
        while not (state.over and not chief.workers):
            for worker, number in chief.give_back_silent():
                console.print(
                    f"  worker {visible(worker)} has been silent for {LEASE_SECONDS:.0f} s: trial {number} is given "
                    "to another"
                )
            if not warned and not chief.workers and time.monotonic() - started > _NO_WORKER_SECONDS:
                console.print("  no worker has come yet", style="yellow")
                warned = True
            state.update_over()
            display.update()
            time.sleep(POLL_SECONDS)
    finally:
        server.stop(grace=1).wait()
