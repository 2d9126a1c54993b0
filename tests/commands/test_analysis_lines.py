"""What `zoo evaluate` prints of analyses, of a run that has them."""

import pytest

from zoo.commands import analysis_lines
from zoo.commands.evaluate import metric_lines
from zoo.tasks import ANALYSES


def test_every_analysis_has_lines():
    assert set(analysis_lines._LINES) == set(ANALYSES)


@pytest.mark.ci
def test_lines_have_the_strongest_corruption_the_importance_and_the_probes(analysed):
    _, said = analysed("table")
    lines = metric_lines(said)
    clean, rows = said["robustness"]["clean"], said["robustness"]["corruptions"]
    assert f"  accuracy of 24 test examples: {clean['metric']:.4f}, baseline {clean['baseline']:.4f}" in lines
    (worst,) = [row for row in rows if row["name"] == "missing values" and row["level"] == 5]
    values = f"{worst['metric']:.4f}, baseline {worst['baseline']:.4f}"
    assert f"  missing values, 0.5 (fraction of the values): {values}" in lines
    assert any(line.startswith("  size, in cm: accuracy worse by ") for line in lines)
    assert f"  linear probe: accuracy {said['representation']['probes']['linear']['accuracy']:.4f}" in lines
    assert lines[0].startswith("accuracy ") and "attribution:" in lines
