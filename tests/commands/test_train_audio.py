"""Audio through the whole chain: files, trained, exported, and the exported file asked about files and arrays."""

import json

import numpy as np
import onnxruntime
import pytest
import soundfile

RECIPE = """extends: [_base/audio_classification, _base/adamw_cosine]
data: {source: "%s", %s}
preprocess: [{log_mel: {bands: 16, window: 0.032, hop: 0.016}}, {standardize: {}}]
augment: [{spec_augment: {}}]
model: {name: cnn, widths: [8, 16], depth: 1}
optimizer: {learning_rate: {peak: 1e-2}}
training: {batch_size: 16, epochs: 6}
"""
RATE = 4_000


def chirp(generator, rising, seconds=0.5, rate=RATE):
    """Return a chirp in noise: rising and falling have the same spectrum."""
    time = np.arange(round(seconds * rate)) / rate
    low, high = generator.uniform(200, 400), generator.uniform(900, 1_500)
    pitch = low + (high - low) * time / time[-1]
    wave = np.sin(2 * np.pi * np.cumsum(pitch) / rate)
    return 0.5 * (wave if rising else wave[::-1]) + generator.normal(0, 0.05, len(time))


def write_clips(folder, count):
    """Write chirps of several rates, lengths, channels and formats, a folder a class."""
    generator = np.random.default_rng(0)
    for i in range(count):
        name = ("falling", "rising")[i % 2]
        rate = (RATE, 8_000, 11_025)[i % 3]
        wave = chirp(generator, i % 2, 0.5 + 0.05 * (i % 5), rate)
        wave = np.stack([wave, wave], axis=1) if i % 4 == 0 else wave
        (folder / name).mkdir(parents=True, exist_ok=True)
        soundfile.write(folder / name / f"{i:03}.{('wav', 'flac', 'ogg')[i % 3]}", wave, rate)


def train(zoo, path, source, more, *overrides):
    (path / "mine.yaml").write_text(RECIPE % (source, more))
    code, out, err = zoo("train", "mine.yaml", *overrides, "--json")
    assert code == 0, err
    run = json.loads(out)["run"]
    certificate = json.loads((path / run / "export/certificate.json").read_text())
    assert certificate["max_abs_difference"] <= certificate["tolerance"]
    return path / run, json.loads((path / run / "report.json").read_text()), err


@pytest.mark.ci
def test_clips_of_a_folder_are_trained_exported_and_asked(zoo, tmp_path):
    write_clips(tmp_path / "clips", 96)
    run, report, err = train(zoo, tmp_path, "folder:clips", f"sample_rate: {RATE}, seconds: 0.5")
    assert report["metrics"]["test"]["accuracy"] > 0.85 > 0.7 > report["baseline"]["test"]["accuracy"]
    assert "64 of 96 clips are resampled to 4,000 Hz: " in err and "clips have several channels" in err
    assert (run / "report.html").read_text().count("data:image/png") == len(report["worst"])
    code, out, err = zoo("predict", str(run / "export/model.onnx"), "clips", "--json")
    assert code == 0 and "clips: 64 of 96 clips are resampled to 4,000 Hz" in err
    answers = json.loads(out)
    assert len(answers) == 96 and np.mean([a["label"] in a["input"] for a in answers]) > 0.85
    # onnxruntime alone, on the samples as the source gives them, and the Keras model on them
    from zoo.data.sources.audio import read_clip
    from zoo.training.run import open_run
    from zoo.training.saved_model import load_model

    samples = np.stack([read_clip(tmp_path / a["input"], RATE, 2_000).samples for a in answers])
    session = onnxruntime.InferenceSession(run / "export/model.onnx")
    assert [(x.name, x.shape[1:]) for x in session.get_inputs()] == [("audio", [2_000])]
    found = session.run(["probabilities"], {"audio": samples})[0]
    np.testing.assert_allclose(found, load_model(open_run(run)).predict(samples, verbose=0), atol=1e-4)
    given = [[a["probabilities"][label] for label in ("falling", "rising")] for a in answers]
    np.testing.assert_allclose(found, given, atol=1e-6)
    # an evaluation of the run on the same folder
    code, out, err = zoo("evaluate", str(run), "clips", "--json")
    assert code == 0, err
    assert json.loads(out)["metrics"]["accuracy"] == np.mean([a["label"] in a["input"] for a in answers])


@pytest.mark.slow
def test_clips_of_arrays(zoo, tmp_path):
    generator = np.random.default_rng(0)
    y = np.arange(120) % 2
    x = np.stack([chirp(generator, bool(rising)) for rising in y])
    np.savez(tmp_path / "clips.npz", x=np.round(x / np.abs(x).max() * 32_767).astype(np.int16), y=y)
    run, report, _ = train(zoo, tmp_path, "npz:clips.npz", f"sample_rate: {RATE}")
    assert report["metrics"]["test"]["accuracy"] > 0.85
    np.savez(tmp_path / "new.npz", x=np.load(tmp_path / "clips.npz")["x"])
    code, out, err = zoo("predict", str(run / "export/model.onnx"), "new.npz", "--json")
    assert code == 0, err
    assert np.mean([int(a["label"]) == label for a, label in zip(json.loads(out), y, strict=True)]) > 0.85


@pytest.mark.slow
def test_clips_of_a_table_and_of_a_program(zoo, tmp_path):
    write_clips(tmp_path / "clips", 96)
    files = sorted((tmp_path / "clips").rglob("*.*"))
    rows = [f"{path.relative_to(tmp_path)},{path.parent.name},{path.stem[:2]}" for path in files]
    (tmp_path / "all.csv").write_text("\n".join(["file,kind,speaker", *rows]) + "\n")
    run, report, err = train(
        zoo, tmp_path, "csv:all.csv", f"audio: file, target: kind, group: speaker, sample_rate: {RATE}, seconds: 0.5"
    )
    assert report["metrics"]["test"]["accuracy"] > 0.8 and "groups of column 'speaker', each whole" in err
    (tmp_path / "new.csv").write_text("\n".join(["file", *(row.split(",")[0] for row in rows)]) + "\n")
    code, out, err = zoo("predict", str(run / "export/model.onnx"), "new.csv", "--json")
    assert code == 0, err
    answers = json.loads(out)
    assert [a["input"] for a in answers[:2]] == ["new.csv:1", "new.csv:2"]
    right = np.mean([a["label"] == path.parent.name for a, path in zip(answers, files, strict=True)])
    assert right > 0.85
    code, out, err = zoo("evaluate", str(run), "all.csv", "--json")
    assert code == 0 and json.loads(out)["metrics"]["accuracy"] == right, err

    import zoo as package

    generator = np.random.default_rng(1)
    y = np.array(["falling", "rising"])[np.arange(120) % 2]
    x = np.stack([chirp(generator, label == "rising") for label in y]).astype(np.float32)
    overrides = {"data.sample_rate": RATE, "training.epochs": 6, "preprocess.0.log_mel.bands": 16}
    made = package.train("_base/audio_classification", overrides, data=(x, y), runs=tmp_path / "runs")
    assert made.metrics["test"]["accuracy"] > 0.8
    assert np.mean(np.array(made.predict(x).labels) == y) > 0.8
