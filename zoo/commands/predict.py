"""`zoo predict`: what an exported file says about files, printed or written as the answers come."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from zoo.commands.exported_file import as_paths, open_exported
from zoo.commands.raw_examples import raw_examples
from zoo.errors import counted
from zoo.serving.predict import NO_ANSWER, facts, in_one_line, is_answered, predict_each
from zoo.serving.write_pictures import is_for_pictures, write_pictures
from zoo.serving.write_predictions import check_output, write_predictions
from zoo.utils.console import OUT, print_json_list, print_notes
from zoo.utils.execution import ON_CPU, Execution, execution


def predict(
    model: str | os.PathLike[str],
    data: Any,
    *,
    verify: bool = True,
    providers: str | Sequence[str] = "cpu",
    threads: int | None = None,
    notes: list[str] | None = None,
) -> list[dict[str, Any]]:
    """Predict with an exported file, on files or on data that a program holds.

    Args:
        model: an ONNX file that `zoo export` wrote, or a run that has one.
        data: a file or folder, or several, as `zoo predict` takes them; or examples, as `Run.predict` takes them. A
            text is a path, unless the model takes texts: then `Path(…)` is one.
        verify: compare the file with the certificate beside it and with the checksum in its metadata.
        providers: where it runs, as in `zoo.ExportedModel`.
        threads: that one operation uses on the CPU.
        notes: what a reader of the answers should know, such as columns that are not used, is added to this list.

    Returns:
        What `zoo predict --json` prints: for each example `input` (its file, or its row) and, by task, `label` and
        `probabilities`, `value`, `forecast`, `text`, `objects`, …

    Raises:
        ZooError: the model or an input is missing, damaged, or does not fit.
    """
    notes = notes if notes is not None else []
    where_it_runs = execution(providers, threads)
    opened = open_exported(model, verify=verify, execution=where_it_runs)
    paths = as_paths(opened, data)
    if paths is not None:
        return list(predict_each(opened.path, paths, verify=verify, notes=notes, execution=where_it_runs))
    rows = facts(opened, raw_examples(opened, data, notes))
    return [{"input": f"row {number}", **row} for number, row in enumerate(rows, start=1)]


def predict_and_print(
    file: Path,
    inputs: Sequence[Path],
    *,
    output: Path | None = None,
    verify: bool = True,
    execution: Execution = ON_CPU,
    as_json: bool = False,
) -> None:
    """Print or write what an exported file says about each example of the inputs.

    Args:
        file: an ONNX file that `zoo export` wrote.
        inputs: images, folders of images or texts, CSV, JSON Lines, Parquet, npz or text files.
        output: CSV, Parquet or JSON Lines file to write in place of printing; or a folder, or a PNG file for one image,
            for pictures with the boxes or classes of pixels that were found.
        verify: compare the file with the certificate beside it and with the checksum in its metadata.
        execution: where it runs.
        as_json: print a JSON document, which stays valid if an input fails: it ends with the last answer before it.

    Raises:
        ZooError: the model or an input is missing, damaged, or does not fit.
    """
    unanswered: list[str] = []
    notes: list[str] = []

    pictures = output is not None and is_for_pictures(output)

    def results() -> Iterator[dict[str, Any]]:
        if output is not None and pictures:
            answers = write_pictures(output, file, inputs, verify=verify, notes=notes, execution=execution)
        else:
            answers = predict_each(file, inputs, verify=verify, notes=notes, execution=execution)
        for result in answers:
            if not is_answered(result):
                unanswered.append(result["input"])
            yield result

    if pictures:
        for _ in results():
            pass
        OUT.print(str(output), markup=False)
    elif output is not None:
        check_output(output)
        write_predictions(output, results())
        OUT.print(str(output), markup=False)
    elif as_json:
        print_json_list(results())
    else:
        for result in results():
            OUT.print(f"{result['input']}  {in_one_line(result)}", markup=False)
    if len(unanswered) == 1:
        notes.append(f"{unanswered[0]} has {NO_ANSWER}")
    elif unanswered:
        notes.append(counted(unanswered, f"examples have {NO_ANSWER}"))
    print_notes(notes)
