"""`zoo predict`: what an exported file says about files, printed or written as the answers come."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from zoo.errors import counted
from zoo.serving.predict import NO_ANSWER, in_one_line, is_answered, predict_each
from zoo.serving.write_predictions import check_output, write_predictions
from zoo.utils.console import OUT, print_json_list, print_notes


def predict(
    file: Path, inputs: Sequence[Path], *, output: Path | None = None, verify: bool = True, as_json: bool = False
) -> None:
    """Print or write what an exported file says about each example of the inputs.

    Args:
        file: an ONNX file that `zoo export` wrote.
        inputs: images, folders of images or texts, CSV, JSON Lines, Parquet, npz or text files.
        output: CSV file or lines of JSON to write in place of printing.
        verify: compare the file with the certificate beside it and with the checksum in its metadata.
        as_json: print a JSON document, which stays valid if an input fails: it ends with the last answer before it.

    Raises:
        ZooError: the model or an input is missing, damaged, or does not fit.
    """
    unanswered: list[str] = []
    notes: list[str] = []

    def results() -> Iterator[dict[str, Any]]:
        for result in predict_each(file, inputs, verify=verify, notes=notes):
            if not is_answered(result):
                unanswered.append(result["input"])
            yield result

    if output is not None:
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
