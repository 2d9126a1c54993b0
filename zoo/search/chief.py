"""Workers on other machines: keras-tuner's chief and its protocol, with leases.

The chief holds the oracle; workers ask it for trials over gRPC, as keras-tuner's do. All of them see one folder, as
keras-tuner asks for, too: values and figures go through its files, and a trial can be gone on with from the states that
another worker wrote. Beside keras-tuner: a worker says every few seconds that it lives, and one that falls silent loses
its trial to the next that asks; neither side waits for the other without end. Nothing is encrypted, and nobody has to
say who he is: the address should be one that only these machines reach.
"""

from __future__ import annotations

import ipaddress
import threading
import time
from collections.abc import Callable
from concurrent import futures
from typing import Any

import grpc
from keras_tuner.src import protos
from keras_tuner.src.distribute.oracle_chief import OracleServicer
from keras_tuner.src.engine.hyperparameters import HyperParameters
from keras_tuner.src.engine.trial import Trial, TrialStatus

from zoo.errors import ZooError
from zoo.search.state import Board

HEARTBEAT = 2.0  # seconds between two signs of life
LEASE = 20.0  # seconds of silence after which a worker's trial is given to another
PATIENCE = 60.0  # seconds that a worker waits for a chief that does not answer
_WORKER = "zoo-worker"  # name of the metadata that says who asks


def address(text: str) -> tuple[str, int]:
    """Return host and port.

    Raises:
        ZooError: the text is not HOST:PORT.
    """
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise ZooError(f"--chief: expected HOST:PORT, for example 127.0.0.1:9000, received {text}")
    return host, int(port)


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches the address."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


class Chief(OracleServicer):
    """Serves a board to workers.

    Args:
        board: the search.
        ended: called with each trial that ended.
    """

    def __init__(self, board: Board, ended: Callable[[Any], None]) -> None:
        super().__init__(board.oracle)
        self.board, self._ended = board, ended
        self._seen: dict[str, float] = {}  # workers, and when they were last heard of
        self._trials: dict[str, int] = {}
        self._lock = threading.Lock()

    # === What workers ask ===

    def CreateTrial(self, request: Any, context: Any) -> Any:
        """Give a worker a trial; one that asks again while it has one lost its trial, and goes on with it."""
        worker = request.tuner_id
        self._hear(worker)
        with self._lock:
            number = self._trials.get(worker)
        record = self.board.book.records[number] if number is not None else self.board.take(worker)
        if record is not None:
            with self._lock:
                self._trials[worker] = record.number
        status = TrialStatus.RUNNING if record else TrialStatus.STOPPED if self.board.over else TrialStatus.IDLE
        if status == TrialStatus.STOPPED:
            with self._lock:
                self._seen.pop(worker, None)  # it leaves
        trial = Trial(HyperParameters(), str(record.number) if record else "", status)
        return protos.get_service().CreateTrialResponse(trial=trial.to_proto())

    def EndTrial(self, request: Any, context: Any) -> Any:
        """Take in that a worker's trial has ended."""
        worker = self._hear(_name(context))
        number = int(request.trial.trial_id)
        record = self.board.put(number, None if request.trial.status != _FAILED else "its process did not end well")
        with self._lock:
            if self._trials.get(worker) == number:
                del self._trials[worker]
        if record is not None:
            self._ended(record)
        elif self.board.book.records[number].status == "running":
            self.board.give_back(number)  # its files are not to be seen from here
        return protos.get_service().EndTrialResponse()

    def GetTrial(self, request: Any, context: Any) -> Any:
        """Take in a sign of life, and say whether the trial is still this worker's."""
        worker = self._hear(_name(context))
        with self._lock:
            own = self._trials.get(worker) == int(request.trial_id)
        status = TrialStatus.RUNNING if own else TrialStatus.STOPPED
        trial = Trial(HyperParameters(), request.trial_id, status)
        return protos.get_service().GetTrialResponse(trial=trial.to_proto())

    # === What the chief does ===

    def give_back_silent(self) -> list[tuple[str, int]]:
        """Give back the trials of workers that have been silent too long; return both."""
        now = time.monotonic()
        with self._lock:
            silent = [w for w, seen in self._seen.items() if now - seen > LEASE]
            lost = [(w, self._trials.pop(w)) for w in silent if w in self._trials]
            for worker in silent:
                del self._seen[worker]
        for _, number in lost:
            self.board.give_back(number)
        return lost

    @property
    def workers(self) -> list[str]:
        """The workers that were heard of lately."""
        with self._lock:
            return sorted(self._seen)

    def _hear(self, worker: str) -> str:
        with self._lock:
            self._seen[worker] = time.monotonic()
        return worker


_FAILED = TrialStatus.to_proto(TrialStatus.FAILED)


def serve(chief: Chief, host: str, port: int) -> Any:
    """Serve; `stop` ends it.

    Raises:
        ZooError: the address cannot be had.
    """
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=4), options=[("grpc.so_reuseport", 0)])
    protos.get_service_grpc().add_OracleServicer_to_server(chief, server)
    try:
        server.add_insecure_port(f"{host}:{port}")
    except RuntimeError as error:
        raise ZooError(f"--chief: cannot listen on {host}:{port}: it is in use, or not of this machine") from error
    server.start()
    return server


class Client:
    """A worker's side: asks the chief, and says that it lives.

    Args:
        host: the chief's.
        port: the chief's.
        worker: the name of this worker.
    """

    def __init__(self, host: str, port: int, worker: str) -> None:
        self.worker, self._where = worker, f"{host}:{port}"
        self._channel = grpc.insecure_channel(self._where)
        self._stub = protos.get_service_grpc().OracleStub(self._channel)

    def take(self) -> tuple[str, int | None]:
        """Return a trial's status and its number: RUNNING, IDLE (ask again) or STOPPED (there are no more)."""
        request = protos.get_service().CreateTrialRequest(tuner_id=self.worker)
        trial = Trial.from_proto(self._ask(self._stub.CreateTrial, request).trial)
        return trial.status, int(trial.trial_id) if trial.status == TrialStatus.RUNNING else None

    def put(self, number: int, *, failed: bool) -> None:
        """Say that a trial has ended."""
        trial = Trial(HyperParameters(), str(number), TrialStatus.FAILED if failed else TrialStatus.COMPLETED)
        self._ask(self._stub.EndTrial, protos.get_service().EndTrialRequest(trial=trial.to_proto()))

    def still_own(self, number: int) -> bool:
        """Say that this worker lives; return whether the trial is still its own."""
        request = protos.get_service().GetTrialRequest(trial_id=str(number))
        return Trial.from_proto(self._ask(self._stub.GetTrial, request).trial).status == TrialStatus.RUNNING

    def close(self) -> None:
        """Leave."""
        self._channel.close()

    def _ask(self, method: Any, request: Any) -> Any:
        try:
            return method(request, wait_for_ready=True, timeout=PATIENCE, metadata=[(_WORKER, self.worker)])
        except grpc.RpcError as error:
            raise ZooError(
                f"the chief at {self._where} has not answered for {PATIENCE:.0f} s; start it again with the same "
                "command, then the workers: the search goes on"
            ) from error


def _name(context: Any) -> str:
    return str(dict(context.invocation_metadata()).get(_WORKER, ""))
