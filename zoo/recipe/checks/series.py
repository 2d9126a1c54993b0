"""Checks of the keys of `data:` on series and on sequences in long form."""

from __future__ import annotations

from zoo.recipe.checks.collect import Checks

COVARIATES = ("past_covariates", "known_covariates", "static_covariates")


def check_series(checks: Checks) -> None:
    """Check that the keys fit the task, and that no column has two uses."""
    data, scans = checks.recipe.data, checks.task.scans_series
    forecasts = checks.task.forecasts or scans
    sequences = checks.task.takes_sequences and bool(data.series_columns)
    checks.refuse(
        bool(data.series_columns) and not (forecasts or sequences),
        ("data", "series"),
        f"is for forecasting and for sequences of numbers, not {checks.task.name}",
    )
    checks.refuse(
        data.sort and not (forecasts or sequences), ("data", "sort"), "is for series and sequences in long form"
    )
    for key in (*COVARIATES, "fill"):
        given = bool(getattr(data, key)) and not checks.task.forecasts
        checks.refuse(given, ("data", key), f"is for forecasting, not {checks.task.name}")
    for key in ("split_column", "group"):
        checks.refuse(bool(getattr(data, key)) and forecasts, ("data", key), "series are split by time; leave it out")
        checks.refuse(
            bool(getattr(data, key)) and sequences,
            ("data", key),
            "sequences in long form are drawn one by one",
        )
    _check_columns(checks)


def _check_columns(checks: Checks) -> None:
    """Check the columns that tell series apart, and covariates."""
    data = checks.recipe.data
    for column in data.series_columns:
        checks.refuse(column in data.targets, ("data", "series"), f"'{column}' is what is predicted")
        checks.refuse(column == data.time, ("data", "series"), f"'{column}' is the time")
        checks.refuse(column in data.ignore, ("data", "ignore"), f"'{column}' tells the series apart")
    checks.refuse(len(set(data.series_columns)) < len(data.series_columns), ("data", "series"), "names a column twice")
    checks.refuse(
        bool(data.static_covariates) and not data.series_columns,
        ("data", "static_covariates"),
        "tells series apart, and there is one; name data.series, or leave it out",
    )
    used: dict[str, str] = {**dict.fromkeys(data.targets, "what is predicted"), str(data.time): "the time"}
    used |= dict.fromkeys(data.ignore, "in data.ignore")
    for key in COVARIATES:
        for column in getattr(data, key) or []:
            checks.refuse(column in used, ("data", key), f"'{column}' is {used.get(column)}")
            used[column] = f"in data.{key}"
    for key in COVARIATES[:2]:
        for column in sorted({*(getattr(data, key) or [])} & set(data.series_columns)):
            checks.refuse(True, ("data", key), f"'{column}' tells the series apart; it may be a static covariate")
