"""Checks of `data:`."""

from __future__ import annotations

import codecs

from zoo.recipe.checks.audio import check_audio
from zoo.recipe.checks.collect import Checks
from zoo.recipe.checks.graph import check_graph
from zoo.recipe.checks.images import check_image
from zoo.recipe.checks.series import COVARIATES, check_series
from zoo.tasks import BOX_SOURCES, MEMORY, TABLE_SOURCES, TASKS

_IMAGE_FILES = ("folder", "masks", "mvtec", *BOX_SOURCES)  # sources whose image files are decoded here
_READS_SINGLE_EXAMPLES = (
    *_IMAGE_FILES,
    *TABLE_SOURCES,
    "npz",
    "conll",
    MEMORY,
)  # sources that can leave an example out
_NAMES_CLASSES = ("masks", "yolo", "voc")  # sources whose files give classes by number, or may lack some
_CLASSES_ON_IMAGES = ("segmentation", "detection")  # kinds of task whose masks and boxes have classes by number


def check_data(checks: Checks) -> None:
    """Check the source, and the keys that go with it or with the task."""
    task, data = checks.task, checks.recipe.data
    source = data.source.partition(":")[0]
    checks.refuse(
        source not in task.sources,
        ("data", "source"),
        f"{task.name} reads {', '.join(s for s in task.sources if s != MEMORY)}, not {source}",
    )
    checks.refuse(
        data.channels is not None and source not in (*_IMAGE_FILES, *TABLE_SOURCES, MEMORY),
        ("data", "channels"),
        f"applies to {', '.join(_IMAGE_FILES)} sources and tables of images, whose files are decoded here; {source} "
        "gives its images as they are",
    )
    checks.refuse(
        data.channels is not None and source in ("folder", *TABLE_SOURCES) and "image" not in task.inputs,
        ("data", "channels"),
        f"is for images, and {task.name} reads none",
    )
    checks.refuse(
        data.on_error == "skip" and source not in _READS_SINGLE_EXAMPLES,
        ("data", "on_error"),
        f"skip applies to {', '.join(_READS_SINGLE_EXAMPLES)}; of {source} every example is used",
    )
    checks.refuse(
        source in TABLE_SOURCES and not data.target and not _may_lack_labels(checks),
        ("data", "target"),
        "required, and missing: the name of the column to predict",
    )
    _check_targets(checks)
    _check_table_keys(checks, source)
    _check_class_keys(checks, source)
    _check_text(checks, source)
    check_audio(checks, source)
    check_image(checks, source)
    check_graph(checks, source)
    checks.belongs(
        ("data", "window"),
        given=data.window is not None,
        wanted=task.forecasts or task.scans_series,
        example=f"for example {{history: 48{', horizon: 12, season: 12' * task.forecasts}}}",
        purpose="forecasting, and for anomalies of series",
    )
    checks.refuse(
        data.window is not None and (data.window.horizon is None) == task.forecasts,
        ("data", "window", "horizon") if not task.forecasts else ("data", "window"),
        "horizon is required, and missing: the number of steps to forecast"
        if task.forecasts
        else f"is for forecasting, and the task is {task.name}",
    )
    checks.belongs(
        ("data", "abnormal"),
        given=bool(data.abnormal),
        wanted=task.finds_anomalies and source != "mvtec" and not (_may_lack_labels(checks) and not data.target),
        example="the classes that training must not see, for example ['3']",
        purpose="anomaly detection",
    )
    checks.refuse(
        data.per_class is not None and not task.classifies,
        ("data", "per_class"),
        f"is for classification, and the task is {task.name}",
    )
    checks.refuse(
        data.leaked_examples == "drop" and (task.forecasts or task.scans_series or task.reads_corpus),
        ("data", "leaked_examples"),
        f"the examples of {task.name} are windows of one source, which overlap by design; leave it out",
    )
    checks.refuse(
        data.per_class is not None and data.train_fraction is not None,
        ("data", "train_fraction"),
        f"data.per_class ({data.per_class}) says already how many examples are trained on; leave one of them out",
    )
    by_column = next((key for key in ("group", "time", "split_column") if getattr(data, key) is not None), None)
    in_time = task.forecasts or task.scans_series or task.reads_corpus
    checks.refuse(
        data.split_by == "content" and (in_time or by_column is not None),
        ("data", "split_by"),
        "has no effect: " + (f"data.{by_column} says how to split" if by_column else "the data is cut by time"),
    )
    checks.refuse(
        data.split_by == "content" and (data.fold is not None or checks.recipe.evaluation.folds is not None),
        ("data", "split_by"),
        "folds are drawn from the order of the examples; leave one of the two out",
    )
    checks.refuse(
        data.validation + data.test >= 1,
        ("data", "validation"),
        f"validation ({data.validation}) and data.test ({data.test}) leave nothing to train on",
    )


def _may_lack_labels(checks: Checks) -> bool:
    """Return whether the task takes rows without a label, all of which count as normal."""
    return checks.task.finds_anomalies and ("table" in checks.task.inputs or checks.task.scans_series)


def _check_targets(checks: Checks) -> None:
    """Check that several targets are given where a task has several, each once."""
    task, data = checks.task, checks.recipe.data
    names = data.targets
    checks.refuse(
        isinstance(data.target, list) and not task.several_targets,
        ("data", "target"),
        f"{task.name} predicts one thing, and {len(names)} are named "
        f"(several: {', '.join(name for name, other in TASKS.items() if other.several_targets)})",
    )
    repeated = sorted({name for name in names if names.count(name) > 1})
    checks.refuse(bool(repeated), ("data", "target"), f"names a column twice: {', '.join(repeated)}")
    checks.refuse(
        data.label_separator is not None and not task.multi_label,
        ("data", "label_separator"),
        f"is for examples with several labels, and the task is {task.name}",
    )
    checks.refuse(
        data.label_separator is not None and len(names) > 1,
        ("data", "label_separator"),
        "is for labels in one column, and data.target names a column a label",
    )


def _check_class_keys(checks: Checks, source: str) -> None:
    """Check the keys on the classes of masks and boxes."""
    data = checks.recipe.data
    checks.refuse(
        data.classes is not None
        and source not in _NAMES_CLASSES
        and not (source == MEMORY and checks.task.kind in _CLASSES_ON_IMAGES),
        ("data", "classes"),
        f"names the classes of {', '.join(_NAMES_CLASSES)} sources; {source} has their names in its data",
    )
    repeated = sorted({name for name in data.classes or [] if (data.classes or []).count(name) > 1})
    checks.refuse(bool(repeated), ("data", "classes"), f"names a class twice: {', '.join(repeated)}")
    checks.refuse(
        data.ignore_index is not None and not checks.task.labels_pixels,
        ("data", "ignore_index"),
        f"is for semantic_segmentation, and the task is {checks.task.name}",
    )


def _check_table_keys(checks: Checks, source: str) -> None:
    """Check the keys that say how a table is read."""
    data, forecasts = checks.recipe.data, checks.task.forecasts
    encoded = ("csv", "jsonl", "conll", *(("folder",) if "text" in checks.task.inputs else ()))
    for keys, sources, purpose in (
        (("separator",), ("csv",), "csv"),
        (("encoding",), encoded, "csv, jsonl, conll and folders of texts"),
        (("decimal", "thousands", "missing", "split_column"), (*TABLE_SOURCES, MEMORY), "tables"),
        (("group", "time", "sort", "fill"), (*TABLE_SOURCES, MEMORY), "tables"),
        (("series", *COVARIATES), (*TABLE_SOURCES, "builtin", MEMORY), "tables and built-in panels"),
    ):
        for key in keys:
            checks.refuse(bool(getattr(data, key)) and source not in sources, ("data", key), f"is for {purpose}")
    checks.refuse(
        bool(data.texts) and ("table" not in checks.task.inputs or source not in (*TABLE_SOURCES, MEMORY)),
        ("data", "texts"),
        f"is for tables of which each column is an input, and this is {checks.task.name} from {source}",
    )
    checks.refuse(
        bool(data.texts) and checks.task.reconstructs,
        ("data", "texts"),
        f"{checks.task.name} puts numbers and categories together again, and a text's words cannot be; leave it out",
    )
    for key in ("target", "ignore", "categorical"):
        both = [name for name in data.texts if name in (data.targets if key == "target" else getattr(data, key))]
        checks.refuse(bool(both), ("data", "texts"), f"{', '.join(both)}: also named by data.{key}")
    check_series(checks)
    checks.refuse(
        bool(data.group and data.time) and not forecasts,
        ("data", "group"),
        f"a cut keeps groups together or follows time ('{data.time}'), not both; leave one out",
    )
    checks.refuse(
        data.decimal is not None and data.decimal == data.thousands,
        ("data", "thousands"),
        f"'{data.thousands}' is the decimal mark, too",
    )
    for key, name in (("split_column", data.split_column), ("group", data.group), ("time", data.time)):
        checks.refuse(name in data.targets, ("data", key), f"'{name}' is what is predicted")
    if data.encoding is not None:
        try:
            codecs.lookup(data.encoding)
        except LookupError:
            checks.refuse(True, ("data", "encoding"), f"unknown encoding '{data.encoding}'")


def _check_text(checks: Checks, source: str) -> None:
    """Check that texts from a table have their column, and that no other input is asked for beside them."""
    task, data = checks.task, checks.recipe.data
    if source not in task.sources:
        return
    is_table = source in TABLE_SOURCES
    takes_texts = "text" in task.inputs and (is_table or source == "conll")
    checks.refuse(
        takes_texts and is_table and not data.text and not data.series_columns,
        ("data", "text"),
        "required, and missing: the name of the column of texts",
    )
    checks.refuse(
        data.text is not None and not takes_texts and not (source == MEMORY and "text" in task.inputs),
        ("data", "text"),
        f"is for tasks on texts that read {', '.join(TABLE_SOURCES)}, and this is {task.name} from {source}",
    )
    checks.refuse(data.text in data.targets, ("data", "text"), f"'{data.text}' is what is predicted")
    checks.refuse(
        bool(data.text) and data.text in data.ignore, ("data", "ignore"), f"'{data.text}' is the text that is read"
    )
    checks.refuse(
        bool(data.text and data.series_columns),
        ("data", "series"),
        f"tells sequences of numbers apart, and the input here is the text '{data.text}'",
    )
    checks.refuse(
        bool(data.text and data.categorical),
        ("data", "categorical"),
        f"is for the inputs of tables, and the input here is the text '{data.text}'",
    )
