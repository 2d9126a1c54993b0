"""Where onnxruntime runs a file: execution providers by their short names, and threads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from zoo.errors import ZooError, did_you_mean

PROVIDERS = {  # short name: onnxruntime's, and the package that has it
    "cpu": ("CPUExecutionProvider", "onnxruntime"),
    "cuda": ("CUDAExecutionProvider", "onnxruntime-gpu"),
    "openvino": ("OpenVINOExecutionProvider", "onnxruntime-openvino"),
    "coreml": ("CoreMLExecutionProvider", "onnxruntime on macOS"),
}
MAX_THREADS = 1024


@dataclass(frozen=True, kw_only=True)
class Execution:
    """Where a file is run.

    Attributes:
        providers: short names, the preferred one first; the CPU runs what the others cannot.
        threads: that one operation uses; None for one a physical core.
        spinning: threads that wait for work keep a core busy for a while, which makes one call after another faster and
            takes the core from other threads.

    Raises:
        ZooError: a name is none of `PROVIDERS`, or the threads are no whole number from 1 on.
    """

    providers: tuple[str, ...] = ("cpu",)
    threads: int | None = None
    spinning: bool = True

    def __post_init__(self) -> None:
        for name in self.providers:
            if name not in PROVIDERS:
                raise ZooError(
                    f"provider: expected one of {', '.join(PROVIDERS)}, received {name!r}"
                    f"{did_you_mean(str(name), PROVIDERS)}"
                )
        if not self.providers or len(set(self.providers)) < len(self.providers):
            raise ZooError(f"providers: expected different ones, at least one, received {list(self.providers)}")
        threads = self.threads
        if threads is not None and (
            isinstance(threads, bool) or not isinstance(threads, int) or not 1 <= threads <= MAX_THREADS
        ):
            raise ZooError(f"threads: expected a whole number from 1 to {MAX_THREADS:,}, received {threads!r}")

    def names(self) -> list[str]:
        """Return onnxruntime's names, that of the CPU last."""
        return [PROVIDERS[name][0] for name in dict.fromkeys((*self.providers, "cpu"))]

    def settings(self) -> dict[str, Any]:
        """Return what `zoo.ExportedModel` takes."""
        return {"providers": self.providers, "threads": self.threads, "spinning": self.spinning}

    def check(self, available: Sequence[str]) -> None:
        """Refuse a provider that an onnxruntime lacks.

        Args:
            available: onnxruntime's names of those that it has.

        Raises:
            ZooError: it lacks one; the message lists those that it has.
        """
        for name in self.providers:
            long_name, package = PROVIDERS[name]
            if long_name not in available:
                short = {long: known for known, (long, _) in PROVIDERS.items()}
                has = ", ".join(short.get(each, each) for each in available)
                raise ZooError(
                    f"provider '{name}': this onnxruntime has {has}; {package} has it, and takes the place of the "
                    "onnxruntime that is installed"
                )

    def check_started(self, started: Sequence[str]) -> None:
        """Refuse a session that runs without one of the providers: onnxruntime continues on the CPU where one fails.

        Raises:
            ZooError: one has not started.
        """
        for name in self.providers:
            if PROVIDERS[name][0] not in started:
                raise ZooError(
                    f"provider '{name}': onnxruntime has it and cannot start it here; its driver or libraries are "
                    "missing, or of another version"
                )


ON_CPU = Execution()


def execution(providers: str | Sequence[str], threads: int | None, *, spinning: bool = True) -> Execution:
    """Return where a file is run, from one provider's name or several.

    Raises:
        ZooError: see `Execution`.
    """
    several: Any = (providers,) if isinstance(providers, str) else tuple(providers)
    return Execution(providers=several, threads=threads, spinning=spinning)
