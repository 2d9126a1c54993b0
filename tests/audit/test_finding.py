"""Findings: the table of their names, notes of loading, what stops a training."""

import re
from pathlib import Path

import numpy as np
import pytest

from zoo.audit.accept import refuse_errors
from zoo.audit.finding import as_findings, by_severity, found, to_json
from zoo.data.notes import Note, damaged_files
from zoo.errors import ZooError
from zoo.recipe import load_recipe
from zoo.recipe.findings import ERRORS, FINDINGS

DOCS = Path(__file__).resolve().parents[2] / "docs" / "data.md"


def test_the_docs_list_every_finding_with_its_severity_and_meaning():
    text = DOCS.read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (.*?) \| (.*?) \|$", text, re.MULTILINE)
    assert rows == [
        (name, kind.severity, kind.meaning, f"`{kind.remedy}`" if ":" in kind.remedy else kind.remedy)
        for name, kind in FINDINGS.items()
    ]


def test_a_finding_is_plain_data_and_lists_at_most_20_of_its_evidence():
    one = found("outliers", "far", count=np.int64(30), evidence=[{"value": np.float32(i)} for i in range(30)])
    facts = one.to_json()
    assert (facts["count"], len(facts["evidence"]), type(facts["evidence"][1]["value"])) == (30, 20, float)
    assert as_findings([facts]) == [one]


def test_a_finding_is_never_worse_than_its_kind():
    with pytest.raises(ValueError, match="outliers is at most a warning"):
        found("outliers", "far", severity="error")
    with pytest.raises(KeyError):
        found("nothing", "of that name")


def test_notes_of_loading_and_of_older_runs_are_findings():
    named = Note("an id", "identifier_column", evidence=[{"column": "id"}])
    broken = damaged_files("2 files", ["a.png", "b.png"])
    plain, column, damaged = as_findings(["a sentence", named, broken])
    assert (plain.name, plain.severity, plain.message, plain.remedy) == ("source_note", "note", "a sentence", "")
    assert (column.name, column.severity, column.evidence, column.remedy) == (
        "identifier_column",
        "note",
        ({"column": "id"},),
        "",
    )
    assert (damaged.severity, damaged.count, damaged.evidence[1]) == ("warning", 2, {"file": "b.png"})
    assert [each.severity for each in by_severity([plain, damaged])] == ["warning", "note"]


def test_errors_that_the_recipe_does_not_accept_stop_and_all_are_named():
    findings = [
        found("target_leakage", "'a' is the target", remedy="data: {ignore: [a]}"),
        found("leaked_examples", "30 of 100"),
        found("near_duplicates", "5 of 100", severity="warning"),
    ]
    with pytest.raises(ZooError) as refused:
        refuse_errors(findings, [], "csv:a.csv")
    text = str(refused.value)
    assert "target_leakage: 'a' is the target\n    remedy: data: {ignore: [a]}" in text and "30 of 100" in text
    assert "5 of 100" not in text and "data: {accept: [target_leakage, leaked_examples]}" in text
    with pytest.raises(ZooError, match=r"accept: \[target_leakage, leaked_examples\]"):
        refuse_errors(findings, ["target_leakage"], "csv:a.csv")
    refuse_errors(findings, ["target_leakage", "leaked_examples"], "csv:a.csv")
    assert [each["severity"] for each in to_json(findings)] == ["error", "error", "warning"]


def test_a_recipe_accepts_errors_alone():
    assert load_recipe("mlp/wine", ["data.accept=[near_duplicates]"]).recipe.data.accept == ["near_duplicates"]
    with pytest.raises(ZooError, match=r"outliers is at most a warning, which stops no training; leave it out"):
        load_recipe("mlp/wine", ["data.accept=[outliers]"])
    with pytest.raises(ZooError, match=r"unknown finding 'near_duplicate'; did you mean 'near_duplicates'\?"):
        load_recipe("mlp/wine", ["data.accept=[near_duplicate]"])
    assert set(ERRORS) < set(FINDINGS)
