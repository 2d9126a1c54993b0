"""The tables of README.md and docs/results.md, from the manifests of real runs.

python benchmarks/results.py add RUN [RUN ...]    keep a run's manifest in benchmarks/results/
python benchmarks/results.py write                write the tables again
python benchmarks/results.py check                fail if a page is not what `write` would make
python benchmarks/results.py stale                list the figures whose recipe or code has changed since
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from latency_table import table as latency
from quantized_table import table as quantized
from real_table import table as real_tables
from routes_table import table as routes

from zoo import registry
from zoo.errors import ZooError
from zoo.evaluation.metrics.names import TITLES
from zoo.recipe import list_recipes, load_recipe
from zoo.recipe.compose import composed
from zoo.recipe.load import published_source
from zoo.recipe.source import parse
from zoo.tasks import TASKS, words
from zoo.utils.files import read_json, write_json, write_text

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
SCARCE = RESULTS / "scarce_labels.json"  # written by scarce_labels.py
SAMPLER = RESULTS / "sampler.json"  # written by sampler.py
SPEED = RESULTS / "speed.json"  # written by speed.py
FOOTPRINT = RESULTS / "footprint.json"  # written by footprint.py
SEARCHES = RESULTS / "searches.json"  # written by search.py
ROBUST = RESULTS / "search_robust.json"  # written by search_robust.py
ANOMALY = RESULTS / "anomaly.json"  # written by anomaly.py
REAL = RESULTS / "real.json"  # written by real.py
KEPT = [
    "recipe",
    "task",
    "model",
    "metrics",
    "intervals",
    "baseline",
    "verdict",
    "seed",
    "seconds",
    "parameters",
    "flops",
    "versions",
    "hardware",
    "created",
]
KEPT_WHERE_KNOWN = ["config", "kept_epoch"]  # in reports of later versions


def add(run: Path) -> Path:
    """Keep what the tables need of a run's `report.json`, by recipe and seed."""
    report = read_json(run / "report.json")
    manifest: dict[str, Any] = {key: report[key] for key in KEPT}
    manifest |= {key: report[key] for key in KEPT_WHERE_KNOWN if key in report}
    manifest["commit"] = read_json(run / "environment.json").get("commit")
    manifest["data"] = {key: report["data"][key] for key in ("source", "fingerprint", "splits")}
    source = manifest["data"]["source"]
    manifest["data"]["source"] = published_source(source)
    if "config" in manifest:
        manifest["config"] = manifest["config"].replace(source, published_source(source))
    path = RESULTS / report["recipe"] / f"seed-{report['seed']}.json"
    write_json(path, manifest)
    return path


def manifests() -> dict[str, list[dict[str, Any]]]:
    """Return the kept manifests of each recipe, by seed."""
    found: dict[str, list[dict[str, Any]]] = {}
    for path in sorted(RESULTS.rglob("seed-*.json")):
        manifest = read_json(path)
        found.setdefault(manifest["recipe"], []).append(manifest)
    return found


def families() -> str:
    """Return the table of families and their builders."""
    rows = ["| family | builders | tasks |", "| --- | --- | --- |"]
    entries = [registry.entry(name) for name in registry.list_models()]
    for family in sorted({entry.family for entry in entries}):
        members = [entry for entry in entries if entry.family == family]
        names = ", ".join(f"`{entry.name}`" for entry in members)
        tasks = sorted({task.replace("_", " ") for entry in members for task in entry.tasks})
        rows.append(f"| {family} | {names} | {', '.join(tasks)} |")
    return "\n".join(rows)


def results() -> str:
    """Return the table of recipes and their figures."""
    rows = [
        "| recipe | model | parameters | test figure | seeds | baseline on the same split | training |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    kept = manifests()
    for recipe in list_recipes():
        runs = kept.get(recipe)
        if not runs:
            loaded = load_recipe(recipe).recipe
            rows.append(f"| `{recipe}` | {loaded.model.name} | | not run on this hardware | | | |")
            continue
        first = runs[0]
        metric = TASKS[first["task"]].primary
        title = TITLES[metric]
        values = [run["metrics"]["test"][metric] for run in runs]
        if len(values) > 1:
            figure = f"{title} {statistics.mean(values):.4f} ± {statistics.stdev(values):.4f}"
        else:
            bounds = first["intervals"]["test"].get(metric)
            figure = f"{title} {values[0]:.4f}" + (f" ({bounds[0]:.4f} to {bounds[1]:.4f})" if bounds else "")
        baseline = first["baseline"]
        beside = f"{words(baseline['name'])} {baseline['test'][metric]:.4f}" if baseline else ""
        seconds = statistics.mean(run["seconds"] for run in runs)
        time = f"{seconds / 60:.0f} min" if seconds >= 100 else f"{seconds:.0f} s"
        rows.append(
            f"| `{recipe}` | {first['model']} | {first['parameters']:,} | {figure} | {len(runs)} | {beside} | {time} |"
        )
    return "\n".join([*rows, "", _conditions(kept)])


def _conditions(kept: dict[str, list[dict[str, Any]]]) -> str:
    """Return what the figures were measured with."""
    runs = [run for group in kept.values() for run in group]
    versions = {f"{n} {run['versions'][n]}" for run in runs for n in ("keras", "tensorflow") if n in run["versions"]}
    machines = {_machine(run["hardware"]) for run in runs}
    chosen = {name: _chooses_epoch(group[0]) for name, group in kept.items()}
    last = [f"`{name}`" for name, is_chosen in chosen.items() if not is_chosen]
    return (
        f"Measured with {', '.join(sorted(versions))} on {'; '.join(sorted(machines))}. "
        "± is the standard deviation over seeds; in brackets the 95% interval of a single run. "
        f"The validation split chose the epoch that was kept in {len(chosen) - len(last)} of {len(chosen)} recipes; "
        f"the last was kept in {', '.join(last)}. `python benchmarks/results.py stale` lists the figures that are "
        "older than the code or the recipe that they are of."
    )


def _machine(hardware: dict[str, Any]) -> str:
    """Return a machine as its manifest has it: what stands there of accelerators, and nothing where nothing stands."""
    accelerators = ", ".join(hardware.get("accelerators", ()))
    return f"{hardware['cores']} cores of {hardware['cpu']}{f' with {accelerators}' if accelerators else ''}"


def _chooses_epoch(manifest: dict[str, Any]) -> bool:
    """Return whether the run kept its best epoch on validation: by its own recipe, else by the shipped one."""
    if "config" in manifest:
        select = parse(manifest["config"], manifest["recipe"])[0].get("training", {}).get("select")
    else:
        select = composed(manifest["recipe"]).get("training", {}).get("select", "best")
    return bool(select == "best")


def list_stale() -> int:
    """Print the figures that are stale, with the reasons; return how many."""
    sys.path.insert(0, str(Path(__file__).parent))
    from stale_figures import stale

    found = stale()
    for figure in found:
        since = f"since {figure.commit[:9]}" if figure.commit else ""
        print(f"{figure.path.relative_to(RESULTS)} {since}: {'; '.join(figure.reasons)}")
    print(f"{len(found)} of {len(list(RESULTS.rglob('seed-*.json')))} figures are stale")
    return len(found)


def scarce_labels() -> str:
    """Return the table of what encoders are worth where labels are scarce: test accuracies over seeds."""
    if not SCARCE.is_file():
        return "Not measured yet."
    result = read_json(SCARCE)
    ways = list(result["rows"][0]["accuracy"])
    lines = [f"| encoder | labels a class | {' | '.join(ways)} |", "| --- " * (len(ways) + 2) + "|"]
    for row in sorted(result["rows"], key=lambda row: (row["encoder"], row["labels"])):
        cells = []
        for way in ways:
            found = row["accuracy"][way]
            spread = f" ± {100 * statistics.stdev(found):.1f}" if len(found) > 1 else ""
            cells.append(f"{100 * statistics.mean(found):.1f}%{spread}")
        lines.append(f"| `{row['encoder']}` | {row['labels']} | {' | '.join(cells)} |")
    first = result["rows"][0]
    versions = ", ".join(f"{name} {first['versions'][name]}" for name in ("keras", "tensorflow"))
    lines += [
        "",
        f"Accuracy on the 10,000 test images of Fashion-MNIST, mean and standard deviation over "
        f"{len(result['seeds'])} draws of the labelled images and seeds. The network is the encoder's own. {versions}; "
        f"{first['hardware']['cores']} cores of {first['hardware']['cpu']}.",
    ]
    return "\n".join(lines)


def sampler() -> str:
    """Return the table of the sampler's speed and size."""
    if not SAMPLER.is_file():
        return "Not measured yet."
    result = read_json(SAMPLER)
    speed, size = result["images_per_second"], result["bytes"]
    versions = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    machine, faster = result["hardware"], speed["ONNX"] / speed["Keras"]
    return "\n".join(
        [
            "| | ONNX file | Keras sampler | ratio |",
            "| --- | --- | --- | --- |",
            f"| images per second | {speed['ONNX']:.1f} | {speed['Keras']:.1f} | {faster:.2f} |",
            f"| bytes: sampler, denoiser alone | {size['sampler']:,} | {size['denoiser']:,} | "
            f"{size['sampler'] / size['denoiser']:.3f} |",
            "",
            f"`{result['recipe']}`: {result['sampler'].upper()}, {result['steps']} steps, {result['images']} images "
            f"at a time, median of {result['rounds']} rounds in turn; largest difference {result['difference']:.1e}. "
            f"{versions}; {machine['cores']} cores of {machine['cpu']}.",
        ]
    )


def speed(result: dict[str, Any] | None = None) -> str:
    """Return the table of training throughput: examples a second, and the zoo's ratio to each of the others."""
    if result is None:
        if not SPEED.is_file():
            return "Not measured yet."
        result = read_json(SPEED)
    ours = ("zoo", "zoo on JAX")
    others = list(dict.fromkeys(n for row in result.values() for n in row["seconds"] if n not in ours))
    lines = [f"| network, parameters | examples a second | {' | '.join(f'over {n}' for n in others)} |"]
    lines.append("| --- " * (len(others) + 2) + "|")
    for family, row in result.items():
        times = row["seconds"]
        for name in (name for name in ours if name in times):
            cells = []
            for other in others:
                ratios = [theirs / own for own, theirs in zip(times[name], times.get(other, []), strict=False)]
                cells.append(f"{statistics.median(ratios):.2f}×" if ratios else "–")
            what = f"{family}{name.removeprefix('zoo')}, {row['parameters']:,}"
            lines.append(f"| {what} | {row['examples_per_second'][name]:,.0f} | {' | '.join(cells)} |")
    row = next(iter(result.values()))
    versions = ", ".join(
        f"{n} {row['versions'][n]}" for n in ("keras", "tensorflow", "jax", "torch") if n in row["versions"]
    )
    machines: dict[str, list[str]] = {}
    for family, each in result.items():
        machines.setdefault(f"{each['hardware']['cores']} cores of {each['hardware']['cpu']}", []).append(family)
    found = {n: a for row in result.values() for n, a in row["accuracy"].items()}
    accuracies = "; ".join(f"{name} {accuracy:.4f}" for name, accuracy in found.items())
    lines += [
        "",
        "Examples a second of `zoo train`, and the median over "
        f"{row['rounds']} rounds of its ratio to each of the others, an epoch each in turn. "
        + (f"Test accuracy of the MLP on Fashion-MNIST after five epochs: {accuracies}. " if accuracies else "")
        + f"{versions}; "
        + "; ".join(f"{', '.join(families)}: {machine}" for machine, families in machines.items())
        + ".",
    ]
    return "\n".join(lines)


def footprint() -> str:
    """Return the table of what the package costs beside training."""
    if not FOOTPRINT.is_file():
        return "Not measured yet."
    result = read_json(FOOTPRINT)
    lines = ["| what | seconds | memory, MB |", "| --- | --- | --- |"]
    for name, row in result.get("start", {}).items():
        lines.append(f"| {name}, new process | {row['seconds']:.2f} | {row['bytes'] / 1e6:,.0f} |")
    for name, row in result.get("step", {}).items():
        lines.append(f"| `{name}`: from the start to the end of the first step | {row['seconds']:.2f} | |")
    built = result.get("builders", {})
    if built:
        times = sorted(row["seconds"] for row in built.values())
        slowest = max(built, key=lambda name: built[name]["seconds"])
        lines.append(f"| building a model, median of {len(built)} | {statistics.median(times):.2f} | |")
        most = built[slowest]
        lines.append(f"| … the slowest, `{slowest}` | {most['seconds']:.2f} | {most['bytes'] / 1e6:,.0f} |")
    if "epoch" in result:
        with_all, alone = (result["epoch"][name]["seconds"] for name in ("zoo train", "fit"))
        lines.append(f"| what log, checkpoints and display add to an epoch | {with_all - alone:.4f} | |")
    if "stream" in result:
        row = result["stream"]
        lines.append(
            f"| `zoo train` on {row['gigabytes']:.1f} GB of images, {row['examples']:,} examples, all of it "
            f"| {row['seconds']:.0f} | {row['bytes'] / 1e6:,.0f} |"
        )
    read = result.get("pipeline", {})
    rates = "; ".join(f"{name} {row['examples_per_second']:,.0f}" for name, row in read.items())
    versions = ", ".join(f"{name} {result['versions'][name]}" for name in ("python", "keras", "tensorflow"))
    machine = result["hardware"]
    lines += [
        "",
        (f"Training batches alone, 28×28 images, examples a second: {rates}. " if rates else "")
        + f"{versions}; {machine['cores']} cores of {machine['cpu']}.",
    ]
    return "\n".join(lines)


def searches() -> str:
    """Return the table of what searches found, against the recipes as they were."""
    if not SEARCHES.is_file():
        return "Not measured yet."
    lines = ["| recipe | tuner | on validation | test figure | search |", "| --- | --- | --- | --- | --- |"]
    notes = []
    for name, result in read_json(SEARCHES).items():
        for tuner, row in result["rows"].items():
            test = f"{statistics.fmean(row['test']):.4f} ± {statistics.stdev(row['test']):.4f}"
            found = f"{row['validation']:.4f}" if "validation" in row else ""
            spent = f"{row['seconds'] / 60:.0f} min" if "seconds" in row else ""
            lines.append(f"| `{name.split()[0]}` | {tuner} | {found} | {test} | {spent} |")
        own = next(row["own_validation"] for row in result["rows"].values() if "own_validation" in row)
        versions = ", ".join(f"{n} {result['versions'][n]}" for n in ("keras", "tensorflow"))
        machine = result["hardware"]
        notes.append(
            f"`{name}`: {result['trials']} trials a tuner, by {words(result['objective'])} (the recipe's own values "
            f"{own:.4f}); test {words(result['metric'])}, mean and deviation of {len(result['seeds'])} seeds. "
            f"{versions}; {machine['cores']} cores of {machine['cpu']}."
        )
    return "\n".join([*lines, "", *notes])


def robustness() -> str:
    """Return the table of what searches stand."""
    if not ROBUST.is_file():
        return "Not measured yet."
    result = read_json(ROBUST)
    lines = ["| what | seen |", "| --- | --- |"]
    if "kills" in result:
        row = result["kills"]
        lines.append(
            f"| {row['kills']} times SIGKILL, {row['damaged']} files cut in half, {row['searches']} searches of "
            f"{row['trials']} trials | {len(row['differing'])} differ from the search that was left alone |"
        )
    if "workers" in result:
        row = result["workers"]
        same = "the same trials" if row["same"] else "other trials"
        lines.append(
            f"| chief and two workers, {row['trials']} trials, against one process | {same}; "
            f"{row['one process'] / row['two workers']:.2f} times as fast |"
        )
        lines.append(
            f"| … with a worker killed, whose trial another took ({row['given_back']}) | {same}; "
            f"{row['one process'] / row['killed']:.2f} times as fast |"
        )
    if "memory" in result:
        row = result["memory"]
        (few, many), (some, all_) = row["trials"], row["bytes"]
        lines.append(
            f"| memory of the search after {many} trials, against after {few} | {all_ / 1e6:,.0f} MB, "
            f"{all_ / some:.2f} times |"
        )
    versions = ", ".join(f"{name} {result['versions'][name]}" for name in ("python", "keras"))
    machine = result["hardware"]
    return "\n".join([*lines, "", f"{versions}; {machine['cores']} cores of {machine['cpu']}."])


def anomaly() -> str:
    """Return the table of areas under the ROC curve, one class after the other held out as abnormal."""
    if not ANOMALY.is_file():
        return "Not measured yet."
    result = read_json(ANOMALY)
    ways = list(result["rows"][0]["auroc"])
    means = {way: [statistics.mean(row["auroc"][way]) for row in result["rows"]] for way in ways}
    lines = [f"| held out | {' | '.join(ways)} |", "| --- " * (len(ways) + 1) + "|"]
    for i, row in enumerate(result["rows"]):
        lines.append(f"| {row['abnormal']} | {' | '.join(f'{means[way][i]:.3f}' for way in ways)} |")
    lines.append(f"| **mean** | {' | '.join(f'**{statistics.mean(means[way]):.3f}**' for way in ways)} |")
    versions = ", ".join(f"{name} {result['versions'][name]}" for name in ("keras", "tensorflow", "scikit-learn"))
    count, machine = len(result["seeds"]), result["hardware"]
    lines += [
        "",
        f"`{result['recipe']}`, test split, mean over {count} seed{'s' * (count > 1)}. "
        f"{versions}; {machine['cores']} cores of {machine['cpu']}.",
    ]
    return "\n".join(lines)


def real() -> str:
    """Return the tables of the zoo's defaults on data that no recipe was written for."""
    return real_tables(read_json(REAL)) if REAL.is_file() else "Not measured yet."


PAGES: dict[Path, dict[str, Callable[[], str]]] = {
    ROOT / "README.md": {"families": families},
    ROOT / "docs" / "results.md": {
        "real": real,
        "results": results,
        "latency": latency,
        "scarce labels": scarce_labels,
        "sampler": sampler,
        "int8": quantized,
        "routes": routes,
        "anomaly": anomaly,
        "searches": searches,
        "search robustness": robustness,
        "speed": speed,
        "footprint": footprint,
    },
}


def rendered(page: Path) -> str:
    """Return a page's text with its tables made anew."""
    text = page.read_text(encoding="utf-8")
    for name, table in PAGES[page].items():
        start, end = f"<!-- {name}: made by benchmarks/results.py -->", f"<!-- end of {name} -->"
        before, found, rest = text.partition(start)
        _, closed, after = rest.partition(end)
        if not found or not closed:
            raise ZooError(f"{page}: the markers of the table '{name}' are missing")
        text = f"{before}{start}\n{table()}\n{end}{after}"
    return text


def main(arguments: list[str]) -> int:
    """Run one of the commands in the module's docstring."""
    if arguments[:1] == ["add"] and len(arguments) > 1:
        for run in arguments[1:]:
            print(add(Path(run)).relative_to(ROOT))
        return 0
    if arguments == ["write"]:
        for page in PAGES:
            write_text(page, rendered(page))
        return 0
    if arguments == ["stale"]:
        list_stale()
        return 0
    if arguments == ["check"]:
        return int(any(rendered(page) != page.read_text(encoding="utf-8") for page in PAGES))
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
