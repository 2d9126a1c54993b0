"""Faults in a source's files: collected, so that one message lists all of them."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.data.notes import damaged_files
from zoo.errors import ZooError, counted

if TYPE_CHECKING:
    from zoo.recipe.data_section import Data


def path_within(root: Path, base: Path, name: str) -> Path | None:
    """Return the path that a file gives relative to `base`; None where it is absolute or leads out of `root`."""
    path = Path(os.path.normpath(base / name))
    return path if not Path(name).is_absolute() and path.is_relative_to(os.path.normpath(root)) else None


def is_there(path: Path) -> bool:
    """Return whether something is at a path that a file gives; nothing is at one that no file can have."""
    try:
        return path.exists()
    except OSError:  # such as a name that is too long
        return False


@dataclass
class Faults:
    """Faults by what they are, each with the place where it was found.

    Attributes:
        places: what is wrong, in the plural, to the places where it is so.
        images: images, or rows of a table, that have a fault: the source would be whole without them.
        whole: whether every fault belongs to an image, so that leaving images out would leave none.
    """

    places: dict[str, list[str]] = field(default_factory=dict)
    images: set[Path | int] = field(default_factory=set)
    whole: bool = True

    @property
    def paths(self) -> set[Path]:
        """The images with a fault that are files."""
        return {image for image in self.images if isinstance(image, Path)}

    def add(self, what: str, place: object, image: Path | int | None = None) -> None:
        """Add a fault.

        Args:
            what: what is wrong, in the plural: "images without a mask".
            place: file, or file and line.
            image: the image, or the row of a table, that has the fault; None where it is in no single example.
        """
        self.places.setdefault(what, []).append(str(place))
        if image is None:
            self.whole = False
        else:
            self.images.add(image)

    def settle(self, base: Path, data: Data, total: int, what: str = "images") -> list[str]:
        """Refuse the faults, or return a note where the recipe leaves out the images that have them.

        Args:
            base: the source's folder, for messages.
            data: the recipe's section.
            total: number of examples of the source, those with faults among them.
            what: what the examples are.

        Raises:
            ZooError: there are faults, and `data.on_error` is "stop", or one is in no single example.
        """
        if not self.places:
            return []
        found = self._listed()
        if data.on_error == "stop" or not self.whole:
            advice = f", or leave these {what} out with data.on_error=skip" if self.whole else ""
            raise ZooError(f"{base}: {found}; mend them{advice}")
        note = f"left out by data.on_error: {len(self.images):,} of {total:,} examples: {found}"
        return [damaged_files(note, [place for places in self.places.values() for place in places])]

    def refuse(self, where: object) -> None:
        """Refuse the faults, if there are any.

        Raises:
            ZooError: there are.
        """
        if self.places:
            raise ZooError(f"{where}: {self._listed()}; mend them")

    def _listed(self) -> str:
        return "; ".join(counted(places, what) for what, places in self.places.items())
