"""Metrics of the kinds of task beyond classes and numbers, against other implementations and formulas."""

import math
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from zoo.evaluation.metrics.evaluate import details, evaluate
from zoo.evaluation.metrics.forecasting import overlap
from zoo.evaluation.metrics.intervals import intervals, wilson
from zoo.evaluation.metrics.kinds import KINDS
from zoo.evaluation.metrics.names import PERCENT, TITLES
from zoo.tasks import IGNORED_PIXEL, TASKS, Kind

MADE_UP = tuple(kind for kind in KINDS if kind not in ("classification", "regression", "representation"))
RESAMPLED = tuple(kind for kind in MADE_UP if KINDS[kind].resampled is not None)


def test_every_kind_has_its_primary_metric_and_titles():
    for task in TASKS.values():
        assert task.primary in KINDS[task.kind].metrics and set(KINDS[task.kind].metrics) <= set(TITLES)
    assert set(TITLES) >= PERCENT


def test_what_a_kind_has_fits_together():
    assert set(KINDS) == set(get_args(Kind)) == {task.kind for task in TASKS.values()}
    for kind in KINDS.values():
        assert set(kind.bootstrapped) <= set(kind.metrics) and bool(kind.bootstrapped) == (kind.resampled is not None)
        assert (kind.proportion is None) == (kind.correct is None) and kind.proportion in {None, *kind.bootstrapped}


# --- several labels -------------------------------------------------------------------------------------------------


def test_several_labels_against_scikit_learn(made):
    y, p = made.multi_label()
    claimed = p >= 0.5
    expected = {
        "mean_average_precision": metrics.average_precision_score(y, p, average="macro"),
        "macro_f1": metrics.f1_score(y, claimed, average="macro", zero_division=np.nan),
        "micro_f1": metrics.f1_score(y, claimed, average="micro"),
        "label_accuracy": 1 - metrics.hamming_loss(y, claimed),
        "exact_match": metrics.accuracy_score(y, claimed),
        "log_loss": np.mean([metrics.log_loss(y[:, i], p[:, i].astype(float), labels=[0, 1]) for i in range(4)]),
    }
    assert evaluate("tabular_multi_label_classification", y, p) == pytest.approx(expected, rel=1e-6)


def test_a_label_that_no_example_has_does_not_count():
    y = np.array([[1, 0], [0, 0], [1, 0]])
    p = np.array([[0.9, 0.1], [0.2, 0.2], [0.4, 0.3]])
    found = evaluate("tabular_multi_label_classification", y, p)
    assert found["mean_average_precision"] == 1 and found["macro_f1"] == pytest.approx(2 / 3)
    rows = details("tabular_multi_label_classification", y, p, ("a", "b"))["per_class"]
    assert rows[1]["average_precision"] is None and rows[1]["recall"] is None and rows[0]["support"] == 2


# --- forecasting --------------------------------------------------------------------------------------------------


def test_forecasting_against_formulas(made):
    y, output, _ = made.forecasting()
    true, scale, error = y[:, :-1].astype(float), y[:, -1:].astype(float), output - y[:, :-1].astype(float)
    expected = {
        "mase": (abs(error) / scale).mean(),
        "mae": metrics.mean_absolute_error(true, output),
        "rmse": math.sqrt(metrics.mean_squared_error(true, output)),
        "smape": np.mean([2 * abs(f - t) / (abs(f) + abs(t)) for f, t in zip(output.flat, true.flat, strict=True)]),
        "bias": error.mean(),
    }
    assert evaluate("forecasting", y, output) == pytest.approx(expected, rel=1e-5)


def test_each_window_has_its_own_scale_and_zeros_are_no_percentage():
    y = np.array([[1.0, 1.0, 2.0], [0.0, 10.0, 10.0]])
    found = evaluate("forecasting", y, np.array([[2.0, 2.0], [0.0, 20.0]]))
    assert found["mase"] == pytest.approx((0.5 + 0.5 + 0 + 1) / 4)
    assert found["smape"] == pytest.approx((2 / 3 + 2 / 3 + 0 + 2 / 3) / 4)


def test_windows_that_overlap_are_found(made):
    y = made.forecasting(n=60, horizon=6)[0]
    assert overlap(y) == 6
    assert overlap(y[::2]) == 3 and overlap(y[::4]) == 2
    assert overlap(y[::6]) == 1 and overlap(y[:1]) == 1
    assert overlap(np.ones((10, 4))) == 1


def test_overlap_widens_the_interval(made):
    y, output, _ = made.forecasting(n=200, horizon=12)
    output = y[:, :-1] + np.sin(np.arange(200) / 9)[:, None]  # errors that depend on those of the window before
    low, high = intervals("forecasting", y, output, resamples=200)["bias"]
    order = np.random.default_rng(0).permutation(200)  # now the windows do not look as if they overlapped
    alone = intervals("forecasting", y[order], output[order], resamples=200)["bias"]
    assert high - low > 2 * (alone[1] - alone[0])


def test_a_scale_of_zero_is_refused():
    with pytest.raises(ValueError, match="scale in the last column of y must be positive; received a minimum of 0"):
        evaluate("forecasting", np.array([[1.0, 0.0]]), np.array([[1.0]]))


def test_worst_windows_do_not_overlap(made):
    y, output, _ = made.forecasting(n=60)
    found = details("forecasting", y, output, (), output)
    indices = [entry["index"] for entry in found["worst"]]
    assert min(abs(a - b) for a in indices for b in indices if a != b) >= 6
    scaled = abs(output - y[:, :-1]) / y[:, -1:]
    assert indices[0] == scaled.mean(1).argmax() and found["worst"][0]["mase"] == pytest.approx(scaled.mean(1).max())
    np.testing.assert_allclose(found["by_step"]["model"], scaled.mean(0), rtol=1e-5)
    np.testing.assert_array_equal(found["by_step"]["baseline"], found["by_step"]["model"])


# --- tokens -------------------------------------------------------------------------------------------------------


def test_tokens_against_formulas(made):
    y, output = made.tokens()
    nll = [output[i, t, 0] for i, t in zip(*np.nonzero(y), strict=True)]
    expected = {
        "bits_per_token": np.mean(nll) / math.log(2),
        "perplexity": math.exp(np.mean(nll)),
        "token_accuracy": output[..., 1][y != 0].mean(),
    }
    assert evaluate("language_modeling", y, output) == pytest.approx(expected, rel=1e-5)
    beside = output + (y == 0)[..., None] * 7  # what does not count does not matter
    assert evaluate("language_modeling", y, beside) == evaluate("language_modeling", y, output)


def test_token_details(made):
    y, output = made.tokens()
    found = details("language_modeling", y, output, made.LETTERS)
    rows = {row["label"]: row for row in found["per_class"]}
    space = y == made.LETTERS.index(" ")
    assert rows[" "]["support"] == space.sum()
    assert rows[" "]["bits"] == pytest.approx(output[space][:, 0].mean() / math.log(2), rel=1e-5)
    assert sum(row["share"] for row in found["per_class"]) == pytest.approx(1)
    assert found["by_position"]["model"][30] == pytest.approx(output[1:, 30, 0].mean() / math.log(2), rel=1e-5)
    assert found["worst"][0]["bits"] == max(entry["bits"] for entry in found["worst"])
    assert found["worst"][0]["tokens"] == (y[found["worst"][0]["index"]] != 0).sum()


def test_tokens_of_which_none_counts():
    found = evaluate("language_modeling", np.zeros((2, 3), int), np.zeros((2, 3, 2)))
    assert math.isnan(found["bits_per_token"])
    assert details("language_modeling", np.zeros((2, 3), int), np.zeros((2, 3, 2)), ())["worst"] == []


# --- sequences and transcription ----------------------------------------------------------------------------------


def test_sequences_by_hand():
    y = np.array([[4, 5, 6, 3], [4, 3, 0, 0], [7, 7, 3, 0]])
    output = np.array([[4, 5, 6, 0, 0], [4, 4, 4, 0, 0], [7, 0, 0, 0, 0]])
    assert evaluate("sequence_to_sequence", y, output) == pytest.approx({"exact_match": 1 / 3, "token_error_rate": 0.5})
    assert KINDS["sequences"].correct(y, output).tolist() == [True, False, False]
    ends = np.array([[4, 5, 6, 3, 9], [4, 4, 4, 3, 3], [7, 3, 7, 7, 7]])  # an end mark that was not cut off
    assert evaluate("sequence_to_sequence", y, ends) == evaluate("sequence_to_sequence", y, output)


def test_transcription_counts_3_as_a_symbol():
    y = np.array([[3, 1, 2], [3, 3, 0]])
    output = np.array([[3, 1], [3, 4]])
    assert evaluate("transcription", y, output) == pytest.approx({"character_error_rate": 2 / 5, "exact_match": 0})


def test_exact_match_has_wilsons_interval(made):
    y, output = made.transcription()
    exact = int(KINDS["transcription"].correct(y, output).sum())
    assert intervals("transcription", y, output, resamples=10)["exact_match"] == wilson(exact, len(y))


def test_decoded_details(made):
    y, output = made.sequences(n=200)
    found = details("sequence_to_sequence", y, output, made.LETTERS)
    wrong = ~KINDS["sequences"].correct(y, output)
    assert len(found["worst"]) == min(24, wrong.sum()) and all(wrong[entry["index"]] for entry in found["worst"])
    edits = [entry["edits"] for entry in found["worst"]]
    assert edits == sorted(edits, reverse=True)
    entry = found["worst"][0]
    assert entry["true"] == "".join(made.LETTERS[i] for i in y[entry["index"]] if i > 3)
    assert sum(row["examples"] for row in found["by_length"]) == 200
    lows, highs = ([row[key] for row in found["by_length"]] for key in ("low", "high"))
    assert all(low > high for low, high in zip(lows[1:], highs, strict=False)) and len(lows) <= 10


def test_names_of_several_characters_are_set_apart(made):
    labels = ("<padding>", "<unknown>", "<start>", "<end>", "ten", "two")
    found = details("sequence_to_sequence", np.array([[4, 5, 3]]), np.array([[5, 9]]), labels)
    assert (found["worst"][0]["true"], found["worst"][0]["predicted"]) == ("ten two", "two 9")


# --- segmentation -------------------------------------------------------------------------------------------------


@given(st.integers(0, 1000))
def test_segmentation_against_scikit_learn(seed):
    generator = np.random.default_rng(seed)
    y, output = generator.choice([0, 1, 3, 4], (2, 5, 6, 7), p=[0.9, 0.06, 0.03, 0.01]).astype(np.uint8)
    found = evaluate("semantic_segmentation", y, output)
    occurring = np.union1d(y, output)
    flat = y.ravel(), output.ravel()
    expected = {
        "mean_iou": metrics.jaccard_score(*flat, labels=occurring, average="macro"),
        "pixel_accuracy": metrics.accuracy_score(*flat),
        "mean_dice": metrics.f1_score(*flat, labels=occurring, average="macro"),
    }
    assert found == pytest.approx(expected)


@given(st.integers(0, 1000))
def test_ignored_pixels_count_in_no_metric(seed):
    generator = np.random.default_rng(seed)
    y, output = generator.choice([0, 1, 3], (2, 5, 6, 7)).astype(np.uint8)
    y[generator.random(y.shape) < 0.3] = IGNORED_PIXEL
    counted = y != IGNORED_PIXEL
    found = evaluate("semantic_segmentation", y, output)
    flat = y[counted], output[counted]
    assert found["mean_iou"] == pytest.approx(metrics.jaccard_score(*flat, average="macro"))
    assert found["pixel_accuracy"] == pytest.approx(metrics.accuracy_score(*flat))
    report = details("semantic_segmentation", y, output, ("a", "b", "c", "d"))
    assert len(report["per_class"]) == 4 and report["per_class"][2]["share"] == 0
    assert report["per_class"][1]["share"] == pytest.approx((y == 1).sum() / counted.sum())
    assert all(0 <= entry["mean_iou"] <= 1 for entry in report["worst"])
    with pytest.raises(ValueError, match="at least one pixel of each image"):
        evaluate("semantic_segmentation", np.where(np.arange(5)[:, None, None], y, IGNORED_PIXEL), output)


def test_segmentation_details(made):
    y, output = made.segmentation()
    found = details("semantic_segmentation", y, output, (*made.SHAPES, "none such"))
    iou = metrics.jaccard_score(y.ravel(), output.ravel(), average=None)
    assert [row["iou"] for row in found["per_class"]] == [*map(pytest.approx, iou), None]
    assert sum(row["share"] for row in found["per_class"]) == pytest.approx(1)
    image = found["worst"][0]
    alone = evaluate("semantic_segmentation", *(a[[image["index"]]] for a in (y, output)))
    assert image["mean_iou"] == pytest.approx(alone["mean_iou"])
    assert image["mean_iou"] == min(entry["mean_iou"] for entry in found["worst"])
    assert len(found["typical"]) == 4


# --- all kinds ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", RESAMPLED)
def test_resampled_metrics_equal_the_metrics_of_the_copied_examples(made, kind):
    y, output = getattr(made, kind)(n=17)[:2]
    task, generator = made.TASK_OF[kind], np.random.default_rng(0)
    statistic = KINDS[kind].resampled(y, output)
    for _ in range(5):
        drawn = np.sort(generator.integers(0, len(y), len(y)))
        counts = np.bincount(drawn, minlength=len(y)).astype(float)
        copied = evaluate(task, y[drawn], output[drawn])
        assert statistic(counts) == pytest.approx([copied[name] for name in KINDS[kind].bootstrapped])


@pytest.mark.parametrize("kind", RESAMPLED)
def test_intervals_hold_the_metrics(made, kind):
    y, output = getattr(made, kind)(n=40)[:2]
    found = intervals(made.TASK_OF[kind], y, output, resamples=100)
    values = evaluate(made.TASK_OF[kind], y, output)
    assert set(found) == set(values)
    assert all(low <= values[name] <= high for name, (low, high) in found.items())


@pytest.mark.parametrize("kind", MADE_UP)
def test_a_perfect_output(made, kind):
    y = getattr(made, kind)()[0]
    output = {
        "forecasting": lambda: y[:, :-1],
        "tokens": lambda: np.stack([np.zeros(y.shape), y != 0], axis=-1),
        "detection": lambda: np.concatenate([y, (y[..., 4:] >= 0) * 0.9], axis=-1),
        "reconstruction": lambda: np.stack([np.zeros(len(y)), np.ones(len(y))], axis=-1),
    }.get(kind, lambda: y)()
    values = evaluate(made.TASK_OF[kind], y, output)
    task = TASKS[made.TASK_OF[kind]]
    assert values[task.primary] == pytest.approx(1.0 if task.greater_is_better else 0.0)


@pytest.mark.parametrize("kind", ["forecasting", "tokens", "detection"])
def test_output_that_is_not_finite(made, kind):
    y, output = getattr(made, kind)()[:2]
    output = output.copy()
    output[1] = np.nan
    assert all(math.isnan(value) for value in evaluate(made.TASK_OF[kind], y, output).values())
    assert intervals(made.TASK_OF[kind], y, output) == {} and details(kind, y, output, ())["worst"] == []


@pytest.mark.parametrize("kind", RESAMPLED)
def test_wrong_shapes_are_named(made, kind):
    y, output = getattr(made, kind)()[:2]
    with pytest.raises(ValueError, match=rf"expected y .*; received \({len(y)},.*\) and \({len(y) - 1},"):
        evaluate(made.TASK_OF[kind], y, output[1:])
    with pytest.raises(ValueError, match="received"):
        evaluate(made.TASK_OF[kind], y[:0], output[:0])
