"""The gallery in headless Chromium, as `benchmarks/gallery.py` examines it."""

import os
import runpy
import shutil
from pathlib import Path

import pytest

from zoo.commands.gallery import gallery

MODULES = "ZOO_BROWSER_MODULES"  # a folder in which `npm install puppeteer-core axe-core onnxruntime-web` was run
KINDS = ("image", "table", "text")
BENCHMARK = Path(__file__).parents[3] / "benchmarks" / "gallery.py"


@pytest.mark.slow
def test_pages_meet_their_targets_in_chromium(tmp_path, trained):
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None or shutil.which("node") is None:
        pytest.skip("node and Chromium are not both installed")
    if MODULES not in os.environ:
        pytest.skip(f"{MODULES} names no folder with puppeteer-core, axe-core and onnxruntime-web")
    for kind in KINDS:
        shutil.copytree(trained(kind).run / "export", tmp_path / "exported" / kind)
    benchmark = runpy.run_path(str(BENCHMARK))
    modules = Path(os.environ[MODULES])
    web = modules / "node_modules" / "onnxruntime-web"
    built = gallery(tmp_path / "exported", tmp_path / "site", web_runtime=web if web.is_dir() else None)
    rows = benchmark["examine"](built, modules, chromium)
    assert [row["page"] for row in rows] == ["index", *(model["name"] for model in built.models)]
    for row in rows:
        # a network of 16 units, trained for two epochs, is not asked to read what is drawn
        found = [fault for fault in benchmark["faults"](row, True) if not fault.startswith("drawn ")]
        assert not found, row
