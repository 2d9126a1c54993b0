"""The code blocks of the pages: Python and shell blocks run, recipes are valid, links lead somewhere."""

import contextlib
import io
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import typer

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"(?P<before>.*)\n```(?P<language>\w+)\n(?P<code>.*?)```", re.MULTILINE)
NOT_RUN = "<!-- checked, not run: "
TEST_COMMAND = "<!-- test command -->"  # run by .ci/run
ELSEWHERE = ("python3 -m venv", ".venv/bin/", "python benchmarks/")  # run by .ci/run, or for minutes


@dataclass(frozen=True)
class Block:
    """A fenced block: where it stands, its language and text, and whether it is run."""

    place: str
    language: str
    code: str
    run: bool

    @property
    def zoo_lines(self) -> list[str]:
        """The lines of a shell block that call `zoo`, without comments."""
        lines = [line.partition(" #")[0].strip() for line in self.code.splitlines()]
        lines = [line for line in lines if line and not line.startswith("#")]
        assert all("zoo " in line or line.startswith(ELSEWHERE) for line in lines), f"{self.place}: {lines}"
        return [line for line in lines if not line.startswith(ELSEWHERE)]


def blocks(language: str) -> list[Block]:
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for match in re.finditer(r"(?:^|(?<=\n))([^\n]*)\n```(\w+)\n(.*?)\n```", text, re.DOTALL):
            before, name, code = match.groups()
            line = text[: match.start(3)].count("\n") + 1
            run = not before.startswith((NOT_RUN, TEST_COMMAND))
            found.append(Block(f"{page.relative_to(ROOT).as_posix()}:{line}", name, code, run))
    assert {block.language for block in found} <= {"python", "sh", "yaml", "text"}
    return [block for block in found if block.language == language]


def named(several: list[Block]) -> list:
    return [pytest.param(block, id=block.place) for block in several]


# --- what is checked without running --------------------------------------------------------------------------------


@pytest.mark.parametrize("block", named(blocks("yaml")))
def test_recipes_on_the_pages_are_valid(block, tmp_path):
    from zoo.recipe import check_search, load_recipe

    (tmp_path / "shown.yaml").write_text(block.code, encoding="utf-8")
    check_search(load_recipe(tmp_path / "shown.yaml"))


@pytest.mark.parametrize("block", named(blocks("sh")))
def test_shell_lines_are_commands_that_there_are(block):
    for line in block.zoo_lines:
        check_line(line)


def check_line(line: str) -> None:
    """Parse a line's options as the command line does, and load its recipe with its overrides."""
    from zoo.cli import app
    from zoo.recipe import list_recipes, load_recipe

    call = re.fullmatch(r"(?:\w+=\$\()?(?:KERAS_BACKEND=\w+ )?zoo (.*?)\)?", line)
    assert call, line
    name, *arguments = shlex.split(call[1])
    command = typer.main.get_command(app)
    context = command.make_context("zoo", [name, *arguments], resilient_parsing=True)
    subcommand = command.get_command(context, name)
    assert subcommand is not None, f"there is no command zoo {name}"
    given = subcommand.make_context(name, arguments, obj=[]).params
    recipe, overrides = given.get("recipe"), given.get("overrides") or []
    names = [recipe] if isinstance(recipe, str) else recipe or []
    overrides += [each for each in names if "=" in each]  # `zoo check` takes both as one list
    for each in [each for each in names if "=" not in each]:
        if each in list_recipes():
            load_recipe(each, overrides)
        else:
            is_open = each.endswith(".yaml") or each.isupper() or each.startswith("$")  # a file, a word, a run
            assert is_open, f"there is no recipe {each}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)]+)\)", page.read_text(encoding="utf-8")):
        if target.startswith("https://"):
            continue
        path, _, heading = target.partition("#")
        linked = page.parent / path if path else page
        assert linked.is_file(), f"{page.name}: {target}"
        if heading:
            headings = re.findall(r"^#+ (.*)$", linked.read_text(encoding="utf-8"), re.MULTILINE)
            anchors = {re.sub(r"[^\w -]", "", text).lower().replace(" ", "-") for text in headings}
            assert heading in anchors, f"{page.name}: {target}"


def test_readme_is_short():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 200


# --- what runs: in one process of its own, since blocks register models and start the backend -----------------------


@pytest.mark.ci
def test_python_and_shell_blocks_run(tmp_path):
    (tmp_path / "exported").symlink_to(ROOT / "exported")
    command = [sys.executable, __file__]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    count = sum(block.run and bool(block.language == "python" or block.zoo_lines) for block in both())
    assert done.stdout.split() == ["ran", str(count), "blocks"] and count >= 5


def both() -> list[Block]:
    return [*blocks("python"), *blocks("sh")]


def run_shell(block: Block) -> None:
    """Run the `zoo` lines of a block in this process; `NAME=$(zoo …)` keeps what a line prints."""
    from zoo import cli

    kept: dict[str, str] = {}
    for line in block.zoo_lines:
        for name, value in kept.items():
            line = line.replace(f'"${name}"', shlex.quote(value))
        capture = re.fullmatch(r"(\w+)=\$\((.*)\)", line)
        sys.argv = shlex.split(capture[2] if capture else line)
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            try:
                cli.main()
            except SystemExit as stop:
                assert not stop.code, f"{block.place}: {line}: exit code {stop.code}"
        if capture:
            kept[capture[1]] = printed.getvalue().strip()


def run_all() -> None:
    """Run every Python block in a namespace of its own, then every shell block."""
    ran = 0
    for block in both():
        if not block.run or (block.language == "sh" and not block.zoo_lines):
            if block.language == "python":
                compile(block.code, block.place, "exec")
            continue
        if block.language == "python":
            with contextlib.redirect_stdout(io.StringIO()):
                exec(compile(block.code, block.place, "exec"), {"__name__": block.place})
        else:
            run_shell(block)
        ran += 1
    print(f"ran {ran} blocks")


if __name__ == "__main__":
    run_all()
