"""Folders of audio files, one a class: what is read and how, what is said of it, and what is refused."""

import io
import struct

import numpy as np
import pytest
import soundfile
from loading import load, refused
from scipy import signal

AUDIO = "audio_classification"
RATE = 8_000


def tone(seconds=0.5, rate=RATE, hertz=440.0, amplitude=0.5):
    return amplitude * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)


def encoded(x, rate=RATE, form="WAV", subtype="PCM_16"):
    file = io.BytesIO()
    soundfile.write(file, x, rate, format=form, subtype=subtype)
    return file.getvalue()


@pytest.fixture
def folder(tmp_path):
    """Return a function that writes 12 clips of each of two classes, and other files by name."""

    def write(**more):
        clips = {
            f"{c}/{i:02}.wav": encoded(tone(hertz=300 + 400 * k + i)) for k, c in enumerate("ab") for i in range(12)
        }
        for name, content in {**clips, **more}.items():
            path = tmp_path / "data" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return f"folder:{tmp_path / 'data'}"

    return write


def clips(dataset):
    """Return the clips of all splits, and the class of each."""
    parts = (dataset.train, dataset.validation, dataset.test)
    return np.concatenate([s.take(np.arange(len(s))) for s in parts]), np.concatenate([s.targets for s in parts])


def added(dataset, count=24):
    """Return the clips that are none of those that `folder` writes by itself: two classes of `count / 2` tones."""
    own = {encoded(tone(hertz=300 + 400 * k + i)) for k in range(2) for i in range(12)}
    known = {soundfile.read(io.BytesIO(content), dtype="float32")[0].tobytes() for content in own}
    x, _ = clips(dataset)
    return x[[row[:4000].tobytes() not in known for row in x]]


def test_a_file_is_a_clip_and_its_folder_the_class(folder):
    dataset = load(folder(), AUDIO)
    x, y = clips(dataset)
    found = dataset.signature
    assert (found.kind, found.shape, found.sample_rate, found.labels) == ("audio", (4000,), RATE, ("a", "b"))
    assert x.shape == (24, 4000) and x.dtype == np.float32
    peaks = np.abs(np.fft.rfft(x)).argmax(axis=1) * RATE / 4000
    assert ((peaks > 500) == (y == 1)).all()
    assert not any("data.s" in note for note in dataset.notes)


def test_the_usual_rate_and_the_longest_clip_are_taken_and_said(folder):
    dataset = load(folder(**{"a/x.wav": encoded(tone(0.75, 16_000), 16_000)}), AUDIO)
    assert dataset.signature.sample_rate == RATE and dataset.signature.shape == (6_000,)
    assert "data.sample_rate is left out: 8,000 Hz, as 24 of 25 clips have" in dataset.notes
    assert "data.seconds is left out: 0.75, that of the longest training clip" in dataset.notes


SUBTYPES = [
    *(("WAV", s, e) for s, e in (("PCM_U8", 2e-2), ("PCM_16", 1e-4), ("PCM_24", 1e-6), ("PCM_32", 1e-6))),
    *(("WAV", s, e) for s, e in (("FLOAT", 1e-7), ("DOUBLE", 1e-7), ("ULAW", 4e-2), ("ALAW", 4e-2))),
    *(("WAVEX", "PCM_24", 1e-6), ("RF64", "PCM_16", 1e-4), ("FLAC", "PCM_16", 1e-4), ("FLAC", "PCM_24", 1e-6)),
    ("OGG", "VORBIS", 8e-2),
]


@pytest.mark.parametrize(("form", "subtype", "error"), SUBTYPES, ids=[f"{f}-{s}" for f, s, _ in SUBTYPES])
def test_every_way_to_store_samples_gives_the_same_samples(folder, form, subtype, error):
    suffix = {"FLAC": "flac", "OGG": "ogg"}.get(form, "wav")
    wave = tone(hertz=1234.0, amplitude=0.7)
    dataset = load(folder(**{f"a/x.{suffix}": encoded(wave, form=form, subtype=subtype)}), AUDIO)
    (found,) = added(dataset)
    np.testing.assert_allclose(found, wave, atol=error)


def test_rates_lengths_and_channels_are_made_one_and_counted(folder):
    stereo = np.stack([tone(rate=16_000, hertz=500), np.zeros(8_000)], axis=1)
    source = folder(
        **{
            "a/high.wav": encoded(tone(0.5, 44_100, 1000), 44_100),
            "a/low.flac": encoded(tone(0.5, 4_000, 700), 4_000, "FLAC"),
            "b/stereo.wav": encoded(stereo, 16_000),
            "b/long.wav": encoded(tone(1.25, hertz=600)),
            "b/short.ogg": encoded(tone(0.125, hertz=900), form="OGG", subtype="VORBIS"),
            "b/one.wav": encoded(np.array([0.25])),
        }
    )
    dataset = load(source, AUDIO, sample_rate=RATE, seconds=0.5)
    x = added(dataset)
    assert x.shape == (6, 4000)
    peaks = sorted(np.round(np.abs(np.fft.rfft(x)).argmax(axis=1) * RATE / 4000 / 50) * 50)
    assert peaks[1:] == [500, 600, 700, 900, 1000]  # the one sample has none
    by_peak = dict(zip(np.round(np.abs(np.fft.rfft(x)).argmax(axis=1) * RATE / 4000 / 50) * 50, x, strict=True))
    middle = slice(200, -200)
    np.testing.assert_allclose(by_peak[1000][middle], tone(hertz=1000)[middle], atol=1e-3)  # soxr, not every 5th sample
    np.testing.assert_allclose(
        by_peak[500][middle], 0.5 * tone(hertz=500)[middle], atol=1e-3
    )  # the mean of two channels
    np.testing.assert_allclose(by_peak[600], tone(hertz=600), atol=1e-4)  # the first half second of it
    assert not by_peak[900][1200:].any()
    for note in (
        "3 of 30 clips are resampled to 8,000 Hz: 44,100 Hz (1), 4,000 Hz (1), 16,000 Hz (1)",
        "1 of these clips had a lower rate, and hold nothing of the highest frequencies",
        "1 of 30 clips are longer than 0.5 s, and cut at their end",
        "2 of 30 clips are shorter than 0.5 s, and padded with zeros",
        "1 of 30 clips have several channels, which are mixed to one",
        "1 of 30 clips are silent: all their samples are the same",
    ):
        assert note in dataset.notes, dataset.notes


def test_silent_clipped_and_too_loud_clips_are_counted(folder):
    opposite = tone(hertz=500)
    source = folder(
        **{
            "a/zero.wav": encoded(np.zeros(4000)),
            "a/constant.wav": encoded(np.full(4000, 0.25)),
            "a/cancel.wav": encoded(np.stack([opposite, -opposite], axis=1), subtype="FLOAT"),
            "b/clipped.wav": encoded(np.clip(3 * tone(), -1, 1)),
            "b/beyond.wav": encoded(3 * tone(), subtype="FLOAT"),
        }
    )
    notes = load(source, AUDIO).notes
    assert "3 of 29 clips are silent: all their samples are the same" in notes
    assert "1 of 29 clips are clipped: 3 or more samples one after the other lie at full scale" in notes
    assert "1 of 29 clips have samples beyond -1 to 1, which stay as they are" in notes


def test_streamed_clips_are_those_in_memory(folder):
    source = folder(**{"a/x.wav": encoded(tone(0.7, 16_000), 16_000), "b/bad.wav": b"RIFF"})
    found = [load(source, AUDIO, memory=m, on_error="skip") for m in ("resident", "streamed")]
    for (a, y), (b, z) in [tuple(map(clips, found))]:
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(y, z)
    assert any("of 26 clips cannot be read: b/bad.wav" in note for note in found[1].notes)


def test_a_header_without_a_length_is_read_to_the_end(folder):
    wave = bytearray(encoded(tone(hertz=1234.0)))
    wave[4:8], wave[40:44] = (
        struct.pack("<I", 0x7FFFF024),
        struct.pack("<I", 0x7FFFF000),
    )  # as a pipe's writer leaves it
    (found,) = added(load(folder(**{"a/pipe.wav": bytes(wave)}), AUDIO))
    np.testing.assert_allclose(found, tone(hertz=1234.0), atol=1e-4)


def test_what_is_no_audio_by_its_suffix_is_left_out_and_counted(folder):
    more = {"a/sub/x.WAV": encoded(tone(hertz=2000)), "a/.hidden.wav": b"", "b/notes.txt": b"?", "loose.wav": b""}
    dataset = load(folder(**more, **{"b/song.mp3": b"ID3"}), AUDIO)
    assert len(clips(dataset)[0]) == 25
    assert (
        "left out, none of WAV, FLAC, OGG by their suffix, or hidden: 3 files: .wav (1), .txt (1), .mp3 (1)"
        in dataset.notes
    )
    assert "left out, as they lie in no class folder: 1 clips: loose.wav" in dataset.notes


WHOLE = encoded(tone())
NAN = tone()
NAN[100] = np.nan
BAD = {
    "empty file": (b"", "the file is empty"),
    "no samples": (encoded(np.zeros(0)), "holds no samples"),
    "flac mark alone": (b"fLaC", "damaged"),
    "mark alone": (b"RIFF", "damaged|no format"),
    "header cut short": (WHOLE[:30], "damaged"),
    "header alone": (WHOLE[:44], "cut short|holds no samples"),
    "samples cut short": (WHOLE[: len(WHOLE) // 2], r"cut short: 3,978 of 8,000 bytes are there"),
    "one byte short": (WHOLE[:-1], "cut short"),
    "flac cut short": (encoded(tone(), form="FLAC")[:2000], "damaged|cut short"),
    "ogg cut short": (encoded(tone(), form="OGG", subtype="VORBIS")[:2500], "damaged|cut short"),
    "text": (
        b"this is a text, and no audio at all",
        "its content is of no format that is read; read are WAV, FLAC, OGG",
    ),
    "mp3": (b"ID3\x04" + bytes(100), "its content is MP3"),
    "mp3 without a tag": (encoded(tone(), form="MP3", subtype="MPEG_LAYER_III"), "its content is MP3"),
    "aiff": (encoded(tone(), form="AIFF"), "its content is AIFF"),
    "video in riff": (b"RIFF\x00\x00\x00\x00AVI LIST" + bytes(50), "of no format that is read"),
    "png": (b"\x89PNG\r\n\x1a\n" + bytes(50), "of no format that is read"),
    "nan": (encoded(NAN, subtype="FLOAT"), "holds NaN or infinity"),
    "infinity": (encoded(np.where(np.arange(4000) == 7, np.inf, 0), subtype="DOUBLE"), "holds NaN or infinity"),
    "floats that are integers": (encoded(20_000 * tone(), subtype="FLOAT"), "reach 10000, and full scale is 1"),
    "rate of 10 Hz": (encoded(tone(), rate=10), "a sample rate of 10 Hz"),
    "rate of a gigahertz": (encoded(tone(), rate=1_000_000_000), "a sample rate of 1,000,000,000 Hz"),
    "unknown coding": (WHOLE[:20] + struct.pack("<H", 0x7777) + WHOLE[22:], "damaged"),
    "no channels": (WHOLE[:22] + struct.pack("<H", 0) + WHOLE[24:], "damaged"),
}


@pytest.mark.parametrize("fault", BAD)
def test_what_is_no_clip_is_refused_or_left_out_with_its_reason(folder, fault):
    content, reason = BAD[fault]
    source = folder(**{"a/sub/bad.wav": content})
    refused(rf"1 of 25 clips cannot be read: a/sub/bad.wav \(.*({reason}).*\); mend or remove them", source, AUDIO)
    dataset = load(source, AUDIO, on_error="skip")
    assert len(clips(dataset)[0]) == 24
    assert any(note.startswith("left out by data.on_error: 1 of 25 clips cannot be read") for note in dataset.notes)


def test_every_fault_is_counted(folder):
    bad = {f"b/bad{i}.wav": content for i, (content, _) in enumerate(BAD.values())}
    refused(rf"{len(BAD)} of {24 + len(BAD)} clips cannot be read: b/bad0.wav \(", folder(**bad), AUDIO)


def test_folders_that_are_none_of_clips_are_refused(folder, tmp_path):
    refused("folder .*nothing does not exist", f"folder:{tmp_path / 'nothing'}", AUDIO)
    source = folder(**{"c/x.mp3": b"ID3"})
    refused(r"1 classes have no clips: .*data/c; add some \(WAV, FLAC, OGG\)", source, AUDIO)
    refused("expected one subfolder a class, at least two; found a", f"folder:{only(tmp_path / 'one')}", AUDIO)


def only(path):
    (path / "a").mkdir(parents=True)
    (path / "a/x.wav").write_bytes(WHOLE)
    return path


def test_pipes_and_links_that_lead_nowhere_are_refused(folder, tmp_path):
    import os

    source = folder()
    os.mkfifo(tmp_path / "data/a/pipe.wav")
    (tmp_path / "data/b/link.wav").symlink_to(tmp_path / "nothing.wav")
    refused(
        r"2 of 26 clips cannot be read: a/pipe.wav \(not readable: a pipe.*b/link.wav \(not readable: a link",
        source,
        AUDIO,
    )


def test_resampling_is_that_of_a_band_limited_filter(folder):
    """What lies above half the new rate is gone, not folded into it."""
    high = tone(0.5, 32_000, 15_000) + tone(0.5, 32_000, 1_000)
    (found,) = added(load(folder(**{"a/x.wav": encoded(high * 0.5, 32_000)}), AUDIO, sample_rate=RATE))
    wanted = signal.resample_poly(high * 0.5, 1, 4)
    np.testing.assert_allclose(found[200:-200], wanted[200:-200], atol=2e-3)
