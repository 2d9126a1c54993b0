"""What `exported/` holds, used as a person would: texts, series and images in files, answers out."""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from zoo import cli
from zoo.errors import ZooError
from zoo.serving.exported_model import ExportedModel
from zoo.serving.predict import predict

EXPORTED = Path(__file__).resolve().parents[2] / "exported"
DATES = {"March 29th, 2016": "2016-03-29", "29 march 2016": "2016-03-29", "Tue, 4 May 1971": "1971-05-04"}


def exported(name):
    return EXPORTED / name / "model.onnx"


@pytest.mark.parametrize("name", ["lstm/dates", "transformer/dates"])
def test_dates_are_written_as_iso(name, tmp_path, monkeypatch, capsys):
    (tmp_path / "dates.txt").write_text("\n".join(DATES), encoding="utf-8")
    results = predict(exported(name), [tmp_path / "dates.txt"])
    assert [r["text"] for r in results] == list(DATES.values())
    assert [r["input"] for r in results] == [f"{tmp_path / 'dates.txt'}:{row}" for row in (1, 2, 3)]
    monkeypatch.setattr(sys, "argv", ["zoo", "predict", str(exported(name)), str(tmp_path / "dates.txt")])
    cli.app(prog_name="zoo", standalone_mode=False)
    assert capsys.readouterr().out.splitlines()[0].endswith("  2016-03-29")


def test_beams_find_what_greedy_finds_where_the_model_is_sure():
    model = ExportedModel(exported("lstm/dates"))
    texts = np.array(list(DATES), dtype=object)
    greedy, beams = (model.decode(texts, 12, beams=n) for n in (1, 4))
    assert [model._text(row) for row in greedy] == [model._text(row) for row in beams] == list(DATES.values())


def test_a_series_is_continued_from_its_last_steps(tmp_path):
    model = ExportedModel(exported("lstm/elnino"))
    steps, horizon = model.shape[0], 6
    season = 23 + 3 * np.sin(np.arange(steps + 30) * 2 * np.pi / 12)
    path = tmp_path / "sea.csv"
    pd.DataFrame({"month": range(len(season)), model.target: season}).to_csv(path, index=False)
    (result,) = predict(exported("lstm/elnino"), [path])
    assert len(result["forecast"]) == horizon
    ahead = 23 + 3 * np.sin(np.arange(len(season), len(season) + horizon) * 2 * np.pi / 12)
    assert np.abs(np.array(result["forecast"]) - ahead).max() < 1.5  # half of its swing: it follows the season
    json.dumps(result, allow_nan=False)
    pd.DataFrame({model.target: season[:10]}).to_csv(path, index=False)
    with pytest.raises(ZooError, match=rf"takes {steps} steps, and the file has 10"):
        predict(exported("lstm/elnino"), [path])


def test_a_strip_is_read(tmp_path):
    from sklearn.datasets import load_digits

    digits = load_digits()
    strip = np.zeros((16, 96), np.uint8)
    for place, digit in enumerate((3, 1, 7)):
        image = digits.images[np.flatnonzero(digits.target == digit)[5]] * 255 / 16
        strip[4:12, 10 + 20 * place : 18 + 20 * place] = image
    Image.fromarray(strip).save(tmp_path / "strip.png")
    (result,) = predict(exported("lstm/digit_strips"), [tmp_path / "strip.png"])
    assert result["text"] == "317"


def test_the_pixels_of_a_scene_are_shared_out(tmp_path):
    from sklearn.datasets import load_digits

    digits = load_digits()
    digit = digits.images[np.flatnonzero(digits.target == 3)[5]].astype(np.float32) * (255 / 16)
    ink = np.asarray(Image.fromarray(digit).resize((24, 24), Image.Resampling.BILINEAR))
    scene = 60.0 + np.random.default_rng(0).integers(-15, 16, (64, 64))
    scene[20:44, 10:34] += ink / 2
    Image.fromarray(scene.astype(np.uint8)).save(tmp_path / "scene.png")
    (result,) = predict(exported("cnn/digit_scenes_masks"), [tmp_path / "scene.png"])
    strokes = np.count_nonzero(ink >= 96) / scene.size
    assert sum(result["shares"].values()) == pytest.approx(1)
    assert result["shares"]["background"] == pytest.approx(1 - strokes, abs=0.008)
    assert result["shares"]["3"] == pytest.approx(strokes, abs=0.008) and strokes > 0.04


def test_sequences_of_numbers(tmp_path):
    rng = np.random.default_rng(0)
    x = np.stack([rng.random((4, 100)), np.zeros((4, 100))], axis=-1).astype(np.float32)
    x[:, [10, 80], 1] = 1
    np.savez(tmp_path / "x.npz", x=x)
    results = predict(exported("rnn/adding_problem_gru"), [tmp_path / "x.npz"])
    np.testing.assert_allclose([r["value"] for r in results], x[:, [10, 80], 0].sum(axis=1), atol=0.15)


@pytest.mark.parametrize(
    ("name", "file", "message"),
    [
        ("lstm/elnino", "a.txt", "takes a table, not text files, one text a line"),
        ("lstm/dates", "a.npz", "takes text files .* not arrays"),
        ("cnn/digit_scenes_masks", "a.txt", "takes images, or tables with a column of their paths, not text files"),
    ],
)
def test_the_wrong_kind_of_file(name, file, message, tmp_path):
    (tmp_path / "a.txt").write_text("something")
    np.savez(tmp_path / "a.npz", x=np.zeros((2, 3)))
    with pytest.raises(ZooError, match=message):
        predict(exported(name), [tmp_path / file])


def test_what_a_file_cannot_do():
    with pytest.raises(ZooError, match="decoding is for sequence to sequence, and the file's task is forecasting"):
        ExportedModel(exported("lstm/elnino")).decode(np.zeros((1, 48, 1)))
    with pytest.raises(ZooError, match="generating is for language models"):
        ExportedModel(exported("lstm/dates")).generate("a", 3)


def test_a_language_model_continues_several_prompts_as_each_alone():
    model = ExportedModel(exported("transformer/python_topics"))
    prompts, settings = ["The ", "If a class", "x"], {"temperature": 0.7, "top_p": 0.9}
    alone = [model.generate(prompt, 12, seed=3, **settings) for prompt in prompts]
    assert model.generate(prompts, 12, seed=3, **settings) == alone
    assert model.generate(prompts[:2], 12, seed=[3, 3], **settings) == alone[:2]
    assert len(set(model.generate(["The "] * 5, 12, seed=[3, 4, 5, 6, 7]))) > 2
    assert all(len(text) == len(prompt) + 12 for text, prompt in zip(alone, prompts, strict=True))
    pieces = list(model.stream("The ", 12, seed=3, **settings))
    assert pieces[0] == "The " and len(pieces) == 13 and "".join(pieces) == alone[0]
    assert model.generate("The ", 12, seed=3, stop=alone[0][9:11], **settings) == alone[0][:9]
    with pytest.raises(ZooError, match="one for each of 2 prompts, received 3"):
        model.generate(["a", "b"], 3, seed=[1, 2, 3])
    with pytest.raises(ZooError, match="stop: expected texts"):
        model.generate("a", 3, stop=[""])
    with pytest.raises(ZooError, match="`zoo sample --prompt`"):
        model.sample(1)


def test_texts_are_printed_whole_or_piece_by_piece(zoo):
    command = (
        "sample",
        str(exported("transformer/python_topics")),
        "--length",
        "15",
        "--seed",
        "2",
        "--prompt",
        "The ",
    )
    code, whole, _ = zoo(*command)
    assert (code, len(whole)) == (0, 20) and whole.startswith("The ")
    assert zoo(*command, "--stream")[:2] == (0, whole)
    assert zoo(*command, "--prompt", "If")[1].startswith(whole)
    code, _, error = zoo(*command, "--prompt", "If", "--stream")
    assert code == 2 and "--stream: expected one --prompt, received 2" in error
