"""A gallery from a folder of exported files: a page for each, and the list of them."""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zoo.errors import ZooError
from zoo.serving.gallery.description import describe
from zoo.serving.gallery.find_files import ExportedFile, find_exported
from zoo.serving.gallery.pages import index_page, model_page
from zoo.serving.gallery.reasons import reason_not_to_run
from zoo.serving.gallery.web_runtime import WebRuntime, find_web_runtime
from zoo.serving.sample_files import sample_of
from zoo.utils.files import write_json

MAX_PAGE_BYTES = 25_000_000  # that a page loads, with onnxruntime-web and its file
MANIFEST = "gallery.json"  # written last: what the site holds, and the mark of a folder that may be replaced
_HERE = Path(__file__).parent


@dataclass(kw_only=True)
class Gallery:
    """A site that was built.

    Attributes:
        folder: where it is.
        models: of each page `name`, `title`, `file`, `bytes` (that the page loads), `sample` (whether it can be
            checked) and `reason` (why the file cannot be tried there; None where it can).
        left_out: ONNX files without a page, and why.
        runtime: version of onnxruntime-web.
    """

    folder: Path
    models: list[dict[str, Any]] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    runtime: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "output": str(self.folder),
            "onnxruntime_web": self.runtime,
            "models": self.models,
            "left_out": self.left_out,
        }


def build_gallery(
    folder: Path, output: Path, *, web_runtime: Path | None, verify: bool, say: Callable[[str], None]
) -> Gallery:
    """Write a site in which every exported file below a folder runs in the visitor's browser.

    Args:
        folder: where the files are.
        output: the site; a gallery that is there is replaced, once the new one is whole.
        web_runtime: an unpacked package of onnxruntime-web; None downloads the pinned one.
        verify: compare each file with its certificate and its checksum.
        say: takes a sentence before something is downloaded.

    Raises:
        ZooError: there are no files, `output` holds something else, or there is no onnxruntime-web.
    """
    if output.exists() and not _may_be_replaced(output):
        raise ZooError(f"{output}: expected a folder that is empty or holds a gallery; name another, or empty it")
    gallery = Gallery(folder=output)
    files = find_exported(folder, gallery.left_out, verify=verify)
    runtime = find_web_runtime(web_runtime, say)
    gallery.runtime = runtime.version
    site = output.resolve().with_name(f".{uuid.uuid4().hex[:8]}.{output.resolve().name}")
    try:
        shared = _write_assets(site / "assets", runtime)
        gallery.models = [_write_model(site / file.slug, file, shared, runtime) for file in files]
        (site / "index.html").write_text(index_page(gallery.models, runtime.version), "utf-8")
        write_json(site / MANIFEST, gallery.to_json() | {"output": "."})
        _replace(site, output)
    finally:
        shutil.rmtree(site, ignore_errors=True)
    return gallery


def _may_be_replaced(folder: Path) -> bool:
    return folder.is_dir() and ((folder / MANIFEST).is_file() or not any(folder.iterdir()))


def _replace(site: Path, output: Path) -> None:
    output.parent.mkdir(parents=True, exist_ok=True)
    if output.exists():
        shutil.rmtree(output)
    site.rename(output)


def _write_assets(folder: Path, runtime: WebRuntime) -> int:
    """Write what all pages share; return its bytes."""
    folder.mkdir(parents=True)
    for source in (*sorted((_HERE / "js").glob("*.js")), _HERE / "gallery.css"):
        shutil.copyfile(source, folder / source.name)
    for name, path in runtime.files.items():
        shutil.copyfile(path, folder / name)
    return _bytes(folder)


def _write_model(folder: Path, file: ExportedFile, shared: int, runtime: WebRuntime) -> dict[str, Any]:
    """Write the page of a file, and what it loads; return what the list says of it."""
    folder.mkdir(parents=True)
    model = file.model
    sample = sample_of(model.path).with_suffix(".json")
    if sample.is_file():
        shutil.copyfile(sample, folder / "sample.json")
    facts = describe(model, file.title, sample.is_file())
    (folder / "model.json").write_text(json.dumps(facts, ensure_ascii=False, separators=(",", ":")), "utf-8")
    reason = reason_not_to_run(facts)
    heavy = shared + _bytes(folder) + facts["bytes"]
    if heavy > MAX_PAGE_BYTES:
        reason = f"the page would load {heavy / 1e6:.1f} MB, more than {MAX_PAGE_BYTES / 1e6:.0f}"
    else:
        shutil.copyfile(model.path, folder / facts["file"])
    entry = {
        "name": file.slug,
        "title": file.title,
        "file": str(model.path),
        "task": model.task,
        "kind": model.kind,
        "sample": sample.is_file(),
        "runs": (folder / facts["file"]).is_file(),
        "reason": reason,
    }
    page, entry["description"] = model_page(file, entry, facts, runtime.version)
    (folder / "index.html").write_text(page, "utf-8")
    return {**entry, "bytes": shared + _bytes(folder)}


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
