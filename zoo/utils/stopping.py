"""SIGTERM and Ctrl-C: training stops at its next step, all else at once; the second signal ends the process."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopped(BaseException):
    """A signal has ended what was going on.

    Attributes:
        number: of the signal.
        advice: how to go on.
    """

    def __init__(self, number: int, advice: str = "") -> None:
        super().__init__(number)
        self.number, self.advice = number, advice

    def __str__(self) -> str:
        """Say which signal it was, and how to go on."""
        return f"stopped by {signal.Signals(self.number).name}" + (f"; {self.advice}" if self.advice else "")

    @property
    def exit_code(self) -> int:
        """What a shell expects."""
        return 128 + self.number


class StopRequests:
    """Within `listening`, what signals ask for.

    Attributes:
        agreed: of several processes that train together: takes a step, and returns whether all stop after it.
    """

    def __init__(self) -> None:
        self.agreed: Callable[[int], bool] | None = None
        self._number: int | None = None
        self._deferred = False

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take signals within the block, which is run in the main thread.

        The first raises `Stopped`, within `deferred` only where `check` is called. The second ends the process, native
        code or not.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        wakeup = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        before = {number: signal.getsignal(number) for number in SIGNALS}
        self._install(before)
        watcher = threading.Thread(target=_end_at_second, args=(reading,), daemon=True)
        watcher.start()
        try:
            yield
        finally:
            signal.set_wakeup_fd(wakeup)
            for number, handler in before.items():
                signal.signal(number, handler)
            os.close(writing)
            watcher.join()
            os.close(reading)

    def listen_again(self) -> None:
        """Take the signals back from native code that has taken them, such as JAX's."""
        if threading.current_thread() is threading.main_thread():
            self._install({})

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Wait for `check` within the block.

        Raises:
            Stopped: a signal came, and `check` did not.
        """
        self._deferred = True
        try:
            yield
        finally:
            self._deferred = False
        self.check()

    def is_due(self, step: int) -> bool:
        """Return whether training has to stop after a step."""
        return self._number is not None if self.agreed is None else self.agreed(step)

    def check(self) -> None:
        """Stop where a signal has come.

        Raises:
            Stopped: one has.
        """
        if self._number is not None:
            raise self.stopped()

    def stopped(self) -> Stopped:
        """Return what ends the training; where another process got the signal, it was SIGTERM."""
        return Stopped(self._number or signal.SIGTERM)

    def _install(self, before: Mapping[signal.Signals, object]) -> None:
        for number in SIGNALS:
            if before.get(number) is not signal.SIG_IGN:  # as under nohup
                signal.signal(number, self._take)

    def _take(self, number: int, frame: FrameType | None) -> None:
        self._number = number
        if not self._deferred:
            raise Stopped(number)


def _end_at_second(reading: int) -> None:
    """End the process at the second signal, whatever its main thread is doing."""
    count = 0
    while received := os.read(reading, 64):
        for number in received:
            count += number in SIGNALS
            if count > 1:
                os._exit(128 + number)
