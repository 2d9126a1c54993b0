"""The runtime: the files of `zoo/` that serve an exported file, without what trains a model.

Packages are named in `zoo/utils/runtime_project.py`; version and ranges of requirements are those of `setup.cfg`.
"""

import runpy
from pathlib import Path

from setuptools import setup

SOURCES = Path(__file__).resolve().parent.parent
runtime = runpy.run_path(str(SOURCES / "zoo" / "utils" / "runtime_project.py"))
whole = runtime["read_config"](SOURCES / "setup.cfg")
lines = runtime["requirement_lines"](whole)

setup(
    name=f"{whole['metadata']['name']}-runtime",
    version=whole["metadata"]["version"],
    description="Serves the ONNX files of keras-model-zoo: onnxruntime, without Keras and TensorFlow",
    license=whole["metadata"]["license"],
    python_requires=whole["options"]["python_requires"],
    packages=list(runtime["PACKAGES"]),
    package_dir={"zoo": "../zoo"},
    package_data=runtime["package_data"](whole),
    install_requires=runtime["requirements"](lines),
    extras_require=runtime["extras"](lines),
    entry_points={"console_scripts": [whole["options.entry_points"]["console_scripts"].strip()]},
)
