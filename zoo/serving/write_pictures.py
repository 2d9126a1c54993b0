"""Pictures of predictions: one for each image, with what was found drawn into it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from zoo.errors import ZooError, counted, listing
from zoo.serving.exported_model import ExportedModel
from zoo.serving.inputs import read_inputs
from zoo.serving.kinds import KINDS
from zoo.serving.write_predictions import SUFFIXES
from zoo.tasks import TASKS
from zoo.utils.execution import ON_CPU, Execution
from zoo.utils.files import replacing

SUFFIX = ".png"


def is_for_pictures(path: Path) -> bool:
    """Return whether an output is a folder or a PNG file, and so for pictures."""
    if path.is_dir():
        return path.suffix.lower() not in SUFFIXES
    return path.suffix.lower() == SUFFIX or (not path.suffix and not path.exists())


def write_pictures(
    output: Path,
    file: str | Path,
    inputs: Sequence[str | Path],
    *,
    verify: bool = True,
    notes: list[str],
    execution: Execution = ON_CPU,
) -> Iterator[dict[str, Any]]:
    """Write a picture for each image, and yield what `predict` returns for it once it is written.

    Args:
        output: folder of the pictures, which have the names of their images; or a PNG file, for one image.
        file: an ONNX file that `zoo export` wrote.
        inputs: images, folders of images, or npz files.
        verify: compare the file with the certificate beside it and with the checksum in its metadata.
        notes: what a reader of the answers should know is added here.
        execution: where the file is run.

    Raises:
        ZooError: the file's task draws nothing, an input does not fit, a picture cannot be written or would replace
            an input, or there are several for one PNG file.
    """
    model = ExportedModel(file, verify=verify, **execution.settings())
    kind = KINDS[TASKS[model.task].kind]
    if kind.draw is None:
        drawn = [task.name for task in TASKS.values() if KINDS[task.kind].draw is not None]
        raise ZooError(
            f"--output {output}: expected a name that ends with {listing(SUFFIXES)}; a folder of pictures is for "
            f"{listing(drawn)}, and {file} is for {model.task}"
        )
    names = _Names(output, [Path(path) for path in inputs])
    for examples, raw in read_inputs(model, inputs, notes):
        prediction = model.predict(raw)
        finite = prediction.finite
        for row, (name, fact) in enumerate(zip(examples, kind.facts(prediction, model), strict=True)):
            if finite is not None and not finite[row]:
                yield {"input": name, **dict.fromkeys(fact)}
                continue
            picture = kind.draw(_image(raw[row]), prediction, row, model)
            path = names.of(name)
            try:
                with replacing(path) as temporary:
                    picture.save(temporary, format="PNG")
            except OSError as error:
                raise ZooError(f"--output {path}: cannot be written ({error.strerror or error})") from error
            yield {"input": name, **fact}
    if names.numbered:
        notes.append(f"numbered, as other images have the same name: {counted(names.numbered, 'pictures')}")


def _image(raw: Any) -> Any:
    return raw[0] if raw.ndim == 4 else raw


class _Names:
    """Gives each picture a path of its own."""

    def __init__(self, output: Path, inputs: list[Path]) -> None:
        self.output, self.inputs = output, inputs
        self.one_file = output.suffix.lower() == SUFFIX and not output.is_dir()
        self.given: set[Path] = set()
        self.numbered: list[str] = []

    def of(self, name: str) -> Path:
        """Return the path of the picture of an input, such as `folder/a.jpg` or `images.npz:3`.

        Raises:
            ZooError: it is an input, or there are several pictures for one file.
        """
        path = self._wanted(Path(name))
        if path in self.given and self.one_file:
            raise ZooError(f"--output {self.output}: one file for several pictures; name a folder")
        number, stem = 1, path.stem
        while path in self.given:
            number += 1
            path = path.with_name(f"{stem}_{number}{SUFFIX}")
        if path.exists() and any(path.resolve().is_relative_to(given.resolve()) for given in self.inputs):
            raise ZooError(f"--output {self.output}: a picture would replace {path}, an input; name another folder")
        if number > 1:
            self.numbered.append(str(path))
        self.given.add(path)
        return path

    def _wanted(self, name: Path) -> Path:
        if self.one_file:
            return self.output
        folder = next((path for path in self.inputs if path.is_dir() and name.is_relative_to(path)), None)
        inner = name.relative_to(folder) if folder else Path(name.name.replace(":", "_"))
        return self.output / inner.with_suffix(SUFFIX) if folder or name.exists() else self.output / f"{inner}{SUFFIX}"
