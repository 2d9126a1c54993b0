"""A recipe for several series in one table, or a doubt where they are too short or not even."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from zoo.data.columns import Column, numbers
from zoo.data.proposal.proposal import Proposal
from zoo.data.proposal.series import MIN_STEPS, add_window_and_model, has_gaps, is_number
from zoo.data.tables.file import Table
from zoo.data.tables.infer import infer_number
from zoo.data.tables.panel import BETWEEN, OrderedPanel, order_panel, series_rows, static_values
from zoo.data.tables.time_order import best_form, find_time, iso_text, moments, telling_apart, with_composed_time
from zoo.errors import ZooError

_MAX_CANDIDATES = 6  # columns of which two together may tell series apart
_SMOOTHED_SERIES = 50  # more take exponential smoothing, the usual baseline, minutes


def panel_proposal(table: Table, source: str, target: str) -> tuple[Proposal | None, list[str]]:
    """Return a recipe that forecasts the target of each series; else None, and what is in doubt.

    Args:
        table: the rows.
        source: as the recipe names it.
        target: the column to predict.
    """
    if len(table) < MIN_STEPS or not is_number(table, target):
        return None, []
    written, table = table.columns, with_composed_time(table)
    others = [name for name in table.columns if name != target]
    found = find_time(table, others, None)
    if found is None:
        return None, []
    time = found[0]
    columns = _series_columns(table, time, found[1][0], target)
    if not columns:
        return None, []
    rows = series_rows(table, columns)
    named = " and ".join(map(repr, columns))
    longest = max(map(len, rows.values()))
    advice = f"data.time: {time} or data.group: {columns[0]} keeps rows that belong together in one split"
    if longest < MIN_STEPS:
        return None, [
            f"rows seem to be the steps of {len(rows)} series by {named}, too few to forecast ({longest} at most by "
            f"'{time}'; {MIN_STEPS} are needed): they are taken as rows of a table; {advice}"
        ]
    try:
        form = best_form(table.take(max(rows.values(), key=len)), *found)
        panel = order_panel(table, time, form, rows, sort=True, fill=False)
    except ZooError as error:
        return None, [f"rows seem to be the steps of {len(rows)} series by {named}, but {error}; {advice}"]
    proposal = Proposal("forecasting", target=target, bases=("_base/forecasting", "_base/adamw_cosine"))
    first, last = (iso_text(end(times)) for end, times in ((min, _ends(panel, 0)), (max, _ends(panel, -1))))
    proposal.reason = f"{len(rows)} series with a row every {panel.step}, from {first} to {last}"
    proposal.add("data.source", source, f"{len(table):,} steps of {len(rows)} series")
    proposal.add("data.target", target)
    named_columns = columns[0] if len(columns) == 1 else list(columns)
    proposal.add("data.series", named_columns, "each of its values has a moment once")
    if time in written:
        proposal.add("data.time", time)
    if panel.notes:
        proposal.add("data.sort", True, panel.notes[0])
    if has_gaps(table, target):
        proposal.add("data.fill", "linear", "steps lack a value")
    static, changing = _by_change(panel, [name for name in others if name != time and name not in columns])
    if static:
        proposal.add("data.static_covariates", static, "the same at all steps of a series")
    if changing:
        proposal.doubts.append(
            f"{', '.join(map(repr, changing))}: taken as known up to the forecast alone; list what is known before, "
            "such as a promotion, under data.known_covariates"
        )
    column, _ = infer_number(panel.table, target)
    values = numbers(panel.table, column)
    add_window_and_model(proposal, panel.step, [values[part] for part in panel.slices()], covariates=bool(static))
    if len(rows) > _SMOOTHED_SERIES:
        proposal.add("evaluation.baseline", "ridge", f"fitted to each of {len(rows)} series in seconds")
    return proposal, []


def _ends(panel: OrderedPanel, place: int) -> list[np.datetime64]:
    return [times[place] for times in panel.times]


def _series_columns(table: Table, time: str, form: str, target: str) -> tuple[str, ...]:
    """Return the column, or two, whose values have each moment once; empty where moments do not repeat, or none do."""
    try:
        times = moments(table, time, form)
    except ZooError:
        return ()
    if len(np.unique(times)) == len(times):
        return ()
    places = np.arange(len(table))
    rest = {name: values for name, values in table.columns.items() if name not in (time, target)}
    one = telling_apart(Table(table.where, {**rest, time: table.columns[time]}), places, times, time)
    if one:
        return (one,)
    few = [name for name, v in rest.items() if v.dtype == object and 1 < len(set(table.texts(name))) <= len(table) / 4]
    for pair in combinations(few[:_MAX_CANDIDATES], 2):
        joined = np.array(
            [BETWEEN.join(key) for key in zip(*(table.texts(name) for name in pair), strict=True)], object
        )
        if telling_apart(Table(table.where, {"both": joined}), places, times, time):
            return pair
    return ()


def _by_change(panel: OrderedPanel, names: list[str]) -> tuple[list[str], list[str]]:
    """Return the columns that are the same at all steps of a series and not in all, and the numbers that change."""
    static, changing = [], []
    for name in names:
        try:
            column, _ = infer_number(panel.table, name)
        except ZooError:
            continue
        if column.type == "category":
            column = Column(name, "category", missing=())
        try:
            values = static_values(panel, [column], "")[name]
        except ZooError:
            changing += [name] * (column.type == "number" and column.form == "number")
            continue
        different = len(set(values.tolist()))
        if 1 < different < len(values):
            static.append(name)
    return static, changing
