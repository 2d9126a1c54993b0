"""What `zoo train` prints: the data and the model at the beginning, the result at the end."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.utils.console import print_findings

if TYPE_CHECKING:
    from rich.console import Console

    from zoo.training.problem import Problem


def print_start(console: Console, problem: Problem, facts: dict[str, Any]) -> None:
    """Say what the data and the model are."""
    from zoo.backend.size import count_parameters

    model = problem.recipe.model
    sizes = ", ".join(f"{count:,} {name}" for name, count in facts["splits"].items())
    console.print(f"Data: {problem.dataset.name}: {sizes}")
    print_findings(facts["findings"], console, indent="  ")
    console.print(f"Model: {model.name}, {count_parameters(problem.views.network):,} parameters")
    if problem.pretrained is not None:
        begins = problem.pretrained
        what = begins["source"] if "source" in begins else f"the encoder of {begins['recipe']}"
        console.print(f"  beginning with {what}{', frozen' if model.freeze else ''}", markup=False)
        for note in begins.get("notes", ()):
            console.print(f"  {note}", markup=False)
        if "lora" in problem.pretrained:
            lora = problem.pretrained["lora"]
            percent = 100 * lora["trained"] / lora["weights"]
            console.print(
                f"  training adapters of {lora['adapted']} layers and the head: {lora['trained']:,} weights, "
                f"{percent:.1f}% of {lora['weights']:,}"
            )


def print_result(console: Console, report: dict[str, Any], folder: Path) -> None:
    """Say what the test split gives, what the diagnosis is, and what to do next."""
    primary = report["metric"]
    bounds = report["intervals"]["test"].get(primary)
    interval = f" (95% interval {bounds[0]:.4f} to {bounds[1]:.4f})" if bounds else ""
    value = report["metrics"]["test"][primary]
    found = "not defined on these examples" if value is None else f"{value:.4f}{interval}"
    console.print(f"Test {primary}: {found}")
    console.print(f"  {report['verdict']}", markup=False)
    diagnosis = report["diagnosis"]
    console.print(f"Diagnosis: {diagnosis['state']}. {diagnosis['evidence'][0]}", markup=False)
    if diagnosis["edits"]:
        console.print(f"  next: zoo train {folder} --apply 1 ({diagnosis['edits'][0]['reason']})", markup=False)
