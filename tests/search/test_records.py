"""The order of trials."""

from zoo.search.records import TrialRecord, ranked


def record(number, score, loss):
    return TrialRecord(number=number, values={}, proposed={}, score=score, loss=loss)


def test_of_equal_scores_the_lower_loss_counts_and_then_the_earlier_trial():
    records = [
        record(0, 0.9, 0.4),
        record(1, 0.9, 0.2),
        record(2, 0.95, 0.9),
        record(3, 0.9, None),
        record(4, 0.9, 0.2),
    ]
    assert [r.number for r in ranked(records, greater_is_better=True)] == [2, 1, 4, 0, 3]
    assert TrialRecord.from_json(records[0].to_json()) == records[0]
