"""Which build of PyTorch works beside TensorFlow."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distribution


def require_cpu_torch() -> None:
    """Refuse, before torch is imported, a build for CUDA: beside TensorFlow it ends the process without a word.

    Raises:
        SystemExit: torch is not installed, or is a build for CUDA.
    """
    wanted = "the CPU build is needed, whose wheels are named torch-VERSION+cpu and stand on PyTorch's index for CPUs"
    try:
        found = distribution("torch")
    except PackageNotFoundError:
        raise SystemExit(f"torch is not installed: {wanted}") from None
    for_cuda = any(requirement.lower().startswith(("nvidia-", "cuda-")) for requirement in found.requires or ())
    if "+cpu" not in found.version and ("+cu" in found.version or for_cuda):
        raise SystemExit(
            f"torch {found.version} is a build for CUDA, which ends the process without a word beside TensorFlow: "
            f"{wanted}"
        )
