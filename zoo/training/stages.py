"""How far a run is: what it was asked for, what is there, and what is missing.

The last file that a stage writes says that it is whole: a killed run goes on with the first stage that lacks its own.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from zoo.errors import ZooError
from zoo.training.run import Run
from zoo.training.run_files import TRAINING, check_unchanged, checksum, read_run_file
from zoo.utils.files import clear_leftovers, read_json, read_regular, write_json
from zoo.utils.lock import holder, locked
from zoo.utils.stopping import Stopped

if TYPE_CHECKING:
    from zoo.training.fit import Fitted

Stage = Literal["training", "report", "export"]

LAST_FILE: dict[Stage, str] = {
    "training": TRAINING,
    "report": "report.json",
    "export": "export/certificate.json",
}
_LOCK = ".lock"
_METRICS = "metrics.csv"  # the log, a row an epoch
_ASKED = "asked"  # entry of environment.json: what `zoo train` was asked to make


def record_request(run: Run, *, export: bool) -> None:
    """Keep in the run whether it is to be exported, so that `--resume` knows."""
    write_json(run.folder / "environment.json", {**run.environment, _ASKED: {"export": export}})


def wants_export(run: Run) -> bool:
    """Return whether a run was asked to be exported; an older one, which does not say, was."""
    return bool(run.environment.get(_ASKED, {}).get("export", True))


def missing_stages(run: Run, *, export: bool) -> list[Stage]:
    """Return the stages that a run still lacks, in their order: the first that is not whole, and those after it.

    Args:
        run: the run.
        export: whether it is to be exported.
    """
    has = {stage: _is_whole(run.folder / name) for stage, name in LAST_FILE.items()}
    has["report"] &= (run.folder / "report.html").is_file()  # which older runs wrote after report.json
    has["training"] = run.model_path.is_file() and (has["training"] or has["report"])  # they have no training.json
    wanted: list[Stage] = ["training", "report", "export"] if export else ["training", "report"]
    first = next((i for i, stage in enumerate(wanted) if not has[stage]), len(wanted))
    return wanted[first:]


def _is_whole(path: Path) -> bool:
    """Return whether a stage's last file is there and holds its entries."""
    try:
        return isinstance(read_json(path), dict)
    except ZooError:
        return False


@contextmanager
def held(run: Run) -> Iterator[None]:
    """Keep other processes from working on a run, and clear what killed ones have left over.

    Raises:
        ZooError: another process works on it, or the folder cannot be written.
    """
    with locked(run.folder / _LOCK, f"{run.folder} is in use by another process, which must end first"):
        try:
            clear_leftovers(run.folder)
            yield
        except Stopped as stopped:
            raise Stopped(stopped.number, f"resume it with zoo train --resume {run.folder}") from stopped
        except OSError as error:
            raise ZooError(
                f"{run.folder}: a file cannot be read or written ({error}). What the folder holds is whole: make room, "
                f"or put right what the message names, then zoo train --resume {run.folder}"
            ) from error


def held_by(run: Run) -> str | None:
    """Return which process works on a run, on which host and since when; None where none does."""
    return holder(run.folder / _LOCK)


def write_rows(folder: Path, rows: list[dict[str, float]]) -> None:
    """Write metrics that no training logged, a row an epoch."""
    from zoo.training.callbacks.log import EpochLog

    log = EpochLog(folder / _METRICS)
    log.rows = rows
    log.write()


def write_fitted(run: Run, fitted: Fitted) -> None:
    """Write what training gave beside `metrics.csv`: it says that `model.keras` is the trained model."""
    write_json(
        run.folder / LAST_FILE["training"],
        {
            "kept_epoch": fitted.kept_epoch,
            "seconds": fitted.seconds,
            "model_sha256": checksum(run.model_path),
            "metrics_sha256": checksum(run.folder / _METRICS),
        },
    )


def read_fitted(run: Run) -> Fitted:
    """Return what training gave; of an older run, what its report says of it.

    Raises:
        ZooError: the run is not trained, or a file is damaged.
    """
    path = run.folder / LAST_FILE["training"]
    if path.is_file():
        facts = read_run_file(path)
        check_unchanged(run.folder / _METRICS, "metrics_sha256")
        return _fitted(read_history(run.folder / _METRICS), facts["kept_epoch"], facts["seconds"], path)
    if not (run.folder / LAST_FILE["report"]).is_file():
        raise ZooError(f"{run.folder} is not trained to its end; resume it with zoo train --resume {run.folder}")
    report = read_run_file(run.folder / LAST_FILE["report"])
    kept = report["diagnosis"]["best_epoch"] if run.recipe().recipe.training.select == "best" else None
    return _fitted(report["history"], kept or len(report["history"]), report["seconds"], run.folder / "report.json")


def _fitted(history: list[dict[str, float]], kept_epoch: int, seconds: float, path: Path) -> Fitted:
    from zoo.training.fit import Fitted

    if not 1 <= kept_epoch <= len(history):
        raise ZooError(f"{path}: damaged: epoch {kept_epoch} was kept, and the log has {len(history)} epochs")
    return Fitted(history, kept_epoch, seconds)


def read_history(path: Path) -> list[dict[str, float]]:
    """Return the metrics of each epoch, from a run's `metrics.csv`.

    Raises:
        ZooError: the file is missing or damaged.
    """
    try:
        lines = csv.DictReader(read_regular(path).decode("utf-8").splitlines())
        rows = [{key: float(value) for key, value in row.items()} for row in lines]
        return [{**row, "epoch": int(row["epoch"])} for row in rows]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ZooError(f"{path}: not readable as the metrics of a run ({error})") from error
