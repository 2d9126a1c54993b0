import keras
import numpy as np
import pytest
from keras import ops

from zoo import registry
from zoo.errors import ZooError
from zoo.layers.head import features

RNG = np.random.default_rng(0)
SMALL = {"width": 8, "depth": 2, "heads": 2}
POSITIONS = ("learned", "sinusoidal", "rotary")
TOKENS = RNG.integers(4, 11, (3, 6)).astype("int32")
PADDED = np.where(np.arange(6) < np.array([[6], [2], [0]]), TOKENS, 0).astype("int32")


def tokens_model(name, outputs=5, every_step=False, **config):
    """Build on tokens of any length, with every weight random (biases too, which otherwise start at zero)."""
    if name != "seq2seq_transformer":
        config["every_step"] = every_step
    model = registry.build(name, input_shape=(None,), outputs=outputs, vocabulary=11, **SMALL, **config)
    rng = np.random.default_rng(1)
    model.set_weights([w + rng.normal(0, 0.1, w.shape) for w in model.get_weights()])
    return model


def predict(model, x):
    return ops.convert_to_numpy(model(x, training=False))


def same(a, b):
    np.testing.assert_allclose(a, b, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "config", "count"),
    [
        ("vit_tiny", {}, 5_717_416),  # timm, vit_tiny_patch16_224
        ("vit_small", {}, 22_050_664),  # timm, vit_small_patch16_224
        pytest.param("vit_base", {}, 86_567_656, marks=pytest.mark.slow),  # timm, torchvision
        pytest.param(
            "gpt",
            {
                "input_shape": (1024,),
                "outputs": 50_257,
                "vocabulary": 50_257,
                "width": 768,
                "depth": 12,
                "heads": 12,
                "tie_embeddings": True,
            },
            124_439_808,  # the authors' smallest model
            marks=pytest.mark.slow,
        ),
        pytest.param("t5", {}, 60_506_624, marks=pytest.mark.slow),  # the authors' small model
    ],
)
def test_published_parameter_counts(name, config, count):
    assert registry.build(name, **config).count_params() == count


def block(width, hidden, gates=1):
    """Return the parameters of a block: attention, feed-forward, and a norm of two vectors before each."""
    dense = (width + 1) * hidden * gates + (hidden + 1) * width
    return (width + 1) * 3 * width + (width + 1) * width + dense + 2 * 2 * width


def test_counts_are_the_sums_of_the_layers():
    width, ends = 8, (8 + 1) * 5
    assert tokens_model("transformer").count_params() == 11 * width + 2 * block(width, 32) + 2 * width + ends
    learned = tokens_model("gpt", positions="learned", maximum_length=16)
    assert learned.count_params() == (11 + 16) * width + 2 * block(width, 32) + 2 * width + ends
    swiglu = tokens_model("transformer", feed_forward="swiglu", norm_position="post")
    assert swiglu.count_params() == 11 * width + 2 * block(width, 21, gates=2) + ends
    memory = (width + 1) * 4 * width + 2 * width
    pair = tokens_model("seq2seq_transformer")
    assert pair.count_params() == (11 + 5) * width + 4 * block(width, 32) + 2 * memory + 2 * 2 * width + ends


@pytest.mark.parametrize("positions", POSITIONS)
@pytest.mark.parametrize(("shape", "patches"), [((28, 28, 1), 49), ((8, 12, 3), 6)])
def test_vit_on_small_and_oblong_images(positions, shape, patches):
    settings = {"patch": 4, "width": 16, "depth": 1, "heads": 2, "positions": positions}
    x = RNG.normal(size=(2, *shape)).astype("float32")
    counts = []
    for pool in ("token", "mean"):
        model = registry.build("vit_tiny", input_shape=shape, outputs=3, pool=pool, **settings)
        assert model.get_layer("block1_attention").output.shape[1] == patches + (pool == "token")
        assert np.isfinite(predict(model, x)).all()
        counts.append(model.count_params())
    assert counts[0] - counts[1] == 16 * (2 if positions == "learned" else 1)  # the token, and its position


@pytest.mark.parametrize("positions", POSITIONS)
def test_vit_sees_where_a_patch_is(positions):
    settings = {"patch": 4, "width": 16, "depth": 1, "heads": 2, "positions": positions}
    model = registry.build("vit_tiny", input_shape=(8, 8, 1), outputs=3, pool="mean", **settings)
    x = RNG.normal(size=(1, 8, 8, 1)).astype("float32")
    assert abs(predict(model, x) - predict(model, x[:, ::-1])).max() > 1e-4


@pytest.mark.parametrize("positions", POSITIONS)
@pytest.mark.parametrize("every_step", [False, True])
def test_encoder_ignores_padding(positions, every_step):
    for pool in ("mean", "first"):
        model = tokens_model("transformer", every_step=every_step, positions=positions, pool=pool)
        got = predict(model, PADDED)
        longer = predict(model, np.pad(PADDED, [(0, 0), (0, 3)]))
        same(longer[:, :6] if every_step else longer, got)
        alone = predict(model, PADDED[1:2, :2])
        same(got[1:2, :2] if every_step else got[1:2], alone)
        assert np.isfinite(got).all()


def test_empty_text_gives_the_bias_of_the_head():
    model = tokens_model("transformer")
    same(predict(model, PADDED)[2], ops.convert_to_numpy(model.get_layer("logits").bias))


@pytest.mark.parametrize("positions", POSITIONS)
def test_encoder_sees_the_order(positions):
    model = tokens_model("transformer", positions=positions)
    assert abs(predict(model, TOKENS) - predict(model, TOKENS[:, ::-1])).max() > 1e-4


@pytest.mark.filterwarnings("ignore:You are using a softmax")  # over a single step
@pytest.mark.parametrize("positions", POSITIONS)
def test_gpt_sees_no_later_token(positions):
    model = tokens_model("gpt", positions=positions)
    logits = predict(model, TOKENS)
    assert logits.shape == (3, 6, 5)
    for step in range(1, 6):
        changed = TOKENS.copy()
        changed[:, step:] = (changed[:, step:] - 4 + 1) % 7 + 4
        other = predict(model, changed)
        same(other[:, :step], logits[:, :step])
        assert abs(other[:, step] - logits[:, step]).max() > 1e-4
        same(predict(model, TOKENS[:, :step]), logits[:, :step])
    padded = predict(model, PADDED)
    same(padded[1, :2], logits[1, :2])
    assert np.isfinite(padded).all()


@pytest.mark.parametrize("every_step", [False, True])
def test_gpt_always_gives_every_step(every_step):
    assert tokens_model("gpt", every_step=every_step).output_shape == (None, None, 5)


def test_tied_logits_are_the_products_with_the_embedding(tmp_path):
    free, tied = (tokens_model("gpt", outputs=11, tie_embeddings=tie) for tie in (False, True))
    assert free.count_params() - tied.count_params() == (8 + 1) * 11
    matrix = ops.convert_to_numpy(tied.get_layer("embedding").embeddings)
    same(predict(tied, TOKENS), predict(features(tied), TOKENS) @ matrix.T)
    tied.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    np.testing.assert_array_equal(predict(loaded, TOKENS), predict(tied, TOKENS))
    assert loaded.count_params() == tied.count_params()


@pytest.mark.parametrize("positions", POSITIONS)
def test_decoder_sees_the_source_without_padding_and_no_later_target(positions):
    model = tokens_model("seq2seq_transformer", outputs=9, positions=positions)
    target = np.array([[2, 4, 5, 6], [2, 7, 8, 0], [2, 4, 4, 0]], "int32")
    logits = predict(model, [PADDED, target])
    assert logits.shape == (3, 4, 9)
    assert np.isfinite(logits).all()
    same(predict(model, [np.pad(PADDED, [(0, 0), (0, 3)]), target]), logits)
    same(predict(model, [PADDED[1:2, :2], target[1:2]]), logits[1:2])
    same(predict(model, [PADDED, target[:, :2]]), logits[:, :2])
    changed = target.copy()
    changed[:, 2] = 3
    other = predict(model, [PADDED, changed])
    same(other[:, :2], logits[:, :2])
    assert abs(other[:, 2] - logits[:, 2]).max() > 1e-4
    assert abs(predict(model, [PADDED[[1, 0, 2]], target])[:2] - logits[:2]).max() > 1e-4


@pytest.mark.parametrize("every_step", [False, True])
def test_encoder_of_float_steps(every_step):
    model = registry.build("transformer", input_shape=(None, 3), outputs=2, every_step=every_step, **SMALL)
    x = RNG.normal(size=(2, 7, 3)).astype("float32")
    assert predict(model, x).shape == ((2, 7, 2) if every_step else (2, 2))


@pytest.mark.filterwarnings("ignore:You are using a softmax")  # over a single step
@pytest.mark.parametrize(("patch", "stride", "patches"), [(8, 4, 5), (8, 8, 3), (1, 1, 24), (5, 3, 8), (30, 30, 1)])
@pytest.mark.parametrize("pool", ["flatten", "mean"])
def test_time_series_in_patches(patch, stride, patches, pool):
    model = registry.build("ts_transformer", input_shape=(24, 2), outputs=5, patch=patch, stride=stride, pool=pool)
    assert model.get_layer("block1_attention").output.shape[1] == patches
    assert features(model).output_shape[-1] == 64 * (patches if pool == "flatten" else 1)
    assert predict(model, np.ones((3, 24, 2), "float32")).shape == (3, 5)


@pytest.mark.slow
def test_learns_to_continue_a_text():
    keras.utils.set_random_seed(0)
    text = np.tile([4, 5, 6, 5, 7], 40)  # what follows 5 depends on the token before it
    x = np.stack([text[i : i + 8] for i in range(160)]).astype("int32")
    y = np.stack([text[i + 1 : i + 9] for i in range(160)])
    settings = {"width": 16, "depth": 1, "heads": 2}
    model = registry.build("gpt", input_shape=(8,), outputs=8, vocabulary=8, every_step=True, **settings)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.02), loss, jit_compile=False)
    model.fit(x, y, batch_size=32, epochs=12, verbose=0)
    right = predict(model, x).argmax(-1) == y
    assert right[:, 1:].all()


def test_half_precision_keeps_the_logits_in_float32():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        models = [
            tokens_model("transformer", positions="sinusoidal"),
            tokens_model("gpt", outputs=11, positions="rotary", tie_embeddings=True),
        ]
    finally:
        keras.config.set_dtype_policy(before)
    for model in models:
        logits = predict(model, PADDED)
        assert logits.dtype == "float32" and np.isfinite(logits).all()
        assert model.get_layer("block1_attention").compute_dtype == "float16"


TEXT = {"input_shape": (None,), "vocabulary": 9}


@pytest.mark.parametrize(
    ("name", "config", "message"),
    [
        ("vit_tiny", {"input_shape": (28, 28, 1)}, "tile the image. Received: patch=16, input_shape=\\(28, 28, 1\\)"),
        ("vit_tiny", {"input_shape": (784,)}, "needs images"),
        ("vit_tiny", {"heads": 5, "depth": 1}, "multiple of heads. Received: width=192, heads=5"),
        ("vit_tiny", {"positions": "rotary", "width": 18}, "multiple of 4 features, not 6"),
        ("transformer", {**TEXT, "width": 10}, "multiple of heads. Received: width=10, heads=4"),
        ("transformer", {"input_shape": (8,)}, "or tokens .* Received: input_shape=\\(8,\\), vocabulary=None"),
        ("transformer", {"input_shape": (8, 2), "vocabulary": 9}, "tokens need the shape"),
        ("transformer", {**TEXT, "depth": 0}, "depth: must be at least 1"),
        ("transformer", {**TEXT, "feed_forward": "tanh"}, "feed_forward"),
        (
            "gpt",
            {"input_shape": (65,), "vocabulary": 9, "maximum_length": 64},
            "maximum_length=64 steps. Received: 65 steps",
        ),
        ("gpt", {"input_shape": (8,)}, "needs tokens with a vocabulary"),
        ("gpt", {**TEXT, "outputs": 10, "tie_embeddings": True}, "outputs=10, more than vocabulary=9"),
        ("seq2seq_transformer", {"input_shape": (8,)}, "needs tokens with a vocabulary"),
        ("ts_transformer", {"patch": 4, "stride": 5}, "stride must be at most patch.*Received: patch=4, stride=5"),
        ("ts_transformer", {"input_shape": (None, 1)}, "Received: input_shape=\\(None, 1\\)"),
    ],
)
def test_impossible_settings_are_refused(name, config, message):
    with pytest.raises(ZooError, match=message):
        registry.build(name, **config)


def norm_after(model, name, x, kind):
    gamma, beta, *moving = (np.array(w, float) for w in model.get_layer(f"{name}_norm").weights)
    mean, variance = moving if kind == "batch" else (x.mean(-1, keepdims=True), x.var(-1, keepdims=True))
    return (x - mean) / np.sqrt(variance + 1e-6) * gamma + beta


@pytest.mark.parametrize("norm", ["batch", "layer"])
def test_patch_tst_by_the_formulas_of_the_paper(norm):
    rng = np.random.default_rng(0)
    model = registry.build("patch_tst", input_shape=(15, 2), outputs=5, patch=6, stride=3, norm=norm, **SMALL)
    for weight in model.weights:
        positive = weight.path.endswith("moving_variance")
        weight.assign(rng.uniform(0.5, 2, weight.shape) if positive else rng.normal(0, 0.3, weight.shape))
    series = rng.normal(size=(3, 15, 2)).astype("float32")
    from scipy.special import erf

    def dense(layer, x):
        return x @ np.array(layer.kernel, float) + np.array(layer.bias, float)

    kernel, bias = (np.array(w, float) for w in model.get_layer("embedding").weights)
    by_channel = []
    for channel in (0, 1):
        padded = np.concatenate([series[:, :, channel], np.repeat(series[:, -1:, channel], 3, axis=1)], axis=1)
        patches = np.stack([padded[:, start : start + 6] for start in range(0, 13, 3)], axis=1)  # (15 - 6) / 3 + 2
        x = patches @ kernel[:, 0] + bias + np.array(model.get_layer("positions").embeddings, float)
        for block in (1, 2):
            name = f"block{block}_attention"
            layer = model.get_layer(name)
            query, (key, value) = dense(layer.query, x), np.split(dense(layer.key_value, x), 2, axis=-1)
            means = []
            for head in (slice(0, 4), slice(4, 8)):
                scores = np.exp(query[..., head] @ key[..., head].transpose(0, 2, 1) / 2)
                means.append(scores / scores.sum(-1, keepdims=True) @ value[..., head])
            x = norm_after(model, name, x + dense(layer.projection, np.concatenate(means, axis=-1)), norm)
            name = f"block{block}_mlp"
            hidden = dense(model.get_layer(f"{name}_dense1"), x)
            hidden = hidden * (1 + erf(hidden / np.sqrt(2))) / 2
            x = norm_after(model, name, x + dense(model.get_layer(f"{name}_dense2"), hidden), norm)
        by_channel.append(x.reshape(3, -1))
    expected = dense(model.get_layer("logits"), np.concatenate(by_channel, axis=1))
    np.testing.assert_allclose(predict(model, series), expected, rtol=1e-4, atol=1e-4)


def test_patch_tst_refuses_series_shorter_than_a_patch():
    with pytest.raises(ZooError, match=r"at least patch=16 steps. Received: input_shape=\(12, 1\)"):
        registry.build("patch_tst", input_shape=(12, 1), outputs=2)
