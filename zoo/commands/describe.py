"""`zoo describe`: what a builder makes."""

from __future__ import annotations

from typing import Any

from zoo import registry
from zoo.backend.size import LENGTH, count_flops, count_parameters


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
        "tasks": list(found.tasks),
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
