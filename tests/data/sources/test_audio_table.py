"""Tables with a column of audio files: paths, groups and splits, and what is refused."""

import io

import numpy as np
import pandas as pd
import pytest
import soundfile
from loading import load, refused

AUDIO = "audio_classification"
COUNT = 40
ROWS = pd.DataFrame(
    {
        "file": [f"clips/{i:02}.wav" for i in range(COUNT)],
        "word": np.array(["yes", "no"])[np.arange(COUNT) % 2],
        "voice": [f"v{i // 8}" for i in range(COUNT)],
    }
)


@pytest.fixture
def table(tmp_path):
    """Return a function that writes clips, each of one value in all samples after the first, and a table of them."""

    def write(frame=ROWS, kind="csv", **files):
        (tmp_path / "clips").mkdir(exist_ok=True)
        for i in range(COUNT):
            x = np.full(400, (i + 1) / 64)
            x[0] = 0
            soundfile.write(tmp_path / f"clips/{i:02}.wav", x, 4_000)
        for name, content in files.items():
            (tmp_path / name).write_bytes(content)
        path = tmp_path / f"clips.{kind}"
        if kind == "parquet":
            frame.to_parquet(path)
        elif kind == "csv":
            frame.to_csv(path, index=False)
        else:
            frame.to_json(path, orient="records", lines=True)
        return f"{kind}:{path}"

    return write


def numbers(split):
    """Return which clips a split has."""
    return np.round(split.take(np.arange(len(split)))[:, 5] * 64).astype(int) - 1


@pytest.mark.parametrize("kind", ["csv", "parquet", "jsonl"])
def test_a_row_is_a_clip_and_groups_stay_together(table, kind):
    dataset = load(table(kind=kind), AUDIO, audio="file", target="word", group="voice")
    signature = dataset.signature
    assert (signature.kind, signature.shape, signature.sample_rate) == ("audio", (400,), 4_000)
    assert [(column.name, column.type) for column in signature.columns] == [("file", "text")]
    splits = (dataset.train, dataset.validation, dataset.test)
    assert sorted(np.concatenate([numbers(split) for split in splits])) == list(range(COUNT))
    for split in splits:
        np.testing.assert_array_equal(numbers(split) % 2, 1 - split.targets)  # "no" is the first class
    voices = [set(numbers(split) // 8) for split in splits]
    assert not voices[0] & voices[1] and not voices[0] & voices[2] and not voices[1] & voices[2]


def test_a_pattern_names_the_files_and_a_column_the_splits(table):
    frame = ROWS.assign(id=[f"{i:02}" for i in range(COUNT)], part=["train", "train", "dev", "test"] * 10)
    frame = frame.drop(columns="file")
    dataset = load(table(frame), AUDIO, audio="clips/{id}.wav", target="word", split_column="part")
    assert (numbers(dataset.test) % 4 == 3).all() and (numbers(dataset.validation) % 4 == 2).all()
    assert any("no inputs, as data.audio names 'id': 1 columns: 'voice'" in note for note in dataset.notes)


def changed(row, name):
    frame = ROWS.copy()
    frame.loc[row, "file"] = name
    return frame


BAD = {  # the path in the fourth row, and what is said
    "missing file": ("clips/99.wav", r"1 clips that are not there: row 4 \(line 5\): clips/99.wav"),
    "no path": ("", r"1 rows without a clip: row 4 \(line 5\)"),
    "absolute path": ("/etc/passwd", "1 paths that are absolute or lead out of the table's folder: row 4"),
    "path that leads out": ("../x.wav", "1 paths that are absolute or lead out of the table's folder: row 4"),
    "a folder": ("clips", "1 paths of no regular file: row 4"),
    "long path": ("x" * 5_000, "1 clips that are not there: row 4"),
    "text": ("text.wav", r"1 clips that cannot be read: row 4 \(line 5\): text.wav \(its content is of no format"),
    "mp3": ("song.mp3", r"song.mp3 \(its content is MP3; read are WAV, FLAC, OGG\)"),
    "empty": ("empty.wav", r"empty.wav \(the file is empty\)"),
    "nan": ("nan.wav", r"nan.wav \(holds NaN or infinity\)"),  # which its header does not show
    "the table": ("clips.csv", "its content is of no format that is read"),
}


def nan():
    """Return a WAV file of floats, one of which is NaN."""
    file = io.BytesIO()
    soundfile.write(file, np.where(np.arange(400) == 9, np.nan, 0.1), 4_000, format="WAV", subtype="FLOAT")
    return file.getvalue()


FILES = {"nan.wav": nan(), "text.wav": b"this is a text, no audio", "song.mp3": b"ID3" + bytes(50), "empty.wav": b""}


@pytest.mark.parametrize("fault", BAD)
def test_rows_without_a_clip_are_refused_or_left_out(table, fault):
    name, message = BAD[fault]
    source = table(changed(3, name), **FILES)
    refused(rf"{message}.*leave these clips out with data.on_error=skip", source, AUDIO, audio="file", target="word")
    dataset = load(source, AUDIO, audio="file", target="word", on_error="skip")
    left = np.concatenate([numbers(split) for split in (dataset.train, dataset.validation, dataset.test)])
    assert sorted(left) == [i for i in range(COUNT) if i != 3]
    assert any("left out by data.on_error: 1 of 40 examples" in note for note in dataset.notes)


def test_all_faults_are_counted_and_no_clip_at_all_is_refused(table):
    frame = ROWS.assign(file=[*ROWS["file"][:34], *(["clips/99.wav"] * 3), "text.wav", "", "song.mp3"])
    message = "3 clips that are not there: .*; 1 rows without a clip: .*; 2 clips that cannot be read: "
    refused(message, table(frame, **FILES), AUDIO, audio="file", target="word")
    nothing = ROWS.assign(file="text.wav")
    for on_error in ("stop", "skip"):
        refused("clip", table(nothing, **FILES), AUDIO, audio="file", target="word", on_error=on_error)


def test_columns_that_are_not_there_and_files_that_rows_share(table):
    refused("data.audio names the column 'path', which the table lacks", table(), AUDIO, audio="path", target="word")
    dataset = load(table(changed(3, "clips/05.wav")), AUDIO, audio="file", target="word")
    assert "named by several rows, each an example of its own: 1 clips: clips/05.wav (2)" in dataset.notes
