"""The tables of `benchmarks/real.py`: the zoo's defaults beside simple methods, by kind of data."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

HALVES = {"chosen by": "sets that defaults were chosen by", "reported": "sets that chose nothing"}
TIE = 0.01  # of the peer's value: a smaller difference counts as none


def table(known: dict[str, Any]) -> str:
    """Return the results as Markdown: a table for each kind and half, and what they come to."""
    parts = []
    for kind in dict.fromkeys(facts["kind"] for facts in known.values()):
        for half in HALVES:
            rows = [facts for facts in known.values() if facts["kind"] == kind and facts["half"] == half]
            if rows:
                parts.append(_part(kind, half, rows))
    machines = {f"{m['cores']} cores of {m['cpu']}" for m in (f["environment"]["hardware"] for f in known.values())}
    seeds = max(len(facts["runs"]) for facts in known.values())
    parts.append(f"Mean over at most {seeds} seed{'s' * (seeds > 1)}; test split; {', '.join(sorted(machines))}.")
    return "\n\n".join(parts)


def _part(kind: str, half: str, rows: list[dict[str, Any]]) -> str:
    peers = list(dict.fromkeys(peer for facts in rows for peer in facts["peers"]))
    head = ["data", "metric", "zoo", *peers]
    lines = [f"**{kind.capitalize()}, {HALVES[half]}**", "", _row(head), _row(["---"] * len(head))]
    for facts in rows:
        values = [run["value"] for run in facts["runs"]]
        mean = statistics.mean(values)
        spread = f" ± {statistics.stdev(values):.3g}" if len(values) > 1 else ""
        others = [_number(facts["peers"].get(peer, {}).get("value")) for peer in peers]
        lines.append(_row([facts["name"], facts["metric"], _number(mean) + spread, *others]))
    lines.append("")
    ranks = [_rank(facts) for facts in rows]
    lines.append(f"Mean rank of the zoo among {len(peers) + 1}: {statistics.mean(ranks):.2f}.")
    for peer in peers:
        outcomes = [_outcome(facts, peer) for facts in rows if peer in facts["peers"]]
        wins, ties, losses = (outcomes.count(which) for which in (1, 0, -1))
        lines.append(f"Against {peer}: {wins} wins, {ties} ties (within {TIE:.0%}), {losses} losses.")
    return "\n".join(lines)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _is_greater_better(facts: dict[str, Any]) -> bool:
    return str(facts["metric"]) in ("accuracy", "r2")


def _rank(facts: dict[str, Any]) -> float:
    """Return the place of the zoo among its peers, 1 for the best; equal ones get the mean of their places."""
    ours = statistics.mean(run["value"] for run in facts["runs"])
    others = [peer["value"] for peer in facts["peers"].values()]
    sign = 1 if _is_greater_better(facts) else -1
    return 1 + sum(sign * other > sign * ours for other in others) + sum(other == ours for other in others) / 2


def _outcome(facts: dict[str, Any], peer: str) -> int:
    """Return 1 for a win, 0 for a tie, -1 for a loss."""
    ours, other = statistics.mean(run["value"] for run in facts["runs"]), facts["peers"][peer]["value"]
    if abs(ours - other) <= TIE * abs(other):
        return 0
    return 1 if (ours > other) == _is_greater_better(facts) else -1
