"""The order and content of batches: pure functions of (seed, step), the same from memory and from disk."""

import subprocess
import sys
import textwrap
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf
from in_ci import in_ci

from zoo.backend.startup import start_keras
from zoo.data.batches import evaluation_batches, training_batches
from zoo.data.dataset import Dataset, Signature, whole
from zoo.data.inputs import ArrayInputs
from zoo.data.prepared import Prepared, prepare
from zoo.data.preprocessing import fit_preprocessor
from zoo.data.preprocessor import Preprocessor
from zoo.data.sources.load import load_dataset
from zoo.recipe import load_recipe
from zoo.recipe.data_section import Data
from zoo.tasks import TASKS
from zoo.training.problem import set_up

start_keras()
COUNT, SIZE = 50, 8
PER_EPOCH = COUNT // SIZE
AUGMENT = (
    "augment=[{random_flip: {}}, {random_translation: {height: 0.3, width: 0.3}}, {random_rotation: {factor: 0.1}}, "
    "{random_zoom: {factor: 0.2}}, {random_brightness: {factor: 0.2}}, {random_contrast: {factor: 0.2}}, "
    "{random_erasing: {}}, {gaussian_noise: {std: 0.1}}]"
)
MIXUP = "regularization={mixup: 0.4, cutmix: 1.0}"


def recipe(*overrides, seed=0):
    plain = ["augment=[]", f"training.batch_size={SIZE}", f"training.seed={seed}"]
    return load_recipe("mlp/digits", [*plain, *overrides]).recipe


def numbered(memory="resident"):
    """Return examples whose every pixel, and whose target, is their number."""
    array = np.repeat(np.arange(COUNT, dtype=np.uint8), 36).reshape(COUNT, 6, 6, 1)
    split = whole(ArrayInputs(array), np.arange(COUNT, dtype=np.int32))
    signature = Signature("image", "class", (6, 6, 1), labels=("a", "b"))
    data = Dataset(name="made", signature=signature, train=split, validation=split, test=split, fingerprint="f")
    return prepare(split, fit_preprocessor([], data), np.eye(COUNT, dtype=np.float32), memory)


def batches(prepared, settings, start=0, steps=PER_EPOCH):
    found = training_batches(prepared, settings, start=start, steps=steps)
    return [(x.numpy(), y.numpy()) for x, y in found]


def order(*args, **kwargs):
    return [y.argmax(1).tolist() for _, y in batches(*args, **kwargs)]


def assert_same(first, second):
    assert len(first) == len(second)
    for (x, y), (other_x, other_y) in zip(first, second, strict=True):
        if x.dtype.kind == "f":  # a resize rounds by where a picture lies in memory, on some processors
            np.testing.assert_allclose(x, other_x, rtol=1e-6)
        else:
            np.testing.assert_array_equal(x, other_x)
        np.testing.assert_array_equal(y, other_y)


def test_an_epoch_repeats_nothing_and_leaves_out_another_part_each_time():
    steps = order(numbered(), recipe(), steps=4 * PER_EPOCH)
    epochs = np.reshape(steps, (4, PER_EPOCH * SIZE)).tolist()
    assert all(len(set(epoch)) == len(epoch) == PER_EPOCH * SIZE for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 4
    assert len({frozenset(range(COUNT)) - set(epoch) for epoch in epochs}) == 4
    assert set.union(*map(set, epochs)) == set(range(COUNT))


def test_inputs_and_targets_belong_together():
    for x, y in batches(numbered(), recipe()):
        assert x.dtype == np.uint8 and x.shape == (SIZE, 6, 6, 1)
        np.testing.assert_array_equal(x[:, 0, 0, 0], y.argmax(1))


@pytest.mark.parametrize("start", in_ci([1, PER_EPOCH, 2 * PER_EPOCH - 1], but=[1]))
def test_a_late_start_gives_the_tail(start):
    settings, prepared, total = recipe(AUGMENT, MIXUP), numbered(), 3 * PER_EPOCH
    whole_run = batches(prepared, settings, steps=total)
    assert_same(batches(prepared, settings, start=start, steps=total - start), whole_run[start:])


def test_a_start_that_moves_is_read_by_each_iterator():
    import tensorflow as tf

    prepared, settings = numbered(), recipe(AUGMENT)
    start = tf.Variable(0, dtype=tf.int64)
    found = training_batches(prepared, settings, start=start, steps=PER_EPOCH)
    for epoch in range(3):
        start.assign(epoch * PER_EPOCH)
        expected = batches(prepared, settings, start=epoch * PER_EPOCH)
        assert_same([(x.numpy(), y.numpy()) for x, y in found], expected)


def test_the_same_seed_gives_the_same_batches_and_another_seed_others():
    first = batches(numbered(), recipe(AUGMENT, MIXUP))
    assert_same(batches(numbered(), recipe(AUGMENT, MIXUP)), first)
    other = batches(numbered(), recipe(AUGMENT, MIXUP, seed=1))
    assert all((x != other_x).any() for (x, _), (other_x, _) in zip(first, other, strict=True))
    assert order(numbered(), recipe(seed=2)) != order(numbered(), recipe(seed=3))


@pytest.mark.parametrize("settings", [(), (AUGMENT, MIXUP)])
def test_streamed_equals_resident(settings):
    streamed = numbered("streamed")
    assert streamed.array is None
    assert_same(batches(streamed, recipe(*settings)), batches(numbered(), recipe(*settings)))


@pytest.mark.parametrize("kind", ["folder", "arrays", "table"])
def test_streamed_equals_resident_from_files(kind, tmp_path, write_images):
    resize = {"resize": {"height": 12, "width": 10}}
    task, settings, given = "image_classification", {}, [resize, {"center_crop": {"height": 8, "width": 9}}]
    if kind == "folder":
        write_images(tmp_path / "data")
        source = f"folder:{tmp_path / 'data'}"
    elif kind == "arrays":
        pixels = np.random.default_rng(0).integers(0, 256, (90, 7, 21, 3), dtype=np.uint8)
        np.savez(tmp_path / "d.npz", x=pixels, y=np.arange(90) % 2)
        source = f"npz:{tmp_path / 'd.npz'}"
    else:
        rows = "\n".join(f"{i / 7},{'ab'[i % 2]}{i % 5 or ''},{i % 3}" for i in range(90))
        (tmp_path / "t.csv").write_text("number,word,kind\n" + rows)
        source, task, given, settings = f"csv:{tmp_path / 't.csv'}", "tabular_classification", [], {"target": "kind"}
    given = load_recipe("mlp/digits", [f"preprocess={given}"]).recipe.preprocess if given else []
    found = []
    for memory in ("resident", "streamed"):
        data = load_dataset(Data(source=source, memory=memory, validation=0.2, **settings), TASKS[task])
        targets = np.eye(len(data.signature.labels), dtype=np.float32)[data.train.targets]
        prepared = prepare(data.train, fit_preprocessor(given, data), targets, memory)
        assert (prepared.array is None) == (memory == "streamed")
        found.append((batches(prepared, recipe(), steps=6), list(evaluation_batches(prepared))))
    assert_same(found[0][0], found[1][0])
    assert_same(*([(x.numpy(), y.numpy()) for x, y in evaluation] for _, evaluation in found))


def test_evaluation_keeps_the_order_and_leaves_nothing_out(monkeypatch):
    monkeypatch.setattr("zoo.data.batches._EVALUATION_BATCH", 24)
    for memory, most in (("resident", 1 << 25), ("resident", 100), ("streamed", 0)):
        monkeypatch.setattr("zoo.data.batches.MAX_RESIDENT_BYTES_ONCE", most)  # of what is copied into the graph
        prepared = numbered(memory)
        found = list(evaluation_batches(prepared))
        assert [len(x) for x, _ in found] == [24, 24, 2]
        np.testing.assert_array_equal(np.concatenate([y for _, y in found]), prepared.targets)
        np.testing.assert_array_equal(np.concatenate([x for x, _ in found])[:, 0, 0, 0], np.arange(COUNT))
        np.testing.assert_array_equal(
            np.concatenate(list(evaluation_batches(prepared, targets=False)))[:, 0, 0, 0], np.arange(COUNT)
        )


@pytest.mark.parametrize(
    ("most", "sizes"), [(64, [50]), (49, [25, 25]), (20, [10] * 5), (9, [5] * 10), (24, [24, 24, 2])]
)
@pytest.mark.parametrize("memory", ["resident", "streamed"])
def test_evaluation_has_batches_of_one_shape_where_a_size_divides_the_examples(monkeypatch, memory, most, sizes):
    monkeypatch.setattr("zoo.data.batches._EVALUATION_BATCH", most)
    dataset = evaluation_batches(numbered(memory))
    assert [len(x) for x, _ in dataset] == sizes
    assert {spec.shape[0] for spec in dataset.element_spec} == {sizes[0] if len(set(sizes)) == 1 else None}


@pytest.mark.parametrize(("most", "copied"), [(1 << 25, True), (100, False)])
def test_a_large_array_is_not_copied_into_the_graph(most, copied):
    graph = tf.function(numbered().reader(most)).get_concrete_function(tf.TensorSpec((4,), tf.int64)).graph
    assert ("PyFunc" in {operation.type for operation in graph.get_operations()}) != copied


def test_what_is_small_is_held_in_memory(monkeypatch):
    assert numbered("auto").array is not None
    monkeypatch.setattr("zoo.data.prepared.MAX_RESIDENT_BYTES", 100)
    assert numbered("auto").array is None
    assert isinstance(numbered("resident"), Prepared) and numbered("resident").array is not None


def test_examples_that_are_held_in_memory_are_never_there_twice():
    pixels = np.broadcast_to(np.uint8(7), (4_000, 64, 64, 3))
    split = whole(ArrayInputs(pixels), np.zeros(4_000, np.float32))
    tracemalloc.start()
    try:
        prepared = prepare(
            split,
            Preprocessor(Signature("image", "y", (64, 64, 3)), (64, 64, 3), "uint8", None),
            split.targets,
            "resident",
        )
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert prepared.array.shape == pixels.shape and (prepared.array == 7).all()
    assert prepared.array.nbytes <= peak < 1.5 * prepared.array.nbytes


def test_work_on_a_whole_split_takes_few_large_examples_at_a_time():
    def sizes(shape, **options):
        split = whole(ArrayInputs(np.broadcast_to(np.uint8(0), (2000, *shape))), np.zeros(2000))
        parts = list(split.chunks(**options))
        np.testing.assert_array_equal(np.concatenate(parts), np.arange(2000))
        return len(parts[0])

    assert sizes((8, 8, 1)) == 1024 and sizes((8, 8, 1), limit=512) == 512
    assert sizes((512, 512, 3)) == 5 and sizes((4096, 4096, 3)) == 1


@pytest.mark.slow
def test_data_larger_than_the_limit_are_streamed(tmp_path):
    """1.5 GB of images: what the process holds itself, beside the pages of the mapped file, stays small."""
    script = textwrap.dedent("""
        import sys, threading, time
        from pathlib import Path
        import numpy as np
        from rich.console import Console
        from zoo.backend.startup import start_keras

        start_keras()
        from zoo.audit.audit import audit
        from zoo.data.sources.load import load_dataset
        from zoo.recipe import load_recipe
        from zoo.tasks import TASKS
        from zoo.training.fit import fit
        from zoo.training.problem import set_up

        def own():  # MB of memory that no file stands behind
            lines = Path("/proc/self/status").read_text().splitlines()
            return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1024

        def watch():
            while True:
                peaks.append(own())
                time.sleep(0.02)

        peaks, before = [], own()
        threading.Thread(target=watch, daemon=True).start()
        settings = ["training.epochs=1", "training.batch_size=64", "optimizer.learning_rate=0.001", "model.widths=[4]"]
        recipe = load_recipe("mlp/digits", [f"data.source=npz:{sys.argv[1]}/d.npz", *settings]).recipe
        dataset = load_dataset(recipe.data, TASKS[recipe.task])
        audit(dataset)
        fit(set_up(recipe, dataset), Path(sys.argv[1]) / "run", Console(quiet=True))
        print(max(peaks) - before)
    """)
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 256, (24_000, 128, 128, 4), dtype=np.uint8).reshape(-1, 256, 256, 1)
    np.savez(tmp_path / "d.npz", x=pixels, y=np.arange(len(pixels)) % 4)
    assert pixels.nbytes > 1.5e9
    del pixels
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 750  # MB


# --- views ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def viewed():
    """Prepared digits of two views, and the recipe."""
    recipe = load_recipe("representation/digits_simclr", ["training.batch_size=32"]).recipe
    problem = set_up(recipe, load_dataset(recipe.data, TASKS[recipe.task]))
    return problem, recipe


def test_views_are_of_one_example_and_differ(viewed):
    problem, recipe = viewed
    plain = replace(problem.train, form="target", augment=())
    still = recipe.model_copy(update={"augment": []})
    views, labels = next(iter(training_batches(problem.train, recipe, start=0, steps=1)))
    alone, same = next(iter(training_batches(plain, still, start=0, steps=1)))
    assert views.shape == (32, 2, 8, 8, 1) and views.dtype == "float32"
    np.testing.assert_array_equal(labels, same)
    first, second, source = views[:, 0].numpy(), views[:, 1].numpy(), alone.numpy().astype(np.float32)
    assert (np.abs(first - second).mean(axis=(1, 2, 3)) > 1).all()
    for view in (first, second):  # nearer to their own example than others are
        apart = ((view[:, None] - source[None]) ** 2).mean(axis=(2, 3, 4))
        assert (apart.argmin(axis=1) == np.arange(32)).mean() > 0.5


def test_views_are_a_function_of_seed_and_step(viewed):
    problem, recipe = viewed
    batches = [x for x, _ in training_batches(problem.train, recipe, start=0, steps=3)]
    again = [x for x, _ in training_batches(problem.train, recipe, start=1, steps=2)]
    for first, second in zip(batches[1:], again, strict=True):
        np.testing.assert_array_equal(first, second)
    other = recipe.model_copy(update={"training": recipe.training.model_copy(update={"seed": 1})})
    moved = next(iter(training_batches(problem.train, other, start=0, steps=1)))[0]
    assert (batches[0] != moved).numpy().any()


def test_validation_has_the_same_views_each_time(viewed):
    problem, _ = viewed
    first, second = ([x.numpy() for x, _ in evaluation_batches(problem.validation)] for _ in range(2))
    assert sum(map(len, first)) == len(problem.validation)
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)
        assert (a[:, 0] != a[:, 1]).any()


@pytest.mark.parametrize("name", ["cnn/digits", pytest.param("cnn/digit_scenes_masks", marks=pytest.mark.slow)])
def test_augmentation_ends_in_time(name):
    """Before the step it changes the examples, from it on they are as they were; masks go with their images."""
    moves = ["augment=[{random_translation: {height: 0.4, width: 0.4}}]", "training.augment_until=null"]
    found = []
    for overrides in ([moves[0], "training.augment_until=3 steps"], moves, ["augment=[]", moves[1]]):
        settings = load_recipe(name, [*overrides, "training.batch_size=16"]).recipe
        data = load_dataset(settings.data, TASKS[settings.task], settings.preprocess)
        prepared = set_up(settings, replace(data, train=data.train.part(np.arange(100)))).train
        found.append([(x.astype(np.float32), y) for x, y in batches(prepared, settings, steps=5)])
    until, always, never = found
    assert_same(until, always[:3] + never[3:])
    assert all((moved[0] != still[0]).any() for moved, still in zip(always, never, strict=True))
