"""The run: a folder that holds everything `zoo train` made and everything needed to make it again."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
import sys
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from zoo.errors import ZooError, did_you_mean
from zoo.recipe import LoadedRecipe, load_recipe
from zoo.recipe.source import read
from zoo.training.run_files import read_run_file
from zoo.utils.files import write_json, write_text

_PACKAGES = (
    "keras-model-zoo",
    "keras",
    "tensorflow",
    "jax",
    "numpy",
    "scikit-learn",
    "tensorflow-datasets",
    "tf2onnx",
    "onnx",
    "onnxruntime",
)


@dataclass(frozen=True)
class Run:
    """A run folder, `runs/<recipe>/<time>-<id>/`, which is a path where a path is wanted.

    Its results are in `zoo.commands.run.Run`, which is what `zoo.train` returns.
    """

    folder: Path

    def __fspath__(self) -> str:
        return str(self.folder)

    def __str__(self) -> str:
        return str(self.folder)

    def __truediv__(self, name: str | os.PathLike[str]) -> Path:
        return self.folder / name

    @property
    def name(self) -> str:
        """The recipe's name, as filed."""
        return str(self.environment["recipe"])

    @property
    def environment(self) -> dict[str, Any]:
        """What `environment.json` holds."""
        return read_run_file(self.folder / "environment.json")

    @property
    def model_path(self) -> Path:
        """The trained model, from raw input to probabilities or value."""
        return self.folder / "model.keras"

    def recipe(self) -> LoadedRecipe:
        """Return the resolved recipe of the run.

        Raises:
            ZooError: it is damaged, or not what the run was begun with.
        """
        path = self.folder / "recipe.yaml"
        loaded = load_recipe(path, trained=True)
        known = self.environment.get("recipe_sha256")
        if known is not None and known != recipe_checksum(path):
            raise ZooError(
                f"{path} is not the recipe that the run was begun with (only data.source may change, where the data "
                f"was moved): put it back, or begin a new run with zoo train {path}"
            )
        return LoadedRecipe(self.name, loaded.recipe, loaded.origins)


def create_run(loaded: LoadedRecipe, root: Path) -> Run:
    """Make a run folder with the resolved recipe and the environment in it."""
    folder = root / loaded.name / f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{uuid.uuid4().hex[:6]}"
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise ZooError(f"--runs: cannot make a run folder in {root} ({error.strerror})") from error
    return fill_run(loaded, folder, run_id=uuid.uuid4().hex)


def fill_run(loaded: LoadedRecipe, folder: Path, run_id: str | None = None) -> Run:
    """Make a folder a run's: with the resolved recipe and the environment in it.

    Args:
        loaded: the recipe.
        folder: the folder.
        run_id: what the states of the run are told by from those of others; None where it takes over another's.
    """
    now = datetime.now(UTC)
    write_text(folder / "recipe.yaml", f"# {loaded.name}, fully resolved\n{loaded.run_yaml()}")
    write_json(
        folder / "environment.json",
        {
            "recipe": loaded.name,
            "recipe_sha256": recipe_checksum(folder / "recipe.yaml"),
            "created": now.isoformat(timespec="seconds"),
            **({} if run_id is None else {"id": run_id}),
            **environment(),
        },
    )
    return Run(folder)


def open_run(path: str | os.PathLike[str]) -> Run:
    """Open a run folder.

    Raises:
        ZooError: it is not a folder that `zoo train` wrote.
    """
    folder = Path(path)
    if not (folder / "environment.json").is_file():
        parent = folder.parent
        others = [p.name for p in parent.iterdir() if p != folder] if parent.is_dir() else []
        near = did_you_mean(folder.name, others)
        raise ZooError(
            f"{path} is not a run folder: it has no environment.json{near} (`zoo train` names the folder it wrote)"
        )
    return Run(folder)


def record_backend(folder: Path, facts: dict[str, Any]) -> None:
    """Add to `environment.json` what training uses, where the folder is a run's."""
    path = folder / "environment.json"
    if path.is_file():
        write_json(path, {**read_run_file(path), "backend": facts})


def id_of(folder: Path) -> str | None:
    """Return what tells the states of a run from those of others; None of a folder or an older run without one."""
    path = folder / "environment.json"
    return read_run_file(path).get("id") if path.is_file() else None


def recipe_checksum(path: Path) -> str:
    """Return the SHA-256 of what a resolved recipe says, the place of its data apart."""
    tree, _ = read(path, str(path))
    data = tree.get("data")
    rest = {**tree, "data": {k: v for k, v in data.items() if k != "source"}} if isinstance(data, dict) else tree
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def environment() -> dict[str, Any]:
    """Return versions, hardware, command and commit."""
    return {
        "versions": versions(),
        "hardware": hardware(),
        "command": " ".join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        "commit": _commit(),
    }


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that metrics depend on."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def hardware() -> dict[str, Any]:
    """Return processor, cores and accelerators."""
    import keras

    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        models = [
            line.partition(":")[2].strip() for line in info.read_text().splitlines() if line.startswith("model name")
        ]
        cpu = models[0] if models else cpu
    others = [str(d) for d in keras.distribution.list_devices() if not str(d).startswith("cpu")]
    return {"cpu": cpu, "cores": os.cpu_count(), **({"accelerators": others} if others else {})}


def _commit() -> str | None:
    """Return the commit of the checkout that the package runs from, if it does."""
    checkout = Path(__file__).resolve().parents[2]
    if not (checkout / ".git").exists():
        return None
    try:
        command = ["git", "-C", str(checkout), "rev-parse", "HEAD"]
        return subprocess.run(command, capture_output=True, text=True, timeout=5, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None
