"""An exported file that is laid out for a server, and what every layout copies of it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from zoo.serving.certificate import CERTIFICATE, CERTIFIED_FILE, certificate_of
from zoo.serving.sample_files import SAMPLE, SAMPLE_JSON, sample_of
from zoo.serving.server.page.model_facts import CARD
from zoo.serving.server.served_model import ServedModel


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
        """Copy the file, and the card, the certificate and the sample beside it, under their usual names."""
        folder.mkdir(parents=True)
        sample = sample_of(self.path)
        beside = {
            CERTIFIED_FILE: self.path,
            CARD: self.path.with_name(CARD),
            CERTIFICATE: certificate_of(self.path),
            SAMPLE: sample,
            SAMPLE_JSON: sample.with_suffix(".json"),
        }
        for name, path in beside.items():
            if path is not None and path.is_file():
                shutil.copyfile(path, folder / name)
