"""The report of a search: `report.json`, and `report.html`, a page that needs no other file and no network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from zoo.evaluation.report import page
from zoo.recipe.source import dump_line
from zoo.search import charts
from zoo.search.importance import importance
from zoo.search.records import TrialRecord, pareto_front, ranked
from zoo.search.state import SearchState
from zoo.utils.files import write_json, write_text


def write_report(state: SearchState) -> dict[str, Any]:
    """Write both files; return what `report.json` holds."""
    from zoo.training.run import hardware, versions

    best, own = state.best, state.store.records.get(0)
    assert best is not None
    search, finished = state.search, state.store.finished
    costs = {r.number: r.cost for r in finished}
    front = pareto_front(finished, costs, greater_is_better=state.greater_is_better)
    recipe = state.folder / "best.yaml"
    report = {
        "recipe": state.loaded.name,
        "task": state.loaded.recipe.task,
        "tuner": search.tuner,
        "objective": state.objective,
        "greater_is_better": state.greater_is_better,
        "cost": search.cost.model_dump() if search.cost is not None else None,
        "seeds": [*state.trials.seeds],
        "keys": list(search.keys),
        "best": best.to_json(),
        "best_recipe": str(recipe),
        "own": own.to_json() if own is not None else None,
        "trials": [r.to_json() for _, r in sorted(state.store.records.items())],
        "pareto": [r.number for r in front],
        "at_the_edge": _at_the_edge(state, best),
        "importance": importance(finished, list(search.keys)),
        "seconds": sum(r.seconds for r in state.store.ended),
        "versions": versions(),
        "hardware": hardware(),
    }
    write_json(state.folder / "report.json", report)
    write_text(state.folder / "report.html", render(report, recipe.read_text(encoding="utf-8")))
    return report


def _at_the_edge(state: SearchState, best: TrialRecord) -> list[str]:
    """Return the keys whose best value is a bound of its range: there may be better ones outside."""
    ranges = {d.key: d.values for d in state.trials.dimensions if d.kind != "choice"}
    return [key for key, bounds in ranges.items() if best.values.get(key) in bounds]


def render(report: dict[str, Any], recipe: str) -> str:
    """Return the page.

    Args:
        report: what `report.json` holds.
        recipe: the best trial's recipe, as text.
    """
    import jinja2
    from markupsafe import Markup

    here = Path(__file__).parent
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([here, here.parent / "evaluation" / "report"]),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    metric = report["objective"].removeprefix("val_")
    environment.filters.update(
        short=page.short,
        words=page.words,
        duration=page.duration,
        title=page.title,
        figure=lambda value: page.figure(value, metric),
        line=lambda value: dump_line(value) if isinstance(value, list | dict | bool | None) else page.short(value),
    )
    trials = [TrialRecord.from_json(trial) for trial in report["trials"]]
    finished = [t for t in trials if t.status == "finished"]
    plots = {
        "over time": charts.over_time(report, trials),
        "coordinates": charts.coordinates(report, finished),
        "importance": charts.importances(report["importance"]),
        "cost": charts.against_cost(report, finished),
    }
    return environment.get_template("search.html.j2").render(
        report=report,
        plots={name: Markup(svg) for name, svg in plots.items() if svg},
        ranked=ranked(finished, greater_is_better=report["greater_is_better"]),
        failed=[t for t in trials if t.status == "failed"],
        keys=_varied(report["keys"], trials),
        recipe=recipe,
        metric=metric,
    )


def _varied(keys: Sequence[str], trials: Sequence[TrialRecord]) -> list[str]:
    """Return the keys of which any trial has a value."""
    return [key for key in keys if any(key in t.values for t in trials)]
