import math
from pathlib import Path

import pytest

from zoo.errors import ZooError
from zoo.recipe.source import Origin, dump, dump_line, parse, parse_value, read


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("1E5", 1e5),
        ("-.5e-2", -0.005),
        ("1.", 1.0),
        (".5", 0.5),
        ("+1.5", 1.5),
        ("1.5E+3", 1500.0),
        (".inf", math.inf),
        ("-.Inf", -math.inf),
    ],
)
def test_floats(text, value):
    read_value = parse(f"x: {text}", "f")[0]["x"]
    assert isinstance(read_value, float)
    assert read_value == value
    assert parse_value(text) == value


def test_not_a_number():
    assert math.isnan(parse("x: .nan", "f")[0]["x"])


@pytest.mark.parametrize(
    ("text", "value"),
    [("0", 0), ("-12", -12), ("+7", 7), ("010", 10), ("0x1f", 31), ("0o17", 15), (str(2**63 - 1),) * 2],
)
def test_whole_numbers(text, value):
    read_value = parse(f"x: {text}", "f")[0]["x"]
    assert type(read_value) is int
    assert read_value == int(value)


@pytest.mark.parametrize(
    "text", ["yes", "no", "on", "off", "Yes", "NO", "1_000", "1:30", "0b11", "2024-01-31", "e3", "1e", ".", "<<", "="]
)
def test_what_yaml_1_2_calls_text(text):
    assert parse(f"x: {text}", "f")[0]["x"] == text
    assert parse_value(text) == text


@pytest.mark.parametrize(("text", "value"), [("true", True), ("False", False), ("null", None), ("~", None), ("", None)])
def test_words(text, value):
    assert parse(f"x: {text}", "f")[0]["x"] is value
    assert parse_value(text) is value


def test_quoted_is_text():
    assert parse("a: '7'\nb: \"true\"\nc: !!str 7", "f")[0] == {"a": "7", "b": "true", "c": "7"}


def test_lines_of_keys_and_list_items():
    value, origins = parse("# a comment\na:\n  b: 1\n\n  c: [1,\n    {d: 2}]\ne:\n- f\n- g: 3\n", "dir/x.yaml")
    assert value == {"a": {"b": 1, "c": [1, {"d": 2}]}, "e": ["f", {"g": 3}]}
    assert {path: str(origin) for path, origin in origins.items()} == {
        (): "dir/x.yaml:2",
        ("a",): "dir/x.yaml:2",
        ("a", "b"): "dir/x.yaml:3",
        ("a", "c"): "dir/x.yaml:5",
        ("a", "c", 0): "dir/x.yaml:5",
        ("a", "c", 1): "dir/x.yaml:6",
        ("a", "c", 1, "d"): "dir/x.yaml:6",
        ("e",): "dir/x.yaml:7",
        ("e", 0): "dir/x.yaml:8",
        ("e", 1): "dir/x.yaml:9",
        ("e", 1, "g"): "dir/x.yaml:9",
    }


@pytest.mark.parametrize("text", ["", "\n", "# only a comment\n", "---\n", "null\n"])
def test_an_empty_file_is_an_empty_recipe(text):
    assert parse(text, "f")[0] == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3", "f:3: a: the key is written twice"),
        ("a:\n  b: 1\n  b: 2", "f:3: a.b: the key is written twice"),
        ("a: [{b: 1, b: 2}]", "f:1: a.0.b: the key is written twice"),
        ("a: 1\nb: *a", "f:2: anchors and aliases are not supported"),
        ("a: &x 1\nb: *x", "f:1: anchors and aliases are not supported; reuse settings with `extends:`"),
        ("a: &x [*x]", "f:1: anchors and aliases"),
        (
            "a: 1\nb: !!python/object/apply:os.system [ls]",
            "f:2: the tag !!python/object/apply:os.system is not supported",
        ),
        ("!!python/object:zoo.errors.ZooError {}", "f:1: the tag !!python/object:zoo.errors.ZooError"),
        ("a: 1\nb: !!int ''", "f:2: the tag !!int is not supported; write a plain value"),
        ("!!int a: 1", "f:1: the tag !!int"),
        ("a: !local 1", "f:1: the tag !local"),
        ("a: ! 1", "f:1: the tag ! is not supported"),
        ("a: !!str [1]", "f:1: the tag !!str"),
        ("a:\n\tb: 1", "f:2: not valid YAML: a tab is used for indentation: indent with spaces"),
        ("a: 1\nb: [1", "f:2: not valid YAML: expected ',' or ']', but got '<stream end>'"),
        ("a: 1\n b: 2", "f:2: not valid YAML: mapping values are not allowed here"),
        ("a: 1\nb: 'x", "f:2: not valid YAML: found unexpected end of stream"),
        ("a: 1\n---\nb: 2", "f:2: not valid YAML: a second document starts here: a file holds one recipe"),
        ("a: 1\nb: \0", "f:2: not valid YAML: the character U+0000 is not allowed"),
        ('a: 1\nb: "\\U00110000"', "f:2: not valid YAML: an escape names a character that does not exist"),
        ('a: 1\nb: "\\ud800"', "f:2: b: the text is not valid Unicode, received '\\ud800'"),
        ('"\\ud800": 1', "f:1: \\ud800: the key is not valid Unicode"),
        ("a: 1\nb: " + "9" * 5000, "f:2: b: the whole number is too large"),
        (f"a: {2**63}", "f:1: a: the whole number is too large"),
        ("a: 0x" + "f" * 99, "f:1: a: the whole number is too large"),
        ("a: 1\nb: " + "[" * 5000, "f:2: nested too deeply"),
        ("a: 1\n[b]: 2", "f:2: a key must be a word, not a list or a mapping"),
        ("a: {{b: 1}: 2}", "f:1: a: a key must be a word, not a list or a mapping"),
        ("# comment\n- a\n", "f:2: expected sections, such as data: and model:, received a list"),
        ("\n5", "f:2: expected sections, such as data: and model:, received 5"),
        ("just words", "f:1: expected sections, such as data: and model:, received 'just words'"),
    ],
)
def test_each_refusal_names_the_line(text, message):
    with pytest.raises(ZooError) as caught:
        parse(text, "f")
    assert str(caught.value).startswith(message)
    assert len(str(caught.value).splitlines()) == 1


def test_a_tag_runs_nothing(tmp_path):
    target = tmp_path / "made"
    with pytest.raises(ZooError):
        parse(f"!!python/object/apply:os.mkdir ['{target}']", "f")
    assert not target.exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a: 1\nb: \xff", "f:2: not text in UTF-8 (byte 0xff)"),
        (b"\x89PNG\r\n\x1a\n\0\0", "f:1: not text in UTF-8 (byte 0x89)"),
        (b"\x1f\0", "f:1: not valid YAML: the character U+001F is not allowed"),
    ],
)
def test_binary_files(tmp_path, content, message):
    path = tmp_path / "binary.yaml"
    path.write_bytes(content)
    with pytest.raises(ZooError) as caught:
        read(path, "f")
    assert str(caught.value) == message


def test_unreadable_file(tmp_path):
    with pytest.raises(ZooError, match=r"^f: not readable \(a folder, not a file\)$"):
        read(tmp_path, "f")


def test_byte_order_mark_and_windows_lines(tmp_path):
    path = tmp_path / "windows.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\r\nb: x\r\n")
    value, origins = read(path, "f")
    assert value == {"a": 1, "b": "x"}
    assert origins[("b",)] == Origin("f", 2)


@pytest.mark.parametrize("text", ["[1", "a: b: c", "*x", "{a: 1, a: 2}", "!!int x", "'", "9" * 5000, "# note", "@x"])
def test_a_value_that_is_not_yaml_is_text(text):
    assert parse_value(text) == text


def test_a_value_may_be_nested():
    assert parse_value("{a: [1e-3, {b: no}]}") == {"a": [0.001, {"b": "no"}]}


TRICKY = [
    "1e-3",
    "yes",
    "7",
    "1:30",
    "0x1f",
    "0o17",
    "null",
    "",
    " a ",
    "a: b",
    "# a",
    "a\nb",
    "\u2028",
    "é×",
    "'",
    "<<",
    "…",
]


@pytest.mark.parametrize("text", TRICKY)
def test_text_survives_writing(text):
    tree = {"a": text, "b": [text, 1e-7, 1e22, 3, True, None]}
    assert parse(dump(tree), "f")[0] == tree
    line = dump_line(tree)
    assert len(line.splitlines()) == 1
    assert parse_value(line) == tree


def test_an_origin_stays_on_one_line():
    assert str(Origin(Path("a\nb.yaml").name, 3)) == "a\\nb.yaml:3"
