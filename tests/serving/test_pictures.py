"""`zoo predict … --output FOLDER`: pictures of boxes and of classes of pixels."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.data.sources.annotated import save_images, scenes
from zoo.postprocessing.class_colors import class_rgb
from zoo.serving.draw import draw_boxes, draw_mask
from zoo.serving.exported_model import ExportedModel

EXPORTED = Path(__file__).resolve().parents[2] / "exported"
BOXES, MASKS = (EXPORTED / f"cnn/digit_scenes_{what}/model.onnx" for what in ("boxes", "masks"))
GREY = np.full((64, 64, 1), 128, np.uint8)
TIMES = 5  # by which 64 pixels are enlarged to 320


@pytest.fixture
def images(tmp_path):
    save_images(tmp_path / "images/inner", scenes()["test"][0][:2])
    save_images(tmp_path / "images", scenes()["test"][0][2:3])
    return tmp_path / "images"


def read(path):
    return np.asarray(Image.open(path))


def test_masks_are_laid_over_their_images(zoo, images, tmp_path):
    code, out, err = zoo("predict", str(MASKS), str(images), "--output", "pictures/")
    assert (code, out.strip(), err) == (0, "pictures", "")
    names = ["0000.png", "inner/0000.png", "inner/0001.png"]
    assert sorted(str(p.relative_to(tmp_path / "pictures")) for p in (tmp_path / "pictures").rglob("*.png")) == names
    shown = read(tmp_path / "pictures/inner/0001.png")
    image = scenes()["test"][0][1]
    mask = ExportedModel(MASKS).predict(image[None]).masks[0]
    pixels = shown[2 : 64 * TIMES : TIMES, 2 : 64 * TIMES : TIMES].astype(float)
    colors = np.array([class_rgb(label) for label in range(11)])
    expected = np.where((mask > 0)[..., None], 0.45 * image + 0.55 * colors[mask], image)
    np.testing.assert_allclose(pixels, expected, atol=0.6)
    assert shown.shape == (64 * TIMES + 16 * (len(np.unique(mask)) - 1), 64 * TIMES, 3)


def test_boxes_are_outlined(zoo, images, tmp_path):
    code, out, _ = zoo("predict", str(BOXES), str(images / "inner/0001.png"), "--output", "found.png")
    assert (code, out.strip()) == (0, "found.png")
    shown = read(tmp_path / "found.png")
    found = ExportedModel(BOXES).predict(scenes()["test"][0][1][None]).detections[0]
    sure = found[found[:, 5] >= 0.3]
    assert len(sure) >= 1
    for top, left, bottom, right, label, _ in sure:
        y, x = round((top + bottom) / 2 * 320), round((left + right) / 2 * 320)
        for row, column in ((y, round(left * 320)), (y, round(right * 320) - 1), (round(bottom * 320) - 1, x)):
            around = shown[row - 2 : row + 3, column - 2 : column + 3].reshape(-1, 3)
            assert (around == class_rgb(int(label) + 1)).all(axis=1).any()


def test_a_mask_of_another_size_is_stretched_and_a_large_image_keeps_its_size():
    mask = np.zeros((2, 4), np.uint8)
    mask[1, 3] = 1
    image = np.full((400, 600, 3), 200, np.uint8)
    shown = np.asarray(draw_mask(image, mask, ("ground", "größe 猫")))
    assert shown.shape == (416, 600, 3)
    colored = (shown[:400] != 200).any(-1)
    assert len(np.unique(shown[:400].reshape(-1, 3), axis=0)) == 2  # no colours between those of the classes
    assert colored[200:, 450:].all() and not colored[:200].any() and not colored[:, :450].any()


def test_what_is_too_unsure_is_not_drawn():
    rows = np.array([[0.1, 0.1, 0.5, 0.5, 0, 0.9], [0.6, 0.6, 0.9, 0.9, 1, 0.2], [0, 0, 0, 0, 0, 0]])
    shown = np.asarray(draw_boxes(GREY, rows, ("a", "b"), 0.3))
    assert (shown == class_rgb(1)).all(-1).any() and (shown[180:, 180:] == 128).all()
    edge = np.array([[-0.1, -0.2, 1.3, 1.1, 1, 0.9]])
    assert (np.asarray(draw_boxes(GREY, edge, ("a", "b"), 0.3))[-1, -1] == class_rgb(2)).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("images", "--output", "images"), "a picture would replace images/0000.png, an input"),
        (("images/0000.png", "--output", "images"), "a picture would replace images/0000.png, an input"),
        (("images", "--output", "one.png"), "one file for several pictures; name a folder"),
        (
            ("images", "--output", "pictures.jpg"),
            "ends with .csv, .jsonl, .parquet, or for pictures a folder",
        ),
    ],
)
def test_refused(zoo, images, arguments, message):
    before = read(images / "0000.png")
    code, _, err = zoo("predict", str(MASKS), *arguments)
    assert code == 2 and message in err
    np.testing.assert_array_equal(read(images / "0000.png"), before)


def test_other_tasks_draw_nothing(zoo, images):
    code, _, err = zoo("predict", str(EXPORTED / "cnn/digits/model.onnx"), str(images), "--output", "pictures")
    assert code == 2
    assert "ends with .csv, .jsonl, .parquet; a folder of pictures is for object_detection, semantic_segm" in err


def test_pictures_of_one_name_are_numbered(zoo, images, tmp_path):
    files = [str(images / name) for name in ("0000.png", "inner/0000.png")]
    code, _, err = zoo("predict", str(MASKS), *files, "--output", "pictures")
    assert code == 0 and "note: numbered, as other images have the same name: 1 pictures: pictures/0000_2.png" in err
    np.savez(tmp_path / "x.npz", x=scenes()["test"][0][:2])
    assert zoo("predict", str(MASKS), "x.npz", "--output", "arrays")[0] == 0
    assert sorted(p.name for p in (tmp_path / "arrays").iterdir()) == ["x.npz_1.png", "x.npz_2.png"]
