import importlib
import subprocess
import sys
from collections.abc import Sequence
from functools import cache

import pytest

from zoo import registry
from zoo.commands.describe import describe
from zoo.errors import ZooError
from zoo.utils.settings import settings_of


@pytest.fixture
def state(monkeypatch):
    """Give the test a registry of its own to write in."""
    monkeypatch.setattr(registry, "_entries", dict(registry._entries))
    monkeypatch.setattr(registry, "_builders", dict(registry._builders))
    monkeypatch.setattr(registry, "_plugins", cache(registry._plugins.__wrapped__))
    monkeypatch.setattr(registry, "entry_points", lambda group: [])
    return monkeypatch


def register(name, module="elsewhere.tiny", **options):
    def tiny(*, input_shape: Sequence[int], outputs: int, width: int = 2) -> str:
        """Tiny model."""
        return f"{input_shape} {outputs} {width}"

    tiny.__name__, tiny.__module__ = name, module
    return registry.register(**{"tasks": ("tabular_regression",), "input_shape": (4,), "outputs": 1, **options})(tiny)


def test_the_index_read_from_source_equals_what_importing_registers():
    shipped = registry._shipped()
    for entry in shipped.values():
        importlib.import_module(entry.module)
    assert {e.name: e for e in registry._entries.values() if e.module.startswith("zoo.models.")} == shipped


def test_listing_needs_neither_keras_nor_a_backend():
    code = (
        "import sys; from zoo import registry; assert 'mlp' in registry.list_models(); registry.entry('resnet18'); "
        "assert not {'keras', 'tensorflow', 'jax'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_filters():
    assert registry.list_models("resnet*") == [
        "resnet101",
        "resnet152",
        "resnet18",
        "resnet1d",
        "resnet20",
        "resnet34",
        "resnet50",
    ]
    assert registry.list_models("*", family="mlp") == ["mlp", "mlp_mixer"]
    assert registry.list_models("resnet[1-3]?", family="cnn") == ["resnet18", "resnet20", "resnet34"]
    assert "mlp" in registry.list_models(task="tabular_regression")
    assert "cnn" not in registry.list_models(task="tabular_regression")
    assert registry.list_models("no_such_*") == []
    assert registry.list_models() == sorted(registry.list_models())


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        ({"family": "cmn"}, "unknown family 'cmn'; did you mean 'cnn'\\? \\(known: .*mlp"),
        ({"task": "image_clasification"}, "unknown task .*did you mean 'image_classification'"),
    ],
)
def test_unknown_filters_suggest_the_nearest(filters, message):
    with pytest.raises(ZooError, match=message):
        registry.list_models(**filters)


@pytest.mark.parametrize("use", [registry.entry, registry.build, registry.builder, describe])
def test_unknown_name_suggests_the_nearest(use):
    with pytest.raises(ZooError, match=r"unknown model 'alexnte'; did you mean 'alexnet'\? \(known: .*mlp"):
        use("alexnte")


def test_entry():
    entry = registry.entry("resnet18")
    assert (entry.family, entry.module) == ("cnn", "zoo.models.resnet")
    assert (entry.input_shape, entry.outputs) == ((224, 224, 3), 1000)
    assert entry.summary.startswith("ResNet-18")


@pytest.mark.parametrize(
    ("config", "key", "message"),
    [
        (
            {"drop_out": 0.1},
            "drop_out",
            r"no setting 'drop_out'; did you mean 'dropout'\? \(valid: activation, dropout",
        ),
        ({"dropout": "0.1"}, "dropout", r"mlp': dropout: .*must be a number, received '0.1' \(default: 0.0\)"),
        ({"dropout": True}, "dropout", "received True"),
        ({"activation": "rulu"}, "activation", "activation: must be 'relu'.*received 'rulu'"),
        ({"norm": None}, "norm", "'none', 'batch'.*received None"),
        ({"residual": 1}, "residual", "valid boolean, received 1"),
        ({"dropout": 1.0}, "dropout", "less than 1, received 1.0"),
        ({"widths": [0]}, "widths", "at least 1, received"),
        ({"widths": 128}, "widths", "widths: .*received 128"),
        ({"widths": "12"}, "widths", "received '12'"),
        ({"widths": [128, 64.5]}, "widths", r"whole number, received \[128, 64.5\]"),
    ],
)
def test_unknown_and_ill_typed_settings(config, key, message):
    with pytest.raises(registry.ModelConfigError, match=message) as caught:
        registry.build("mlp", **config)
    assert caught.value.key == key


def test_lists_and_whole_numbers_are_taken_where_yaml_writes_them():
    registry.validate_config("mlp", {"widths": [4, 4], "dropout": 0})


@pytest.mark.parametrize(
    ("shared", "message"),
    [
        (
            {"input_shape": (28, 0, 1)},
            "input_shape must be a list of positive whole numbers, .* received \\(28, 0, 1\\)",
        ),
        ({"input_shape": 32}, r"as its default \(28, 28, 1\); received 32"),
        ({"input_shape": "32"}, "received '32'"),
        ({"input_shape": (True, 8, 1)}, r"received \(True, 8, 1\)"),
        ({"input_shape": (None, 8, 1)}, r"every axis of input_shape must have a size, as in its default"),
        ({"input_shape": ()}, "input_shape must be"),
        ({"input_shape": (True,)}, "input_shape must be"),
        ({"outputs": 0}, "outputs must be a positive whole number, received 0"),
        ({"outputs": 2.0}, "received 2.0"),
    ],
)
def test_impossible_shapes(shared, message):
    with pytest.raises(ZooError, match=message):
        registry.build("mlp", **shared)


def test_registering_and_building(state):
    register("tiny")
    assert registry.entry("tiny").family == "tiny"
    assert registry.entry("tiny").summary == "Tiny model."
    assert "tiny" in registry.list_models(task="tabular_regression")
    assert registry.build("tiny") == "(4,) 1 2"
    assert registry.build("tiny", input_shape=[3], outputs=2, width=5) == "(3,) 2 5"


@pytest.mark.parametrize("name", ["mlp", "tiny"])
def test_a_second_builder_of_the_name_is_refused(state, name):
    register("tiny", module="elsewhere.first")
    with pytest.raises(ZooError, match=f"'{name}' is already registered by .*; elsewhere.second must choose"):
        register(name, module="elsewhere.second")
    assert registry.entry(name).module != "elsewhere.second"


def test_a_second_builder_of_the_name_in_one_module_is_refused(state):
    register("tiny")
    with pytest.raises(ZooError, match="'tiny' is already registered"):
        register("tiny")


def small_network(name: str, *, input_shape: Sequence[int], outputs: int, width: int, depth: int = 3) -> str:
    """Some network.

    Args:
        width: features.
    """
    return f"{name} {input_shape} {outputs} width {width} depth {depth}"


def variant(**defaults):
    @settings_of(small_network, **defaults)
    def wide(*, gain: float = 1.0, **settings) -> str:
        """Wide network."""
        return f"{small_network('wide', **settings)} gain {gain}"

    return wide


def test_a_builder_takes_the_settings_of_another_function(state):
    builder = variant(width=8)
    registry.register(tasks=("tabular_regression",), input_shape=(4,), outputs=1)(builder)
    assert registry.defaults("wide") == {"gain": 1.0, "width": 8, "depth": 3}
    assert registry.entry("wide").summary == "Wide network."
    assert "width: features." in builder.__doc__
    assert registry.build("wide") == "wide (4,) 1 width 8 depth 3 gain 1.0"
    assert registry.build("wide", depth=2, gain=0.5) == "wide (4,) 1 width 8 depth 2 gain 0.5"
    with pytest.raises(registry.ModelConfigError, match=r"depth: .*whole number, received '2' \(default: 3\)"):
        registry.build("wide", depth="2")
    with pytest.raises(registry.ModelConfigError, match="no setting 'dept'; did you mean 'depth'"):
        registry.build("wide", dept=2)


def test_a_changed_default_must_be_a_setting_that_is_taken():
    with pytest.raises(KeyError, match="widht"):
        variant(widht=8)
    with pytest.raises(KeyError, match="gain"):
        variant(gain=2.0)


class Point:
    """A stand-in for `importlib.metadata.EntryPoint`."""

    def __init__(self, load):
        self.load = load


def test_installed_packages_add_builders(state):
    groups = []
    point = Point(lambda: register("third", module="package.models", family="own"))
    state.setattr(registry, "entry_points", lambda group: groups.append(group) or [point])
    assert "third" in registry.list_models()
    assert registry.list_models(family="own") == ["third"]
    assert registry.build("third", width=7) == "(4,) 1 7"
    assert groups == ["zoo.models"]  # once only


def test_an_installed_package_cannot_take_a_shipped_name(state):
    state.setattr(
        registry, "entry_points", lambda group: [Point(lambda: register("resnet18", module="package.models"))]
    )
    with pytest.raises(ZooError, match=r"already registered by zoo.models.resnet; package.models must choose"):
        registry.list_models()


@pytest.mark.ci
def test_an_installed_package_may_import_a_family_and_be_imported_first(tmp_path):
    (tmp_path / "acme.py").write_text("from zoo.models.mlp import mlp", encoding="utf-8")
    info = tmp_path / "acme-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1\n", encoding="utf-8")
    (info / "entry_points.txt").write_text("[zoo.models]\nacme = acme\n", encoding="utf-8")
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import zoo.models.mlp; "
        "from zoo import registry; registry.list_models(); assert 'acme' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
