"""`zoo describe`: what a builder makes."""

from __future__ import annotations

from typing import Any

from zoo import registry
from zoo.backend.size import LENGTH, count_flops, count_parameters
from zoo.errors import ZooError, did_you_mean, visible
from zoo.utils.console import OUT, print_facts, print_json, print_table


def list_and_print(pattern: str, family: str | None, task: str | None, as_json: bool) -> None:
    """Print the models that match, as a table or as JSON, which is an empty list where none does.

    Raises:
        ZooError: no model matches, and the table would be empty; or there is no such family or task.
    """
    entries = [registry.entry(name) for name in registry.list_models(pattern, family=family, task=task)]
    rows = [
        {"name": e.name, "family": e.family, "tasks": list(e.served), "summary": e.summary, "paper": e.paper}
        for e in entries
    ]
    if rows or as_json:
        print_table(rows, ["name", "family", "tasks", "summary"], as_json)
    else:
        filters = "".join(f" with {what} {value}" for what, value in (("family", family), ("task", task)) if value)
        nearest = did_you_mean(pattern.strip("*?"), registry.list_models())
        raise ZooError(f"no model{filters} matches '{visible(pattern)}'{nearest} (`zoo list` lists them all)")


def describe(name: str) -> dict[str, Any]:
    """Describe a builder: family, tasks, defaults, parameters, FLOPs, paper.

    Builds the model with its defaults. FLOPs are those of the forward pass of one example, counted by the backend's
    profiler (a multiply-add counts as two); where the length is open, at the length that is stated.
    """
    found = registry.entry(name)
    model = registry.build(name)
    return {
        "name": name,
        "family": found.family,
        "tasks": list(found.served),
        "summary": found.summary,
        "paper": found.paper,
        "defaults": {
            "input_shape": list(found.input_shape),
            **({"outputs": found.outputs} if found.outputs else {}),
            **({"vocabulary": found.vocabulary} if found.vocabulary else {}),
            **registry.defaults(name),
        },
        "parameters": count_parameters(model),
        "flops": count_flops(model, length=LENGTH),
        **({"flops_at_length": LENGTH} if None in found.input_shape else {}),
    }


def describe_and_print(name: str, as_json: bool) -> None:
    """Print what `describe` returns, as JSON or for a person to read."""
    facts = describe(name)
    if as_json:
        print_json(facts)
        return
    settings = facts.pop("defaults")
    print_facts({**facts, "flops": f"{facts['flops']:,} for one example", "parameters": f"{facts['parameters']:,}"})
    OUT.print("settings and defaults")
    print_facts(settings, indent="  ")
