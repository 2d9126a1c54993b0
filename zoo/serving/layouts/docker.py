"""The context of a container image: a Dockerfile, the runtime's sources and the file, served by `zoo serve`."""

from __future__ import annotations

import json
import re
import shutil
import sys
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

from zoo.errors import ZooError
from zoo.serving.layouts.deployment import Deployment
from zoo.utils.runtime_project import PACKAGES, by_name, extras, read_config, requirement_lines, requirements
from zoo.utils.version import DISTRIBUTIONS, __version__

PORT = 8080
_SOURCES = Path(__file__).resolve().parents[3]
_EXTRA = re.compile(r"""\s*(?:and\s+)?\bextra\s*==\s*["'][^"']*["']""")  # in the marker of a requirement


def write_docker(folder: Path, deployment: Deployment) -> None:
    """Write the context to an empty folder.

    Raises:
        ZooError: the requirements of the installed package are not known.
    """
    deployment.copy_to(folder / "model")
    write_runtime(folder / "runtime")
    (folder / "Dockerfile").write_text(dockerfile(deployment), encoding="utf-8")


def dockerfile(deployment: Deployment) -> str:
    """Return the Dockerfile: the Python that runs here, the runtime with the extras that the file needs, one model."""
    signature = deployment.model.exported.signature
    needs_text = signature.tokenizer is not None and signature.tokenizer.level == "subword"
    needed = ["audio"] * (signature.kind == "audio") + ["text"] * needs_text
    project = f"./runtime[{','.join(needed)}]" if needed else "./runtime"
    command = ["zoo", "serve", f"{deployment.name}=model/model.onnx", "--host", "0.0.0.0", "--port", str(PORT)]
    ready = f"import urllib.request; urllib.request.urlopen('http://127.0.0.1:{PORT}/v2/health/ready')"
    return f"""\
# docker build -t {deployment.name.lower()} . && docker run -p {PORT}:{PORT} {deployment.name.lower()}
FROM python:{sys.version_info.major}.{sys.version_info.minor}-slim
WORKDIR /srv
COPY runtime runtime
RUN pip install --no-cache-dir "{project}" && rm -r runtime
COPY model model
USER nobody
EXPOSE {PORT}
HEALTHCHECK CMD {json.dumps(["python", "-c", ready])}
ENTRYPOINT {json.dumps(command)}
"""


def write_runtime(folder: Path) -> None:
    """Write the runtime as a project of its own: the installed sources, and their requirements.

    Raises:
        ZooError: the requirements are not known.
    """
    for package in PACKAGES:
        _copy_package(_SOURCES.joinpath(*package.split(".")), folder.joinpath(*package.split(".")))
    lines = _installed_requirements()
    optional = "\n".join(f"{name} = {json.dumps(needed)}" for name, needed in extras(lines).items())
    (folder / "pyproject.toml").write_text(
        f"""\
[build-system]
requires = ["setuptools>=77,<83"]
build-backend = "setuptools.build_meta"

[project]
name = "{DISTRIBUTIONS[-1]}"
version = "{__version__}"
requires-python = ">={sys.version_info.major}.{sys.version_info.minor}"
dependencies = {json.dumps(requirements(lines), indent=2)}

[project.optional-dependencies]
{optional}

[project.scripts]
zoo = "zoo.cli:main"

[tool.setuptools]
packages = {json.dumps(list(PACKAGES))}

[tool.setuptools.package-data]
"*" = ["**/*"]
""",
        encoding="utf-8",
    )


def _copy_package(source: Path, target: Path) -> None:
    """Copy the files of a package, and its folders that are no packages."""
    target.mkdir(parents=True, exist_ok=True)
    for path in source.iterdir():
        if path.is_file():
            shutil.copyfile(path, target / path.name)
        elif path.name != "__pycache__" and not (path / "__init__.py").exists():
            shutil.copytree(path, target / path.name, ignore=shutil.ignore_patterns("__pycache__"))


def _installed_requirements() -> list[str]:
    """Return the requirements of the sources that run: of a checkout by its `setup.cfg`, else by what pip installed."""
    config = _SOURCES / "setup.cfg"
    if config.is_file():
        return requirement_lines(read_config(config))
    for distribution in DISTRIBUTIONS:
        try:
            given = requires(distribution) or []
        except PackageNotFoundError:
            continue
        lines = [_without_extra(line) for line in given]
        return list(by_name(lines).values())
    raise ZooError("--layout docker: what zoo requires is not known, as it was not installed by pip: pip install .")


def _without_extra(line: str) -> str:
    requirement, _, marker = line.partition(";")
    marker = _EXTRA.sub("", marker).strip()
    return f"{requirement.strip()}; {marker}" if marker else requirement.strip()
