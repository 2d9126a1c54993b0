"""The runtime: the files of `zoo/` that serve an exported file, without what trains a model.

Version and ranges of requirements are those of the whole package, read from its `setup.cfg`.
"""

import configparser
import re
from pathlib import Path

from setuptools import setup

SOURCES = Path(__file__).resolve().parent.parent
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
    "zoo.serving.server",
    "zoo.serving.server.page",
    "zoo.tasks",
    "zoo.utils",
)
REQUIRED = ("numpy", "onnxruntime", "pillow", "rich", "typer")
SERVER = ("fastapi", "httptools", "prometheus_client", "uvicorn", "uvloop")
EXTRAS = {"audio": ("soundfile", "soxr"), "tables": ("pandas", "pyarrow"), "text": ("tokenizers",)}

whole = configparser.ConfigParser()
whole.read(SOURCES / "setup.cfg", encoding="utf-8")
texts = [whole["options"]["install_requires"], *whole["options.extras_require"].values()]
ranges = {re.split(r"[\[>]", line)[0]: line for text in texts for line in text.splitlines() if line}

setup(
    name=f"{whole['metadata']['name']}-runtime",
    version=whole["metadata"]["version"],
    description="Serves the ONNX files of keras-model-zoo: onnxruntime, without Keras and TensorFlow",
    license=whole["metadata"]["license"],
    python_requires=whole["options"]["python_requires"],
    packages=list(PACKAGES),
    package_dir={"zoo": "../zoo"},
    package_data={"zoo": ["py.typed"], "zoo.serving.server.page": ["static/*"]},
    install_requires=[ranges[name] for name in (*REQUIRED, *SERVER)],
    extras_require={extra: [ranges[name] for name in names] for extra, names in EXTRAS.items()},
    entry_points={"console_scripts": [whole["options.entry_points"]["console_scripts"].strip()]},
)
