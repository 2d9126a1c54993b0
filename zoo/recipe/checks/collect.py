"""Collecting what is wrong with a recipe."""

from __future__ import annotations

from zoo.recipe.problems import Problem
from zoo.recipe.schema import Recipe
from zoo.recipe.source import KeyPath
from zoo.tasks import TASKS


class Checks:
    """The problems of one recipe.

    Attributes:
        recipe: the recipe, whose types the schema has checked.
        task: its task.
        found: the problems so far.
    """

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.task = TASKS[recipe.task]
        self.found: list[Problem] = []

    def add(self, path: KeyPath, text: str) -> None:
        """Add a problem."""
        self.found.append(Problem(path, "inconsistent", text))

    def refuse(self, condition: object, path: KeyPath, text: str) -> None:
        """Add a problem where the condition holds."""
        if condition:
            self.add(path, text)

    def belongs(self, path: KeyPath, *, given: bool, wanted: bool, example: str, purpose: str) -> None:
        """Refuse a key that the task needs and that is missing, or that is given and is for another task."""
        self.refuse(wanted and not given, path, f"required, and missing: {example}")
        self.refuse(given and not wanted, path, f"is for {purpose}, and the task is {self.recipe.task}")

    def maps_pixels_to(self, low: float, high: float) -> bool:
        """Return whether `preprocess` maps pixels from [0, 255] to [`low`, `high`]."""
        ends = [0.0, 255.0]
        for step in self.recipe.preprocess:
            if step.standardize is not None:
                return False
            if step.rescale is not None:
                ends = [end * step.rescale.scale + step.rescale.offset for end in ends]
        return all(abs(end - wanted) < 1e-3 for end, wanted in zip(ends, (low, high), strict=True))
