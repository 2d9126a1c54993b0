"""The models that a server serves: by name and version, loaded and unloaded."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from zoo.errors import ZooError, did_you_mean, listing
from zoo.serving.metadata import FileSignature
from zoo.serving.server.rejection import Rejection
from zoo.serving.server.served_model import FOR_REQUESTS, ServedModel
from zoo.utils.execution import Execution

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class Repository:
    """The files that were named at the start, under the names of their models.

    Several files of one name are its versions 1, 2, … in their order; the last is taken where a request names none.
    Requests can unload a model and load it again from the same files; they cannot name other files.

    Args:
        files: `FILE`, or `NAME=FILE`; without a name it is the recipe's, with `-` for `/`.
        verify: compare each file with the certificate beside it and with the checksum in its metadata.
        execution: where they are run.

    Raises:
        ZooError: a file is missing or damaged, or a name is none.
    """

    def __init__(self, files: Sequence[str], *, verify: bool = True, execution: Execution = FOR_REQUESTS) -> None:
        self._verify, self._execution = verify, execution
        self._files: dict[str, list[Path]] = {}
        self._open: dict[str, dict[str, ServedModel]] = {}
        opened: dict[str, list[ServedModel]] = {}
        for each in files:
            given, path = _named(each)
            model = ServedModel(given or "model", "1", path, verify=verify, execution=execution)
            model.name = given or recipe_name(model.exported.signature, path)
            several = opened.setdefault(model.name, [])
            several.append(model)
            model.version = str(len(several))
            self._files.setdefault(model.name, []).append(path)
        self._open = {name: {model.version: model for model in models} for name, models in opened.items()}

    def __iter__(self) -> Iterator[ServedModel]:
        """Yield each version of each model that is loaded."""
        return (model for versions in list(self._open.values()) for model in versions.values())

    def latest(self) -> Iterator[ServedModel]:
        """Yield the version of each model that is loaded which answers where a request names none."""
        return (next(reversed(versions.values())) for versions in list(self._open.values()))

    def __contains__(self, name: str) -> bool:
        """Return whether there is a model of a name, loaded or not."""
        return name in self._files

    def get(self, name: str, version: str | None = None) -> ServedModel:
        """Return a model that is loaded.

        Raises:
            Rejection: there is none (404).
        """
        versions = self._open.get(self._known(name))
        if versions is None:
            raise Rejection(404, f"model '{name}' is not loaded; load it: POST /v2/repository/models/{name}/load")
        if version is None:
            return next(reversed(versions.values()))
        if version not in versions:
            raise Rejection(404, f"model '{name}' has no version '{version}' (there are: {listing(versions)})")
        return versions[version]

    def versions(self, name: str) -> list[str]:
        """Return the versions of a model."""
        return [str(number) for number in range(1, 1 + len(self._files[self._known(name)]))]

    def index(self, *, ready: bool = False) -> list[dict[str, str]]:
        """Return name, version and state of all models, or of those that are loaded."""
        rows = []
        for name in self._files:
            is_open = name in self._open
            state = {"state": "READY", "reason": ""} if is_open else {"state": "UNAVAILABLE", "reason": "unloaded"}
            if is_open or not ready:
                rows += [{"name": name, "version": version, **state} for version in self.versions(name)]
        return rows

    def load(self, name: str) -> None:
        """Read the files of a model, again where it is loaded; what is loaded stays where a file is refused.

        Raises:
            Rejection: there is no such model (404).
            ZooError: a file is missing or damaged.
        """
        files = self._files[self._known(name)]
        models = [
            ServedModel(name, str(n), path, verify=self._verify, execution=self._execution)
            for n, path in enumerate(files, start=1)
        ]
        self._open = {**self._open, name: {model.version: model for model in models}}

    def unload(self, name: str) -> None:
        """Close a model; requests that it has are answered.

        Raises:
            Rejection: there is no such model (404).
        """
        known = self._known(name)
        self._open = {each: versions for each, versions in self._open.items() if each != known}

    def _known(self, name: str) -> str:
        if name not in self._files:
            hint = did_you_mean(name, self._files)
            raise Rejection(404, f"there is no model '{name}'{hint} (there are: {listing(self._files)})")
        return name


def _named(text: str) -> tuple[str, Path]:
    """Return name and file of `NAME=FILE`; the name is empty where there is none."""
    name, equals, file = text.partition("=")
    if not equals or Path(text).exists() or "/" in name:
        name, file = "", text
    elif not _NAME.fullmatch(name):
        raise ZooError(f"{text}: a model's name has letters, digits, '.', '_' and '-', received '{name}'")
    path = Path(file)
    return name, path / "export" / "model.onnx" if path.is_dir() else path


def recipe_name(signature: FileSignature, path: Path) -> str:
    """Return the name of a file's recipe with `-` for what a name lacks; the file's own where it says no recipe."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", signature.recipe or path.stem).strip("-._")
    return name or "model"
