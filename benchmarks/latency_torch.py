"""PyTorch's half of `latency.py`, a process of its own: networks in FOLDER, exported by torch's own exporter.

python benchmarks/latency_torch.py FOLDER [NETWORK …]    needs torch, onnxscript and timm
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import latency_networks
import numpy as np
import torch
import torch_networks


def network_of(folder: Path, facts: dict[str, Any]) -> torch.nn.Module:
    """Return a network with the weights in the folder; one of timm's leaves its own there."""
    if facts["published"]:
        import timm
        from safetensors.torch import save_file

        torch.manual_seed(0)
        network = timm.create_model(facts["network"], pretrained=False, **facts["arguments"])
        with torch.no_grad():
            for name, value in network.state_dict().items():
                if value.dtype == torch.float32:
                    moved = value + 0.05 * torch.randn_like(value)
                    value.copy_(moved.abs() if name.endswith("running_var") else moved)
        save_file(network.state_dict(), folder / "weights.safetensors")
        return network
    module = latency_networks if hasattr(latency_networks, facts["network"]) else torch_networks
    network = getattr(module, facts["network"])(**facts["arguments"])
    with np.load(folder / "weights.npz") as kept:
        weights: dict[str, list[np.ndarray]] = {}
        for key in kept.files:
            weights.setdefault(key.rpartition("/")[0], []).append(kept[key])
    torch_networks.load(network, weights)
    return network


def export(folder: Path) -> None:
    """Export one network, with the axes open that are open in the zoo's file."""
    facts = json.loads((folder / "case.json").read_text())
    network = network_of(folder, facts).eval()
    with np.load(folder / "inputs.npz") as kept:
        given: list[Any] = [torch.from_numpy(kept[f"arr_{i}"]) for i in range(len(kept.files))]
    axes: list[Any] = [{int(axis): torch.export.Dim.DYNAMIC for axis in each} for each in facts["open_axes"]]
    if facts["step"]:
        given, axes = [*given[:2], given[2:]], [*axes[:2], axes[2:]]
    program = torch.onnx.export(network, tuple(given), dynamo=True, dynamic_shapes=tuple(axes), verbose=False)
    if program is None:
        raise RuntimeError("torch.onnx.export gave no program")
    program.save(folder / "torch.onnx", external_data=False)


def main(folder: str, *names: str) -> None:
    """Export networks, and say by which versions."""
    for name in names:
        print(f"{name}: torch.onnx.export ...", flush=True)
        export(Path(folder) / name)
    versions = {"torch": torch.__version__, "onnxscript": version("onnxscript")}
    (Path(folder) / "versions.json").write_text(json.dumps(versions))


if __name__ == "__main__":
    main(*sys.argv[1:])
