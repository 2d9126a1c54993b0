"""`zoo gallery`: exported files as a static site in which they run in the visitor's browser."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.errors import visible
from zoo.serving.gallery.build import MAX_PAGE_BYTES, build_gallery

if TYPE_CHECKING:
    from zoo.serving.gallery.build import Gallery

_MAX_LISTED = 20  # files without a page, or that cannot be tried


def gallery(
    folder: Path,
    output: Path,
    *,
    web_runtime: Path | None = None,
    verify: bool = True,
    say: Callable[[str], None] = lambda _: None,
) -> Gallery:
    """Write a static site with a page for each exported file below a folder.

    Args:
        folder: files that `zoo export` wrote, such as `exported/`, or runs.
        output: folder of the site; a gallery that is there is replaced.
        web_runtime: an unpacked package of onnxruntime-web; None downloads the pinned one, once.
        verify: compare each file with the certificate beside it and with the checksum in its metadata.
        say: takes a sentence before something is downloaded.

    Raises:
        ZooError: there are no such files, the folder holds something else, or there is no onnxruntime-web.
    """
    return build_gallery(folder, output, web_runtime=web_runtime, verify=verify, say=say)


def gallery_lines(built: Gallery) -> list[str]:
    """Return what was built, what cannot be tried or checked, and what was left out, each counted."""
    models = built.models
    largest = max(model["bytes"] for model in models)
    untried = [f"{model['title']}: {model['reason']}" for model in models if model["reason"]]
    unchecked = [f"{model['title']}: no sample beside {model['file']}" for model in models if not model["sample"]]
    left_out = [f"{path}: {why}" for path, why in built.left_out.items()]
    return [
        f"{built.folder}: {len(models)} pages, the largest {largest / 1e6:.1f} MB (at most "
        f"{MAX_PAGE_BYTES / 1e6:.0f}); onnxruntime-web {built.runtime}",
        *_section(untried, len(models), "cannot be tried in the browser"),
        *_section(unchecked, len(models), "cannot be checked there"),
        *_section(left_out, None, "ONNX files have no page"),
    ]


def _section(lines: list[str], of: int | None, what: str) -> list[str]:
    if not lines:
        return []
    more = [f"  and {len(lines) - _MAX_LISTED} more"] if len(lines) > _MAX_LISTED else []
    shown = [f"  {visible(line)}" for line in lines[:_MAX_LISTED]]
    return [f"{len(lines)}{'' if of is None else f' of {of}'} {what}:", *shown, *more]
