"""Masks and boxes from files: trained, exported, and predicted on, as the recipes of docs/data.md say."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import zoo as package
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


@pytest.mark.ci
def test_boxes_of_padded_images(zoo, tmp_path):
    """What is found in a wide picture is what is found in the frame that it fills a part of."""
    first = write_yolo(tmp_path / "cars") / "images/train/0000.png"
    Image.open(first).resize((90, 50)).save(first)
    arguments = ("data.source=yolo:cars", "model.widths=[8, 16]", "model.head_width=8", "training.epochs=3")
    onnx = train(zoo, recipe("cars", tmp_path), *arguments, "preprocess.0.resize={height: 32, width: 32, mode: pad}")
    wide = Image.fromarray(scenes()["test"][0][0][..., 0]).resize((96, 48))
    part = np.asarray(Image.fromarray(np.asarray(wide, np.float32), "F").resize((32, 16), Image.Resampling.BILINEAR))
    frame = np.pad(np.round(part).astype(np.uint8), ((8, 8), (0, 0)))
    exported = package.ExportedModel(tmp_path / onnx)
    found, expected = (exported.predict(np.asarray(x)[None, ..., None]).output[0] for x in (wide, frame))
    turned = expected[:, :4].copy()
    turned[:, [0, 2]] = np.clip((turned[:, [0, 2]] - 0.5) * 2 + 0.5, 0, 1)
    np.testing.assert_allclose(found[:, :4], turned, atol=0.03)  # the frame is rounded to whole numbers
    peaks = (found[:, 4:] > 0) & (expected[:, 4:] > 0)
    assert peaks.sum() > 0.8 * (found[:, 4:] > 0).sum()
    np.testing.assert_allclose(found[:, 4:][peaks], expected[:, 4:][peaks], atol=0.03)


@pytest.mark.ci
def test_masks_of_padded_images(zoo, tmp_path):
    for path in write_masks(tmp_path / "leaves").glob("train/*/*.png"):
        pixels = np.asarray(Image.open(path))
        Image.fromarray(pixels[: len(pixels) // 2]).save(path)
    arguments = ("data.classes=null", "model.widths=[8, 16]", "training.epochs=1", "--json")
    resize = "preprocess.0.resize={height: 32, width: 32, mode: pad}"
    code, out, err = zoo("train", recipe("leaves", tmp_path), *arguments, resize)
    assert code == 0 and "padding counts nowhere" in err, err
    run = tmp_path / json.loads(out)["run"]
    image = next((tmp_path / "leaves/train/images").glob("*.png"))
    code, out, err = zoo("predict", str(run / "export/model.onnx"), str(image), "--json")
    assert code == 0 and sum(json.loads(out)[0]["shares"].values()) == pytest.approx(1)
    pixels = np.asarray(Image.open(image))[None, ..., None]
    mask = package.ExportedModel(run / "export/model.onnx").predict(pixels).masks[0]
    inside = np.flatnonzero((mask != 255).any(axis=1))
    assert (inside[0], inside[-1]) == (8, 23) and (mask[8:24] != 255).all()
    assert zoo("predict", str(run / "export/model.onnx"), str(image), "--output", "found.png")[0] == 0
