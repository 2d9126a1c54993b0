"""Export: the ONNX file, the proof that it equals the evaluated model, and its card.

The public function `zoo.export` has this package's name. Once the package is imported it stands in the function's
place, so it can be called as the function can.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any


class _CallablePackage(ModuleType):
    def __call__(self, *arguments: Any, **options: Any) -> dict[str, Any]:
        """Export a run: see `zoo.commands.export.export`."""
        exported: dict[str, Any] = importlib.import_module("zoo.commands.export").export(*arguments, **options)
        return exported


sys.modules[__name__].__class__ = _CallablePackage
