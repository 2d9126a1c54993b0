"""Names of classes stand in plots as they were written."""

from zoo.evaluation.report.charts import class_rates


def test_dollars_in_the_names_of_classes_are_no_formula():
    names = ["$x^2$", r"$\frac{$", "5 $ to 9 $"]
    svg = class_rates({"labels": names, "shares": [0.2, 0.3, 0.5], "real_shares": [0.2, 0.3, 0.5]})
    for name in names:
        assert f">{name}<" in svg
