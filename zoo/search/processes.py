"""Functions run in processes of their own, forked from one that has imported what they need."""

from __future__ import annotations

import multiprocessing
import signal
import threading
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from typing import Any

_FORKSERVER_PRELOAD = ["zoo.search.forkserver_preload"]
_POLL_SECONDS = 0.2  # between two looks at whether to stop
_STOP_SECONDS = 20.0  # for a process that was asked to stop to do so
_KILL_SECONDS = 10.0  # for a killed process to be gone


class Launcher:
    """Start processes, and end those that are left.

    A process that trains starts in a second instead of five, and its memory is given back when it ends.
    """

    def __init__(self) -> None:
        methods = multiprocessing.get_all_start_methods()
        self._context: Any = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
        if "forkserver" in methods:
            self._context.set_forkserver_preload(_FORKSERVER_PRELOAD)
        self._running: set[BaseProcess] = set()
        self._lock = threading.Lock()

    def run(self, function: Callable[..., None], *arguments: Any, stop: threading.Event | None = None) -> str | None:
        """Run a function to its end in a process of its own.

        Args:
            function: one at the top of a module.
            arguments: what it takes.
            stop: end the process when this is set, by SIGTERM first.

        Returns:
            Why it failed, in words; None if it did not.
        """
        process: BaseProcess = self._context.Process(target=function, args=arguments)
        with self._lock:
            process.start()
            self._running.add(process)
        try:
            while process.is_alive():
                process.join(_POLL_SECONDS if stop is not None else None)
                if stop is not None and stop.is_set():
                    process.terminate()  # it writes its state
                    process.join(_STOP_SECONDS)
                    process.kill()
                    process.join(_KILL_SECONDS)
        finally:
            with self._lock:
                self._running.discard(process)
        code = process.exitcode or 0
        if code < 0:
            return f"its process was ended by {signal.Signals(-code).name}"
        return f"its process ended with code {code}" if code else None

    def stop(self) -> None:
        """Kill all processes that run."""
        with self._lock:
            for process in self._running:
                process.kill()
