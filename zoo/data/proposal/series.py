"""A recipe for a series: a table whose rows are even steps of time and whose target is a number."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from zoo.data.columns import numbers
from zoo.data.proposal.level import depends_on_level
from zoo.data.proposal.proposal import Proposal
from zoo.data.proposal.sizes import TRAINED, add_forecast_training, add_linear_forecaster, add_search
from zoo.data.tables.file import Table
from zoo.data.tables.infer import infer_number
from zoo.data.tables.seasons import fitting_seasons
from zoo.data.tables.time_order import OrderError, best_form, find_time, in_order, iso_text, with_composed_time
from zoo.data.tables.times import Step
from zoo.errors import ZooError

MIN_STEPS = 40  # of a series that can be cut into windows and three parts
_HORIZON = 6  # steps, where no season says how far ahead is of use
_SEASONS_SHOWN, _SHORT_SEASON = 3, 24  # the history shows three seasons of up to so many steps, else one
_MIN_HISTORY = 16  # steps, where there is a season
_HORIZONS_SHOWN = 3  # where there is none


def series_proposal(table: Table, source: str, target: str) -> Proposal | None:
    """Return a recipe that forecasts the target; None where rows are no even steps of time."""
    if len(table) < MIN_STEPS or not is_number(table, target):
        return None
    written, table = table.columns, with_composed_time(table)
    others = [name for name in table.columns if name != target]
    found = find_time(table, others, None)
    if found is None:
        return None
    try:
        table, times, step, notes = in_order(table, found[0], best_form(table, *found), sort=True, fill=False)
    except (OrderError, ZooError):
        return None
    proposal = Proposal("forecasting", target=target, bases=("_base/forecasting", "_base/adamw_cosine"))
    proposal.reason = (
        f"a row every {step}, from {iso_text(times[0])} to {iso_text(times[-1])}, and '{target}' is a number"
    )
    proposal.doubts.append(
        f"rows are taken as the steps of one series by '{found[0]}'; to predict '{target}' from the other columns of "
        f"its own row, take tabular_regression with data.time: {found[0]}"
    )
    proposal.add("data.source", source, f"{len(table):,} steps")
    proposal.add("data.target", target)
    if found[0] in written:  # composed ones are found again
        proposal.add("data.time", found[0])
    if notes:
        proposal.add("data.sort", True, notes[0])
    if has_gaps(table, target):
        proposal.add("data.fill", "linear", "steps lack a value")
    add_window_and_model(proposal, step, [numbers(table, infer_number(table, target)[0])])
    return proposal


def add_window_and_model(
    proposal: Proposal, step: Step, series: Sequence[np.ndarray], *, covariates: bool = False
) -> None:
    """Add the window, a network and a run.

    Args:
        proposal: what they are added to.
        step: between two moments.
        series: the values of each series, in the order of time.
        covariates: there are static ones, which a map of the history does not take.
    """
    steps = max(map(len, series))
    seasons = fitting_seasons(step, steps)
    season = seasons[0] if seasons else 1
    horizon = min(season if seasons else _HORIZON, max(1, steps // 20))
    shown = max(_SEASONS_SHOWN * season, _MIN_HISTORY) if season <= _SHORT_SEASON else season + horizon
    history = min(max(shown, *seasons) if seasons else _HORIZONS_SHOWN * horizon, steps // 4)
    window = {"history": history, "horizon": horizon, "season": season}
    proposal.add("data.window", window, f"forecasts {horizon} steps from {history}; {_season_reason(seasons, step)}")
    proposal.doubts.append(
        f"how far ahead to forecast is yours to say: data.window.horizon is {horizon} steps of {step}"
    )
    windows = max(1, round(sum(map(len, series)) * TRAINED) - len(series) * (history + horizon))
    if covariates:
        proposal.add("model.name", "mlp")
        proposal.add("model.widths", [64], f"about {windows:,} windows")
        proposal.add("model.dropout", 0.1)
        add_forecast_training(proposal, windows)
        add_search(proposal, {"model.widths": [[32], [64], [128, 64]], "model.dropout": [0.0, 0.1, 0.3]})
        return
    level = depends_on_level(series[0], history, horizon) if len(series) == 1 else None
    add_linear_forecaster(proposal, windows, by_series=len(series) > 1, level=level)


def is_number(table: Table, target: str) -> bool:
    """Return whether a column holds numbers."""
    try:
        column, _ = infer_number(table, target)
    except ZooError:
        return False
    return column.type == "number" and column.form == "number"


def has_gaps(table: Table, target: str) -> bool:
    """Return whether a column lacks values."""
    values = table.columns[target]
    return bool(np.isnan(values).any()) if values.dtype.kind == "f" else "" in table.texts(target)


def _season_reason(seasons: tuple[int, ...], step: Step) -> str:
    if not seasons:
        return "no season is usual or fits"
    named = " and of ".join(map(str, seasons))
    return f"a season of {named} steps is usual for a row every {step}"
