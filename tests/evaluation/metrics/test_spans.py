"""Spans of tags: counted by hand, and the values that seqeval 1.2.2 gives for the same tags."""

import numpy as np
import pytest

from zoo.evaluation.metrics.evaluate import details, evaluate
from zoo.evaluation.metrics.intervals import intervals
from zoo.evaluation.metrics.spans import Span, mark_spans, spans_of

TASK = "sequence_labeling"


@pytest.mark.parametrize(
    ("tags", "spans"),
    [
        ("O B-PER I-PER O", [("PER", 1, 2)]),
        ("B-PER B-PER I-PER", [("PER", 0, 0), ("PER", 1, 2)]),
        ("B-PER I-LOC", [("PER", 0, 0), ("LOC", 1, 1)]),
        ("I-PER I-PER O I-PER", [("PER", 0, 1), ("PER", 3, 3)]),
        ("S-LOC S-LOC", [("LOC", 0, 0), ("LOC", 1, 1)]),
        ("B-X I-X E-X E-X", [("X", 0, 2), ("X", 3, 3)]),
        ("B-X L-X U-X O", [("X", 0, 1), ("X", 2, 2)]),
        ("B-A-B I-A-B", [("A-B", 0, 1)]),
        ("O O", []),
        ("", []),
    ],
)
def test_spans_of_a_sentence(tags, spans):
    assert spans_of(tags.split()) == {Span(*span) for span in spans}


@pytest.mark.parametrize(
    ("labels", "are_spans"),
    [
        (["O", "B-PER", "I-PER"], True),
        (["O", "I-PER"], True),
        (["B-PER", "I-PER"], True),
        (["S-LOC", "O"], True),
        (["NOUN", "VERB", "O"], False),
        (["I-PER", "E-PER"], False),
        (["O"], False),
        (["B-", "O"], False),
        (["O", "B-PER", "X"], False),
    ],
)
def test_which_tags_mark_spans(labels, are_spans):
    assert mark_spans(["<padding>", *labels]) is are_spans


# seqeval.metrics of the same lists: f1_score, precision_score, recall_score
SEQEVAL = [
    (["B-PER I-PER O B-LOC", "O B-PER"], ["B-PER I-PER O O", "O B-PER"], (0.8, 1.0, 2 / 3)),
    (["B-PER I-PER O B-LOC"], ["B-PER O O B-PER"], (0.0, 0.0, 0.0)),
    (["B-PER I-PER I-PER", "O O O"], ["B-PER I-PER I-PER", "B-LOC O B-LOC"], (0.5, 1 / 3, 1.0)),
    (["O O"], ["O O"], (0.0, 0.0, 0.0)),
    (["O B-LOC I-LOC O"], ["O I-LOC I-LOC O"], (1.0, 1.0, 1.0)),
]


def outputs(true, predicted):
    """Return labels, targets and a compact output."""
    true, predicted = ([line.split() for line in lines] for lines in (true, predicted))
    labels = ["<padding>", "B-LOC", "B-PER", "I-LOC", "I-PER", "O"]
    width = max(map(len, true)) + 1
    y, best = np.zeros((2, len(true), width), int)
    for row, (tags, given) in enumerate(zip(true, predicted, strict=True)):
        y[row, : len(tags)] = [labels.index(tag) for tag in tags]
        best[row, : len(given)] = [labels.index(tag) for tag in given]
    hit = (y == best) & (y != 0)
    return labels, y, np.stack([np.where(y != 0, 0.5, 0), hit, best], axis=-1)


@pytest.mark.parametrize(("true", "predicted", "expected"), SEQEVAL)
def test_metrics_are_those_of_seqeval(true, predicted, expected):
    labels, y, output = outputs(true, predicted)
    found = evaluate(TASK, y, output, labels)
    assert [found[name] for name in ("span_f1", "span_precision", "span_recall")] == pytest.approx(expected)
    tags, given = ([tag for line in lines for tag in line.split()] for lines in (true, predicted))
    assert found["token_accuracy"] == pytest.approx(np.mean([a == b for a, b in zip(tags, given, strict=True)]))


def test_intervals_and_the_report_have_spans_too():
    labels, y, output = outputs(*SEQEVAL[0][:2])
    low, high = intervals(TASK, y, output, labels=labels)["span_f1"]
    assert low <= 0.8 <= high
    found = details(TASK, y, output, labels)["spans"]
    assert found == [
        {"type": "LOC", "support": 1, "f1": 0.0, "precision": 0.0, "recall": 0.0},
        {"type": "PER", "support": 2, "f1": 1.0, "precision": 1.0, "recall": 1.0},
    ]


def test_other_tags_and_language_models_have_none():
    labels, y, output = outputs(*SEQEVAL[0][:2])
    plain = ["<padding>", "noun", "verb", "adjective", "adverb", "O"]
    assert set(evaluate(TASK, y, output, plain)) == {"bits_per_token", "perplexity", "token_accuracy"}
    assert "spans" not in details(TASK, y, output, plain)
    assert "span_f1" not in evaluate("language_modeling", y, output, labels)
    assert evaluate(TASK, y, output[..., :2], plain) == evaluate(TASK, y, output, plain)
