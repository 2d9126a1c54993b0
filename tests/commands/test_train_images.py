"""Images from a table through the whole chain: trained, exported, and the exported file asked about the same table."""

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.metrics import roc_auc_score

import zoo as package
from tests.data.sources.test_mvtec import write_mvtec

SHARED = "training: {batch_size: 16, epochs: 12}\noptimizer: {learning_rate: {peak: 1e-2}, weight_decay: 0.0}\n"


def write_squares(folder, count=80):
    """Write pictures of different sizes of a bright square, and return where and how large each is."""
    (folder / "photos").mkdir()
    generator = np.random.default_rng(0)
    rows = []
    for number in range(count):
        height, width = generator.integers(12, 24, 2)
        pixels = generator.integers(0, 60, (height, width, 1), np.uint8).repeat(3, axis=2)
        side, red = int(generator.integers(3, 9)), bool(number % 2)
        top, left = generator.integers(0, height - side), generator.integers(0, width - side)
        pixels[top : top + side, left : left + side, 0 if red else 2] = 250
        Image.fromarray(pixels).save(folder / f"photos/{number}.png")
        rows.append({"file": f"photos/{number}.png", "colour": "red" if red else "blue", "area": 10.0 * side * side})
    return pd.DataFrame(rows)


def padded(pixels):
    """Return 20 by 40 pixels as Pillow brings them to 8 by 16, with four rows of 128 above and below."""
    channels = [Image.fromarray(pixels[..., c].astype(np.float32), "F") for c in range(3)]
    part = np.stack([np.asarray(c.resize((16, 8), Image.Resampling.BILINEAR)) for c in channels], -1)
    return np.pad(part, ((4, 4), (0, 0), (0, 0)), constant_values=128)


def train(zoo, path, recipe):
    (path / "mine.yaml").write_text(recipe + SHARED)
    code, out, err = zoo("train", "mine.yaml", "--json")
    assert code == 0, err
    run = json.loads(out)["run"]
    certificate = json.loads((path / run / "export/certificate.json").read_text())
    assert certificate["max_abs_difference"] <= certificate["tolerance"]
    return f"{run}/export/model.onnx", json.loads((path / run / "report.json").read_text())


def answers(zoo, model, *given):
    code, out, err = zoo("predict", model, *given, "--json")
    assert code == 0, err
    return json.loads(out)


@pytest.mark.ci
def test_classes_of_a_table_of_images(zoo, tmp_path):
    frame = write_squares(tmp_path)
    frame.to_csv(tmp_path / "photos.csv", index=False)
    recipe = """extends: [_base/image_classification, _base/adamw_cosine]
data: {source: "csv:photos.csv", image: file, target: colour}
preprocess: [{resize: {height: 16, width: 16, mode: pad, fill: 128}}, {rescale: {scale: 1/255}}, {standardize: {}}]
model: {name: cnn, widths: [8], depth: 1}
"""
    model, report = train(zoo, tmp_path, recipe)
    assert report["metrics"]["test"]["accuracy"] > 0.9
    found = answers(zoo, model, "photos.csv")
    assert [answer["input"] for answer in found[:2]] == ["photos.csv:1", "photos.csv:2"]
    assert np.mean([a["label"] == colour for a, colour in zip(found, frame["colour"], strict=True)]) > 0.9
    again = answers(zoo, model, *frame["file"][:3])
    assert [a["probabilities"] for a in again] == [a["probabilities"] for a in found[:3]]

    code, out, err = zoo("evaluate", model.removesuffix("/export/model.onnx"), "photos.csv", "--json")
    assert code == 0, err
    right = np.mean([a["label"] == colour for a, colour in zip(found, frame["colour"], strict=True)])
    assert json.loads(out)["metrics"]["accuracy"] == pytest.approx(right)

    # A picture that Pillow has brought to the size gets the answer of the picture as it is.
    exported = package.ExportedModel(tmp_path / model)
    pixels = np.random.default_rng(1).integers(0, 256, (20, 40, 3), np.uint8)
    letterboxed = np.round(padded(pixels)).astype(np.uint8)
    one, other = (exported.predict(image[None]).probabilities[0] for image in (pixels, letterboxed))
    np.testing.assert_allclose(one, other, atol=0.02)  # the second is rounded to whole numbers

    frame.loc[4, "file"] = "photos/gone.png"
    frame.to_csv(tmp_path / "other.csv", index=False)
    code, _, err = zoo("predict", model, "other.csv")
    assert code == 2 and "other.csv: 1 images that are not there: row 5 (line 6): photos/gone.png" in err


@pytest.mark.slow
def test_a_folder_of_photos_of_different_sizes_needs_no_resize(zoo, tmp_path):
    frame = write_squares(tmp_path)
    for name, colour in zip(frame["file"], frame["colour"], strict=True):
        (tmp_path / "data" / colour).mkdir(parents=True, exist_ok=True)
        (tmp_path / name).rename(tmp_path / "data" / colour / name.replace("/", "_"))
    recipe = """extends: [_base/image_classification, _base/adamw_cosine]
data: {source: "folder:data"}
model: {name: cnn, widths: [8], depth: 1}
"""
    model, report = train(zoo, tmp_path, recipe)
    assert report["metrics"]["test"]["accuracy"] > 0.9
    assert any("they are stretched to 16×16" in note["message"] for note in report["data"]["findings"])
    assert len(answers(zoo, model, "data")) == len(frame)


@pytest.mark.ci
def test_a_resize_lets_the_exported_file_take_any_size(zoo, tmp_path):
    for number in range(60):
        (tmp_path / f"data/{'ab'[number % 2]}").mkdir(parents=True, exist_ok=True)
        shade = np.full((10, 10), 180 * (number % 2) + number, np.uint8)
        Image.fromarray(shade).save(tmp_path / f"data/{'ab'[number % 2]}/{number}.png")
    recipe = """extends: [_base/image_classification, _base/adamw_cosine]
data: {source: "folder:data"}
preprocess: [{resize: {height: 8, width: 8}}, {rescale: {scale: 1/255}}]
model: {name: mlp, widths: [4]}
evaluation: {baseline: null}
"""
    model, _ = train(zoo, tmp_path, recipe)
    Image.fromarray(np.full((31, 17), 220, np.uint8)).save(tmp_path / "other.png")
    assert package.ExportedModel(tmp_path / model).shape == (None, None, 1)
    assert answers(zoo, model, "other.png")[0]["label"] == "b"


@pytest.mark.ci
def test_numbers_of_a_table_of_images(zoo, tmp_path):
    frame = write_squares(tmp_path, count=160)
    frame["edge"] = np.sqrt(frame["area"] / 10)
    frame.to_parquet(tmp_path / "photos.parquet")
    recipe = """extends: [_base/image_regression, _base/adamw_cosine]
data: {source: "parquet:photos.parquet", image: file, target: [area, edge]}
preprocess: [{resize: {height: 24, width: 24, mode: crop}}, {rescale: {scale: 1/255}}, {standardize: {}}]
augment: [{random_flip: {}}]
model: {name: cnn, widths: [8, 16], depth: 1}
"""
    model, report = train(zoo, tmp_path, recipe)
    assert all(row["r2"] > 0.5 for row in report["per_target"])
    found = answers(zoo, model, "photos.parquet")
    values = np.array([[answer["value"][name] for name in ("area", "edge")] for answer in found])
    assert all(np.corrcoef(values[:, i], frame[name])[0, 1] > 0.8 for i, name in enumerate(("area", "edge")))
    saved = package.load(tmp_path / model.removesuffix("/export/model.onnx")).model
    pixels = [np.asarray(Image.open(tmp_path / name))[None] for name in frame["file"][:5]]
    np.testing.assert_allclose(values[:5], np.concatenate([saved(x) for x in pixels]), rtol=1e-3)


@pytest.mark.ci
def test_several_labels_of_a_table_of_images(zoo, tmp_path):
    frame = write_squares(tmp_path, count=120)
    frame["red"], frame["large"] = (frame["colour"] == "red").astype(int), (frame["area"] > 300).astype(int)
    frame["tags"] = [";".join(n for n in ("large", "red") if row[n]) for _, row in frame.iterrows()]
    frame.to_csv(tmp_path / "photos.csv", index=False)
    recipe = """extends: [_base/image_multi_label_classification, _base/adamw_cosine]
data: {source: "csv:photos.csv", image: file, target: [large, red], ignore: [colour, area, tags]}
model: {name: cnn, widths: [8, 16], depth: 1}
"""
    model, report = train(zoo, tmp_path, recipe)
    assert report["metrics"]["test"]["mean_average_precision"] > 0.9
    found = answers(zoo, model, "photos.csv")
    assert np.mean([("red" in a["labels"]) == red for a, red in zip(found, frame["red"], strict=True)]) > 0.9
    (tmp_path / "tags.yaml").write_text(
        recipe.replace("[large, red]", "tags").replace(", tags]", ", large, red]") + SHARED
    )
    code, out, err = zoo("train", "tags.yaml", "--json")
    assert code == 0 and "labels are separated by ';'" in err
    assert json.loads((tmp_path / json.loads(out)["run"] / "report.json").read_text())["metrics"] == report["metrics"]


@pytest.mark.slow
def test_texts_of_a_table_of_images(zoo, tmp_path):
    generator = np.random.default_rng(0)
    shapes = {name: generator.integers(0, 2, (8, 6)) * 255 for name in "abc"}
    rows = []
    for number in range(300):
        text = "".join(generator.choice(list(shapes), int(generator.integers(1, 4))))
        pixels = np.zeros((8, 24), np.uint8)
        for place, name in enumerate(text):
            pixels[:, 1 + 7 * place : 7 + 7 * place] = shapes[name]
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
        rows.append({"id": number, "said": text})
    pd.DataFrame(rows).to_csv(tmp_path / "texts.csv", index=False)
    recipe = """extends: [_base/transcription, _base/adamw_cosine]
data: {source: "csv:texts.csv", image: "{id}.png", target: said}
model: {name: crnn, widths: [8, 16], units: 16}
"""
    model, report = train(zoo, tmp_path, recipe)
    assert report["metrics"]["test"]["character_error_rate"] < 0.1
    found = answers(zoo, model, "texts.csv")
    assert np.mean([answer["text"] == row["said"] for answer, row in zip(found, rows, strict=True)]) > 0.9


@pytest.mark.slow
def test_images_made_after_a_folder_without_classes(zoo, tmp_path):
    (tmp_path / "photos").mkdir()
    for number, image in enumerate(load_digits().images[:400]):
        Image.fromarray(np.rint(image * (255 / 16)).astype(np.uint8)).save(tmp_path / f"photos/{number}.png")
    (tmp_path / "mine.yaml").write_text("""extends: _base/image_generation
data: {source: "folder:photos"}
model: {name: dcgan, latent: 8, generator_widths: [16, 8], discriminator_widths: [8, 16]}
loss: {name: adversarial}
optimizer: {name: adam, learning_rate: 1e-3}
training: {batch_size: 32, epochs: 2}
evaluation: {samples: 200}
""")
    code, out, err = zoo("train", "mine.yaml", "--json")
    assert code == 0, err
    run = tmp_path / json.loads(out)["run"]
    report = json.loads((run / "report.json").read_text())
    assert set(report["metrics"]["test"]) == {"fid", "kid", "precision", "recall"}
    assert report["features"] == {"recipe": None, "accuracy": None}
    assert "network of random convolutions" in (run / "report.html").read_text()
    assert package.ExportedModel(run / "export/model.onnx").sample(3).shape == (3, 8, 8, 1)


@pytest.mark.slow
def test_faults_and_where_they_are_in_mvtecs_layout(zoo, tmp_path):
    write_mvtec(tmp_path / "bottles", size=(16, 16))
    (tmp_path / "mine.yaml").write_text("""extends: [_base/anomaly_detection, _base/adamw_cosine]
data: {source: "mvtec:bottles"}
model: {name: conv_autoencoder, widths: [8, 16], code: 8}
training: {batch_size: 6, epochs: 20}
""")
    code, out, err = zoo("train", "mine.yaml", "--json")
    assert code == 0, err
    run = tmp_path / json.loads(out)["run"]
    report = json.loads((run / "report.json").read_text())
    assert report["metrics"]["test"]["auroc"] == 1.0 and report["metrics"]["validation"]["auroc"] is None
    assert report["threshold"]["false_positive_rate_of_choice"] == 0.05
    assert "which are all normal" in (run / "report.html").read_text()

    exported = package.ExportedModel(run / "export/model.onnx")
    marks, scores = [], []
    for file in sorted((tmp_path / "bottles/test").glob("*/*.png")):
        pixels = np.asarray(Image.open(file))[None]
        rebuilt = exported.predict(pixels).parts["reconstruction"][0]
        scores.append(np.square(pixels[0] / 255 - rebuilt).mean(-1))
        mask = tmp_path / "bottles/ground_truth" / file.parent.name / f"{file.stem}_mask.png"
        marks.append(np.asarray(Image.open(mask)) > 0 if mask.exists() else np.zeros((16, 16), bool))
    expected = roc_auc_score(np.ravel(marks), np.ravel(scores))
    assert report["pixel_auroc"] == pytest.approx(expected, abs=1e-4) and expected > 0.8
