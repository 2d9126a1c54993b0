"""Data that a caller gives in Python, in place of a recipe's source, and the recipe that goes with it."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from zoo.errors import ZooError
from zoo.recipe import LoadedRecipe, load_recipe
from zoo.recipe.overrides import Overrides, override_lines

if TYPE_CHECKING:
    from zoo.data.memory.given import MemoryData
    from zoo.data.proposal.proposal import Proposal


_LONGEST_PATH = 255  # characters; longer texts are running text
_FILE_NAME = re.compile(r"\S+\.\w{1,8}|\S*[/\\]\S*")  # a text like this that names nothing is a path with a mistake


@dataclass(frozen=True, kw_only=True)
class GivenData:
    """What `data=`, `target=`, `validation=` and `test=` give.

    Attributes:
        memory: objects of the program; None where there are none.
        path: a file or folder; None where there is none.
        target: the column to predict.
    """

    memory: MemoryData | None = None
    path: Path | None = None
    target: str | None = None

    def load(self, recipe: str | Path | None, overrides: Overrides = ()) -> LoadedRecipe:
        """Load a recipe for the data; where none is named, propose one as `zoo init` does.

        Raises:
            ZooError: a problem with the recipe; or the data does not tell which one would do.
        """
        if recipe is None:
            return self._proposed(override_lines(overrides))
        lines = [*override_lines(overrides), *data_overrides(self.memory, self.target)]
        if self.path is not None:
            from zoo.data.proposal.find import form_of

            source = {"data.source": f"{form_of(self.path)}:{self.path.resolve()}"}
            lines += override_lines(source | ({} if self.target is None else {"data.target": self.target}))
        return load_recipe(recipe, lines, examples=None if self.memory is None else len(self.memory))

    def propose(self) -> Proposal:
        """Return what `zoo init` proposes for the data.

        Raises:
            ZooError: the data tells no task or target.
        """
        from zoo.data.proposal.find import propose
        from zoo.data.proposal.memory import propose_memory

        if self.memory is not None:
            return propose_memory(self.memory, self.target)
        if self.path is None:
            raise ZooError("name a recipe, or give data=, for which one can be proposed")
        return propose(self.path, str(self.path.resolve()), self.target)

    def _proposed(self, overrides: Sequence[str]) -> LoadedRecipe:
        proposal = self.propose()
        name = "data" if self.path is None else self.path.stem
        with TemporaryDirectory() as folder:
            file = Path(folder) / f"{name}.yaml"
            file.write_text(proposal.text(f"zoo.init({self.shown})", "zoo.train(…)"), encoding="utf-8")
            what = "data" if self.path is None else self.path.name
            loaded = load_recipe(file, overrides, shown=f"the recipe proposed for {what}")
        doubts = [f"look at this: {doubt}" for doubt in proposal.doubts]
        reasons = [reason for reason in proposal.reasons if not reason.startswith("search.")]
        if self.path is not None:  # the exported card holds the notes, and is for others
            reasons = [reason.replace(str(self.path.resolve()), self.path.name) for reason in reasons]
        notes = [f"no recipe was named; proposed is {reason}" for reason in reasons]
        return replace(loaded, notes=(*notes, *doubts, *loaded.notes))

    @property
    def shown(self) -> str:
        """What messages call the data."""
        return "data" if self.path is None else str(self.path)


def given(data: Any, target: str | None = None, validation: Any = None, test: Any = None) -> GivenData:
    """Return what arguments give; data sets of other libraries are read.

    Raises:
        ZooError: `target`, `validation` or `test` is given without data or with a path that does not take it, or a
            data set cannot be read.
    """
    if not is_path(data):
        return GivenData(memory=given_data(data, target, validation, test), target=target)
    splits = [f"{name}=" for name, value in {"validation": validation, "test": test}.items() if value is not None]
    if splits:
        raise ZooError(
            f"{', '.join(splits)}: data= is a path, whose splits are folders or files of its own, or a column "
            "(data.split_column); leave it out, or read the files into frames"
        )
    return GivenData(path=Path(data).expanduser(), target=target)


def is_path(data: Any) -> bool:
    """Return whether data is a path: a `Path`, or a text that names what is there or looks like a file's name."""
    if isinstance(data, os.PathLike):
        return True
    if not isinstance(data, str) or len(data) > _LONGEST_PATH or "\n" in data:
        return False
    try:
        return Path(data).expanduser().exists() or bool(_FILE_NAME.fullmatch(data))
    except (OSError, RuntimeError, ValueError):  # a text that is no path
        return False


def given_data(data: Any, target: str | None = None, validation: Any = None, test: Any = None) -> MemoryData | None:
    """Return the data that arguments give, read if it is a data set of another library; None where there is none.

    Raises:
        ZooError: `target`, `validation` or `test` is given without data, or a data set cannot be read.
    """
    if data is None:
        alone = {"target": target, "validation": validation, "test": test}
        given = [f"{name}=" for name, value in alone.items() if value is not None]
        if given:
            raise ZooError(
                f"{', '.join(given)} goes with data=, which is not given; a recipe has its own source and data.target"
            )
        return None
    from zoo.data.memory.datasets import hold

    return hold(data, validation, test)


def data_overrides(memory: MemoryData | None, target: str | None) -> list[str]:
    """Return the overrides by which a recipe reads what was given."""
    if memory is None:
        return []
    return override_lines({"data.source": memory.source, **({} if target is None else {"data.target": target})})
