"""A worker of a search on several machines: it asks the chief for trials and trains them."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console

from zoo.errors import ZooError
from zoo.recipe import LoadedRecipe
from zoo.search import rpc
from zoo.search.processes import Launcher
from zoo.search.records import TrialStore, describe
from zoo.search.resume import SEARCH_FILE
from zoo.search.run_trials import POLL_SECONDS, run_trial


class Client:
    """Calls the chief.

    Args:
        host: the chief's.
        port: the chief's.
        worker: the name of this worker.
    """

    def __init__(self, host: str, port: int, worker: str) -> None:
        self.worker, self._where = worker, f"{host}:{port}"
        self._channel = rpc.import_grpc().insecure_channel(self._where)

    def take(self) -> tuple[str, int | None]:
        """Return a status and a trial's number: RUNNING, IDLE (ask again) or STOPPED (there are no more)."""
        answer = self._call("take")
        return answer["status"], answer["number"]

    def put(self, number: int, *, failed: bool) -> None:
        """Say that a trial has ended."""
        self._call("put", number=number, failed=failed)

    def still_own(self, number: int) -> bool:
        """Say that this worker lives; return whether the trial is still its own."""
        return bool(self._call("still_own", number=number)["own"])

    def close(self) -> None:
        """Leave."""
        self._channel.close()

    def _call(self, name: str, **values: Any) -> dict[str, Any]:
        grpc = rpc.import_grpc()
        call = rpc.remote_call(self._channel, name)
        try:
            return call({"worker": self.worker, **values}, wait_for_ready=True, timeout=rpc.PATIENCE_SECONDS)
        except grpc.RpcError as error:
            if error.code() == grpc.StatusCode.UNIMPLEMENTED:
                raise ZooError(f"what answers at {self._where} is no chief of this version of zoo") from error
            if error.code() == grpc.StatusCode.INVALID_ARGUMENT:
                raise ZooError(f"the chief at {self._where} refuses: {error.details()}") from error
            raise ZooError(
                f"the chief at {self._where} has not answered for {rpc.PATIENCE_SECONDS:.0f} s; start it again with "
                "the same command, then the workers: the search is resumed"
            ) from error


def work_for_chief(loaded: LoadedRecipe, client: Client, folder: Path, console: Console) -> int:
    """Train the trials that the chief gives, until there are no more.

    Args:
        loaded: the recipe that the chief searches.
        client: calls the chief.
        folder: the search's folder, which chief and workers share.
        console: where progress is shown.

    Returns:
        How many trials this worker has ended.

    Raises:
        ZooError: the chief is gone, the folder is not the chief's, or files cannot be written.
    """
    launcher, count = Launcher(), 0
    try:
        while True:
            status, number = client.take()
            if status == "STOPPED":
                return count
            if number is None:
                time.sleep(POLL_SECONDS)
                continue
            if not (folder / SEARCH_FILE).is_file():
                raise ZooError(
                    f"{folder} is not the chief's folder; name the one that chief and workers share: --folder"
                )
            store = TrialStore(folder)
            store.read()
            record = store.records[number]
            console.print(f"Trial {number}: {describe(record.values)}", markup=False)
            with _signs_of_life(client, number) as lost:
                problem = run_trial(loaded, store, record, launcher, lost)
            if lost.is_set():
                console.print(f"Trial {number} was given to another worker, or the chief is gone", style="yellow")
                continue
            client.put(number, failed=problem is not None)
            count += 1
    finally:
        launcher.stop()


@contextmanager
def _signs_of_life(client: Client, number: int) -> Iterator[threading.Event]:
    """Say that this worker lives; the event that is yielded is set when the trial is no longer its own."""
    lost, done = threading.Event(), threading.Event()

    def beat() -> None:
        while not done.wait(rpc.HEARTBEAT_SECONDS):
            try:
                if not client.still_own(number):
                    lost.set()
            except ZooError:
                lost.set()
            if lost.is_set():
                return

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield lost
    finally:
        done.set()
        thread.join()
