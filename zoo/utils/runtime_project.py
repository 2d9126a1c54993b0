"""The runtime's packages and requirements. `runtime/setup.py` runs this file by itself: it imports nothing of ours."""

from __future__ import annotations

import configparser
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

PACKAGES = (
    "zoo",
    "zoo.backend",
    "zoo.cli",
    "zoo.commands",
    "zoo.data",
    "zoo.data.augmentation",
    "zoo.data.memory",
    "zoo.data.sources",
    "zoo.data.tables",
    "zoo.postprocessing",
    "zoo.recipe",
    "zoo.serving",
    "zoo.serving.drift",
    "zoo.serving.layouts",
    "zoo.serving.server",
    "zoo.serving.server.grpc_service",
    "zoo.serving.server.page",
    "zoo.tasks",
    "zoo.utils",
)
REQUIRED = ("numpy", "onnxruntime", "pillow", "rich", "typer")
SERVER = ("fastapi", "httptools", "prometheus_client", "uvicorn", "uvloop")
EXTRAS = {
    "audio": ("soundfile", "soxr"),
    "serve-grpc": ("grpcio", "protobuf"),
    "tables": ("pandas", "pyarrow"),
    "text": ("tokenizers",),
}


def read_config(path: Path) -> configparser.ConfigParser:
    """Return what `setup.cfg` of the whole package says."""
    config = configparser.ConfigParser()
    config.read(path, encoding="utf-8")
    return config


def requirement_lines(config: configparser.ConfigParser) -> list[str]:
    """Return every requirement of the whole package, those of its extras too."""
    texts = [config["options"]["install_requires"], *config["options.extras_require"].values()]
    return [line.strip() for text in texts for line in text.splitlines() if line.strip()]


def by_name(lines: Iterable[str]) -> dict[str, str]:
    """Return requirements by the names of their packages."""
    return {re.split(r"[\[<>=!~; ]", line)[0]: line for line in lines}


def requirements(lines: Iterable[str]) -> list[str]:
    """Return those of the runtime.

    Args:
        lines: those of the whole package.
    """
    known = by_name(lines)
    return [known[name] for name in (*REQUIRED, *SERVER)]


def extras(lines: Iterable[str]) -> dict[str, list[str]]:
    """Return those of the runtime's extras.

    Args:
        lines: those of the whole package.
    """
    known = by_name(lines)
    return {extra: [known[name] for name in names] for extra, names in EXTRAS.items()}


def package_data(config: configparser.ConfigParser) -> Mapping[str, list[str]]:
    """Return the data files of the runtime's packages, as patterns."""
    given = config["options.package_data"]
    return {name: [part.strip() for part in given[name].split(",")] for name in PACKAGES if name in given}
