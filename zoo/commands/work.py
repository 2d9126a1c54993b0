"""What one of the processes that train together has to do for a run, and what of it is done."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from zoo.backend.processes import Place
from zoo.commands.reopen import check_same_data
from zoo.errors import ZooError
from zoo.training.run_files import read_run_file
from zoo.utils.files import write_json

if TYPE_CHECKING:
    from zoo.data.dataset import Dataset
    from zoo.recipe import LoadedRecipe
    from zoo.training.run import Run
    from zoo.training.stages import Stage
    from zoo.utils.stopping import StopRequests


def _known(run: Run) -> dict[str, Any]:
    path = run.folder / "data.json"
    return read_run_file(path) if path.is_file() else {}


@dataclass(kw_only=True)
class Work:
    """What one process has to do for a run.

    Attributes:
        place: its place among several processes.
        runs: folder for a new run folder.
        console: where progress is shown.
        stack: holds the run's lock to the end.
        export: whether the run is to be exported.
        stop: what signals ask for.
        run: the run; None before it is created, and in a process that is not the first.
        missing: the stages that are to be done.
        has_checkpoint: there is a state of the training to go on from.
    """

    place: Place | None
    runs: Path
    console: Console
    stack: ExitStack
    export: bool
    stop: StopRequests | None = None
    run: Run | None = None
    missing: list[Stage] = field(default_factory=list)
    has_checkpoint: bool = False

    def __post_init__(self) -> None:
        self.is_first = self.place is None or self.place.process == 0
        self.missing = ["training", "report", "export"] if self.export else ["training", "report"]

    @property
    def existing(self) -> Run:
        """The run, which is there."""
        assert self.run is not None
        return self.run

    def reopen(self, folder: str | os.PathLike[str], export: bool | None) -> None:
        """Take an interrupted run.

        Raises:
            ZooError: it is whole, cannot be resumed, or another process works on it.
        """
        from zoo.training.callbacks.state import state_files
        from zoo.training.run import open_run
        from zoo.training.stages import held, missing_stages, record_request, wants_export

        self.run = open_run(folder)
        if self.is_first:
            self.stack.enter_context(held(self.run))
        self.export = wants_export(self.run) if export is None else export
        self.missing = missing_stages(self.run, export=self.export)
        if not self.missing and self.is_first:
            raise ZooError(
                f"{folder}: this run is finished already; `zoo report` makes its report again, `zoo export` its ONNX "
                "file"
            )
        if "training" in self.missing and "soup" in _known(self.run):
            raise ZooError(f"{folder}: this soup was interrupted before its model was written; call `zoo soup` again")
        self.has_checkpoint = bool(state_files(self.run.folder / "checkpoints"))  # else it starts from the beginning
        if self.is_first:
            record_request(self.run, export=self.export)

    def create(self, loaded: LoadedRecipe, facts: dict[str, Any]) -> None:
        """Make a new run's folder."""
        from zoo.training.run import create_run
        from zoo.training.stages import held, record_request

        self.run = create_run(loaded, self.runs)
        self.stack.enter_context(held(self.run))
        record_request(self.run, export=self.export)
        write_json(self.run.folder / "data.json", facts)

    def check_data(self, facts: dict[str, Any], dataset: Dataset) -> None:
        """Check that the data is that of the run; one that was killed at its beginning does not say which that was."""
        run = self.existing
        if (run.folder / "data.json").exists() or self.has_checkpoint or "training" not in self.missing:
            check_same_data(run, dataset)
        elif self.is_first:
            write_json(run.folder / "data.json", facts)
