"""Masks and boxes from files: trained, exported, and predicted on, as the recipes of docs/data.md say."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.data.sources.annotated import scenes, write_coco, write_masks, write_voc, write_yolo

DOCS = (Path(__file__).resolve().parents[2] / "docs/data.md").read_text(encoding="utf-8")
SHORT = ("training.epochs=1", "preprocess.0.resize={height: 32, width: 32}")


def recipe(name, folder):
    """Write the recipe that the page shows under this name."""
    text = re.search(rf"```yaml\n(# {name}\.yaml.*?)```", DOCS, re.DOTALL)[1]
    (folder / f"{name}.yaml").write_text(text)
    return f"{name}.yaml"


def train(zoo, *arguments):
    """Train, and return the exported file."""
    code, out, err = zoo("train", *arguments, "--json")
    assert code == 0, err
    return str(Path(json.loads(out)["run"]) / "export/model.onnx")


def ignore_borders(folder):
    """Mark the upper border of each mask as pixels to ignore."""
    for path in folder.glob("*/masks/*.png"):
        mask = np.asarray(Image.open(path)).copy()
        mask[:4] = 255
        Image.fromarray(mask).save(path)


@pytest.mark.ci
def test_masks(zoo, tmp_path):
    ignore_borders(write_masks(tmp_path / "leaves"))
    names = json.dumps(["background", *map(str, range(10))])
    arguments = (f"data.classes={names}", "model.widths=[8, 16]", *SHORT)
    code, out, err = zoo("train", recipe("leaves", tmp_path), *arguments, "--json")
    assert code == 0, err
    run = json.loads(out)
    report = json.loads((Path(run["run"]) / "report.json").read_text())
    assert sum(row["share"] for row in report["per_class"]) == pytest.approx(1)
    assert "ignored by data.ignore_index (255): 15,360 of 245,760 pixels of the train split (6.2%)" in err
    onnx = str(Path(run["run"]) / "export/model.onnx")
    code, out, err = zoo("predict", onnx, str(tmp_path / "leaves/test/images"), "--json")
    answers = json.loads(out)
    assert code == 0 and len(answers) == 20
    assert all(sum(answer["shares"].values()) == pytest.approx(1) for answer in answers)
    assert zoo("predict", onnx, str(tmp_path / "leaves/test/images"), "--output", "pictures")[0] == 0
    assert len(list((tmp_path / "pictures").glob("*.png"))) == 20


@pytest.mark.ci
def test_boxes(zoo, tmp_path):
    """YOLO's boxes are fractions, so that a training image may be enlarged: then the model takes images of any size."""
    first = write_yolo(tmp_path / "cars") / "images/train/0000.png"
    Image.open(first).resize((90, 70)).save(first)
    arguments = ("data.source=yolo:cars", "model.widths=[8, 16]", "model.head_width=8", *SHORT)
    onnx = train(zoo, recipe("cars", tmp_path), *arguments)
    Image.fromarray(scenes()["test"][0][0][..., 0]).resize((100, 40)).save(tmp_path / "wide.png")
    code, out, _ = zoo("predict", onnx, "wide.png", "--json")
    assert code == 0 and json.loads(out)[0].keys() == {"input", "objects"}
    assert zoo("predict", onnx, "wide.png", "--output", "wide_found.png")[0] == 0
    assert Image.open(tmp_path / "wide_found.png").size == (400, 160)


@pytest.mark.slow
@pytest.mark.parametrize("form", ["coco", "voc"])
def test_boxes_of_other_forms(zoo, tmp_path, form):
    {"coco": write_coco, "voc": write_voc}[form](tmp_path / "cars")
    arguments = (f"data.source={form}:cars", "model.widths=[8, 16]", "model.head_width=8", *SHORT)
    onnx = train(zoo, recipe("cars", tmp_path), *arguments)
    Image.fromarray(scenes()["test"][0][0][..., 0]).save(tmp_path / "scene.png")
    code, out, _ = zoo("predict", onnx, "scene.png", "--json")
    assert code == 0 and json.loads(out)[0].keys() == {"input", "objects"}
