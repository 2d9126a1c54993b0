"""`zoo publish`: what others need of a run, in a folder or on the Hugging Face hub, without paths of this machine."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from zoo.backend.startup import start_keras
from zoo.errors import ZooError, import_extra
from zoo.recipe.load import PATH_KEYS, published_source
from zoo.training.run_files import TRAINING, read_run_file
from zoo.utils.files import write_json, write_text
from zoo.utils.notebook import default_console

if TYPE_CHECKING:
    import keras

    from zoo.recipe import LoadedRecipe
    from zoo.training.run import Run

_COPIED = ("model.keras", TRAINING, "metrics.csv", "adapters.npz")
_EXPORTED = ("model.onnx", "certificate.json", "decoder.onnx")  # in export/, beside smaller files and what follows
_SAMPLE = ("sample.npz", "sample.json")
_PRIVATE = ("worst",)  # entries of report.json that show single examples
_LICENSE = re.compile(r"[a-z0-9][a-z0-9.+-]*")  # as the hub writes them, such as apache-2.0
_SOURCES = (*PATH_KEYS, "run")  # keys whose whole value may be a path
_PATH = re.compile(r"""(^|[\s:'"(])(?:~|[A-Za-z]:)?[/\\](?:[^\s:'"()]*[/\\])?([^\s:'"()/\\]+)""")  # absolute
_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")


def publish(
    run: str | os.PathLike[str],
    to: str,
    *,
    license: str | None = None,
    private: bool = False,
    sample: bool = True,
    console: Console | None = None,
) -> dict[str, Any]:
    """Publish a finished run: model (.keras, .safetensors, ONNX), certificate, recipe, report and card.

    What is published is a run folder itself: `zoo.load` and `model.pretrained` take it, and `model.pretrained` takes
    `hf:ORG/NAME`, too. Paths of this machine are cut to their last names, and examples of the data left out but for the
    sample beside the ONNX file.

    Args:
        run: a run that is trained, reported and exported.
        to: `folder:DIR`, which must not be there yet, or `hf:ORG/NAME`, a repository that is made if need be.
        license: of the model, as the hub writes it, such as `apache-2.0`.
        private: whether a new repository is private.
        sample: whether the sample is published: a few test examples and the file's answers.
        console: where progress is shown; the cell, in a notebook, and nowhere in other programs, where it is left out.

    Returns:
        `to`, `files` with their sizes, and `url` of a repository.

    Raises:
        ZooError: the run is not whole, the target is there or not to be reached, or the licence is no name of one.
    """
    from zoo.training.run import open_run

    console = default_console() if console is None else console
    kind, _, name = to.partition(":")
    if kind not in ("folder", "hf") or not name:
        raise ZooError(f"--to: expected folder:DIR or hf:ORG/NAME, received '{to}'")
    if kind == "hf" and not _REPOSITORY.fullmatch(name):
        raise ZooError(f"--to: expected hf:ORG/NAME, received '{to}'")
    if license is not None and not _LICENSE.fullmatch(license):
        raise ZooError(f"--license: expected a name such as apache-2.0, mit or cc-by-4.0, received '{license}'")
    folder = Path(name).expanduser()
    if kind == "folder" and folder.exists():
        raise ZooError(f"--to: {folder} is there already; name another, or remove it")
    opened = open_run(run)
    _check_whole(opened)
    start_keras()
    parent = folder.absolute().parent if kind == "folder" else None
    if parent is not None:
        parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".publish-", dir=parent) as temporary:
        made = Path(temporary) / "run"
        made.mkdir()
        _fill(opened, made, license, sample)
        files = {p.relative_to(made).as_posix(): p.stat().st_size for p in sorted(made.rglob("*")) if p.is_file()}
        console.print(f"{len(files)} files, {sum(files.values()) / 1e6:,.1f} MB")
        if sample and any(each.endswith("sample.json") for each in files):
            console.print("  note: sample.json and sample.npz hold a few test examples; --no-sample leaves them out")
        if license is None:
            console.print("  note: without --license others may not use the model")
        if kind == "folder":
            made.rename(folder)
            return {"to": str(folder), "files": files}
        return {"to": to, "files": files, "url": _upload(made, name, private=private, console=console)}


def _check_whole(run: Run) -> None:
    from zoo.training.stages import missing_stages

    missing = missing_stages(run, export=True)
    if missing:
        raise ZooError(f"{run.folder}: its {missing[0]} is missing; finish it with zoo train --resume {run.folder}")


def _fill(run: Run, folder: Path, license: str | None, sample: bool) -> None:
    """Write what is published of a run into a folder."""
    from zoo.pretrained.recipe_steps import CONFIG_KEY, steps_of_run
    from zoo.training.run import recipe_checksum
    from zoo.training.saved_model import load_model

    loaded = run.recipe()
    for name in _COPIED:
        if (run.folder / name).is_file():
            shutil.copyfile(run.folder / name, folder / name)
    (folder / "export").mkdir()
    for path in sorted((run.folder / "export").iterdir()):
        smaller = path.suffix == ".onnx" or path.name.startswith("certificate.")
        if path.name in _EXPORTED or smaller or (sample and path.name in _SAMPLE):
            shutil.copyfile(path, folder / "export" / path.name)
    write_text(folder / "recipe.yaml", f"# {loaded.name}, fully resolved\n{loaded.published_yaml()}")
    environment = {key: value for key, value in run.environment.items() if key != "command"}
    environment["recipe_sha256"] = recipe_checksum(folder / "recipe.yaml")
    write_json(folder / "environment.json", environment)
    folders = _folders([loaded.tree(), read_run_file(run.folder / "data.json")])
    write_json(folder / "data.json", _without_paths(read_run_file(run.folder / "data.json"), folders))
    report = _without_paths(read_run_file(run.folder / "report.json"), folders)
    report = {key: value for key, value in report.items() if key not in _PRIVATE}
    write_json(folder / "report.json", {**report, "config": loaded.published_yaml()})
    with contextlib.suppress(ZooError):  # of other inputs, and of models that take noise: the file says nothing of them
        write_json(folder / "config.json", {CONFIG_KEY: steps_of_run(run.folder)})
    _write_safetensors(load_model(run), folder / "model.safetensors")
    write_text(folder / "README.md", _card(run, loaded, license))


def _folders(value: Any) -> list[str]:
    """Return the folders of all absolute paths that facts name, the longest first."""
    if isinstance(value, list):
        return sorted({each for part in value for each in _folders(part)}, key=len, reverse=True)
    if not isinstance(value, dict):
        return []
    named = [each for key, each in value.items() if key in _SOURCES and isinstance(each, str)]
    paths = [Path(each.partition(":")[2] if ":" in each else each) for each in named]
    return _folders(list(value.values())) + [str(path.parent) for path in paths if path.is_absolute()]


def _without_paths(value: Any, folders: list[str]) -> Any:
    """Return facts in which each absolute path is cut to its last name.

    Args:
        value: the facts.
        folders: whose names are cut wherever they stand; they may have blanks, which end other paths in a sentence.
    """
    if isinstance(value, dict):
        return {
            key: published_source(each) if key in _SOURCES and isinstance(each, str) else _without_paths(each, folders)
            for key, each in value.items()
        }
    if isinstance(value, list):
        return [_without_paths(each, folders) for each in value]
    for folder in folders if isinstance(value, str) else ():
        value = value.replace(folder + os.sep, "")
    return _PATH.sub(r"\1\2", value) if isinstance(value, str) else value


def _write_safetensors(model: keras.Model, path: Path) -> None:
    """Write a model's weights by the paths of its variables, without the states of random generators."""
    import keras
    from safetensors.numpy import save_file

    save_file(
        {v.path: keras.ops.convert_to_numpy(v) for v in model.variables if keras.backend.is_float_dtype(v.dtype)},
        path,
        metadata={"format": "keras"},  # of two entries the order would change from call to call
    )


def _card(run: Run, loaded: LoadedRecipe, license: str | None) -> str:
    """Return the card of the exported file, with the licence in front and the use of the whole run behind."""
    import yaml

    text = (run.folder / "export" / "card.md").read_text(encoding="utf-8")
    front, body = {}, text
    if text.startswith("---\n") and "\n---\n" in text:
        head, body = text[4:].split("\n---\n", 1)
        front = yaml.safe_load(head)
    front = {**front, **({} if license is None else {"license": license})}
    body = body.replace('InferenceSession("model.onnx")', 'InferenceSession("export/model.onnx")')
    return f"""---
{yaml.safe_dump(front, allow_unicode=True, sort_keys=False)}---
{body.rstrip()}

## Use it with zoo

```python
import zoo

run = zoo.load("FOLDER")  # this folder
run.exported              # the ONNX file, from raw input
run.model                 # the Keras model, from raw input
```

To fine-tune it: `zoo train {loaded.name} model.pretrained=FOLDER`, or `model.pretrained=hf:ORG/NAME`.
"""


def _upload(folder: Path, name: str, *, private: bool, console: Console) -> str:
    """Upload a folder to a repository of the hub, and return its address."""
    hub = import_extra("huggingface_hub", "zoo publish --to hf:")
    api = hub.HfApi()
    try:
        api.create_repo(name, private=private, exist_ok=True)
        console.print(f"Uploading to {name} …")
        done = api.upload_folder(repo_id=name, folder_path=str(folder), commit_message="Published with zoo publish")
    except Exception as error:  # of the hub's library and of its HTTP library
        reason = str(error).strip().partition("\n")[0]
        raise ZooError(
            f"hf:{name}: the hub did not take the files ({reason}); `hf auth login` or HF_TOKEN says who you are"
        ) from error
    return str(getattr(done, "repo_url", "") or f"{api.endpoint}/{name}")
