"""Images per second of a diffusion model's sampler: the exported file in onnxruntime beside Keras.

python benchmarks/sampler.py RUN [--images 64] [--rounds 5]

RUN is a run of the diffusion family. Both make the same images from the same noise, in turn, after a warm-up, with
their default number of threads; medians are printed. The size of the file is compared with that of its denoiser alone.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
from results import SAMPLER, sampler

from zoo.export.convert import to_onnx
from zoo.training.generative.views import SAMPLE, draw_inputs, sampling_of
from zoo.training.run import hardware, open_run, versions
from zoo.training.saved_model import load_model
from zoo.utils.files import read_json, write_json
from zoo.utils.onnx_session import open_session


def time_calls(call: Callable[[], object], rounds: int) -> list[float]:
    """Return the seconds of each call."""
    found = []
    for _ in range(rounds):
        start = time.perf_counter()
        call()
        found.append(time.perf_counter() - start)
    return found


def main() -> None:
    """Measure and keep the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", metavar="RUN")
    parser.add_argument("--images", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    run = open_run(given.run)
    settings = sampling_of(run.recipe().recipe)
    model = load_model(run)
    labels = np.arange(given.images) % 10 if any(x.name == "label" for x in model.inputs) else None
    inputs = draw_inputs(model, given.images, 0, labels)
    file = run.folder / "export" / "model.onnx"
    session = open_session(file)
    feeds = {x.name: value for x, value in zip(model.inputs, inputs, strict=True)}
    if "guidance" in {x.name for x in session.get_inputs()}:
        feeds["guidance"] = np.array([settings.guidance or 1.0], np.float32)
    candidates = {
        "ONNX": lambda: session.run(["sample"], feeds)[0],
        "Keras": lambda: model.predict_on_batch(inputs if len(inputs) > 1 else inputs[0]),
    }
    images = {name: call() for name, call in candidates.items()}  # warm-up, and parity
    seconds: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(given.rounds):
        for name, call in candidates.items():
            seconds[name] += time_calls(call, 1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "denoiser.onnx"
        network = model.get_layer(SAMPLE).denoiser
        onnx.save(to_onnx(network, [x.name for x in network.inputs], ["prediction"]), path)
        alone = path.stat().st_size
    write_json(
        SAMPLER,
        {
            "recipe": run.name,
            "steps": settings.steps,
            "sampler": settings.sampler,
            "images": given.images,
            "rounds": given.rounds,
            "images_per_second": {n: given.images / statistics.median(s) for n, s in seconds.items()},
            "difference": float(np.abs(images["ONNX"] - images["Keras"]).max()),
            "certificate": read_json(run.folder / "export" / "certificate.json"),
            "bytes": {"sampler": file.stat().st_size, "denoiser": alone},
            "versions": {k: v for k, v in versions().items() if k in ("keras", "tensorflow", "onnxruntime")},
            "hardware": hardware(),
        },
    )
    print(sampler())


if __name__ == "__main__":
    main()
