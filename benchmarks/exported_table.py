"""`exported/README.md`: a table of the exported files, from the files and certificates alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from zoo.evaluation.metrics.names import PERCENT, TITLES
from zoo.serving.metadata import read_signature
from zoo.serving.onnx_file import scan
from zoo.tasks import words
from zoo.utils.files import read_json, write_text

_TEXT = """# Exported models

Made by `python benchmarks/exported.py`; do not edit. Each folder has `model.onnx`, which takes raw input, and
`model.int8.onnx`, a smaller one, each with its certificate (`certificate.json`, `certificate.int8.json`) and a sample
input with its answer (`sample.npz`, `sample.json`); `card.md` says what the model is for and how good it is. Metrics
are of the test split, measured with these files.

"""


def write_readme(exported: Path) -> None:
    """Write the README of a folder of exported files."""
    lines = [
        "| recipe | task | metric | float32 | int8 | bytes | int8 bytes | ratio | opset |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    folders = sorted(path.parent for path in exported.rglob("model.onnx"))
    lines += [_row(folder, folder.relative_to(exported).as_posix()) for folder in folders]
    size = sum((folder / name).stat().st_size for folder in folders for name in _models(folder))
    count = sum(len(_models(folder)) for folder in folders)
    write_text(
        exported / "README.md", _TEXT + "\n".join(lines) + f"\n\n{count} files, {size / (1 << 20):.1f} MB together.\n"
    )


def _models(folder: Path) -> list[str]:
    return [name for name in ("model.onnx", "model.int8.onnx") if (folder / name).is_file()]


def _row(folder: Path, recipe: str) -> str:
    path = folder / "model.onnx"
    signature = read_signature(scan(path.read_bytes(), path), path, verify=False)
    opset = read_json(folder / "certificate.json")["opset"]
    smaller = folder / "certificate.int8.json"
    found: dict[str, Any] = read_json(smaller) if smaller.is_file() else {}
    size = path.stat().st_size
    cells = [f"[`{recipe}`]({recipe}/card.md)", words(signature.task)]
    if found:
        cells += [TITLES[found["metric"]], _number(found, "float32"), _number(found, "quantized"), f"{size:,}"]
        ratio = f"{found['bytes'] / found['float32_bytes']:.2f}"
        cells += [f"{found['bytes']:,}", ratio] if found["kept"] else ["not kept", ratio]
    else:
        cells += ["", "", "", f"{size:,}", "", ""]
    return f"| {' | '.join([*cells, str(opset)])} |"


def _number(found: dict[str, Any], name: str) -> str:
    return f"{100 * found[name]:.1f}%" if found["metric"] in PERCENT else f"{found[name]:.4g}"
