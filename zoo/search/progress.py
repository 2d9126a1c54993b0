"""The progress of a search: live on a terminal, a line a trial elsewhere."""

from __future__ import annotations

import csv
import time
from pathlib import Path
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from zoo.search.records import Record, describe


class SearchDisplay:
    """Show trials as they end, those under way, the best so far, and the time left.

    Args:
        console: where.
        board: the search.
    """

    def __init__(self, console: Console, board: Any) -> None:
        self._console, self._board = console, board
        self._started, self._before = time.perf_counter(), len(board.book.ended)
        self._live: Live | None = None
        self._bar = Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[left]}")
        )
        self._task = self._bar.add_task("trials", total=board.search.max_trials, completed=self._before, left="")

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

    def ended(self, record: Record) -> None:
        """Write a trial's line."""
        board = self._board
        count, most = len(board.book.ended), board.search.max_trials
        head = f"  trial {record.number:>{len(str(most))}} ({count}/{most})"
        if record.status == "failed":
            self._console.print(f"{head}  failed: {record.message}", style="yellow", markup=False)
            return
        best = board.best
        mark = "best so far" if best is record else f"best {best.figure:.4f} (trial {best.number})"
        cost = "" if record.cost is None else f"  {board.search.cost.name} {record.cost:.3g}"
        stopped = f", stopped after epoch {record.stopped_after}" if record.stopped_after else ""
        short = f", {record.epochs} epochs" if record.epochs else ""
        self._console.print(
            f"{head}  {board.objective} {record.figure:.4f}{cost}  {mark}  {record.seconds:.0f} s{stopped}{short}  "
            f"{self._left()}  {describe(record.values)}",
            markup=False,
            highlight=False,
        )

    def update(self) -> None:
        """Show what goes on."""
        if self._live is None:
            return
        board = self._board
        self._bar.update(self._task, completed=len(board.book.ended), left=self._left())
        lines = [Text(self._under_way(r)) for r in list(board.book.records.values()) if r.status == "running"]
        self._live.update(Group(*lines, self._bar))

    def _under_way(self, record: Record) -> str:
        board = self._board
        epochs = record.epochs or board.loaded.recipe.training.epochs
        for seed in reversed(board.seeds):
            rows = _rows(board.book.run_folder(record.number, seed) / "metrics.csv")
            if rows:
                figure = rows[-1].get(board.objective, "")
                value = f"{board.objective} {float(figure):.4f}" if figure else ""
                return f"  trial {record.number}: epoch {len(rows)} of {epochs}  {value}  {describe(record.values)}"
        return f"  trial {record.number}: begins  {describe(record.values)}"

    def _left(self) -> str:
        ended = len(self._board.book.ended)
        done, left = ended - self._before, self._board.search.max_trials - ended
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
