"""Something to do once Keras has been imported, whoever imports it."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType


def after_keras_import(action: Callable[[], None]) -> None:
    """Do something at once where Keras is imported already, and else right after it has been."""
    if "keras" in sys.modules:
        action()
    else:
        sys.meta_path.insert(0, _KerasFinder(action))


class _KerasFinder(MetaPathFinder):
    """Let the other finders find Keras, and act when its module has been executed."""

    def __init__(self, action: Callable[[], None]) -> None:
        self.action = action

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec of Keras with a loader that acts; None for every other module."""
        if name != "keras" or self not in sys.meta_path:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is None or spec.loader is None:
            return spec
        execute = spec.loader.exec_module

        def execute_and_act(module: ModuleType) -> None:
            execute(module)
            self.action()

        spec.loader.exec_module = execute_and_act  # type: ignore[method-assign]
        return spec
