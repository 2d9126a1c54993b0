"""The version of this package."""

from __future__ import annotations

import configparser
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

DISTRIBUTIONS = ("keras-model-zoo", "keras-model-zoo-runtime")  # one of them is installed


def _version() -> str:
    """Return the version of the installed package; of a checkout that is not installed, that of its `setup.cfg`."""
    for package in DISTRIBUTIONS:
        try:
            return version(package)
        except PackageNotFoundError:
            continue
    declared = configparser.ConfigParser()
    declared.read(Path(__file__).resolve().parents[2] / "setup.cfg")
    return declared.get("metadata", "version", fallback="unknown")


__version__ = _version()
