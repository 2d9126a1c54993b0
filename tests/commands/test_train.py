"""The whole chain, for every shipped recipe and for data that must be refused."""

import dataclasses
import json
import re
import shutil
import subprocess
import sys

import keras
import numpy as np
import onnxruntime
import pytest
from in_ci import in_ci
from PIL import Image

import zoo
from zoo import cli, registry
from zoo.data.sources.load import load_dataset
from zoo.errors import ZooError
from zoo.evaluation.kinds import KINDS
from zoo.recipe import list_recipes, load_recipe
from zoo.serving.exported_model import ExportedModel
from zoo.serving.predict import predict
from zoo.tasks import FILE_SOURCES, TASKS

FILES = (
    *("recipe.yaml", "environment.json", "data.json", "metrics.csv", "model.keras", "report.json", "report.html"),
    *("checkpoints/last.keras", "checkpoints/best.weights.h5"),
    *("export/model.onnx", "export/certificate.json", "export/card.md"),
)
KEYS = {"task", "model", "metrics", "baseline", "verdict", "seconds", "parameters", "versions"}


SIZES = {  # of every recipe's model that has the setting
    "widths": "[8]",
    "depth": 1,
    "units": 8,
    "layers": 1,
    "embedding": 8,
    "head_width": 8,
    "blocks": "[1, 1]",
    "depths": "[1, 1, 1, 1]",
    "growth": 4,
    "token_width": 8,
    "channel_width": 8,
    "latent": 4,
    "generator_widths": "[8, 4]",
    "discriminator_widths": "[4, 8]",
}
BY_MODEL = {  # of models that need more than that, or another form of it
    "ddpm": {"widths": "[8, 8]", "attention": "[2]", "groups": 4, "heads": 2},
    "conditional_ddpm": {"widths": "[8, 8]", "attention": "[2]", "groups": 4, "heads": 2},
    "dit_tiny": {"width": 8, "heads": 2, "patch": 4},
    "center_net": {"widths": "[4, 8, 8]"},
    "convnext_tiny": {"widths": "[16, 16, 16]", "depths": "[1, 1, 1]"},
    "crnn": {"widths": "[4, 8, 8]"},
    "efficientnet_b0": {"width": 0.2, "depth": 0.2},
    "efficientnet_lite0": {"width": 0.2, "depth": 0.2},
    "fasttext": {"buckets": 64, "width": 8},
    "gat": {"width": 8, "heads": 2},
    "gcn": {"width": 8},
    "gpt": {"width": 8, "heads": 2},
    "graph_sage": {"width": 8},
    "masked_language_model": {"width": 8, "heads": 2},
    "mlp_mixer": {"width": 8},
    "mobilenet_v2": {"width": 0.2},
    "seq2seq_transformer": {"width": 8, "heads": 2},
    "tcn": {"width": 8},
    "transformer": {"width": 8, "heads": 2},
    "ts_transformer": {"width": 8, "heads": 2},
    "unet": {"widths": "[4, 8]"},
    "vit_tiny": {"width": 8, "heads": 2},
    "wide_resnet": {"depth": 10, "width": 1},
}


def small(name):
    """Return overrides that keep the recipe's form and make its run as short as can be."""
    recipe = load_recipe(name).recipe
    task = TASKS[recipe.task]
    overrides = ["training.epochs=1", "training.batch_size=32"]
    cheap = {"classification": "logistic_regression", "regression": "ridge"}.get(task.kind, task.baselines[0])
    overrides.append(f"evaluation.baseline={cheap}")
    if hasattr(recipe.optimizer.learning_rate, "warmup_epochs"):
        overrides.append("optimizer.learning_rate.warmup_epochs=0.5")
    if any(step.resize for step in recipe.preprocess):
        overrides.append("preprocess=[{resize: {height: 32, width: 32}}, {rescale: {scale: 0.004}}]")
    if task.reads_corpus:
        overrides.append("data.context=64")
    if recipe.data.validation < 0.1:
        overrides.append("data.validation=0.1")  # the made-up data are few
    if recipe.task == "image_generation":
        overrides.append("evaluation.samples=100")
    if recipe.sampling is not None:
        overrides.append("sampling.steps=3")
    sizes = SIZES | BY_MODEL.get(recipe.model.name, {})
    settings = registry.defaults(recipe.model.name)
    return overrides + [f"model.{key}={value}" for key, value in sizes.items() if key in settings]


LARGE = ("adding_problem", "copy_memory", "dates", "digit_strips", "digit_scenes")


@pytest.fixture(scope="session", autouse=True)
def fewer_examples():
    """Keep the large built-in sets to their first examples: what is tested here is the chain."""
    from zoo.data.sources.load import LOADERS

    load = LOADERS["builtin"]

    def some(name, data, task):
        found = load(name, data, task)
        if name not in LARGE:
            return found
        cut = {n: s.part(np.arange(min(len(s), 300 if n == "train" else 60))) for n, s in found.splits.items()}
        return dataclasses.replace(found, splits=cut)

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(LOADERS, "builtin", some)
        yield


def scenes(builder, *arguments, **options):
    """Stand in for a COCO-style set: what TFDS makes up has objects with more boxes than labels."""
    import tensorflow as tf

    def generate():
        rng = np.random.default_rng(0)
        for count in rng.integers(0, 4, 60):
            image = rng.integers(0, 256, (*rng.integers(20, 50, 2), 3), dtype=np.uint8)
            corner = rng.uniform(0, 0.5, (count, 2)).astype(np.float32)
            boxes = np.concatenate([corner, corner + 0.3], axis=1)
            crowd = rng.random(count) < 0.1
            objects = {"bbox": boxes, "label": rng.integers(0, 80, count), "is_crowd": crowd}
            yield {"image": tf.io.encode_png(image).numpy(), "objects": objects}

    signature = {
        "image": tf.TensorSpec((), tf.string),
        "objects": {
            "bbox": tf.TensorSpec((None, 4), tf.float32),
            "label": tf.TensorSpec((None,), tf.int64),
            "is_crowd": tf.TensorSpec((None,), tf.bool),
        },
    }
    return tf.data.Dataset.from_generator(generate, output_signature=signature)


@pytest.fixture(scope="session", autouse=True)
def briefly_trained_classifiers():
    """Train the classifiers that compare generated images for one epoch."""
    train = zoo.train

    def short(name, **options):
        return train(name, ["training.epochs=1", "optimizer.learning_rate.warmup_epochs=0.5"], **options)

    evaluate = KINDS["generation"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(KINDS, "generation", lambda trained: evaluate(dataclasses.replace(trained, train=short)))
        yield


@pytest.fixture
def data_of(request):
    """Return a function that puts made-up data in the place of what a recipe would download."""
    import tensorflow_datasets as tfds

    def prepare(recipe):
        if recipe.data.source.startswith("tfds:"):
            few = recipe.data.source == "tfds:oxford_flowers102"  # large images of many sizes
            own = scenes if recipe.task == "object_detection" else None
            policy = tfds.testing.MockPolicy.USE_CODE
            mocked = tfds.testing.mock_data(num_examples=40 if few else 200, policy=policy, as_dataset_fn=own)
            mocked.__enter__()
            request.addfinalizer(lambda: mocked.__exit__(None, None, None))

    return prepare


# Half a minute and more, even when small.
LONG_KINDS = {"detection", "generation", "representation", "sequences", "transcription"}


def one_a_kind():
    """Return the first recipe on built-in data of each kind of task that is not long; `-m slow` runs the others."""
    found = {}
    for name in list_recipes():
        recipe = load_recipe(name).recipe
        if recipe.data.source.startswith("builtin:"):
            found.setdefault(TASKS[recipe.task].kind, name)
    assert set(found) == {task.kind for task in TASKS.values()}
    return [name for kind, name in found.items() if kind not in LONG_KINDS]


ONE_A_KIND = one_a_kind()
QUICK = ("cnn/digits",)  # the test command runs these, `.ci/run` one of each kind


def mark_of(name):
    if name in QUICK:
        return []
    return pytest.mark.ci if name in ONE_A_KIND else pytest.mark.slow


def has_files(name):
    """Whether a script in examples/ makes the recipe's files: tests/test_sources.py has one of each source."""
    return load_recipe(name).recipe.data.source.partition(":")[0] in FILE_SOURCES


@pytest.mark.parametrize("name", [pytest.param(n, marks=mark_of(n)) for n in list_recipes() if not has_files(n)])
def test_every_recipe_from_data_to_prediction(name, tmp_path, data_of):
    recipe = load_recipe(name).recipe
    data_of(recipe)
    run = zoo.train(name, small(name), runs=tmp_path)
    assert run.folder.parent == tmp_path / name
    assert [file for file in FILES if not (run / file).is_file()] == []
    report = json.loads((run / "report.json").read_text())
    assert set(report) >= KEYS and report["recipe"] == name and report["task"] == recipe.task
    primary = TASKS[recipe.task].primary
    silent = ("anomaly_detection", "image_generation", "representation_learning", "masked_language_modeling")
    untrained = recipe.task in silent  # where the training split tells nothing
    evaluated = ["train", "validation", "test"][untrained:]
    assert set(report["metrics"]) == set(evaluated)
    assert all(np.isfinite(report["metrics"][split][primary]) for split in evaluated)
    assert report["baseline"]["name"] and primary in report["baseline"]["test"]
    assert_verdict_fits(report["verdict"], report["comparison"])
    assert report["parameters"] > 0 and report["seconds"] > 0 and report["versions"]["keras"]
    again = zoo.evaluate(run)
    assert again["metrics"] == pytest.approx(report["metrics"]["test"], rel=1e-6)
    assert again["intervals"].keys() == report["intervals"]["test"].keys()
    certificate = json.loads((run / "export" / "certificate.json").read_text())
    assert certificate["label_flips"] == 0 or TASKS[recipe.task].kind in ("tokens", "segmentation", "transcription")
    assert certificate["samples"] == again["samples"] or recipe.task == "image_generation"


def assert_verdict_fits(verdict, comparison):
    """The verdict says better or worse only where the difference, or all of its interval, is on that side of zero."""
    low, high = comparison["interval"] or [comparison["difference"]] * 2
    if verdict.startswith("better than"):
        assert low > 0
    elif verdict.startswith("worse than"):
        assert high < 0
    else:
        ahead = comparison["difference"] > 0
        assert verdict.startswith("not clearly better than" if ahead else "no better than")
        assert low <= 0 <= high or comparison["p_value"] >= 0.05


@pytest.mark.parametrize(
    "freeze", [pytest.param(True, marks=pytest.mark.ci), pytest.param(False, marks=pytest.mark.slow)]
)
def test_an_encoder_goes_on_into_a_classifier(tmp_path, freeze):
    """Trained without labels, then handed to the supervised network of the same architecture."""
    encoder = "{widths: [4, 6], depth: 1}"
    short = ["training.epochs=1", "optimizer.learning_rate.warmup_epochs=0.5", "evaluation.baseline=null"]
    first = zoo.train(
        "representation/digits_simclr",
        [f"model.encoder_config={encoder}", *short],
        runs=tmp_path,
        export=False,
    )
    given = ["model.widths=[4,6]", "model.depth=1", *short]
    given += [f"model.pretrained={first}", f"model.freeze={str(freeze).lower()}", "data.per_class=20"]
    second = zoo.train("cnn/digits", given, runs=tmp_path)
    report = json.loads((second / "report.json").read_text())
    assert report["data"]["pretrained"]["recipe"] == "representation/digits_simclr"
    assert report["data"]["splits"]["train"] == 200
    kernels = []
    for run in (first, second):
        layers = [keras.saving.load_model(run / "model.keras", compile=False)]
        while layers:
            layer = layers.pop()
            layers += getattr(layer, "layers", [])
            kernels += [np.array(layer.kernel)] if layer.name == "stage1_1_conv" else []
    assert np.array_equal(*kernels) == freeze


@pytest.mark.ci
def test_without_a_baseline_and_without_an_export(tmp_path):
    run = zoo.train("mlp/wine", [*small("mlp/wine"), "evaluation.baseline=null"], runs=tmp_path, export=False)
    report = json.loads((run / "report.json").read_text())
    assert report["baseline"] is None and report["verdict"].startswith("not compared")
    assert not (run / "export").exists()
    certificate = zoo.export(run)
    assert certificate["path"] == str(run / "export" / "model.onnx") and (run / "export" / "model.onnx").is_file()
    assert certificate["label_flips"] == 0


@pytest.mark.parametrize("kind", in_ci(["folder", "table", "regression", "array"], but=["table"]))
def test_evaluation_and_export_of_own_data_give_the_same_again(kind, trained, tmp_path):
    run = shutil.copytree(trained(kind).run, tmp_path / "run")  # other processes read the shared one
    report = json.loads((run / "report.json").read_text())
    found = zoo.evaluate(run)["metrics"]  # a resize rounds by where a picture lies in memory, on some processors
    assert found == pytest.approx(report["metrics"]["test"], rel=1e-6)
    certificate = json.loads((run / "export" / "certificate.json").read_text())
    again = zoo.export(run)
    for key in ("max_abs_difference", "label_flips", "samples", "tolerance", "data"):
        assert again[key] == certificate[key]


@pytest.mark.slow  # `tests/test_old_runs.py` opens runs that another process wrote
@pytest.mark.parametrize("kind", ["folder", "table"])
def test_a_run_can_be_opened_by_another_process(kind, trained):
    """Which has imported nothing that training imported."""
    run = trained(kind).run
    command = [sys.executable, "-m", "zoo", "evaluate", str(run), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    report = json.loads((run / "report.json").read_text())
    assert json.loads(done.stdout)["metrics"] == pytest.approx(report["metrics"]["test"])
    assert done.stderr.splitlines() == [f"Evaluating {run} on {report['examples']['test']} test examples"]


@pytest.mark.parametrize("kind", in_ci(["folder", "table"], but=["table"]))
def test_what_a_user_sees_of_a_training(kind, trained, tmp_path):
    """Nothing of the libraries beneath, and on standard output the run folder alone."""
    recipe = trained(kind).recipe
    command = [sys.executable, "-m", "zoo", "train", str(recipe), "training.epochs=1", "--runs", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert [str(path) for path in (tmp_path / kind).iterdir()] == done.stdout.splitlines()
    begins = (
        f"{kind}:|Data:|  (note|warning):|Model:|Training in|  epoch|Kept|Baselines?:|  [a-z ]+ on validation:|Test |"
        "  (no |not clearly )?(better|worse)|Diagnosis:|  next: |Exported|Done in"
    )
    assert [line for line in done.stderr.splitlines() if not re.match(begins, line)] == []


@pytest.mark.ci
def test_a_recipe_run_again_gives_the_same_model(trained, tmp_path):
    """From the recipe that the run folder holds."""
    first = trained("array").run
    second = zoo.train(first / "recipe.yaml", runs=tmp_path)
    assert (second / "export" / "model.onnx").parent.is_dir()
    reports = [json.loads((run / "report.json").read_text()) for run in (first, second)]
    assert reports[0]["metrics"] == reports[1]["metrics"] and reports[0]["history"][-1]["loss"] == pytest.approx(
        reports[1]["history"][-1]["loss"], rel=0
    )


def test_changed_data_is_not_what_was_trained_on(tmp_path, write_images, write_recipe):
    write_images(tmp_path / "data")
    recipe = write_recipe(tmp_path, "folder")
    overrides = ["training.epochs=1", "evaluation.baseline=majority_class"]
    run = zoo.train(recipe, overrides, runs=tmp_path / "runs", export=False)
    image = tmp_path / "data" / "cat" / "00.png"
    pixels = np.array(Image.open(image))
    pixels[0, 0] ^= 1
    Image.fromarray(pixels).save(image)
    for command in (zoo.evaluate, zoo.export):
        with pytest.raises(ZooError, match=r"is not the data that .* was trained on: its fingerprint is"):
            command(run)


# --- data that must be refused, at the command line ---------------------------------------------------------------


@pytest.fixture
def command(monkeypatch, capsys):
    """Return a function that runs `zoo` with these arguments; gives exit code, output and error output."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["zoo", *map(str, arguments)])
        code = 0
        try:
            cli.main()
        except SystemExit as exit_:
            code = exit_.code or 0
        out, err = capsys.readouterr()
        return code, out, err

    return run


def edited(old, new):
    """Return a function that replaces text in the table, once."""

    def edit(folder):
        lines = (folder / "data.csv").read_text()
        assert old in lines
        (folder / "data.csv").write_text(lines.replace(old, new, 1))

    return edit


TABLE = "height,colour,kind\n" + "\n".join(f"{i / 3},{'ab'[i % 2]},{'xy'[i % 2]}" for i in range(60)) + "\n"


def damaged(folder):
    image = folder / "data" / "dog" / "02.png"
    image.write_bytes(image.read_bytes()[:60])


def emptied(folder):
    for file in (folder / "data" / "emu").iterdir():
        file.unlink()


@pytest.mark.parametrize(
    ("kind", "spoil", "message"),
    [
        (
            "table",
            edited("kind", "kinds"),
            "data.target names the column 'kind', which the table lacks; did you mean",
        ),
        (
            "table",
            edited("\n0.0,", "\nnone at all,"),
            "column 'height' holds numbers, but row 1 (line 2) has 'none at all'",
        ),
        ("table", edited("\n0.0,a,x", "\n0.0,a,"), "column 'kind': row 1 (line 2) has no label"),
        ("folder", emptied, "data/emu: the class has no images"),
        ("folder", damaged, "data: 1 of 48 images cannot be read: dog/02.png"),
    ],
)
def test_bad_data_is_refused_before_anything_is_written(
    kind, spoil, message, command, tmp_path, write_images, write_recipe
):
    recipe = write_recipe(tmp_path, kind)
    if kind == "table":
        (tmp_path / "data.csv").write_text(TABLE)
        overrides = ["data.ignore=[]", "data.categorical=[]"]
    else:
        write_images(tmp_path / "data")
        overrides = []
    spoil(tmp_path)
    code, out, err = command("train", recipe, *overrides, "--runs", tmp_path / "runs")
    assert code == 2 and out == ""
    assert err.count("error:") == 1 and "Traceback" not in err
    assert message in err.partition("error:")[2] and str(tmp_path) in err.partition("error:")[2]
    assert not (tmp_path / "runs").exists()


@pytest.mark.ci
def test_the_same_data_unspoiled_trains(command, tmp_path, write_recipe):
    (tmp_path / "data.csv").write_text(TABLE)
    recipe = write_recipe(tmp_path, "table")
    overrides = ["data.ignore=[]", "data.categorical=[]", "training.epochs=1", "data.accept=[target_leakage]"]
    code, out, err = command("train", recipe, *overrides, "--runs", tmp_path / "runs", "--json")
    assert code == 0, err
    report = json.loads(out)
    assert set(report) >= KEYS and (tmp_path / "runs").is_dir()
    model = f"{report['run']}/export/model.onnx"
    code, out, _ = command("predict", model, tmp_path / "data.csv", "--json")
    assert code == 0 and json.loads(out) == predict(model, [tmp_path / "data.csv"])
    code, out, err = command("evaluate", report["run"], "--json")
    assert code == 0 and json.loads(out)["metrics"] == report["metrics"]["test"]
    code, _, err = command("evaluate", tmp_path)
    assert code == 2 and err.count("error:") == 1 and "is not a run folder" in err


@pytest.mark.ci
def test_an_autoencoder_leaves_both_halves_and_an_anomaly_detector_its_threshold(tmp_path):
    name = "autoencoder/digits_anomaly"
    run = zoo.train(name, small(name), runs=tmp_path)
    report = json.loads((run / "report.json").read_text())
    dataset = load_dataset(load_recipe(name).recipe.data, TASKS["anomaly_detection"])
    raw = dataset.test.take(np.arange(20))
    model = ExportedModel(run / "export" / "model.onnx")
    found = model.predict(raw)
    threshold = report["threshold"]["threshold"]
    assert model.threshold == threshold
    assert found.labels == ["abnormal" if score > threshold else "normal" for score in found.parts["score"]]
    error = np.square(found.parts["reconstruction"] - raw / 255).mean((1, 2, 3))
    np.testing.assert_allclose(found.parts["score"], error, rtol=1e-4)
    decoder = onnxruntime.InferenceSession(run / "export" / "decoder.onnx")
    (image,) = decoder.run(["reconstruction"], {"embedding": found.parts["embedding"]})
    np.testing.assert_allclose(image, found.parts["reconstruction"], atol=1e-5)
    np.savez(tmp_path / "x.npz", x=raw)
    rows = predict(run / "export" / "model.onnx", [tmp_path / "x.npz"])
    assert [row["label"] for row in rows] == found.labels and len(rows[0]["embedding"]) == 16


@pytest.mark.slow
@pytest.mark.parametrize("name", ["gan/digits_conditional", "diffusion/digits_conditional"])
def test_a_model_that_makes_images(name, tmp_path, monkeypatch):
    run = zoo.train(name, small(name), runs=tmp_path)
    report = json.loads((run / "report.json").read_text())
    assert set(report["metrics"]["test"]) == {"fid", "kid", "precision", "recall", "coverage"}
    assert report["memorization"]["verdict"] and report["features"]["recipe"] == "cnn/digits"
    assert report["classes"]["classes"] == 10 and len(report["classes"]["shares"]) == 10
    assert (run / "samples" / "epoch-0001.png").is_file()
    page = (run / "report.html").read_text()
    assert "Generated images" in page and "Nearest training images" in page
    model = ExportedModel(run / "export" / "model.onnx")
    images = model.sample(12, seed=3)
    assert images.shape == (12, 8, 8, 1) and images.dtype == np.uint8
    np.testing.assert_array_equal(images, model.sample(12, seed=3))
    assert (images != model.sample(12, seed=4)).any()
    threes = model.sample(12, seed=3, labels=["3"] * 12)
    np.testing.assert_array_equal(images[3], threes[3])  # the classes come in turn
    for wrong, message in (({"labels": ["x"]}, "unknown class 'x'"), ({"labels": ["1", "2"]}, "expected one for each")):
        with pytest.raises(ZooError, match=message):
            model.sample(1, **wrong)
    with pytest.raises(ZooError, match="makes images from noise"):
        model.predict(images)
    monkeypatch.setattr(
        sys, "argv", ["zoo", "sample", str(run / "export" / "model.onnx"), "--output", str(tmp_path / "x.png")]
    )
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code in (0, None)
    with Image.open(tmp_path / "x.png") as grid:
        assert grid.size == (10 * 9 - 1, 4 * 9 - 1)


@pytest.mark.slow
def test_a_masked_language_model_fills_in_what_must_stand_there(tmp_path):
    """In a text of one sentence over and over, each hidden character follows from those around it."""
    sentence = "the quick brown fox jumps over a lazy dog; "
    (tmp_path / "text.txt").write_text(sentence * 200)
    given = [
        f"data={{source: 'text:{tmp_path}/text.txt', context: 32}}",
        "training.epochs=10",
        "training.batch_size=16",
    ]
    given += ["model.width=32", "model.depth=2", "model.dropout=0.0", "optimizer.learning_rate.peak=1e-2"]
    run = zoo.train("representation/python_topics_masked", given, runs=tmp_path / "runs")
    asked = [sentence[:32], sentence[5:37]]
    hidden = ["\ufffd".join([text[:4], text[5:15], text[16:28], text[29:]]) for text in asked]
    assert hidden != asked and ExportedModel(run / "export" / "model.onnx").fill_in(hidden) == asked
