"""A gallery in headless Chromium: every page, on a wide screen and on a phone, in light and dark.

python benchmarks/gallery.py FOLDER --modules DIR [--chromium PATH] [--onnxruntime-web DIR] [--pictures DIR]
    [--output FILE]

DIR is a folder in which `npm install puppeteer-core axe-core` was run. Each file must answer its sample to 1e-4 of the
output's scale, the first paint come within a second, a page load at most 25 MB and nothing from elsewhere, fit 390
pixels and have no serious finding of axe-core; digits that pointer events draw must get the right class. About two
seconds a page.
"""

from __future__ import annotations

import argparse
import functools
import json
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from rich.console import Console

from zoo.commands.gallery import gallery
from zoo.serving.gallery.build import MAX_PAGE_BYTES, Gallery
from zoo.utils.files import write_json

SCRIPT = Path(__file__).with_name("gallery_in_browser.mjs")
MAX_DIFFERENCE = 1e-4  # of the largest number of an output
MAX_PAINT = 1000.0  # milliseconds
_SERIOUS = ("serious", "critical")


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder as `python -m http.server` does, and yield its address."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            """Leave requests unsaid."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


def examine(built: Gallery, modules: Path, chromium: str, pictures: Path | None = None) -> list[dict[str, Any]]:
    """Return what headless Chromium saw of each page, the list first."""
    with served(built.folder) as url:
        command = ["node", str(SCRIPT), url, str(modules), chromium]
        if pictures is not None:
            pictures.mkdir(parents=True, exist_ok=True)
            command.append(str(pictures))
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    sizes = {model["name"]: model["bytes"] for model in built.models}
    return [{**row, "page_bytes": sizes.get(row["page"])} for row in rows]


def faults(row: dict[str, Any], has_sample: bool) -> list[str]:
    """Return what a page misses of the targets."""
    if "error" in row:
        return [row["error"]]
    found = [f"outside: {each}" for each in row["outside"]] + [f"console: {each}" for each in row["problems"]]
    found += [each for each in [*row["axe"], *row.get("axeDark", [])] if each.startswith(_SERIOUS)]
    if row["paint"] is None or row["paint"] > MAX_PAINT:
        found.append(f"first paint after {row['paint']} ms")
    if row["overflow"] > 0:
        found.append(f"{row['overflow']} pixels too wide for a phone")
    if row["page"] == "index":
        return found
    if row["page_bytes"] > MAX_PAGE_BYTES:
        found.append(f"{row['page_bytes']:,} bytes")
    if has_sample and (row["ok"] != "true" or float(row["worst"]) > MAX_DIFFERENCE):
        found.append(f"not equal to the sample: {row['check']}")
    if row["failed"] or row["problem"]:
        found.append(row["status"])
    return found + [
        f"drawn {digit}, found {answer}" for digit, answer in row.get("drawn", {}).items() if digit != answer
    ]


def main() -> None:
    """Build a gallery, look at every page, and print what was seen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--modules", type=Path, required=True)
    parser.add_argument("--chromium", default=shutil.which("chromium") or "chromium")
    parser.add_argument("--onnxruntime-web", type=Path)
    parser.add_argument("--pictures", type=Path)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    console = Console(width=200)
    with tempfile.TemporaryDirectory() as temporary:
        built = gallery(
            options.folder, Path(temporary) / "site", web_runtime=options.onnxruntime_web, say=console.print
        )
        rows = examine(built, options.modules, options.chromium, options.pictures)
    samples = {model["name"]: model["sample"] for model in built.models}
    for row in rows:
        row["faults"] = faults(row, samples.get(row["page"], False))
        worst = "" if row.get("worst") is None else f"difference {float(row['worst']):.1e}"
        console.print(f"{row['page']:32} paint {row.get('paint') or 0:5.0f} ms  {worst:20} {row.get('drawn') or ''}")
        for fault in row["faults"]:
            console.print(f"  {fault}", style="red", markup=False)
    checked = [float(row["worst"]) for row in rows if row.get("worst") is not None]
    summary = {
        "pages": len(built.models),
        "checked": len(checked),
        "equal": sum(row.get("ok") == "true" for row in rows),
        "largest_difference": max(checked, default=None),
        "slowest_paint_ms": max(row.get("paint") or 0.0 for row in rows),
        "largest_page_bytes": max(model["bytes"] for model in built.models),
        "digits_drawn": sum(len(row.get("drawn") or {}) for row in rows),
        "digits_right": sum(a == b for row in rows for a, b in (row.get("drawn") or {}).items()),
        "faults": sum(len(row["faults"]) for row in rows),
    }
    console.print(summary)
    if options.output:
        write_json(options.output, {"onnxruntime_web": built.runtime, **summary, "rows": rows})


if __name__ == "__main__":
    main()
