"""What is evaluated on which split."""

import numpy as np
import pytest

from zoo.evaluation import outputs as module
from zoo.evaluation.metrics.threshold import choose_threshold, threshold_metrics


def test_the_threshold_of_anomalies_is_chosen_on_validation(monkeypatch):
    from types import SimpleNamespace

    generator = np.random.default_rng(0)
    y = np.arange(60) % 3 == 0
    validation = (y.astype(int), generator.normal(2.0 * y))
    test = (y.astype(int), generator.normal(2.0 * y + 5))  # all scores are higher
    monkeypatch.setattr(module, "_outputs", lambda trained: {"validation": validation, "test": test})
    monkeypatch.setattr(module, "_baseline", lambda problem, console: None)
    problem = SimpleNamespace(dataset=SimpleNamespace(masks=None))
    found = module.evaluate_anomalies(SimpleNamespace(problem=problem, console=None)).facts["threshold"]
    assert found.pop("false_positive_rate_of_choice") is None  # validation has abnormal examples
    chosen = choose_threshold(validation[1], validation[0])
    assert found["threshold"] == pytest.approx(chosen) != choose_threshold(test[1], test[0])
    assert found == pytest.approx(threshold_metrics(*test, chosen))
