"""The data sets that need no network: always the same examples, right targets, and splits that share nothing."""

import contextlib
import hashlib
import itertools
import platform
import re
import sys
from datetime import date, datetime
from functools import cache

import numpy as np
import pytest

from zoo.data.builtin import NAMES, builtin_builder, season
from zoo.data.builtin.glyphs import split_glyphs
from zoo.errors import ZooError

SEEDED = {  # SHA-256 of the first hundred examples of every split
    "adding_problem": "499962d83e6f6df72bf716368b82f8a3052b060a258013ff58b32eb3e17358af",
    "copy_memory": "1760423fe746e760f38c591727e7e73a1480dafd487a100409a589970985df96",
    "dates": "3d4758c77f301a0812c0138bac1490f72833fa979ffd7dad8d9a66c0acb91bb3",
    "digit_graphs": "b39e4633240ce795494085d1cf5232185a7e1ead41e48178067dd17f47bcfc10",
    "digit_neighbors": "1e58378ba09c1a4cd1e4d235bdeef7ecbd4e5c5c95ac841b6481f0a7a272b5db",
    "digit_scenes": "d68d3666b81dba1b33fc97e711ea5094f76af2ec1427a43eda96b07362e9f27d",
    "digit_strips": "b64689551155861ac7dd2e4856221b2fd2a50a64b8c12f4f6afe5b09158623bd",
}
SERIES = {"co2": 526, "elnino": 732, "sunspots": 309}


@cache
def examples(name, split, folder=None):
    """Return the examples of a split, column by column; boxes, nodes and edges are filled up with zeros."""
    import tensorflow_datasets as tfds

    builder = builtin_builder(name)
    assert folder is None or folder in builder.data_dir
    count = builder.info.splits[split].num_examples
    dataset = builder.as_dataset(split=split, shuffle_files=False)
    (batch,) = tfds.as_numpy(dataset.padded_batch(count))
    columns = {**batch, **batch.get("objects", {}), **batch.get("graph", {})}
    columns = {name: values for name, values in columns.items() if not isinstance(values, dict)}
    return {column: texts(values) if values.dtype == object else values for column, values in columns.items()}


def texts(values):
    return np.array([value.decode() for value in values])


def digest(columns):
    state = hashlib.sha256()
    for name in sorted(columns):
        values = columns[name]
        state.update(name.encode())
        state.update("\n".join(values).encode() if values.dtype.kind == "U" else np.ascontiguousarray(values).data)
    return state.hexdigest()


def rows(values):
    return {row.tobytes() for row in values}


def sizes(name):
    return {split: info.num_examples for split, info in builtin_builder(name).info.splits.items()}


# --- always the same ----------------------------------------------------------------------------------------------


def test_names_are_sorted_and_described():
    assert list(NAMES) == sorted(NAMES)
    assert {*SEEDED, *SERIES, "digits", "wine", "breast_cancer", "diabetes", "python_topics"} == set(NAMES)


@pytest.mark.parametrize("name", SEEDED)
def test_the_examples_are_those_that_were_recorded(name):
    state = hashlib.sha256()
    for split in sizes(name):
        first = {column: values[:100] for column, values in examples(name, split).items()}
        state.update(digest(first).encode())
    assert state.hexdigest() == SEEDED[name]


@pytest.mark.slow
@pytest.mark.parametrize("name", SEEDED)
def test_another_preparation_gives_the_same_examples(name, tmp_path, monkeypatch):
    expected = {split: digest(examples(name, split)) for split in sizes(name)}
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path))
    assert {split: digest(examples(name, split, str(tmp_path))) for split in expected} == expected


def test_preparing_says_nothing(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path))
    builtin_builder("sunspots")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", NAMES)
def test_every_set_says_what_it_is(name):
    info = builtin_builder(name).info
    assert len(info.description) > 60
    assert info.name == name
    if info.supervised_keys:
        inputs, target = info.supervised_keys
        assert {*(inputs if isinstance(inputs, dict) else [inputs]), target} <= set(info.features)


# --- memory -------------------------------------------------------------------------------------------------------


def test_adding_problem():
    assert sizes("adding_problem") == {"train": 20_000, "test": 2_000}
    for split in ("train", "test"):
        columns = examples("adding_problem", split)
        values, markers = np.moveaxis(columns["sequence"], -1, 0)
        assert columns["sequence"].shape[1:] == (100, 2)
        assert columns["sequence"].dtype == columns["target"].dtype == np.float32
        assert 0 <= values.min() < 0.001 < 0.999 < values.max() < 1
        assert set(np.unique(markers)) == {0.0, 1.0}
        for half in (markers[:, :50], markers[:, 50:]):
            assert (half.sum(axis=1) == 1).all()
            assert set(half.argmax(axis=1)) == set(range(50))
        np.testing.assert_allclose(columns["target"], (values * markers).sum(axis=1), rtol=1e-6)
        assert np.square(columns["target"] - 1).mean() == pytest.approx(1 / 6, abs=0.006)
    train, test = (rows(examples("adding_problem", split)["sequence"]) for split in ("train", "test"))
    assert len(train) == 20_000 and not train & test


def test_copy_memory():
    assert sizes("copy_memory") == {"train": 10_000, "test": 1_000}
    for split in ("train", "test"):
        columns = examples("copy_memory", split)
        tokens, labels = columns["tokens"], columns["labels"]
        assert tokens.shape[1:] == labels.shape[1:] == (70,)
        assert tokens.dtype == labels.dtype == np.int32
        counts = np.bincount(tokens[:, :10].reshape(-1), minlength=9)
        assert counts[0] == 0 and len(counts) == 9
        np.testing.assert_allclose(counts[1:] / counts.sum(), 1 / 8, atol=0.01)
        assert (tokens[:, 10:59] == 9).all() and (tokens[:, 59] == 10).all() and (tokens[:, 60:] == 9).all()
        assert (labels[:, :60] == 0).all()
        np.testing.assert_array_equal(labels[:, 60:], tokens[:, :10])
    train, test = (rows(examples("copy_memory", split)["tokens"]) for split in ("train", "test"))
    assert len(train) == 10_000 and not train & test


# --- series -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SERIES)
def test_a_series_is_one_example(name):
    (values,) = examples(name, "train")["values"]
    assert values.shape == (SERIES[name],) and values.dtype == np.float32 and np.isfinite(values).all()
    assert sizes(name) == {"train": 1}
    metadata = builtin_builder(name).info.metadata
    steps = metadata["season"]
    assert steps == season(name) == (11 if name == "sunspots" else 12)
    assert len(values) == (2008 - 1700 + 1 if name == "sunspots" else months(metadata["start"], name))
    around = values.astype(float) - np.convolve(np.pad(values, steps, "edge"), np.ones(2 * steps + 1), "valid") / (
        2 * steps + 1
    )
    assert np.corrcoef(around[steps:], around[:-steps])[0, 1] > 0.5
    assert np.corrcoef(around[steps // 2 :], around[: -(steps // 2)])[0, 1] < -0.3


def months(start, name):
    year, month = map(int, start.split("-"))
    return ({"elnino": 2010, "co2": 2001}[name] - year) * 12 + 12 - month + 1


def test_the_values_of_the_series():
    (spots,), (temperatures,) = (examples(name, "train")["values"] for name in ("sunspots", "elnino"))
    np.testing.assert_allclose(spots[[0, 1, 2, -2, -1]], [5, 11, 16, 7.5, 2.9])
    np.testing.assert_allclose(temperatures[[0, 1, 11, 12, -1]], [23.11, 24.2, 21.8, 24.19, 22.07])


def test_co2_is_the_mean_of_each_month():
    from statsmodels.datasets import co2

    weeks = co2.load_pandas().data["co2"].dropna()
    (values,) = examples("co2", "train")["values"]
    known = {}
    for day, value in weeks.items():
        known.setdefault((day.year - 1958) * 12 + day.month - 3, []).append(value)
    for month, found in known.items():
        assert values[month] == pytest.approx(np.mean(found), abs=1e-3)
    gaps = set(range(len(values))) - set(known)
    assert len(gaps) == 5
    for gap in gaps:
        before, after = max(m for m in known if m < gap), min(m for m in known if m > gap)
        share = (gap - before) / (after - before)
        assert values[gap] == pytest.approx((1 - share) * values[before] + share * values[after], abs=1e-3)


def test_season_of_what_is_no_series():
    with pytest.raises(ZooError, match=r"no built-in series 'sunspot'; did you mean 'sunspots'\?"):
        season("sunspot")


@pytest.mark.parametrize("name", SERIES)
def test_without_statsmodels(name, tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path))
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, f"statsmodels.datasets.{name}", None)
        needed = rf"^builtin:{name} needs statsmodels: pip install 'keras-model-zoo\[forecast\]'$"
        with pytest.raises(ZooError, match=needed):
            builtin_builder(name)
    assert builtin_builder(name).info.splits["train"].num_examples == 1  # nothing was left half done


# --- text ---------------------------------------------------------------------------------------------------------


def test_python_topics():
    from pydoc_data.topics import topics

    parts = {split: str(examples("python_topics", split)["text"][0]) for split in ("train", "validation", "test")}
    whole = "".join(parts.values())
    assert whole == "\n\n".join(text for _, text in sorted(topics.items()))
    assert sizes("python_topics") == {"train": 1, "validation": 1, "test": 1}
    for split, share in (("train", 0.9), ("validation", 0.05), ("test", 0.05)):
        assert len(parts[split]) / len(whole) == pytest.approx(share, abs=0.01)
    assert parts["train"].endswith("\n\n") and parts["validation"].endswith("\n\n")
    builder = builtin_builder("python_topics")
    metadata = builder.info.metadata
    assert metadata["sha256"] == hashlib.sha256(whole.encode()).hexdigest()
    assert metadata["python"] == platform.python_version()
    assert metadata["python"] in builder.data_dir and metadata["sha256"][:8] in builder.data_dir
    assert metadata["sha256"] in builder.info.description


NUMBERS = re.findall(
    "[a-z]+",
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty",
)
ORDINALS = re.findall(
    "[a-z-]+",
    "zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth "
    "fifteenth sixteenth seventeenth eighteenth nineteenth twentieth twenty-first twenty-second twenty-third "
    "twenty-fourth twenty-fifth twenty-sixth twenty-seventh twenty-eighth twenty-ninth thirtieth thirty-first",
)
TENS = {"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90}
MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
IN_FIGURES = ("%Y%m%d", "%Y/%m/%d", "%m/%d/%Y", "%m/%d/%y", "%d.%m.%Y")


def understand(source):
    """Read a date: return it, and the weekday that is said of it or None."""
    for form in IN_FIGURES:
        with contextlib.suppress(ValueError):
            return datetime.strptime(source, form).date(), None
    words = []
    for word in re.split("[ ,]+", source.lower()):
        words += [word] if word.partition("-")[0] in TENS else word.split("-")
    words = [word for word in words if word not in ("the", "of", "oh")]
    weekday = WEEKDAYS.index(words.pop(0)[:3]) if re.match("(mon|sun|tue|wed|thu|fri|sat)", words[0]) else None
    position = next(i for i, word in enumerate(words[:2]) if word[:3] in MONTHS)
    if re.fullmatch(r"\d{4}", words[0]):
        return date(int(words[0]), MONTHS.index(words[1][:3]) + 1, int(words[2])), weekday
    month = MONTHS.index(words.pop(position)[:3]) + 1
    day = ORDINALS.index(words[0]) if words[0] in ORDINALS else int(re.match(r"\d+", words[0]).group())
    return date(year_of(words[1:]), month, day), weekday


def year_of(words):
    if words[0].isdigit():
        return int(words[0])
    century = 2000 if words[1:2] == ["thousand"] else 100 * below_hundred(words[0])
    return century + sum(below_hundred(word) for word in words[1:] if word not in ("thousand", "hundred"))


def below_hundred(word):
    tens, _, ones = word.partition("-")
    return TENS[tens] + NUMBERS.index(ones or "zero") if tens in TENS else NUMBERS.index(word)


def test_dates():
    assert sizes("dates") == {"train": 20_000, "validation": 1_000, "test": 2_000}
    targets, sources, forms, cases, weekdays = [], [], set(), set(), 0
    for split in sizes("dates"):
        columns = examples("dates", split)
        for source, target in zip(columns["source"].tolist(), columns["target"].tolist(), strict=True):
            day, weekday = understand(source)
            assert day.isoformat() == target, source
            assert weekday in (None, day.weekday()), source
            assert 1900 <= day.year <= 2099 and len(source) <= 45
            forms.add(re.sub(r"\d", "9", re.sub(r"[a-z]+(-[a-z]+)?", "a", source.lower())))
            cases.add((source.islower(), source.isupper()))
            weekdays += weekday is not None
            targets.append(target)
            sources.append(source)
    assert len(set(targets)) == len(set(sources)) == len(targets) == 23_000
    assert len(forms) >= 20 and len(cases) == 3 and 0.1 < weekdays / len(targets) < 0.2


# --- drawings -----------------------------------------------------------------------------------------------------


def test_the_digits_are_parted_before_anything_is_drawn():
    glyphs = split_glyphs()
    train, test = (rows(glyphs[split].images) for split in ("train", "test"))
    assert not train & test
    assert [len(glyphs[split].labels) for split in ("train", "test")] == [1438, 359]
    for part in glyphs.values():
        counts = np.bincount(part.labels, minlength=10) / len(part.labels)
        assert counts.min() > 0.05 and counts.max() < 0.15


def test_digit_strips():
    assert sizes("digit_strips") == {"train": 8_000, "test": 1_000}
    for split in ("train", "test"):
        columns = examples("digit_strips", split)
        assert columns["image"].shape[1:] == (16, 96, 1) and columns["image"].dtype == np.uint8
        labels = columns["label"].tolist()
        assert all(re.fullmatch("[0-9]{1,8}", label) for label in labels)
        lengths = np.bincount([len(label) for label in labels], minlength=9)[1:] / len(labels)
        assert lengths.min() > 0.09 and lengths.max() < 0.16
        assert any(a == b for label in labels for a, b in itertools.pairwise(label))
    train, test = (rows(examples("digit_strips", split)["image"]) for split in ("train", "test"))
    assert len(train) == 8_000 and not train & test


@pytest.mark.parametrize("split", ["train", "test"])
def test_strips_can_be_read_with_the_digits_of_their_split(split):
    """Find the glyphs again, among those of both splits: which they are, where they stand, what they read."""
    parts = split_glyphs()
    glyphs = np.concatenate([part.images for part in parts.values()]).reshape(-1, 64)
    labels = np.concatenate([part.labels for part in parts.values()])
    owner = np.repeat(list(parts), [len(part.labels) for part in parts.values()])
    columns = examples("digit_strips", split)
    seen = 0
    for image, text in zip(columns["image"][:40, ..., 0], columns["label"][:40].tolist(), strict=True):
        windows = np.lib.stride_tricks.sliding_window_view(image, (8, 8))
        match = normal(windows.reshape(-1, 64)) @ normal(glyphs).T
        best = match.max(axis=1).reshape(windows.shape[:2])
        found = []
        for _ in text:
            top, left = np.unravel_index(best.argmax(), best.shape)
            glyph = match.reshape(*best.shape, -1)[top, left].argmax()
            found.append((left, labels[glyph], owner[glyph]))
            best[:, max(0, left - 7) : left + 8] = -1
        found.sort()
        assert "".join(str(label) for _, label, _ in found) == text
        assert {part for *_, part in found} == {split}
        assert (np.diff([left for left, *_ in found]) >= 9).all()
        seen += len(found)
    assert seen > 100


def normal(vectors):
    vectors = vectors.astype(np.float64) - vectors.mean(axis=1, keepdims=True)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_digit_scenes():
    assert sizes("digit_scenes") == {"train": 4_000, "test": 500}
    builder = builtin_builder("digit_scenes")
    assert builder.info.metadata["mask_labels"] == ["background", *"0123456789"]
    assert builder.info.features["objects"]["label"].names == list("0123456789")
    for split in ("train", "test"):
        columns = examples("digit_scenes", split)
        assert columns["image"].shape[1:] == columns["mask"].shape[1:] == (64, 64, 1)
        assert columns["image"].dtype == columns["mask"].dtype == np.uint8
        counts = np.bincount((columns["bbox"].max(axis=-1) > 0).sum(axis=1), minlength=6)
        assert counts[0] == 0 and len(counts) == 6 and counts[1:].min() > 0.1 * counts.sum()
        classes = np.bincount(columns["label"][columns["bbox"].max(axis=-1) > 0], minlength=10)
        assert classes.min() > 0.05 * classes.sum() and set(np.unique(columns["mask"])) == set(range(11))
        half = slice(None, 500)
        for mask, boxes, labels in zip(
            columns["mask"][half, ..., 0], columns["bbox"][half], columns["label"][half], strict=True
        ):
            real = boxes.max(axis=-1) > 0
            check_boxes(mask, boxes[real] * 64, labels[real])
    train, test = (rows(examples("digit_scenes", split)["image"]) for split in ("train", "test"))
    assert len(train) == 4_000 and not train & test


def check_boxes(mask, boxes, labels):
    """Each box touches its digit's strokes on all sides, each stroke is in a box of its class."""
    left_over = mask.copy()
    for (top, left, bottom, right), label in zip(boxes, labels, strict=True):
        assert all(edge == int(edge) for edge in (top, left, bottom, right))
        area = np.s_[int(top) : int(bottom), int(left) : int(right)]
        stroke = mask[area] == label + 1
        for edge in (stroke[0], stroke[-1], stroke[:, 0], stroke[:, -1]):
            assert edge.any()
        left_over[area][stroke] = 0
    assert not left_over.any()
    for a, b in itertools.combinations(boxes, 2):
        high, wide = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
        shared = max(0, high) * max(0, wide)
        assert shared / (np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - shared) < 0.1


def test_scenes_show_strokes_on_an_uneven_ground():
    columns = examples("digit_scenes", "test")
    image, mask = columns["image"][..., 0].astype(float), columns["mask"][..., 0] > 0
    contrast = np.array([i[m].mean() - i[~m].mean() for i, m in zip(image, mask, strict=True)])
    assert (np.abs(contrast) > 20).all()
    assert 0.4 < (contrast > 0).mean() < 0.6
    assert np.std([i[~m].mean() for i, m in zip(image, mask, strict=True)]) > 10


def test_unknown_name():
    with pytest.raises(
        ZooError, match=r"unknown built-in data set 'sunspot'; did you mean 'sunspots'\? \(known: adding_"
    ):
        builtin_builder("sunspot")
