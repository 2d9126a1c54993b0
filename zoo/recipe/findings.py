"""What an audit of data may find: the names, which recipes accept (`data.accept`), and what each means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")  # the worst first


@dataclass(frozen=True)
class FindingKind:
    """One kind of finding.

    Attributes:
        severity: the worst that it can be. An error makes the test's metrics untrue and stops the training.
        meaning: what was found.
        remedy: what to do, a line of a recipe where there is one; "" where the message says it.
    """

    severity: Severity
    meaning: str
    remedy: str = ""


FINDINGS: dict[str, FindingKind] = {
    # leakage: what the model will not have, or has seen
    "target_leakage": FindingKind("error", "an input tells the target by itself", "data: {ignore: [COLUMN]}"),
    "leaked_examples": FindingKind(
        "error",
        "examples of the validation or test split are also in the training split",
        "data: {leaked_examples: drop}",
    ),
    "near_duplicates": FindingKind(
        "error", "examples are almost the same, within a split or across two", "data: {group: COLUMN}"
    ),
    "time_leakage": FindingKind(
        "error", "training uses what came later than the validation or test split", "data: {time: COLUMN}"
    ),
    "group_leakage": FindingKind(
        "error", "the same person, machine or place is in training and in test", "data: {group: COLUMN}"
    ),
    # labels
    "label_errors": FindingKind(
        "warning", "labels that a cross-validated baseline contradicts with confidence", "look at the listed examples"
    ),
    "conflicting_labels": FindingKind(
        "warning", "the same input has different labels", "correct the labels, or remove the examples"
    ),
    "inconsistent_spelling": FindingKind(
        "warning", "one category or class is written in several ways", "write each in one way"
    ),
    "imbalance": FindingKind(
        "warning", "one class has many times the examples of another", "loss: {class_weights: balanced}"
    ),
    "rare_class": FindingKind("warning", "a class has few examples, so that its metrics are rough", "add examples"),
    "empty_class": FindingKind("warning", "a class has no example in a split", "add examples, or remove the class"),
    "too_few_examples": FindingKind(
        "warning", "there are too few examples to tell good from bad", "evaluation: {folds: 5}"
    ),
    # columns
    "identifier_column": FindingKind(
        "warning", "a column numbers or names the rows and tells nothing of another row", "data: {ignore: [COLUMN]}"
    ),
    "date_column": FindingKind("note", "a column holds moments", "data: {time: COLUMN}"),
    "high_cardinality": FindingKind(
        "warning", "a column has so many categories that most are rare", "data: {texts: [COLUMN]}"
    ),
    "constant_column": FindingKind("warning", "a column has only one value", "data: {ignore: [COLUMN]}"),
    "missing_values": FindingKind("warning", "a column lacks values", "data: {ignore: [COLUMN]}"),
    "infinite_values": FindingKind("warning", "values are infinite or not defined", "data: {on_error: skip}"),
    "mixed_types": FindingKind("warning", "a column holds numbers and text", "data: {missing: [TEXT]}"),
    "unseen_categories": FindingKind(
        "warning", "validation or test have categories that training lacks", "preprocess: [{encode: {rare_below: 10}}]"
    ),
    "outliers": FindingKind("warning", "values are far outside the range of the others", "correct the listed values"),
    # splits
    "exact_duplicates": FindingKind("warning", "training examples repeat another", "remove the repeats"),
    "shift": FindingKind("warning", "the splits differ more than chance makes them", "data: {splits: {test: null}}"),
    # files
    "damaged_files": FindingKind("warning", "examples cannot be read", "data: {on_error: skip}"),
    "unused_files": FindingKind("note", "files of the source are not used"),
    # images
    "blank_images": FindingKind("warning", "images show one colour", "remove them"),
    "blurred_images": FindingKind("warning", "images are far less sharp than the others", "remove them"),
    "odd_sizes": FindingKind(
        "warning", "images have an unusual size or shape", "preprocess: [{resize: {height: 64, width: 64, mode: pad}}]"
    ),
    # texts
    "empty_texts": FindingKind("warning", "texts are empty or have no word", "remove them"),
    "text_encoding": FindingKind(
        "warning", "texts were read with the wrong encoding, such as 'Ã©'", "read the originals again, as UTF-8"
    ),
    "language_mix": FindingKind("warning", "some texts are in another language or script", "train on one language"),
    "odd_lengths": FindingKind("warning", "texts are far longer than the others", "look at the listed texts"),
    # audio
    "clipped_audio": FindingKind("warning", "clips are cut off at the loudest value", "record at a lower gain"),
    "silent_audio": FindingKind("warning", "clips are silent", "remove them"),
    # series
    "series_gaps": FindingKind("warning", "a series stands still, or steps are missing", "data: {fill: linear}"),
    "level_change": FindingKind("warning", "a series moves to another level", "preprocess: [{standardize_window: {}}]"),
    # the rest
    "target_scales": FindingKind("note", "several targets have different scales"),
    "source_note": FindingKind("note", "what loading did, or what of the recipe has no effect"),
}
ERRORS = tuple(name for name, kind in FINDINGS.items() if kind.severity == "error")  # what `data.accept` may name
