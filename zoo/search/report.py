"""The report of a search: `report.json`, and `report.html`, a page that needs no other file and no network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from zoo.evaluation.report import page
from zoo.recipe.source import dump_line
from zoo.search import charts
from zoo.search.importance import importance
from zoo.search.records import Record, pareto
from zoo.search.state import Board
from zoo.utils.files import write_json, write_text


def write_report(board: Board) -> dict[str, Any]:
    """Write both files; return what `report.json` holds."""
    from zoo.training.run import hardware, versions

    best, own = board.best, board.book.records.get(0)
    assert best is not None
    finished = board.book.finished
    front = [r.number for r in pareto(finished, greater_is_better=board.rises)]
    recipe = board.folder / "best.yaml"
    report = {
        "recipe": board.loaded.name,
        "task": board.loaded.recipe.task,
        "tuner": board.search.tuner,
        "objective": board.objective,
        "greater_is_better": board.rises,
        "cost": board.search.cost.model_dump() if board.search.cost is not None else None,
        "seeds": [*board.seeds],
        "keys": list(board.search.keys),
        "best": asdict(best),
        "best_recipe": str(recipe),
        "own": asdict(own) if own is not None else None,
        "trials": [asdict(r) for _, r in sorted(board.book.records.items())],
        "pareto": front,
        "at_the_edge": _at_the_edge(board, best),
        "importance": importance(finished, list(board.search.keys)),
        "seconds": sum(r.seconds for r in board.book.ended),
        "versions": versions(),
        "hardware": hardware(),
    }
    write_json(board.folder / "report.json", report)
    write_text(board.folder / "report.html", render(report, recipe.read_text(encoding="utf-8")))
    return report


def _at_the_edge(board: Board, best: Record) -> list[str]:
    """Return the keys whose best value is a bound of its range: there may be better ones outside."""
    ranges = {d.key: d.values for d in board.dimensions if d.kind != "choice"}
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
    trials = [Record(**trial) for trial in report["trials"]]
    finished = [t for t in trials if t.status == "finished"]
    figures = {
        "over time": charts.over_time(report, trials),
        "coordinates": charts.coordinates(report, finished),
        "importance": charts.importances(report["importance"]),
        "cost": charts.against_cost(report, finished),
    }
    sign = -1 if report["greater_is_better"] else 1
    ranked = sorted(finished, key=lambda t: (sign * (t.score or 0.0), t.number))
    return environment.get_template("search.html.j2").render(
        report=report,
        plots={name: Markup(svg) for name, svg in figures.items() if svg},
        ranked=ranked,
        failed=[t for t in trials if t.status == "failed"],
        keys=_varied(report["keys"], trials),
        recipe=recipe,
        metric=metric,
    )


def _varied(keys: Sequence[str], trials: Sequence[Record]) -> list[str]:
    """Return the keys of which any trial has a value."""
    return [key for key in keys if any(key in t.values for t in trials)]
