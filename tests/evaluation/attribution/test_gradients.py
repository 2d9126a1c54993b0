"""Integrated gradients and Grad-CAM against closed forms and axioms, on small Keras models of digits."""

from functools import partial
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from sklearn.datasets import load_digits

import zoo
from zoo.data.dataset import Signature
from zoo.evaluation.attribution.explained import REPLACED, Explainer, explain
from zoo.evaluation.attribution.grad_cam import grad_cam
from zoo.evaluation.attribution.integrated_gradients import TOLERANCE, integrated_gradients
from zoo.evaluation.robustness.corruption import Training
from zoo.training.inner_gradients import InnerGradients, feature_map, token_embedding
from zoo.training.input_gradients import InputGradients


def classifier(seed, epochs):
    """Return a small convolutional network of digits from raw pixels to probabilities, and the network inside."""
    keras.utils.set_random_seed(seed)
    network = zoo.build("cnn", input_shape=(8, 8, 1), outputs=10, widths=[8, 16], depth=1, norm="none")
    inputs = keras.Input((8, 8, 1), dtype="uint8")
    x = network(keras.layers.Rescaling(1 / 16)(inputs))
    model = keras.Model(inputs, keras.layers.Softmax(dtype="float32")(x))
    x, y = load_digits(return_X_y=True)
    if epochs:
        model.compile(keras.optimizers.Adam(1e-2), "sparse_categorical_crossentropy")
        model.fit(x[:1200].reshape(-1, 8, 8, 1), y[:1200], batch_size=64, epochs=epochs, verbose=0)
    return model, network


@pytest.fixture(scope="module")
def trained():
    return classifier(0, 5)


@pytest.fixture(scope="module")
def images():
    x, y = load_digits(return_X_y=True)
    return x[1500:1512].reshape(-1, 8, 8, 1).astype(np.float32), y[1500:1512]


def attributions(model, images):
    gradients = InputGradients(model, "classification")
    return [
        integrated_gradients(
            partial(gradients.output, index=int(y)), partial(gradients.of_output, index=int(y)), x, np.zeros_like(x)
        )
        for x, y in zip(*images, strict=True)
    ]


def test_values_of_functions_with_a_known_integral():
    """Of w·x they are w(x - r); of x1 x2 from 0 half of the product each, by symmetry."""
    weights, x, reference = np.array([2.0, -1.0, 0.5]), np.array([1.0, 4.0, -2.0]), np.array([0.0, 1.0, 1.0])
    found = integrated_gradients(lambda p: p @ weights, lambda p: np.broadcast_to(weights, p.shape), x, reference)
    np.testing.assert_allclose(found.values, weights * (x - reference))
    assert found.gap == pytest.approx(0, abs=1e-12) and found.output == x @ weights
    found = integrated_gradients(lambda p: p[:, 0] * p[:, 1], lambda p: p[:, ::-1], np.array([3.0, 5.0]), np.zeros(2))
    np.testing.assert_allclose(found.values, [7.5, 7.5])


@pytest.mark.parametrize(("points", "steps"), [(20, 32), (96, 64), (480, 256)])
def test_a_jump_takes_the_points_that_are_allowed(points, steps):
    """A step function has no gradient, so that the integral is never complete."""
    taken = []

    def gradient(x):
        taken.append(len(x))
        return np.zeros_like(x)

    found = integrated_gradients(lambda x: (x[:, 0] > 0.3) * 1.0, gradient, np.ones(1), np.zeros(1), max_points=points)
    assert found.gap == 1 and not found.has_gradient and max(taken) == steps and sum(taken) <= max(points, 32)


def test_completeness(trained, images):
    """The values add up to the difference of the outputs."""
    model, _ = trained
    x, y = images
    output = model.predict(x, verbose=0)[np.arange(len(y)), y]
    reference = model.predict(np.zeros_like(x[:1]), verbose=0)[0, y]
    for i, found in enumerate(attributions(model, images)):
        assert found.output == pytest.approx(output[i], abs=1e-4)
        assert found.values.sum() == pytest.approx(output[i] - reference[i], abs=1.5 * TOLERANCE)
        assert found.gap == pytest.approx(found.output - found.reference - found.values.sum(), abs=1e-6)


@pytest.mark.ci
def test_values_of_a_randomised_model_are_unrelated(trained, images):
    """Adebayo et al., "Sanity checks for saliency maps", 2018: what does not depend on the weights explains nothing."""
    own = attributions(trained[0], images)

    def likeness(model):
        other = attributions(model, images)
        return np.mean([np.corrcoef(a.values.ravel(), b.values.ravel())[0, 1] for a, b in zip(own, other, strict=True)])

    random = np.mean([likeness(classifier(seed, 0)[0]) for seed in range(1, 5)])
    again = likeness(classifier(1, 5)[0])
    assert abs(random) < 0.1 and again > 0.2  # one that is trained again from other weights is alike


def test_grad_cam_where_the_map_is_averaged(trained, images):
    """The gradient of a logit is then the weight of the channel, divided by the places of the map."""
    model, network = trained
    layer = feature_map(network)
    assert layer.output is network.get_layer("pool").input
    inner, x = InnerGradients(model, network, layer), images[0][:3]
    maps = inner.inner(x)
    np.testing.assert_allclose(inner.output(x, maps, 2), model.predict(x, verbose=0)[:, 2], atol=1e-5)
    direct = keras.Model(network.input, layer.output).predict(x / 16, verbose=0)
    np.testing.assert_allclose(maps, direct, atol=1e-4)
    kernel = network.get_layer("logits").kernel.numpy()
    gradient = inner.of_logit(x, 4)
    np.testing.assert_allclose(gradient, np.broadcast_to(kernel[:, 4] / maps[0, ..., 0].size, maps.shape), atol=1e-6)
    wanted = np.maximum(maps @ kernel[:, 4] / maps[0, ..., 0].size, 0)
    np.testing.assert_allclose([grad_cam(*pair) for pair in zip(maps, gradient, strict=True)], wanted, atol=1e-5)
    assert wanted.max() > 0


@pytest.mark.parametrize("name", ["mlp", "vit_tiny"])
def test_networks_without_convolutions_have_no_feature_map(name):
    assert feature_map(zoo.build(name, input_shape=(32, 32, 1), outputs=3)) is None


@pytest.mark.parametrize("name", ["gru", "transformer"])
def test_gradient_of_token_embeddings_is_that_of_a_small_change(name):
    keras.utils.set_random_seed(0)
    network = zoo.build(name, input_shape=(6,), outputs=3, vocabulary=20)
    inputs = keras.Input((None,), dtype="int32")
    model = keras.Model(inputs, keras.layers.Softmax(dtype="float32")(network(inputs)))
    layer = token_embedding(network)
    inner, ids = InnerGradients(model, network, layer), np.array([[5, 9, 3, 0, 0, 0]], np.int32)
    embeddings = inner.inner(ids)
    np.testing.assert_allclose(embeddings[0], layer.embeddings.numpy()[ids[0]], atol=1e-6)
    gradient, step = inner.of_output(ids, embeddings, 1), 1e-2
    for place in ((0, 0, 1), (0, 2, 3)):
        shift = np.zeros_like(embeddings)
        shift[place] = step
        up, down = (inner.output(ids, embeddings + sign * shift, 1)[0] for sign in (1, -1))
        assert gradient[place] == pytest.approx((up - down) / (2 * step), rel=0.05, abs=2e-5)
    assert not gradient[0, 3:].any()  # padding says nothing


def test_no_token_embedding_where_none_stands_for_a_token():
    assert token_embedding(zoo.build("mlp", input_shape=(4,), outputs=3)) is None
    assert token_embedding(zoo.build("fasttext", input_shape=(6,), outputs=3, vocabulary=20)) is None


def test_networks_without_a_gradient_are_explained_by_replacement():
    """The output is that of a step function: it falls by the weight of each step that is replaced."""
    weights = np.array([0.5, 0.25, 0.125])
    model = SimpleNamespace(
        model=SimpleNamespace(input=SimpleNamespace(dtype="float32")),
        output=lambda x, index: (x[..., 0] > 1) @ weights,
        of_output=lambda x, index: np.zeros_like(x),
    )
    x = np.array([[[2.0], [3.0], [0.0]]], np.float32)
    problem = SimpleNamespace(
        preprocessor=SimpleNamespace(prepare=lambda raw: raw),
        dataset=SimpleNamespace(
            test=SimpleNamespace(take=lambda at: x), series=None, signature=Signature("array", "y", (3, 1))
        ),
    )
    training = Training(signature=problem.dataset.signature, mean={"array": np.zeros(1)})
    found = explain(Explainer(problem=problem, training=training, model=model, inner=None), 0, 1)
    assert found.facts["method"] == REPLACED and found.facts["gap"] is None
    assert found.facts["by_step"] == [0.5, 0.25, 0.0] and found.facts["by_channel"] is None
