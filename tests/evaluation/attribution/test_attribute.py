"""`zoo evaluate RUN --attribution`: the report and its page explain the worst mistakes and rank the input's parts."""

import json

import numpy as np
import pytest

from zoo.evaluation.attribution.explained import INTEGRATED
from zoo.evaluation.report.parts.attribution import overlaid, shrunk, signed_colors


@pytest.fixture
def evaluated(analysed):
    """Return a function from a kind of data to the attribution of its run, and the text of the page."""

    def evaluate(kind):
        run, said = analysed(kind)
        report = json.loads((run / "report.json").read_text())
        assert said["attribution"] == report["attribution"]
        for entry, worst in zip(report["attribution"]["mistakes"], report["worst"], strict=False):
            assert {name: entry[name] for name in worst} == worst
            if entry["method"] == INTEGRATED:
                assert abs(entry["gap"]) < 0.02
                assert entry["output"] == pytest.approx(worst.get("confidence", entry["output"]), abs=1e-4)
        return report["attribution"], (run / "report.html").read_text()

    return evaluate


@pytest.mark.ci
def test_images_have_pictures_of_integrated_gradients(evaluated):
    found, page = evaluated("image")
    assert found["mistakes"] and found["importance"] == [] and "columns" not in found["mistakes"][0]
    part = page[page.index('id="attribution"') :]
    assert part.count("integrated gradients") >= len(found["mistakes"]) and 'Grad-CAM"' not in part  # an MLP


@pytest.mark.ci
def test_images_of_a_convolutional_network_have_grad_cam(evaluated):
    found, page = evaluated("folder")
    assert page.count(": Grad-CAM") == len(found["mistakes"]) > 0


@pytest.mark.ci
def test_tables_have_columns_and_importance(evaluated):
    found, page = evaluated("table")
    assert {row["name"] for row in found["importance"]} == {"size, in cm", "größe", "colour", "zip code"}
    assert found["importance"][0]["name"] == "size, in cm"  # it decides
    assert found["importance"][0]["mean"] > 0.1
    for entry in found["mistakes"]:
        total = sum(column["attribution"] for column in entry["columns"])
        assert total == pytest.approx(entry["output"] - entry["reference"], abs=0.02)
    assert "Importance" in page and "größe" in page[page.index('id="attribution"') :]


@pytest.mark.ci
def test_texts_have_marked_tokens(evaluated):
    found, page = evaluated("text")
    (note,), entry = found["notes"], found["mistakes"][0]
    assert "least certain" in note and entry["true"] == entry["predicted"]
    assert [token["text"] for token in entry["tokens"]][1] in ("good", "bad") and found["importance"] == []
    total = sum(token["attribution"] for token in entry["tokens"])
    assert total == pytest.approx(entry["output"] - entry["reference"], abs=0.02)
    assert page.count('class="token') >= len(entry["tokens"])


@pytest.mark.ci
def test_numbers_are_explained_in_their_unit(analysed):
    found = analysed("regression")[1]["attribution"]
    for entry in found["mistakes"]:
        assert entry["output"] == pytest.approx(entry["predicted"], rel=1e-3)
    assert found["importance"][0]["name"] == "rooms" and found["metric"] == "mae"


def test_colors():
    colors = signed_colors(np.array([[1.0, 0.0, -1.0]]))
    assert colors[0, 0, 0] > colors[0, 0, 2] and colors[0, 2, 2] > colors[0, 2, 0] and colors[0, 1].min() > 240
    image = np.full((8, 6, 3), 100, np.uint8)
    cam = np.zeros((4, 3))
    cam[0, 0] = 2
    shown = overlaid(image, cam)
    assert shown.shape == (8, 6, 3) and shown[0, 0, 0] > shown[0, 0, 2] and (shown[7, 5] == 100).all()
    assert (signed_colors(np.zeros((2, 2))) > 240).all() and overlaid(image[..., :1], 0 * cam).shape == (8, 6, 3)


def test_large_pictures_are_shrunk_by_the_means_of_blocks():
    image = np.arange(300 * 200 * 3).reshape(300, 200, 3) % 256
    small = shrunk(image.astype(np.float64))
    assert small.shape == (100, 66, 3)
    np.testing.assert_allclose(small[2, 5], image[6:9, 15:18].mean(axis=(0, 1)))
    assert shrunk(image.astype(np.uint8)).dtype == np.uint8 and shrunk(image[:100, :9]) is not None
    tall = np.ones((1000, 2))
    assert shrunk(tall).shape == (125, 1) and (shrunk(tall) == 1).all()
