"""The audit: counts, and findings that a reader of the results should know."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from zoo.audit.detectors import detectors_for
from zoo.audit.facts import data_facts
from zoo.audit.finding import as_findings, to_json
from zoo.audit.subject import Subject
from zoo.data.dataset import Dataset

if TYPE_CHECKING:
    from zoo.recipe import Recipe


def audit(dataset: Dataset, recipe: Recipe | None = None, notes: Iterable[str] = ()) -> dict[str, Any]:
    """Return counts and findings.

    Args:
        dataset: what is audited.
        recipe: that is to be trained on it; without one, what needs prepared inputs is left out.
        notes: of loading the recipe, which stand before those of the data.

    Returns:
        `splits` (examples in each), `class_counts` (of each split) or `target` (its range) where each example has one
        class or number, and `findings`, the worst first (`zoo.recipe.findings`).
    """
    subject = Subject(dataset=dataset, recipe=recipe)
    findings = as_findings([*notes, *dataset.notes])
    for detect in detectors_for(dataset.signature.kind):
        findings += detect(subject)
    return data_facts(subject) | {"findings": to_json(findings)}


def with_notes(findings: Sequence[dict[str, Any]], notes: Iterable[str]) -> list[dict[str, Any]]:
    """Return findings and further notes, the worst first."""
    return to_json(as_findings([*findings, *notes]))
