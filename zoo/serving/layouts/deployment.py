"""An exported file that is laid out for a server, and what every layout copies of it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from zoo.serving.certificate import CERTIFICATE, CERTIFIED_FILE, certificate_of
from zoo.serving.sample_files import SAMPLE, SAMPLE_JSON, sample_of
from zoo.serving.server.page.model_facts import CARD
from zoo.serving.server.served_model import ServedModel
from zoo.serving.step_model import ENCODER, STEP


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """A file for a server.

    Attributes:
        path: the file.
        model: the file, open, under the name that requests call it.
        storage: where a cluster finds the models.
    """

    path: Path
    model: ServedModel
    storage: str

    @property
    def name(self) -> str:
        """What requests call the model."""
        return self.model.name

    def copy_to(self, folder: Path) -> None:
        """Copy the file, and what is beside it, under their usual names: card, certificate, sample, and steps.

        Steps read their weights from the file by its name, so they go with one that keeps it.
        """
        folder.mkdir(parents=True)
        sample = sample_of(self.path)
        beside: dict[str, Path | None] = {
            CERTIFIED_FILE: self.path,
            CARD: self.path.with_name(CARD),
            CERTIFICATE: certificate_of(self.path),
            SAMPLE: sample,
            SAMPLE_JSON: sample.with_suffix(".json"),
        }
        if self.path.name == CERTIFIED_FILE:
            beside |= {name: self.path.with_name(name) for name in (STEP, ENCODER)}
        for name, path in beside.items():
            if path is not None and path.is_file():
                shutil.copyfile(path, folder / name)
