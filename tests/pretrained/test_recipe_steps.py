"""`preprocess: [{pretrained: {}}]` stands for what published weights expect of their input."""

import json

import numpy as np
import pytest
from PIL import Image

import zoo
from zoo import ZooError
from zoo.data.preprocessing import fit_preprocessor
from zoo.data.sources.load import load_dataset
from zoo.pretrained.recipe_steps import standardization, unlike_expected
from zoo.tasks import TASKS
from zoo.training.problem import set_up

MEAN, STD = (0.4, 0.5, 0.6), (0.2, 0.25, 0.3)
IMAGES = """
extends: [_base/{task}, _base/adamw_cosine]
data: {{source: "{data}"}}
preprocess: {steps}
model: {{name: {model}, pretrained: "file:{weights}"}}
training: {{batch_size: 8, epochs: 8}}
"""


@pytest.fixture
def weights(reference):
    """Return the weights of a small EfficientNet-Lite0 of 32 pixels, with timm's configuration beside them."""
    path = reference("efficientnet_lite0")[2]
    config = {"mean": MEAN, "std": STD, "input_size": [3, 32, 32], "crop_pct": 0.8, "interpolation": "bicubic"}
    (path.parent / "config.json").write_text(json.dumps({"pretrained_cfg": config}))
    return path


@pytest.fixture
def photos(tmp_path):
    """Return a folder of 24 colour images in two classes."""
    rng = np.random.default_rng(0)
    for i in range(24):
        pixels = rng.integers(0, 256, (5, 7, 3), dtype="uint8")
        path = tmp_path / "photos" / "ab"[i % 2] / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).resize((61, 47), Image.Resampling.BICUBIC).save(path)
    return tmp_path / "photos"


def recipe(tmp_path, weights, steps, *, task="image_classification", data="folder:x", model="efficientnet_lite0"):
    file = tmp_path / "own.yaml"
    file.write_text(IMAGES.format(task=task, data=data, steps=steps, weights=weights, model=model))
    return zoo.load_recipe(file)


def steps_of(loaded):
    return [{step.kind: step.settings.model_dump(exclude_defaults=True)} for step in loaded.recipe.preprocess]


def test_images_are_what_pillow_makes_of_them(tmp_path, weights, photos):
    loaded = recipe(tmp_path, weights, "[{pretrained: {}}]", data=f"folder:{photos}")
    task = TASKS[loaded.recipe.task]
    dataset = load_dataset(loaded.recipe.data, task, loaded.recipe.preprocess)
    fitted = fit_preprocessor(loaded.recipe.preprocess, dataset)
    path = photos / "a" / "0.png"
    found = np.asarray(fitted.to_shape(np.asarray(Image.open(path))[None])) * fitted.scale + fitted.offset
    small = Image.open(path).resize((52, 40), Image.Resampling.BICUBIC)  # the shorter side: 32 / 0.8
    expected = (np.asarray(small.crop((10, 4, 42, 36))) / 255 - MEAN) / STD
    assert np.abs(found[0] - expected).mean() < 0.02  # levels are whole in Pillow, and the width is 51.9


@pytest.mark.parametrize(
    ("task", "data", "model"),
    [("semantic_segmentation", "masks:x", "fpn"), ("object_detection", "voc:x", "center_net")],
)
def test_where_a_crop_would_cut_targets_images_are_stretched(tmp_path, weights, task, data, model):
    model = f"{model}, encoder: efficientnet_lite0"
    loaded = recipe(tmp_path, weights, "[{pretrained: {size: 16}}]", task=task, data=data, model=model)
    first, second = steps_of(loaded)
    assert first == {"resize": {"height": 16, "width": 16, "interpolation": "bicubic"}}
    np.testing.assert_allclose(second["standardize"]["mean"], 255 * np.array(MEAN))


def test_texts_are_cut_by_the_tokenizer_beside_the_weights(tmp_path, small):
    path = small[0]
    loaded = recipe(tmp_path, path, "[{pretrained: {}}]", task="sequence_classification", data="folder:x", model="bert")
    (step,) = loaded.recipe.preprocess
    own = step.tokenize
    assert (own.level, own.marks, own.length) == ("subword", True, 16)
    assert own.file == str(path.with_name("tokenizer.json"))
    assert "tokenize" in loaded.run_yaml() and "pretrained: {" not in loaded.run_yaml()


def test_it_is_said_what_stands_there_and_where_it_is_from(tmp_path, weights):
    loaded = recipe(tmp_path, weights, "[{pretrained: {size: 16}}]", data="folder:x")
    assert [note.partition(" expects ")[0] for note in loaded.notes] == [
        f"{tmp_path / 'own.yaml'}:4: preprocess.0.pretrained: file:{weights}"
    ]
    origins = {path: origin.line for path, origin in loaded.origins.items() if path[0] == "preprocess"}
    assert {line for path, line in origins.items() if len(path) > 1} == {4}
    sizes = [step.settings.height for step in loaded.recipe.preprocess[:2]]
    assert sizes == [20, 16]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model.pretrained": "runs/a"}, "runs/a is not a run that finished its training"),
        ({"model.pretrained": None}, "which the recipe does not name"),
        ({"model.pretrained": "package:no-such-package"}, "no package 'no-such-package' is installed here"),
        ({"preprocess": [{"pretrained": {}}, {"pretrained": {}}]}, "may stand only once"),
        ({"preprocess": [{"pretrained": {}}, {"resize": {"height": 8, "width": 8}}]}, "resize must stand before"),
    ],
)
def test_what_it_cannot_stand_for_is_refused(tmp_path, weights, changes, said):
    recipe(tmp_path, weights, "[{pretrained: {}}]")
    with pytest.raises(ZooError, match=said):
        zoo.load_recipe(tmp_path / "own.yaml", changes)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Return the folder of a short run on digits, whose images are standardised by the training split."""
    short = ["training.epochs=1", "data.train_fraction=0.1", "evaluation.baselines=[]", "model.widths=[4]"]
    steps = "preprocess=[{resize: {height: 12, width: 12}}, {rescale: {scale: 1/16}}, {standardize: {}}]"
    return zoo.train("cnn/digits", [*short, steps], runs=tmp_path_factory.mktemp("runs")).folder


@pytest.mark.ci
def test_a_run_has_the_values_that_it_was_fitted_to(run):
    changes = [f"model.pretrained={run}", "model.widths=[4]", "preprocess=[{pretrained: {}}]"]
    loaded = zoo.load_recipe("cnn/digits", changes).recipe
    dataset = load_dataset(loaded.data, TASKS[loaded.task], loaded.preprocess)
    fitted = fit_preprocessor(loaded.preprocess, dataset)
    images = dataset.test.take(np.arange(4))
    normalize = zoo.load(run).model.get_layer("normalize")
    x = np.asarray(fitted.to_shape(images))
    np.testing.assert_allclose(x * fitted.scale + fitted.offset, normalize(x), atol=1e-4)
    assert [step.kind for step in loaded.preprocess] == ["resize", "standardize"]
    with pytest.raises(ZooError, match="size has no effect on"):
        zoo.load_recipe("cnn/digits", [*changes[:2], "preprocess=[{pretrained: {size: 8}}]"])


@pytest.mark.ci
def test_what_is_published_says_it(run, tmp_path):
    zoo.publish(run, f"folder:{tmp_path / 'p'}")
    changes = ["model.widths=[4]", "preprocess=[{pretrained: {}}]"]
    own, published = (
        zoo.load_recipe("cnn/digits", [f"model.pretrained={source}", *changes]).recipe.preprocess
        for source in (run, f"file:{tmp_path / 'p'}")
    )
    assert own == published


@pytest.mark.ci
def test_of_a_model_that_takes_noise_nothing_is_said(tmp_path):
    short = ["training.epochs=1", "data.train_fraction=0.2", "training.batch_size=16", "evaluation.baselines=[]"]
    folder = zoo.train("gan/digits", short, runs=tmp_path).folder
    zoo.publish(folder, f"folder:{tmp_path / 'p'}")
    assert (tmp_path / "p" / "model.safetensors").is_file() and not (tmp_path / "p" / "config.json").exists()


@pytest.mark.ci
def test_tables_of_a_run_are_left_to_the_recipe(tmp_path):
    short = ["training.epochs=1", "evaluation.baselines=[]"]
    folder = zoo.train("mlp/wine", short, runs=tmp_path, export=False).folder
    with pytest.raises(ZooError, match="its inputs are table or array; write the steps"):
        zoo.load_recipe("mlp/wine", [f"model.pretrained={folder}", "preprocess=[{pretrained: {}}]"])


def test_weights_of_another_kind_of_input_are_refused(tmp_path, weights):
    with pytest.raises(ZooError, match="takes images, and sequence_classification text"):
        recipe(tmp_path, weights, "[{pretrained: {}}]", task="sequence_classification", data="csv:x")


@pytest.mark.parametrize(
    ("scale", "offset", "differs"),
    [
        (1 / np.array([51.0, 63.75, 76.5]), -np.array([2.0, 2.0, 2.0]), False),
        (np.array([1.0]), np.array([0.0]), True),  # not scaled at all
        (np.array([1 / 255]), np.array([0.0]), True),
        (1 / np.array([52.0, 63.75, 76.5]), -np.array([2.0, 2.0, 2.0]), False),  # of data that are nearly alike
    ],
)
def test_pixels_on_another_scale_are_noticed(tmp_path, weights, scale, offset, differs):
    loaded = recipe(tmp_path, weights, "[{pretrained: {}}]")
    said = unlike_expected(loaded.recipe, scale, offset)
    assert (said is not None) == differs
    if differs:
        assert f"goes into the network as {offset[0]:.3g} to {255 * scale[0] + offset[0]:.3g}" in said


def test_a_training_says_so(tmp_path, weights, photos):
    own = "[{resize: {height: 32, width: 32}}]"
    loaded = recipe(tmp_path, weights, own, data=f"folder:{photos}").recipe
    dataset = load_dataset(loaded.data, TASKS[loaded.task], loaded.preprocess)
    notes = set_up(loaded, dataset).pretrained["notes"]
    assert "warning: black to white goes into the network as 0 to 255, and the weights expect -2 to " in "".join(notes)
    assert standardization(loaded)["standardize"]["std"] == [51.0, 63.75, 76.5]
