"""Drift: the tests against SciPy, planted shifts, false alarms, and the distribution that a file carries."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

from zoo.errors import ZooError
from zoo.serving.drift import statistics
from zoo.serving.drift.distribution import DISTRIBUTION_KEY, MAX_BYTES, distribution_of, read_distribution
from zoo.serving.drift.features import category, input_features, number
from zoo.serving.drift.monitor import DriftMonitor
from zoo.serving.drift.report import drift_report

FILE = Path("model.onnx")


def draw(rows, seed, *, numbers=4):
    """Return features of `rows` examples: normal numbers, and a category."""
    generator = np.random.default_rng(seed)
    found = [number(f"x{i}", generator.normal(10 * i, 1 + i, rows)) for i in range(numbers)]
    return [*found, category("colour", generator.choice(["red", "green", "blue"], rows, p=[0.6, 0.3, 0.1]))]


def changed(features, name, change):
    return [replace(f, values=change(f.values)) if f.name == name else f for f in features]


def trained(rows=1000, seed=0):
    return distribution_of(draw(rows, seed), {})


def row(report, name):
    return next(each for each in report["features"] if each["name"] == name)


# --- the tests against SciPy --------------------------------------------------------------------------------------


@pytest.mark.parametrize("sizes", [(40, 25), (120, 1000), (5000, 300)])
@pytest.mark.parametrize("distance", [0.02, 0.08, 0.2, 0.4])
def test_p_value_of_kolmogorov(sizes, distance):
    n, m = sizes
    expected = stats.kstwo.sf(distance, round(n * m / (n + m)))
    assert statistics.ks_p_value(distance, n, m) == pytest.approx(expected, abs=0.01, rel=0.25)


def test_distance_and_ranks_are_those_of_binned_samples():
    generator = np.random.default_rng(3)
    x, y = generator.integers(0, 8, 300), generator.integers(0, 9, 170)
    counts = np.stack([np.bincount(values, minlength=9) for values in (x, y)]).astype(float)
    assert statistics.ks_distance(counts) == pytest.approx(stats.ks_2samp(x, y).statistic)
    expected = stats.mannwhitneyu(x, y, use_continuity=False, method="asymptotic").pvalue
    assert statistics.rank_p_value(counts) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("cells", [2, 3, 6, 11])
def test_chi_squared(cells):
    counts = np.random.default_rng(cells).integers(20, 60, (2, cells)).astype(float)
    expected = stats.chi2_contingency(counts, correction=False).pvalue
    assert statistics.chi_squared_p_value(counts) == pytest.approx(expected, rel=1e-9)


def test_chi_squared_merges_cells_with_few_expected():
    counts = np.array([[90.0, 60, 3, 1, 2], [40, 55, 2, 1, 0]])
    merged = np.array([[90.0, 60, 6], [40, 55, 3]])
    expected = stats.chi2_contingency(merged, correction=False).pvalue
    assert statistics.chi_squared_p_value(counts) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("degrees", [1, 2, 5, 8, 19, 50])
def test_tail_of_chi_squared(degrees):
    for x in (0.01, 1.0, degrees, 3.0 * degrees, 200.0):
        assert statistics.chi_squared_tail(x, degrees) == pytest.approx(stats.chi2.sf(x, degrees), rel=1e-9)


def test_p_values_are_adjusted_as_by_benjamini_and_hochberg():
    p = np.random.default_rng(0).random(30) ** 3
    np.testing.assert_allclose(statistics.adjusted(p), stats.false_discovery_control(p))


def test_effective_size_is_the_variance_of_a_mean_of_repeated_rows():
    generator = np.random.default_rng(0)
    few = generator.normal(size=50)
    drawn = few[generator.integers(0, 50, 1000)]
    assert statistics.effective_size(drawn[:, None]) == pytest.approx(1 / (1 / 50 + 1 / 1000), rel=0.05)
    assert statistics.effective_size(few[:, None]) == 50


# --- planted shifts, and none -------------------------------------------------------------------------------------


CHANGES = {
    "shifted by half a standard deviation": ("x1", lambda v: v + 1.0),
    "noisy": ("x2", lambda v: v + np.random.default_rng(0).normal(0, 3, len(v))),
    "missing": ("x0", lambda v: np.where(np.arange(len(v)) % 5 == 0, np.nan, v)),
    "constant": ("x3", np.zeros_like),
    "other categories": ("colour", lambda v: np.where(np.arange(len(v)) % 8 == 0, "violet", v).astype(object)),
    "another balance": ("colour", lambda v: np.where(np.arange(len(v)) % 4 == 0, "blue", v).astype(object)),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_planted_shift_is_found_where_it_is(what):
    name, change = CHANGES[what]
    report = drift_report(trained(), changed(draw(1000, 1), name, change), [])
    assert report["drift"] and report["features"][0]["name"] == name
    assert [each["name"] for each in report["features"] if each["drift"]] == [name]
    assert report["examples"] == 1000 and report["training_examples"] == 1000


def test_missing_and_unseen_rates():
    new = changed(draw(1000, 1), *CHANGES["missing"])
    new = changed(new, *CHANGES["other categories"])
    report = drift_report(trained(), new, [])
    assert row(report, "x0")["missing"] == pytest.approx(0.2) and row(report, "x0")["unseen"] is None
    assert row(report, "colour")["unseen"] == pytest.approx(0.125) and row(report, "colour")["ks"] is None


def test_false_alarms_are_rare():
    distribution = trained(400)
    alarms = [drift_report(distribution, draw(300, seed), [])["drift"] for seed in range(1, 201)]
    assert np.mean(alarms) <= 0.02


def test_a_stream_drawn_from_few_examples_is_no_drift():
    """Of 40 examples drawn 1,000 times, each difference from training would seem certain."""
    distribution, few = trained(120), draw(40, 5)
    drawn = np.random.default_rng(0).integers(0, 40, 1000)
    report = drift_report(distribution, [replace(f, values=f.values[drawn]) for f in few], [])
    assert not report["drift"] and report["effective_examples"] < 42


def test_repeats_count_in_full_where_training_repeats():
    generator = np.random.default_rng(0)

    def answers(rows, rate):
        return [category(name, np.where(generator.random(rows) < rate, "yes", "no")) for name in ("a", "b")]

    train = answers(1000, 0.5)
    distribution = distribution_of(train, {})
    report = drift_report(distribution, answers(1000, 0.8), [])
    assert report["drift"] and report["effective_examples"] == 1000


def test_large_streams_with_small_differences_are_no_drift():
    new = changed(draw(50_000, 1), "x0", lambda v: v + 0.1)
    found = row(drift_report(trained(5000), new, []), "x0")
    assert found["p_value"] < 1e-3 and not found["drift"] and found["psi"] < 0.1


# --- what a file carries ------------------------------------------------------------------------------------------


def metadata_of(distribution):
    return {DISTRIBUTION_KEY: json.dumps(distribution.to_json())}


def test_a_distribution_is_read_as_it_was_written():
    features = draw(500, 0)
    written = distribution_of(features[1:], {"validation": features[:1]})
    assert read_distribution(metadata_of(written), FILE) == written
    assert written.predictions[0].split == "validation"


def test_no_value_of_an_example_is_written():
    values = np.random.default_rng(0).normal(size=500)
    edges = distribution_of([number("x", values)], {}).inputs[0].edges
    assert len(edges) == 19 and not set(edges) & set(values) and min(edges) > np.sort(values)[10]


def test_the_distribution_is_bounded_and_says_what_is_left_out():
    generator = np.random.default_rng(0)
    wide = [number(f"a column with a long name {i}", generator.normal(size=300)) for i in range(800)]
    words = [category("word", [f"{i:05}" * 40 for i in range(300)])]
    found = distribution_of([*words, *wide], {"validation": words})
    assert len(metadata_of(found)[DISTRIBUTION_KEY]) <= MAX_BYTES
    assert 0 < found.left_out == 801 - len(found.inputs)
    medium = distribution_of(wide[:150], {})
    assert medium.left_out == 0 and len(metadata_of(medium)[DISTRIBUTION_KEY]) <= MAX_BYTES


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (None, r"lacks the metadata 'zoo.distribution'.*export the run again"),
        ("{", "are damaged"),
        ('{"version": 1}', "are damaged"),
        ('{"version": 2}', "is of version 2, and this package reads versions up to 1"),
        (
            '{"version": 1, "examples": 1, "effective": 1, "repeats": false, "left_out": 0, "predictions": [], '
            '"inputs": [{"name": "x", "split": "train", "edges": [2, 1], "counts": [1, 2, 3], "missing": 0}]}',
            "expected rising edges of 'x'",
        ),
    ],
)
def test_a_file_without_a_distribution_is_refused(entry, message):
    with pytest.raises(ZooError, match=message):
        read_distribution({} if entry is None else {DISTRIBUTION_KEY: entry}, FILE)


# --- what describes an example ------------------------------------------------------------------------------------


def test_features_of_images_are_those_of_numpy():
    images = np.random.default_rng(0).integers(0, 256, (3, 5, 7, 3)).astype(np.uint8)
    signature = SimpleNamespace(kind="image", shape=(None, None, 3))
    model = SimpleNamespace(path=FILE, kind="image", signature=signature)
    found = {f.name: f.values for f in input_features(model, list(images))}
    white = images / 255
    np.testing.assert_allclose(found["brightness"], white.mean(axis=(1, 2, 3)), rtol=1e-5)
    np.testing.assert_allclose(found["contrast"], white.mean(axis=3).std(axis=(1, 2)), rtol=1e-5)
    np.testing.assert_allclose(found["saturation"], np.ptp(white, axis=3).mean(axis=(1, 2)), rtol=1e-5)
    assert found["height"].tolist() == [5, 5, 5] and found["width"].tolist() == [7, 7, 7]


def test_the_spectral_centroid_of_a_tone_is_its_frequency():
    times = np.arange(8000) / 8000
    clips = np.stack([0.5 * np.sin(2 * np.pi * f * times) for f in (200, 1500)]).astype(np.float32)
    signature = SimpleNamespace(kind="audio", shape=(8000,), sample_rate=8000)
    model = SimpleNamespace(path=FILE, kind="audio", signature=signature)
    found = {f.name: f.values for f in input_features(model, clips)}
    np.testing.assert_allclose(found["spectral centroid"], [200, 1500], rtol=1e-3)
    np.testing.assert_allclose(found["level"], 20 * np.log10(0.5 / np.sqrt(2)), rtol=1e-3)


# --- what a server holds ------------------------------------------------------------------------------------------


def test_a_monitor_reports_on_the_last_examples(monkeypatch):
    signature = SimpleNamespace(
        kind="array", shape=(2,), columns=(), double=True, task="sequence_regression", intervals=None
    )
    distribution = distribution_of(
        [number(f"feature {i}", np.random.default_rng(i).normal(size=500)) for i in (1, 2)], {}
    )
    model = SimpleNamespace(
        metadata=metadata_of(distribution),
        path=FILE,
        kind="array",
        task="tabular_classification",
        shape=(2,),
        signature=signature,
        ood_threshold=None,
    )
    generator = np.random.default_rng(9)
    monitor = DriftMonitor(model, window=300)
    assert monitor.report()["examples"] == 0 and not monitor.report()["drift"]
    monitor.add(generator.normal(3, 1, (290, 2)))
    assert monitor.report()["drift"]
    for _ in range(100):
        monitor.add(generator.normal(size=(3, 2)))
    report = monitor.report()
    assert report["examples"] == 300 and not report["drift"]
    monitor.add(generator.normal(3, 1, (1000, 2)))
    assert monitor.report()["examples"] == 300 and monitor.report()["drift"]
