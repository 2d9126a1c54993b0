"""Run folders that were damaged in one of their files, and what each command makes of them.

python damaged_runs.py RUN OTHER INPUT FIRST:STOP…    print what became of damages of a run and of one cut short
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

LIMIT_SECONDS = 60  # for one command: a pipe or a damaged size must not hold it up
TRAINED = ("model.keras", "training.json", "report.json", "report.html", "export", "metrics.csv")  # not of a cut run
TEXTS = (".json", ".yaml")
WRONG = (None, [], {}, "text", 3, [1, "a"], {"a": None}, True)


class NoEndError(BaseException):
    """A command took too long; nothing may take it for a problem of a file."""


@dataclass(frozen=True)
class Damage:
    """What a damage does to the run, and to which file."""

    kind: str
    path: Path


def _missing(path: Path, draw: random.Random, other: Path) -> None:
    path.unlink()


def _emptied(path: Path, draw: random.Random, other: Path) -> None:
    path.write_bytes(b"")


def _cut(path: Path, draw: random.Random, other: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def _garbage(path: Path, draw: random.Random, other: Path) -> None:
    path.write_bytes(draw.randbytes(200))


def _flipped(path: Path, draw: random.Random, other: Path) -> None:
    content = bytearray(path.read_bytes())
    for _ in range(20):
        content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
    path.write_bytes(bytes(content))


def _folder(path: Path, draw: random.Random, other: Path) -> None:
    path.unlink()
    path.mkdir()


def _pipe(path: Path, draw: random.Random, other: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _broken_link(path: Path, draw: random.Random, other: Path) -> None:
    path.unlink()
    path.symlink_to(path.parent / "nowhere")


def _of_another_run(path: Path, draw: random.Random, other: Path) -> Path:
    """Put another run's file in the place of this one, and return it; a state keeps its name, which has a checksum."""
    same = sorted(
        Path(other).rglob(path.name.replace(path.stem, "step-*") if path.name.startswith("step-") else path.name)
    )
    path.unlink()
    if path.name.startswith("step-"):
        for state in path.parent.glob("step-*"):
            state.unlink()
        path = path.parent / same[-1].name
        shutil.copyfile(same[-1], path)
    elif same:
        shutil.copyfile(same[0], path)
    return path


def _of_wrong_type(path: Path, draw: random.Random, other: Path) -> None:
    _write(path, draw.choice(WRONG))


def _without_a_key(path: Path, draw: random.Random, other: Path) -> None:
    tree = _read(path)
    del tree[draw.choice(sorted(tree))]
    _write(path, tree)


def _with_a_wrong_value(path: Path, draw: random.Random, other: Path) -> None:
    tree = _read(path)
    holder = tree
    key = draw.choice(sorted(holder))
    while isinstance(holder[key], dict) and holder[key] and draw.random() < 0.6:
        holder = holder[key]
        key = draw.choice(sorted(holder))
    holder[key] = draw.choice([wrong for wrong in WRONG if type(wrong) is not type(holder[key])])
    _write(path, tree)


def _read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def _write(path: Path, tree: Any) -> None:
    dump = yaml.safe_dump if path.suffix == ".yaml" else json.dumps
    path.write_text(dump(tree), encoding="utf-8")


_ANY = (_missing, _emptied, _cut, _garbage, _flipped, _folder, _pipe, _broken_link, _of_another_run)
_OF_TEXTS = (_of_wrong_type, _without_a_key, _with_a_wrong_value)


def damage(folder: Path, number: int, other: Path) -> Damage:
    """Damage one file of a run; which and how follows from the number.

    Args:
        folder: the run, of which each file has its turn.
        number: of the damage.
        other: another run, whose files take the place of this one's.
    """
    draw = random.Random(number)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    path = files[number % len(files)]
    kinds = [*_ANY, *(_OF_TEXTS * 2 if path.suffix in TEXTS else ())]
    change = kinds[(number // len(files) * 5 + number) % len(kinds)]
    path = change(path, draw, other) or path
    return Damage(change.__name__.strip("_"), path.relative_to(folder))


def interrupt(folder: Path) -> Path:
    """Make a run one that was killed at the last state but one."""
    for name in TRAINED:
        path = folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    states = sorted((folder / "checkpoints").glob("step-*.npz"))
    for state in states[1:]:
        state.unlink()
    return folder


def _show(folder: Path, inputs: Path) -> Any:
    from zoo.recipe import load_recipe

    load_recipe(folder / "recipe.yaml").annotated()  # it shows what the file holds, whatever the run was
    return True


def _predict(folder: Path, inputs: Path) -> Any:
    from zoo.serving.predict import predict_each

    return list(predict_each(folder / "export" / "model.onnx", [inputs]))


def _evaluate(folder: Path, inputs: Path) -> Any:
    import zoo

    found = zoo.evaluate(folder)
    return {key: found[key] for key in ("recipe", "task", "samples", "metrics", "intervals")}


def _evaluate_data(folder: Path, inputs: Path) -> Any:
    import zoo

    return zoo.evaluate(folder, inputs)["metrics"]


def _load(folder: Path, inputs: Path) -> Any:
    import zoo

    return [w.tolist() for w in zoo.load(folder).model.get_weights()]


def _export(folder: Path, inputs: Path) -> Any:
    import zoo

    certificate = zoo.export(folder)
    return [certificate["label_flips"], certificate["samples"], _predict(folder, inputs)]


def _report(folder: Path, inputs: Path) -> Any:
    from zoo.commands.report import report

    found = report(folder)
    return {key: found[key] for key in ("recipe", "task", "metrics", "intervals", "history", "kept_epoch", "verdict")}


def _resume(folder: Path, inputs: Path) -> Any:
    import zoo

    zoo.train(None, resume=folder)
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    timeless = [{k: v for k, v in row.items() if k != "seconds"} for row in report["history"]]
    return [_load(folder, inputs), report["metrics"], timeless, _predict(folder, inputs)]


COMMANDS: dict[str, Callable[[Path, Path], Any]] = {
    "show": _show,
    "predict": _predict,
    "evaluate": _evaluate,
    "evaluate data": _evaluate_data,
    "load": _load,
    "export": _export,
    "report": _report,
    "resume": _resume,
}
READING = ("show", "predict", "evaluate", "evaluate data", "load")  # these leave the run as it is


@contextmanager
def limited() -> Iterator[None]:
    """Stop a command that does not end."""

    def stop(*_: Any) -> None:
        raise NoEndError(f"no end after {LIMIT_SECONDS} seconds")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(LIMIT_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def outcome(command: str, folder: Path, inputs: Path, expected: Any, damaged: Path) -> str:
    """Return "right", "refused", or what else a command made of a damaged run.

    Args:
        command: one of `COMMANDS`.
        folder: the run.
        inputs: labelled examples.
        expected: what the command gives of the whole run.
        damaged: the file that is damaged.
    """
    from zoo.errors import ZooError

    try:
        with limited():
            found = COMMANDS[command](folder, inputs)
    except ZooError as error:
        text = str(error)
        named = damaged.name in text or "this run is finished already" in text
        return "refused" if named and "Traceback" not in text else f"unclear: {text}"
    except (Exception, NoEndError) as error:
        return f"{type(error).__name__}: {error}"
    return "right" if found == expected else "wrong: other than of the whole run"


def outcomes(
    run: Path, other: Path, inputs: Path, numbers: Iterable[int], scratch: Path, *, all_commands: bool = True
) -> Iterator[tuple[str, str, str]]:
    """Damage copies of a run, and of one that was interrupted; yield the damage, the command and what became of it.

    Args:
        run: a whole run.
        other: another run of the same recipe with another seed.
        inputs: labelled examples.
        numbers: of the damages.
        scratch: an empty folder.
        all_commands: try each command on each damage; of those that write a run otherwise only one.
    """
    whole = {"finished": run, "interrupted": interrupt(shutil.copytree(run, scratch / "interrupted"))}
    expected: dict[tuple[str, str], Any] = {}
    for name in COMMANDS:
        if name == "resume":
            folder = shutil.copytree(whole["interrupted"], scratch / "expected")
            expected["interrupted", name] = expected["finished", name] = COMMANDS[name](folder, inputs)
        else:
            folder = shutil.copytree(run, scratch / f"expected {name}")
            expected["finished", name] = COMMANDS[name](folder, inputs)
    for number in numbers:
        writing = [key for key in expected if key[1] not in READING]
        left_out = [] if all_commands else [key for i, key in enumerate(writing) if i != number % len(writing)]
        for state, name in expected:
            if (state, name) in left_out:
                continue
            folder = scratch / f"{number} {state}" / ("read" if name in READING else name) / "run"
            if not folder.exists():
                shutil.copytree(whole[state], folder)
                done = damage(folder, number, other)
            found = outcome(name, folder, inputs, expected[state, name], done.path)
            yield f"{number} {state} {done.path} {done.kind}", name, found
        for state in whole:
            shutil.rmtree(scratch / f"{number} {state}", ignore_errors=True)


if __name__ == "__main__":
    run, other, inputs = (Path(argument) for argument in sys.argv[1:4])
    numbers = [n for part in sys.argv[4:] for n in range(*map(int, part.split(":")))]
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as scratch:
        for what, command, found in outcomes(run, other, inputs, numbers, Path(scratch)):
            counts[found if found in ("right", "refused") else "anything else"] += 1
            print(f"{what}: {command}: {found}", flush=True)
    print(dict(counts))
