import configparser
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import typer

import zoo as zoo_package
from zoo import cli, registry
from zoo.errors import ZooError
from zoo.recipe import list_recipes, load_recipe
from zoo.recipe.jsonschema import json_schema

COMMANDS = {
    "list": ["--family", "--task", "--json"],
    "describe": ["NAME", "--json"],
    "recipes": ["--json"],
    "weights": ["NAME", "--json"],
    "show": ["RECIPE", "KEY=VALUE", "--json"],
    "check": ["RECIPE", "--data", "--target", "--json"],
    "schema": [],
    "snapshot": ["SOURCE", "--output", "--compare", "--json"],
    "init": ["PATH", "--target", "--output", "--json"],
    "report": ["RUN", "--json"],
    "train": ["RECIPE", "KEY=VALUE", "--target", "--runs", "--apply", "--export", "--no-export", "--json"],
    "tune": [
        "RECIPE",
        "KEY=VALUE",
        *("--folder", "--workers", "--in-process", "--chief", "--worker", "--json"),
    ],
    "improve": ["RUN", "--minutes", "--trials", "--json"],
    "curve": ["RECIPE", "KEY=VALUE", "--fractions", "--seeds", "--folder", "--output", "--json"],
    "ablate": ["RECIPE", "KEY=VALUE", "--seeds", "--folder", "--json"],
    "schedule": ["RECIPE", "KEY=VALUE", "--steps-per-epoch", "--output", "--json"],
    "find-lr": ["RECIPE", "KEY=VALUE", "--steps", "--low", "--high", "--output", "--json"],
    "evaluate": ["RUN", "DATA", "--output", "--json"],
    "compare": ["RUN RUN…", "--output", "--json"],
    "export": [
        "RUN",
        "--quantize",
        "--layout",
        "--output",
        "--storage",
        "--format",
        "--weights",
        "--labels",
        "--task",
        "--json",
    ],
    "publish": ["RUN", "--to", "--license", "--private", "--sample", "--no-sample", "--json"],
    "soup": ["RUN RUN…", "--uniform", "--runs", "--export", "--no-export", "--json"],
    "drift": ["FILE", "DATA", "--fail", "--verify", "--no-verify", "--json"],
    "predict": ["FILE", "INPUTS", "--output", "--provider", "--threads", "--verify", "--no-verify", "--json"],
    "embed": ["FILE", "INPUTS", "--output", "--nearest", "--query", "--verify", "--no-verify", "--json"],
    "verify": ["FILE", "--provider", "--threads", "--json"],
    "sample": [
        "FILE",
        *("--count", "--seed", "--label", "--guidance", "--output"),
        *("--prompt", "--length", "--temperature", "--top-k", "--top-p", "--stop", "--stream"),
        *("--verify", "--no-verify"),
    ],
    "gallery": ["FOLDER", "--output", "--onnxruntime-web", "--verify", "--no-verify", "--json"],
    "serve": [
        "[NAME=]FILE…",
        "--host",
        "--port",
        "--token",
        "--batch-ms",
        "--max-batch",
        "--max-requests",
        "--timeout",
        "--provider",
        "--threads",
    ],
}


@pytest.fixture
def bad(tmp_path):
    """Return a recipe file with one problem."""
    path = tmp_path / "bad.yaml"
    path.write_text("extends: cnn/digits\ntraining: {epoch: 5}\n")
    return path


# --- one JSON document --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        "list --json",
        "list res* --json",
        "list nothing_like_it --json",
        "recipes --json",
        "show cnn/digits --json",
        "show mlp/wine training.epochs=5 --json",
        "check --json",
        "check mlp/wine --json",
        "schema",
        "describe mlp --json",
    ],
)
def test_json_is_one_document_and_all_of_standard_output(arguments, zoo):
    code, out, err = zoo(*arguments.split())
    assert (code, err) == (0, "")
    assert out.endswith("\n")
    json.loads(out, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


def test_what_the_documents_hold(zoo):
    models = json.loads(zoo("list", "--json")[1])
    assert [row["name"] for row in models] == registry.list_models()
    assert {"name", "family", "tasks", "summary", "paper"} == set(models[0])
    assert [row["name"] for row in json.loads(zoo("recipes", "--json")[1])] == list_recipes()
    assert json.loads(zoo("schema")[1]) == json_schema()
    shown = json.loads(zoo("show", "cnn/digits", "training.epochs=7", "--json")[1])
    assert shown["name"] == "cnn/digits"
    assert shown["recipe"] == load_recipe("cnn/digits", ["training.epochs=7"]).recipe.model_dump(mode="json")
    assert shown["origins"]["training.epochs"] == "override 'training.epochs=7'"
    assert json.loads(zoo("check", "mlp/wine", "--json")[1]) == [{"recipe": "mlp/wine", "ok": True, "problems": []}]
    facts = json.loads(zoo("describe", "mlp", "--json")[1])
    assert facts["name"] == "mlp"
    assert facts["parameters"] == 784 * 256 + 256 + 256 * 128 + 128 + 128 * 10 + 10
    assert facts["flops"] > 0


# --- for people ---------------------------------------------------------------------------------------------------


def test_tables_and_facts(zoo):
    code, out, err = zoo("list")
    assert (code, err) == (0, "")
    assert re.search(r"^mlp +mlp +image_classification, ", out, re.MULTILINE)
    shown = zoo("recipes")[1]
    assert all(name in shown for name in list_recipes())
    described = zoo("describe", "mlp")[1]
    assert re.search(r"^parameters +235,146$", described, re.MULTILINE)
    assert re.search(r"^  widths +256, 128$", described, re.MULTILINE)


def test_show_names_the_place_of_every_value(zoo):
    code, out, err = zoo("show", "mlp/wine", "training.seed=3")
    assert (code, err) == (0, "")
    assert re.search(r"^  widths: \[32\] +# recipes/mlp/wine\.yaml:\d+$", out, re.MULTILINE)
    assert re.search(r"^  seed: 3 +# override 'training\.seed=3'$", out, re.MULTILINE)
    assert re.search(r"^  precision: float32 +# default$", out, re.MULTILINE)


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["res*"], ["resnet101", "resnet152", "resnet18", "resnet1d", "resnet20", "resnet34", "resnet50", "resnext50"]),
        (["--family", "mlp"], ["mlp", "mlp_mixer"]),
        (["res*", "--family", "mlp"], []),
        (["--task", "tabular_regression", "m*"], ["mlp"]),
    ],
)
def test_filters(arguments, names, zoo):
    assert [row["name"] for row in json.loads(zoo("list", *arguments, "--json")[1])] == names


# --- check --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["list", "zzz*"], "no model matches 'zzz*' (`zoo list` lists them all)"),
        (["list", "resnt*"], "no model matches 'resnt*'; did you mean 'resnet"),
        (["list", "mlp", "--task", "transcription"], "no model with task transcription matches 'mlp'"),
    ],
)
def test_a_pattern_that_matches_nothing_is_said(arguments, message, zoo):
    code, out, err = zoo(*arguments)
    assert (code, out) == (2, "") and message in err
    assert zoo(*arguments, "--json") == (0, "[]\n", "")


def test_version(zoo):
    declared = configparser.ConfigParser()
    declared.read(Path(__file__).parents[1] / "setup.cfg")
    assert zoo("--version")[:2] == (0, f"zoo {declared['metadata']['version']}\n")
    assert zoo_package.__version__ == declared["metadata"]["version"]


def test_completion_is_offered(zoo):
    assert "--install-completion" in zoo("--help")[1]


def test_check_takes_overrides(zoo):
    assert zoo("check", "mlp/wine", "training.epochs=20")[0] == 0
    code, _, err = zoo("check", "mlp/wine", "mlp/digits", "training.epochs=0")
    assert code == 2 and err.count("override 'training.epochs=0': training.epochs: must be at least 1") == 2


@pytest.mark.ci
def test_check_reads_and_audits_the_data_when_asked(zoo, tmp_path):
    code, out, _ = zoo("check", "mlp/wine", "--data", "--json")
    found = json.loads(out)
    assert code == 0 and list(found) == ["recipe", "ok", "problems", "splits", "findings", "notes"]
    assert found["splits"] == {"train": 114, "validation": 20, "test": 44}
    keys = ["name", "severity", "count", "message", "evidence", "remedy"]
    assert all(list(finding) == keys for finding in found["findings"])
    assert not [finding for finding in found["findings"] if finding["severity"] != "note"]
    code, out, _ = zoo("check", "mlp/wine", "--data")
    assert "114 train, 20 validation, 44 test" in out and "\n    note: no test split of its own" in out

    rng = np.random.default_rng(0)
    rows = rng.normal(size=(150, 5)).round(4)
    rows = np.concatenate([rows, rows[:60]])
    lines = [",".join(map(str, row)) + f",{'yes' if row[0] + row[1] > 0 else 'no'}" for row in rows]
    path = tmp_path / "rows.csv"
    path.write_text("\n".join(["a,b,c,d,e,bought", *lines]) + "\n")
    assert zoo("check", str(path), "--target", "bought")[0] == 0  # the proposed recipe keeps them out of training
    kept = [str(path), "data.leaked_examples=keep", "--target", "bought"]
    code, out, err = zoo("check", *kept)
    assert code == 2 and "test examples are also in the training split" in out
    assert "leaked_examples: " in err and "data: {accept: [leaked_examples]}" in err
    assert zoo("check", *kept, "data.accept=[leaked_examples,near_duplicates]")[0] == 0
    code, _, err = zoo("train", *kept, "--runs", str(tmp_path / "runs"))
    assert code == 2 and "leaked_examples: " in err and not (tmp_path / "runs").exists()
    assert zoo("check", "mlp/wine", "--target", "bought")[0] == 2


def test_check_goes_through_all_that_is_shipped(zoo):
    code, out, err = zoo("check")
    assert (code, err) == (0, "")
    assert out.splitlines() == [f"ok   {name}" for name in list_recipes()]


def test_check_names_what_is_bad_and_goes_on(zoo, bad):
    code, out, err = zoo("check", str(bad), "nothing/like_it", "mlp/wine")
    assert code == 2
    assert out.splitlines() == [f"bad  {bad}", "bad  nothing/like_it", "ok   mlp/wine"]
    assert f"{bad}:2: training.epoch: unknown key 'epoch'; did you mean 'epochs'?" in err
    assert "there is no recipe 'nothing/like_it'" in err


def test_check_as_json(zoo, bad):
    code, out, _ = zoo("check", str(bad), "mlp/wine", "--json")
    assert code == 2
    first, second = json.loads(out)
    assert (first["ok"], second["ok"]) == (False, True)
    (problem,) = first["problems"]
    assert problem.startswith(f"{bad}:2: training.epoch: ")


def test_names_are_not_markup(zoo):
    assert zoo("check", "[/red]x", "\udc80")[1].splitlines() == ["bad  [/red]x", "bad  \\udc80"]
    assert "'[bold]x'" in zoo("show", "[bold]x")[2]


# --- errors -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        ["lst"],
        ["list", "--no-such-flag"],
        ["list", "--family"],
        ["show"],
        ["describe"],
        ["predict", "model.onnx"],
        ["--no-such-flag"],
        [],
    ],
)
def test_usage_errors(arguments, zoo):
    code, out, err = zoo(*arguments)
    assert code == 2
    assert re.search(r"Usage: zoo|─ Error ─", out + err)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["describe", "alexnte"], "error: unknown model 'alexnte'; did you mean 'alexnet'?"),
        (["show", "cnn/digit"], "error: there is no recipe 'cnn/digit'; did you mean 'cnn/digits'?"),
        (["train", "cnn/digit"], "error: there is no recipe 'cnn/digit'; did you mean 'cnn/digits'?"),
        (["list", "--family", "cmn"], "error: unknown family 'cmn'; did you mean 'cnn'?"),
        (["list", "--task", "images"], "error: unknown task 'images'"),
        (["show", "mlp/wine", "training.epoch=5"], "error: override 'training.epoch=5': training.epoch: unknown key"),
        (["show", "mlp/wine", "epochs"], "error: override 'epochs': expected key.path=value"),
        (
            ["train", "mlp/wine", "training.epochs=x"],
            "error: override 'training.epochs=x': training.epochs: expected a",
        ),
        (["show", "mine.yaml"], "error: there is no recipe file mine.yaml"),
    ],
)
def test_what_the_user_can_put_right(arguments, message, zoo, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = zoo(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith(message)
    assert len(err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def fail(error):
    def raising(*arguments, **options):
        raise error

    return raising


def test_an_unexpected_error_is_one_line(zoo, monkeypatch):
    monkeypatch.setattr(registry, "list_models", fail(RuntimeError("it broke [here]")))
    code, out, err = zoo("list")
    assert (code, out) == (1, "")
    assert err == "error: internal error: RuntimeError: it broke [here] (run again with --debug for the traceback)\n"


@pytest.mark.parametrize("error", [RuntimeError("it broke"), ZooError("it broke")])
@pytest.mark.parametrize("how", ["flag first", "flag last", "variable"])
def test_debug_shows_the_traceback(error, how, monkeypatch):
    monkeypatch.setattr(registry, "list_models", fail(error))
    monkeypatch.setattr(
        sys,
        "argv",
        {"flag first": ["zoo", "--debug", "list"], "variable": ["zoo", "list"]}.get(how, ["zoo", "list", "--debug"]),
    )
    monkeypatch.setenv("ZOO_DEBUG", "1" if how == "variable" else "")
    with pytest.raises(type(error), match="it broke"):
        cli.main()


def test_debug_changes_nothing_without_an_error(zoo):
    assert zoo("list", "--json", "--debug") == zoo("list", "--json")


def test_stopping(zoo, monkeypatch):
    monkeypatch.setattr(registry, "list_models", fail(KeyboardInterrupt()))
    assert zoo("list") == (130, "", "stopped; what the run folder holds so far is whole\n")


def test_a_traceback_in_a_process_of_its_own():
    command = [sys.executable, "-m", "zoo", "show", "no/such"]
    plain = subprocess.run(command, capture_output=True, text=True)
    debug = subprocess.run([*command, "--debug"], capture_output=True, text=True)
    assert plain.returncode == 2
    assert "Traceback" not in plain.stderr
    assert "Traceback" in debug.stderr
    assert plain.stdout == debug.stdout == ""


def test_a_reader_that_leaves_early():
    command = f"{sys.executable} -m zoo schema | head -1"
    done = subprocess.run(command, capture_output=True, text=True, shell=True)
    assert (done.stdout, done.stderr) == ("{\n", "")


# --- help ---------------------------------------------------------------------------------------------------------


def test_help_covers_every_command():
    assert set(typer.main.get_command(cli.app).commands) == set(COMMANDS)


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help(flag, zoo):
    code, out, err = zoo(flag)
    assert (code, err) == (0, "")
    for name, command in typer.main.get_command(cli.app).commands.items():
        assert re.search(rf"\b{name} +{re.escape(command.help.splitlines()[0])}", out), name
    assert "--debug" in out


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_each_command(command, zoo):
    code, out, err = zoo(command, "--help")
    assert (code, err) == (0, "")
    parts = typer.main.get_command(cli.app).commands[command]
    assert parts.help.endswith(".")
    assert parts.help in out
    for part in COMMANDS[command]:
        assert part.lower() in out.lower()
    for parameter in parts.params:
        assert parameter.help.endswith("."), parameter.name
        assert parameter.help in out


# --- what is loaded -----------------------------------------------------------------------------------------------

HEAVY = (
    "{'keras', 'tensorflow', 'jax', 'numpy', 'pandas', 'sklearn', 'scipy', 'matplotlib', 'onnxruntime', 'PIL', 'onnx'}"
)


@pytest.mark.parametrize(
    "code",
    [
        "import zoo; dir(zoo)",
        "import zoo; zoo.list_models; zoo.load_recipe; zoo.build; zoo.ZooError",
        "import zoo.cli",
        "import zoo; zoo.list_models(); zoo.list_recipes()",
    ],
)
def test_importing_loads_nothing_heavy(code):
    run_light(f"{code}\nimport sys\nassert not {HEAVY} & set(sys.modules), {HEAVY} & set(sys.modules)")


@pytest.mark.parametrize(
    "arguments", [["list"], ["list", "--json"], ["recipes"], ["recipes", "--json"], ["schema"], ["--help"]]
)
def test_listing_loads_nothing_heavy(arguments):
    code = f"""
import sys
sys.argv = ["zoo", *{arguments}]
from zoo.cli import main
try:
    main()
except SystemExit as stop:
    assert not stop.code
assert not {HEAVY} & set(sys.modules), {HEAVY} & set(sys.modules)
"""
    assert run_light(code)


def run_light(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


# --- tune ---------------------------------------------------------------------------------------------------------


def test_tune_says_what_is_missing(zoo):
    code, out, err = zoo("tune", "mlp/wine")
    assert (code, out) == (2, "")
    assert "mlp/wine has no `search:`; add one, for example" in err
    code, _, err = zoo("tune", "mlp/digits", "--worker", "a")
    assert code == 2
    assert "--worker NAME needs --chief HOST:PORT" in err


def test_tune_ends_with_the_best_and_what_comes_next(zoo, monkeypatch):
    from zoo.commands import tune as tuning

    best = {"number": 3, "figure": 0.98, "values": {"model.dropout": 0.5}}
    report = {
        "best": best,
        "own": {"figure": 0.97},
        "objective": "val_accuracy",
        "at_the_edge": ["model.dropout"],
        "best_recipe": "searches/mlp/digits/best.yaml",
    }
    given = {}
    monkeypatch.setattr(tuning, "tune", lambda *a, **k: given.update(k, arguments=a) or report)
    code, out, _ = zoo("tune", "mlp/digits", "training.epochs=2", "--workers", "2", "--folder", "here")
    assert code == 0
    assert given["arguments"] == ("mlp/digits", ["training.epochs=2"])
    assert (given["workers"], str(given["folder"]), given["in_process"], given["chief"]) == (2, "here", False, None)
    assert out.splitlines() == [
        "best: trial 3, val_accuracy 0.9800, and the recipe's own values 0.9700",
        "  model.dropout                    0.5",
        "note: at the edge of its range, which could be wider: model.dropout",
        "report: searches/mlp/digits/report.html",
        "next: zoo train searches/mlp/digits/best.yaml",
    ]
    assert json.loads(zoo("tune", "mlp/digits", "--json")[1]) == report
