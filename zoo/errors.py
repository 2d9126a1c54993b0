"""The one error that is meant for the person at the keyboard."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType

MAX_SHOWN_NAMES = 5  # of files or rows in a message, which counts them all
_EXTRAS = {  # optional module: the package that holds it, and this project's extra that brings it
    "ai_edge_litert": ("ai-edge-litert", "litert"),
    "cleanlab": ("cleanlab", "audit"),
    "datasketch": ("datasketch", "audit"),
    "fastapi": ("fastapi", "serve"),
    "google": ("protobuf", "serve-grpc"),
    "grpc": ("grpcio", "distributed"),
    "huggingface_hub": ("huggingface_hub", "hub"),
    "jax": ("jax", "jax"),
    "mlcroissant": ("mlcroissant", "snapshot"),
    "openvino": ("openvino", "openvino"),
    "pandas": ("pandas", "tables"),
    "prometheus_client": ("prometheus_client", "serve"),
    "pyarrow": ("pyarrow", "tables"),
    "soundfile": ("soundfile", "audio"),
    "soxr": ("soxr", "audio"),
    "statsmodels": ("statsmodels", "forecast"),
    "tokenizers": ("tokenizers", "text"),
    "uvicorn": ("uvicorn", "serve"),
}


class ZooError(Exception):
    """Something the user can put right: a recipe, a data file, an argument.

    The message says what is wrong, where, what was received and what would be right. The command line prints it
    without a traceback and exits with code 2.
    """


@contextmanager
def prefixed(where: object) -> Iterator[None]:
    """Begin the message of a `ZooError` from within the block with where it is, such as a file."""
    try:
        yield
    except ZooError as error:
        raise ZooError(f"{where}: {error}") from error


def did_you_mean(name: str, valid: Iterable[str]) -> str:
    """Return "; did you mean 'x'?" for the valid name nearest to `name`, or an empty string."""
    nearest = difflib.get_close_matches(str(name), [str(v) for v in valid], n=1, cutoff=0.5)
    return f"; did you mean '{nearest[0]}'?" if nearest else ""


def visible(text: object) -> str:
    """Return the text on one line: a line break or another character that cannot be printed is shown as its escape."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text))


def listing(names: Iterable[object]) -> str:
    """Return the names, sorted and separated by commas, for use inside a message."""
    return ", ".join(sorted(visible(n) for n in names))


def first_few(names: Sequence[object]) -> str:
    """Return the first five and how many more there are: "a, b, c, d, e and 2 more"."""
    more = f" and {len(names) - MAX_SHOWN_NAMES:,} more" if len(names) > MAX_SHOWN_NAMES else ""
    return ", ".join(map(str, names[:MAX_SHOWN_NAMES])) + more


def counted(names: Iterable[object], what: str) -> str:
    """Return how many there are and the first five: "7 files: a.png, b.png, c.png, d.png, e.png, …".

    Args:
        names: files or rows, in the order in which they are shown.
        what: what they are, in the plural.
    """
    every = [visible(name) for name in names]
    more = ", …" if len(every) > MAX_SHOWN_NAMES else ""
    return f"{len(every):,} {what}: {', '.join(every[:MAX_SHOWN_NAMES])}{more}"


def import_extra(module: str, who: str, extra: str = "") -> ModuleType:
    """Import a module of an optional package.

    Args:
        module: the module, such as `statsmodels.datasets.co2`.
        who: what needs it, such as "builtin:co2".
        extra: that brings it, where several do.

    Raises:
        ZooError: the package is not installed; the message names the extra that brings it.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package, usual = _EXTRAS[module.partition(".")[0]]
        project = "./runtime" if is_runtime() else "."
        raise ZooError(
            f"{who} needs {package}, which is not installed: "
            f'pip install "{project}[{extra or usual}]" in the folder of zoo\'s sources'
        ) from error


def is_runtime() -> bool:
    """Return whether only the runtime is installed, which serves exported files and trains nothing."""
    return importlib.util.find_spec("zoo.training") is None


def not_in_runtime(who: str) -> ZooError:
    """Return the error of what the runtime cannot do, which names the package to install."""
    return ZooError(
        f"{who} needs all of keras-model-zoo, and only its runtime is installed: make another environment, and there "
        "pip install . in the folder of zoo's sources"
    )


@contextmanager
def needing_all(who: str) -> Iterator[None]:
    """Name the package to install where the block needs a module that the runtime leaves out.

    Raises:
        ZooError: only the runtime is installed, and it lacks a module.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if not is_runtime():
            raise
        raise not_in_runtime(who) from error
