"""Exported files that were damaged or changed, and what becomes of each: `python damaged_files.py ORIGINAL FILE...`.

Each file is opened in a process that may die. A line of JSON is printed before and after each one, so that the process
that started this one knows which killed it.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

SIZES = (1, 4, 64)  # bytes that are changed at a time


def _flip(content: bytes, draw: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(draw.choice(SIZES)):
        changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(8)
    return bytes(changed)


def _overwrite(content: bytes, draw: random.Random) -> bytes:
    at, size = draw.randrange(len(content)), draw.choice(SIZES)
    return content[:at] + draw.randbytes(size) + content[at + size :]


def _cut(content: bytes, draw: random.Random) -> bytes:
    return content[: draw.randrange(len(content))]


def _cut_out(content: bytes, draw: random.Random) -> bytes:
    at = draw.randrange(len(content))
    return content[:at] + content[at + draw.choice(SIZES) :]


def _lengthen(content: bytes, draw: random.Random) -> bytes:
    return content + draw.choice([b"\0", draw.randbytes(9), content])


def _unchanged(content: bytes, draw: random.Random) -> bytes:
    return content


def _of_model(change: Callable[[object, random.Random], None]) -> Callable[[bytes, random.Random], bytes]:
    def mutate(content: bytes, draw: random.Random) -> bytes:
        import onnx

        model = onnx.load_from_string(content)
        change(model, draw)
        return model.SerializeToString()

    return mutate


def _remove_node(model, draw):
    del model.graph.node[draw.randrange(len(model.graph.node))]


def _swap_operator(model, draw):
    draw.choice(model.graph.node).op_type = draw.choice(["Add", "Loop", "LSTM", "Reshape", "Nothing", "Slice"])


def _swap_inputs(model, draw):
    nodes = [node for node in model.graph.node if node.input]
    draw.choice(nodes).input[0] = draw.choice(nodes).input[0]


def _huge_sizes(model, draw):
    tensor = draw.choice(model.graph.initializer)
    tensor.dims[:] = [2**31, 2**31]


def _negative_sizes(model, draw):
    draw.choice(model.graph.initializer).dims[:] = [-3]


def _external(model, draw):
    tensor = max(model.graph.initializer, key=lambda t: len(t.raw_data))
    tensor.ClearField("raw_data")
    tensor.data_location = 1
    place = tensor.external_data.add()
    place.key, place.value = "location", draw.choice(["/etc/passwd", "../../../etc/passwd", "weights.bin", ""])


def _other_type(model, draw):
    draw.choice(model.graph.initializer).data_type = draw.randrange(0, 20)


def _other_opset(model, draw):
    model.opset_import[0].version = draw.choice([1, 7, 99, -1])


def _other_ir_version(model, draw):
    model.ir_version = draw.choice([0, 3, 99])


def _rename_input(model, draw):
    model.graph.input[0].name = "other"


def _remove_output(model, draw):
    del model.graph.output[0]


def _change_metadata(model, draw):
    entry = draw.choice(model.metadata_props)
    entry.value = draw.choice(["", "{", entry.value[::-1], entry.value.replace("1", "2"), "null", "[]"])


def _remove_metadata(model, draw):
    del model.metadata_props[draw.randrange(len(model.metadata_props))]


def _rename_metadata(model, draw):
    draw.choice(model.metadata_props).key = draw.choice(["zoo.signature", "zoo.format", "other"])


MUTATIONS: dict[str, Callable[[bytes, random.Random], bytes]] = {
    "flip": _flip,
    "overwrite": _overwrite,
    "cut": _cut,
    "cut_out": _cut_out,
    "lengthen": _lengthen,
    "unchanged": _unchanged,
    **{
        name.__name__.strip("_"): _of_model(name)
        for name in (
            *(_remove_node, _swap_operator, _swap_inputs, _huge_sizes, _negative_sizes, _external, _other_type),
            *(_other_opset, _other_ir_version, _rename_input, _remove_output),
            *(_change_metadata, _remove_metadata, _rename_metadata),
        )
    },
}


def mutate(content: bytes, number: int) -> tuple[str, bytes]:
    """Return the name of a mutation, which follows from the number, and what it makes of a file."""
    name = list(MUTATIONS)[number % len(MUTATIONS)]
    return name, MUTATIONS[name](content, random.Random(number))


def answer(path: Path) -> list[np.ndarray]:
    """Return what a file answers to a fixed input, through `ExportedModel`."""
    from zoo.serving.exported_model import ExportedModel

    model = ExportedModel(path)
    draw = np.random.default_rng(0)
    if model.kind == "noise":
        return [model.sample(2, seed=0)]
    sizes = [n or 8 for n in model.shape]
    raw = {
        "image": lambda: draw.integers(0, 256, (2, *sizes), dtype=np.uint8),
        "array": lambda: draw.normal(size=(2, *sizes)),
        "table": lambda: {c.name: draw.normal(size=2) for c in model.columns},
        "text": lambda: ["2nd of May 1999", ""],
        "tokens": lambda: draw.integers(1, 8, (2, *sizes)),
        "graph": lambda: {"nodes": draw.normal(size=(2, *sizes)), "edges": np.array([[[0, 1], [1, 2]]] * 2)},
    }[model.kind]()
    found = model.predict(raw)
    labels = [] if found.labels is None else [np.array([str(label) for label in found.labels])]
    return [np.asarray(found.output), *labels, np.array(model.labels)]


def outcome(path: Path, expected: list[np.ndarray]) -> str:
    """Return "equal", "refused", or what else became of a file."""
    from zoo.errors import ZooError

    try:
        found = answer(path)
    except ZooError as error:
        return "refused" if str(error).strip() and "\n" not in str(error) else f"unclear: {error}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    same = len(found) == len(expected) and all(map(np.array_equal, found, expected))
    return "equal" if same else "other answers"


if __name__ == "__main__":
    known = answer(Path(sys.argv[1]))
    for name in sys.argv[2:]:
        print(json.dumps([name, "died"]), flush=True)
        print(json.dumps([name, outcome(Path(name), known)]), flush=True)
