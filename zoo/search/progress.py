"""The progress of a search: live on a terminal, a line a trial elsewhere."""

from __future__ import annotations

import csv
import time
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from zoo.search.records import TrialRecord, describe

if TYPE_CHECKING:
    from zoo.search.state import SearchState


class SearchDisplay:
    """Show trials as they end, those under way, the best so far, and the time left.

    Args:
        console: where.
        state: the search.
    """

    def __init__(self, console: Console, state: SearchState) -> None:
        self._console, self._state = console, state
        self._started, self._ended_before = time.perf_counter(), len(state.store.ended)
        self._live: Live | None = None
        self._bar = Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[left]}")
        )
        self._task = self._bar.add_task("trials", total=state.search.max_trials, completed=self._ended_before, left="")

    def __enter__(self) -> SearchDisplay:
        """Begin."""
        if self._console.is_terminal:
            self._live = Live(console=self._console, transient=True, refresh_per_second=2)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Take the display down."""
        if self._live is not None:
            self._live.stop()

    def ended(self, record: TrialRecord) -> None:
        """Write a trial's line."""
        state = self._state
        count, total = len(state.store.ended), state.search.max_trials
        head = f"  trial {record.number:>{len(str(total))}} ({count}/{total})"
        best = state.best
        if record.status == "failed" or best is None:
            self._console.print(f"{head}  failed: {record.message}", style="yellow", markup=False)
            return
        mark = "best so far" if best is record else f"best {best.objective_value:.4f} (trial {best.number})"
        search_cost = state.search.cost
        cost = "" if record.cost is None or search_cost is None else f"  {search_cost.name} {record.cost:.3g}"
        stopped = f", stopped after epoch {record.stopped_after}" if record.stopped_after else ""
        short = f", {record.epochs} epochs" if record.epochs else ""
        self._console.print(
            f"{head}  {state.objective} {record.objective_value:.4f}{cost}  {mark}  {record.seconds:.0f} s{stopped}"
            f"{short}  {self._time_left()}  {describe(record.values)}",
            markup=False,
            highlight=False,
        )

    def update(self) -> None:
        """Show the trials under way."""
        if self._live is None:
            return
        store = self._state.store
        self._bar.update(self._task, completed=len(store.ended), left=self._time_left())
        lines = [Text(self._under_way(r)) for r in list(store.records.values()) if r.status == "running"]
        self._live.update(Group(*lines, self._bar))

    def _under_way(self, record: TrialRecord) -> str:
        state = self._state
        epochs = record.epochs or state.loaded.recipe.training.epochs
        for seed in reversed(state.trials.seeds):
            rows = _rows(state.store.run_folder(record.number, seed) / "metrics.csv")
            if rows:
                newest = rows[-1].get(state.objective, "")
                value = f"{state.objective} {float(newest):.4f}" if newest else ""
                return f"  trial {record.number}: epoch {len(rows)} of {epochs}  {value}  {describe(record.values)}"
        return f"  trial {record.number}: begins  {describe(record.values)}"

    def _time_left(self) -> str:
        ended = len(self._state.store.ended)
        done, left = ended - self._ended_before, self._state.search.max_trials - ended
        if left <= 0 or done <= 0:
            return ""
        seconds = round((time.perf_counter() - self._started) / done * left)
        minutes, rest = divmod(seconds, 60)
        return f"{minutes // 60}:{minutes % 60:02}:{rest:02} left" if minutes >= 60 else f"{minutes}:{rest:02} left"


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        with open(path, newline="") as file:
            return list(csv.DictReader(file))
    except OSError:
        return []
