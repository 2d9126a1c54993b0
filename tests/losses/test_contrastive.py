"""Losses of representations against the papers' formulas in loops, and against PyTorch where it has the same loss."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from zoo.losses import build_loss
from zoo.recipe.losses import Loss

RNG = np.random.default_rng(0)
CLASSES = np.array([0, 2, 1, 0, 2, 2, 3, 0], "int32")  # one of class 1, and one of class 3
NAMES = ("nt_xent", "supcon", "contrastive", "triplet")
MINING = ("hard", "semi_hard", "all")


def unit(x):
    return (x / np.linalg.norm(x, axis=-1, keepdims=True)).astype("float32")


EMBEDDINGS = unit(RNG.normal(size=(8, 5)))
VIEWS = unit(RNG.normal(size=(8, 3, 5)))


def built(name, **options):
    return build_loss(TypeAdapter(Loss).validate_python({"name": name, **options}), kind="representation")


def loss(name, y, z, **options):
    return float(built(name, **options)(y, z))


def flat(y, z):
    """Return embeddings in float64 and their classes, each view by itself."""
    if z.ndim == 2:
        return list(y), z.astype("float64")
    return [k for k in y for _ in range(z.shape[1])], z.reshape(-1, z.shape[-1]).astype("float64")


def mean(values):
    return float(np.mean(values)) if len(values) else 0.0


def term(z, i, j, temperature):
    """-log of the softmax of j among all others, seen from i (SimCLR, equation 1)."""
    others = [np.exp(z[i] @ z[k] / temperature) for k in range(len(z)) if k != i]
    return -np.log(np.exp(z[i] @ z[j] / temperature) / sum(others))


def supcon(y, z, temperature):
    kinds, z = flat(y, z)
    found = []
    for i in range(len(z)):
        positives = [p for p in range(len(z)) if p != i and kinds[p] == kinds[i]]
        if positives:
            found.append(mean([term(z, i, p, temperature) for p in positives]))
    return mean(found)


def contrastive(y, z, margin):
    kinds, z = flat(y, z)
    same, different = [], []
    for i in range(len(z)):
        for j in range(i):
            d = np.linalg.norm(z[i] - z[j])
            if kinds[i] == kinds[j]:
                same.append(d**2 / 2)
            else:
                different.append(max(0.0, margin - d) ** 2 / 2)
    return mean(same) + mean(different)


def triplet(y, z, margin, mining):
    kinds, z = flat(y, z)
    found = []
    for i in range(len(z)):
        d = np.linalg.norm(z - z[i], axis=1)
        positives = [p for p in range(len(z)) if p != i and kinds[p] == kinds[i]]
        negatives = [n for n in range(len(z)) if kinds[n] != kinds[i]]
        if not positives or not negatives:
            continue
        if mining == "hard":
            found.append(max(0.0, max(d[positives]) - min(d[negatives]) + margin))
        for p in positives:
            if mining == "semi_hard":
                further = [n for n in negatives if d[n] > d[p]]
                chosen = min(d[further]) if further else max(d[negatives])
                found.append(max(0.0, d[p] - chosen + margin))
            if mining == "all":
                found += [d[p] - d[n] + margin for n in negatives if d[p] - d[n] + margin > 0]
    return mean(found)


@pytest.mark.parametrize("temperature", [0.07, 0.5, 2.0])
def test_nt_xent_equals_loops(temperature):
    two = VIEWS[:, :2]
    _, z = flat(CLASSES, two)  # views 2k and 2k + 1 are those of one example, as in the paper's algorithm 1
    expected = mean([term(z, 2 * k + a, 2 * k + 1 - a, temperature) for k in range(8) for a in (0, 1)])
    assert loss("nt_xent", CLASSES, two, temperature=temperature) == pytest.approx(expected, rel=1e-5)
    _, z = flat(CLASSES, VIEWS)
    pairs = [(3 * k + a, 3 * k + b) for k in range(8) for a in range(3) for b in range(3) if a != b]
    expected = mean([term(z, i, j, temperature) for i, j in pairs])
    assert loss("nt_xent", CLASSES, VIEWS, temperature=temperature) == pytest.approx(expected, rel=1e-5)


@pytest.mark.ci
def test_nt_xent_is_cross_entropy_of_torch_and_takes_no_classes():
    torch = pytest.importorskip("torch")
    z = torch.tensor(VIEWS[:, :2].reshape(16, 5))
    logits = (z @ z.T / 0.5).fill_diagonal_(-torch.inf)
    expected = torch.nn.functional.cross_entropy(logits, torch.arange(16) ^ 1)
    assert loss("nt_xent", CLASSES, VIEWS[:, :2]) == pytest.approx(float(expected), rel=1e-5)
    assert loss("nt_xent", 0 * CLASSES, VIEWS) == loss("nt_xent", CLASSES, VIEWS)


@pytest.mark.parametrize("shape", [(8, 5), (8, 1, 5)])
def test_nt_xent_needs_views(shape):
    with pytest.raises(ValueError, match="at least 2 views"):
        loss("nt_xent", CLASSES, EMBEDDINGS.reshape(shape))


@pytest.mark.parametrize("z", [EMBEDDINGS, VIEWS], ids=["one", "views"])
def test_the_losses_of_classes_equal_loops(z):
    for temperature in (0.07, 0.1, 1.0):
        found = loss("supcon", CLASSES, z, temperature=temperature)
        assert found == pytest.approx(supcon(CLASSES, z, temperature), rel=1e-5)
    for margin in (0.5, 1.0, 1.8):
        found = loss("contrastive", CLASSES, z, margin=margin)
        assert found == pytest.approx(contrastive(CLASSES, z, margin), rel=1e-5)
    for mining in MINING:
        for margin in (0.05, 0.2, 1.0):
            found = loss("triplet", CLASSES, z, margin=margin, mining=mining)
            assert found == pytest.approx(triplet(CLASSES, z, margin, mining), rel=1e-4), (mining, margin)


def test_defaults():
    assert loss("nt_xent", CLASSES, VIEWS) == loss("nt_xent", CLASSES, VIEWS, temperature=0.5)
    assert loss("supcon", CLASSES, VIEWS) == loss("supcon", CLASSES, VIEWS, temperature=0.1)
    assert loss("contrastive", CLASSES, VIEWS) == loss("contrastive", CLASSES, VIEWS, margin=1.0)
    assert loss("triplet", CLASSES, VIEWS) == loss("triplet", CLASSES, VIEWS, margin=0.2, mining="semi_hard")


@given(st.lists(st.integers(0, 3), min_size=2, max_size=7), st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_any_mixture_of_classes(kinds, seed):
    y, z = np.array(kinds, "int32"), unit(np.random.default_rng(seed).normal(size=(len(kinds), 3)))
    assert loss("supcon", y, z) == pytest.approx(supcon(y, z, 0.1), rel=1e-4, abs=1e-4)
    assert loss("contrastive", y, z) == pytest.approx(contrastive(y, z, 1.0), rel=1e-4, abs=1e-5)
    for mining in MINING:
        found = loss("triplet", y, z, mining=mining)
        assert found == pytest.approx(triplet(y, z, 0.2, mining), rel=1e-3, abs=1e-4)


@pytest.mark.parametrize("name", NAMES[1:])
def test_one_hot_classes_are_classes(name):
    one_hot = np.eye(4, dtype="float32")[CLASSES]
    for y in (one_hot, 0.4 * one_hot + 0.1, CLASSES[:, None], CLASSES.astype("float32"), CLASSES.astype("int64")):
        assert loss(name, y, EMBEDDINGS) == loss(name, CLASSES, EMBEDDINGS)


def test_one_triplet_is_that_of_torch():
    torch = pytest.importorskip("torch")
    z, y = EMBEDDINGS[:3], np.array([0, 0, 1])
    a, p, n = (torch.tensor(row[None]) for row in z)
    theirs = torch.nn.TripletMarginLoss(margin=2.0, eps=0.0)
    expected = float(theirs(a, p, n) + theirs(p, a, n)) / 2  # each of the two is an anchor
    for mining in MINING:
        assert loss("triplet", y, z, margin=2.0, mining=mining) == pytest.approx(expected, rel=1e-5)


def test_supcon_with_each_example_a_class_is_nt_xent():
    found = loss("supcon", np.arange(8), VIEWS, temperature=0.5)
    assert found == pytest.approx(loss("nt_xent", CLASSES, VIEWS), rel=1e-6)


def test_apart_by_the_margin_costs_nothing():
    z = unit(np.eye(3)[[0, 0, 1, 1, 2]])
    y = np.array([0, 0, 1, 1, 2])
    assert loss("contrastive", y, z) == pytest.approx(0, abs=1e-6)
    assert loss("contrastive", y, z, margin=2.0) > 0.05
    for mining in MINING:
        assert loss("triplet", y, z, mining=mining) == pytest.approx(0, abs=1e-6)


DEGENERATE = {
    "identical": (CLASSES, np.repeat(EMBEDDINGS[:1], 8, axis=0)),
    "identical views": (CLASSES, np.repeat(EMBEDDINGS[:, None], 2, axis=1)),
    "zero": (CLASSES, np.zeros((8, 2, 5), "float32")),
    "one class": (np.zeros(8, "int32"), EMBEDDINGS),
    "no positive": (np.arange(8), EMBEDDINGS),
    "one example": (CLASSES[:1], EMBEDDINGS[:1]),
    "one example in two views": (CLASSES[:1], VIEWS[:1, :2]),
    "opposite": (CLASSES, np.stack([EMBEDDINGS, -EMBEDDINGS], axis=1)),
}
SETTINGS = [("nt_xent", {}), ("supcon", {}), ("supcon", {"temperature": 1e-3}), ("contrastive", {})]
SETTINGS += [("triplet", {"mining": mining}) for mining in MINING]


@pytest.mark.parametrize("case", DEGENERATE)
@pytest.mark.parametrize(("name", "options"), SETTINGS)
def test_gradients_are_finite(case, name, options):
    import tensorflow as tf

    y, z = DEGENERATE[case]
    if name == "nt_xent" and z.ndim == 2:
        z = np.stack([z, z], axis=1)
    z = tf.Variable(z)
    with tf.GradientTape() as tape:
        value = built(name, **options)(y, z)
    gradient = np.array(tape.gradient(value, z))
    assert np.isfinite(value) and np.isfinite(gradient).all()
    if case in ("no positive", "one example") and name in ("supcon", "triplet"):
        assert float(value) == 0 and (gradient == 0).all()


def test_gradients_are_those_of_differences():
    import tensorflow as tf

    for name, options in (("nt_xent", {}), ("supcon", {}), ("contrastive", {}), ("triplet", {"mining": "hard"})):
        z = tf.Variable(VIEWS)
        with tf.GradientTape() as tape:
            value = built(name, **options)(CLASSES, z)
        gradient = np.array(tape.gradient(value, z))
        step = RNG.normal(size=VIEWS.shape).astype("float32")
        ahead, behind = (loss(name, CLASSES, VIEWS + sign * 1e-3 * step, **options) for sign in (1, -1))
        assert (gradient * step).sum() == pytest.approx((ahead - behind) / 2e-3, rel=0.03, abs=2e-3), name


@pytest.mark.ci
def test_an_open_number_of_examples_and_views():
    import tensorflow as tf

    for name in NAMES:
        function = tf.function(
            built(name), input_signature=[tf.TensorSpec((None,), "int32"), tf.TensorSpec((None, None, 5))]
        )
        assert float(function(CLASSES, VIEWS)) == pytest.approx(loss(name, CLASSES, VIEWS), rel=1e-5)


def test_masked_pixels_are_those_of_hidden_patches():
    prediction, target = RNG.normal(size=(2, 4, 6, 12)).astype("float32")
    mask = (RNG.uniform(size=(4, 6)) < 0.5).astype("float32")
    z = np.concatenate([prediction, target, mask[..., None]], axis=-1)
    errors = [
        mean((prediction[i, j] - target[i, j]) ** 2) for i in range(4) for j in range(6) if mask[i, j]
    ]  # MAE, section 3: the mean over the hidden patches
    assert loss("masked_pixels", CLASSES[:4], z) == pytest.approx(mean(errors), rel=1e-5)
    z[..., -1] = 0
    assert loss("masked_pixels", CLASSES[:4], z) == 0
    with pytest.raises(ValueError, match=r"prediction, target and mask side by side.*\(4, 6, 24\)"):
        loss("masked_pixels", CLASSES[:4], z[..., :-1])


@pytest.mark.parametrize(
    "section",
    [
        {"name": "nt_xent", "temperature": 0.0},
        {"name": "supcon", "temperature": -1.0},
        {"name": "contrastive", "margin": float("inf")},
        {"name": "triplet", "mining": "easy"},
        {"name": "masked_pixels", "margin": 1.0},
    ],
)
def test_impossible_settings_are_refused(section):
    with pytest.raises(ValidationError):
        TypeAdapter(Loss).validate_python(section)


@pytest.mark.parametrize("name", [NAMES[1], *(pytest.param(n, marks=pytest.mark.slow) for n in NAMES[2:])])
@pytest.mark.ci
def test_training_parts_the_classes(name):
    """The embeddings are weights: examples of one class end up nearer to each other than to others."""
    inputs = keras.Input((8,))
    z = keras.layers.UnitNormalization()(keras.layers.Dense(6, use_bias=False)(inputs))
    model = keras.Model(inputs, z)
    model.compile(keras.optimizers.Adam(0.05), built(name), jit_compile=False)
    x, y = np.eye(8, dtype="float32")[:6], np.array([0, 0, 1, 1, 2, 2])
    model.fit(x, y, batch_size=6, epochs=60, shuffle=False, verbose=0)
    z = np.asarray(model(x))
    near = z @ z.T
    same = (y[:, None] == y[None, :]) & ~np.eye(6, dtype=bool)
    assert near[same].min() > near[y[:, None] != y[None, :]].max()
