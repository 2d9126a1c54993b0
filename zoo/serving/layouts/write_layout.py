"""Write an exported file as a server wants it: the table of layouts, and what is written, whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from zoo.errors import ZooError, did_you_mean, listing
from zoo.serving.layouts.deployment import Deployment
from zoo.serving.layouts.docker import write_docker
from zoo.serving.layouts.kserve import STORAGE, write_kserve
from zoo.serving.layouts.triton import write_triton
from zoo.serving.server.repository import recipe_name
from zoo.serving.server.served_model import ServedModel


@dataclass(frozen=True)
class Layout:
    """One layout.

    Attributes:
        write: writes it to an empty folder.
        then: what a user does next.
    """

    write: Callable[[Path, Deployment], None]
    then: str


LAYOUTS = {
    "triton": Layout(write_triton, "tritonserver --model-repository={output}"),
    "kserve": Layout(
        write_kserve,
        "copy what is in {output}/models to {storage}, then kubectl apply -f {output}/inference_service.yaml",
    ),
    "docker": Layout(write_docker, "docker build -t {image} {output} && docker run -p 8080:8080 {image}"),
}


def check_layout(layout: str) -> None:
    """Refuse a layout that is none.

    Raises:
        ZooError: it is not known.
    """
    if layout not in LAYOUTS:
        raise ZooError(
            f"--layout: expected one of {', '.join(LAYOUTS)}, received {layout!r}{did_you_mean(layout, LAYOUTS)}"
        )


def write_layout(
    path: Path, layout: str, output: Path, *, name: str = "", storage: str = STORAGE, verify: bool = True
) -> tuple[list[Path], str]:
    """Write an exported file as a server wants it.

    Args:
        path: the file.
        layout: "triton", "kserve" or "docker".
        output: folder to write to; of a Triton repository it may hold other models.
        name: what requests call the model; the recipe's with `-` for `/` where it is empty.
        storage: KServe: where the cluster finds the content of the folder `models`.
        verify: compare the file with the certificate beside it and with the checksum in its metadata.

    Returns:
        The files that were written, and what to do next.

    Raises:
        ZooError: the layout is none, the file is missing or damaged, or something of the same name is there.
    """
    check_layout(layout)
    model = ServedModel(name or "model", "1", path, verify=verify)
    model.name = name or recipe_name(model.exported.signature, path)
    if output.exists() and not output.is_dir():
        raise ZooError(f"--output {output}: expected a folder, and this is a file")
    output.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".", dir=output) as temporary:
        LAYOUTS[layout].write(Path(temporary), Deployment(path=path, model=model, storage=storage))
        entries = sorted(Path(temporary).iterdir())
        there = [entry.name for entry in entries if (output / entry.name).exists()]
        if there:
            raise ZooError(f"--output {output}: {listing(there)} is there already; remove it, or take another folder")
        written = [output / file.relative_to(temporary) for file in Path(temporary).rglob("*") if file.is_file()]
        for entry in entries:
            os.replace(entry, output / entry.name)
    return sorted(written), LAYOUTS[layout].then.format(output=output, storage=storage, image=model.name.lower())
