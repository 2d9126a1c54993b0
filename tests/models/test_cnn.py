import keras
import numpy as np
import pytest
from in_ci import in_ci
from keras import ops

from zoo import registry
from zoo.errors import ZooError
from zoo.layers.stochastic_depth import StochasticDepth


def trainable(model):
    return sum(int(np.prod(v.shape)) for v in model.trainable_variables)


@pytest.mark.parametrize(
    ("name", "config", "count"),
    [
        ("resnet18", {}, 11_689_512),  # torchvision
        pytest.param("resnet34", {}, 21_797_672, marks=pytest.mark.slow),  # torchvision
        pytest.param("resnet50", {}, 25_557_032, marks=pytest.mark.ci),  # torchvision
        pytest.param("resnet101", {}, 44_549_160, marks=pytest.mark.slow),  # torchvision
        pytest.param("resnet152", {}, 60_192_808, marks=pytest.mark.slow),  # torchvision
        ("resnet20", {}, 269_722),  # github.com/akamaster/pytorch_resnet_cifar10, option A
        ("resnet20", {"shortcut": "projection"}, 272_474),  # option B
        pytest.param("alexnet", {}, 61_100_840, marks=pytest.mark.ci),  # torchvision
        pytest.param("vgg16", {}, 138_357_544, marks=pytest.mark.slow),  # torchvision
        # torchvision, whose convolutions keep an idle bias
        pytest.param("vgg16", {"norm": "batch"}, 138_365_992 - 4_224, marks=pytest.mark.slow),
        pytest.param("wide_resnet", {}, 36_479_194, marks=pytest.mark.slow),  # github.com/xternalz/WideResNet-pytorch
        ("mobilenet_v2", {}, 3_504_872),  # torchvision
        pytest.param("densenet_bc", {}, 7_978_856, marks=pytest.mark.ci),  # torchvision
        pytest.param("efficientnet_b0", {}, 5_288_548, marks=pytest.mark.ci),  # torchvision
        ("efficientnet_lite0", {}, 4_652_008),  # timm
        pytest.param("efficientnet_b1", {}, 7_794_184, marks=pytest.mark.slow),  # torchvision
        pytest.param("efficientnet_b2", {}, 9_109_994, marks=pytest.mark.slow),  # torchvision
        pytest.param("efficientnet_b3", {}, 12_233_232, marks=pytest.mark.slow),  # torchvision
        pytest.param("efficientnet_v2_s", {}, 21_458_488, marks=pytest.mark.slow),  # torchvision
        pytest.param("mobilenet_v3_large", {}, 5_483_032, marks=pytest.mark.slow),  # torchvision
        ("mobilenet_v3_small", {}, 2_542_856),  # torchvision
        pytest.param("resnext50", {}, 25_028_904, marks=pytest.mark.slow),  # torchvision
        pytest.param("vgg11", {}, 132_863_336, marks=pytest.mark.slow),  # torchvision
        pytest.param("vgg13", {}, 133_047_848, marks=pytest.mark.slow),  # torchvision
        pytest.param("vgg19", {}, 143_667_240, marks=pytest.mark.slow),  # torchvision
        pytest.param("convnext_small", {}, 50_223_688, marks=pytest.mark.slow),  # torchvision
        pytest.param("convnext_v2_tiny", {}, 28_635_496, marks=pytest.mark.slow),  # timm
        pytest.param("convnext_tiny", {}, 28_589_128, marks=pytest.mark.ci),  # torchvision
        pytest.param(
            "convnext_tiny", {"layer_scale": 0.0}, 28_589_128 - 3 * (96 + 192 + 3 * 384 + 768), marks=pytest.mark.slow
        ),
    ],
)
def test_published_parameter_counts(name, config, count):
    assert trainable(registry.build(name, **config)) == count


def test_resnet20_count_is_the_sum_of_its_layers():
    def stage(before, width):  # 6 convolutions without bias, each with scale and shift
        return 9 * before * width + 5 * 9 * width**2 + 6 * 2 * width

    by_hand = (9 * 3 * 16 + 2 * 16) + stage(16, 16) + stage(16, 32) + stage(32, 64) + (64 * 10 + 10)
    assert trainable(registry.build("resnet20")) == by_hand


@pytest.mark.ci
def test_resnet50_equals_keras_applications_but_for_the_idle_biases():
    theirs = keras.applications.ResNet50(weights=None)
    biases = sum(layer.filters for layer in theirs.layers if isinstance(layer, keras.layers.Conv2D))
    assert theirs.count_params() - biases == registry.build("resnet50").count_params()


def test_cnn_count_is_the_sum_of_its_layers():
    model = registry.build("cnn", input_shape=(28, 28, 1), widths=(8, 16), depth=1, kernel_size=5)
    assert trainable(model) == 25 * 1 * 8 + 2 * 8 + 25 * 8 * 16 + 2 * 16 + 16 * 10 + 10
    biased = registry.build("cnn", input_shape=(28, 28, 1), widths=(8,), depth=1, norm="none")
    assert trainable(biased) == 9 * 8 + 8 + 8 * 10 + 10


@pytest.mark.parametrize(("depth", "width"), [(10, 1), (16, 2), (40, 4)])
def test_wide_resnet_count_is_the_sum_of_its_layers(depth, width):
    before, blocks = 16, (depth - 4) // 6
    by_hand = 9 * 3 * before
    for filters in (16 * width, 32 * width, 64 * width):
        by_hand += before * filters * (before != filters)  # shortcut of the first block
        for _ in range(blocks):  # two normalizations and two convolutions without bias
            by_hand += 2 * before + 9 * before * filters + 2 * filters + 9 * filters**2
            before = filters
    by_hand += 2 * before + before * 10 + 10
    assert trainable(registry.build("wide_resnet", depth=depth, width=width)) == by_hand
    assert round(by_hand / 1e5) == {10: 1, 16: 7, 40: 89}[depth]  # table 4 has 8.9M for WRN-40-4


@pytest.mark.parametrize(("depth", "published"), [(100, 769_162), (40, None)])
def test_densenet_bc_count_is_the_sum_of_its_layers(depth, published):
    growth, blocks = 12, ((depth - 4) // 6,) * 3
    channels = 2 * growth
    by_hand = 9 * 3 * channels
    for block, layers in enumerate(blocks):
        if block:
            by_hand += 2 * channels + channels * (channels // 2)
            channels //= 2
        for _ in range(layers):
            narrow = 4 * growth
            by_hand += 2 * channels + channels * narrow + 2 * narrow + 9 * narrow * growth
            channels += growth
    by_hand += 2 * channels + channels * 10 + 10
    model = registry.build(
        "densenet_bc", input_shape=(32, 32, 3), outputs=10, blocks=blocks, growth=growth, stem="small"
    )
    assert trainable(model) == by_hand
    assert published in (None, by_hand)
    assert sum(isinstance(layer, keras.layers.Conv2D | keras.layers.Dense) for layer in model.layers) == depth


@pytest.mark.parametrize(("name", "size"), [("resnet20", 8), ("resnet18", 1)])
def test_size_before_pooling(name, size):
    model = registry.build(name, input_shape=(32, 32, 3))
    assert model.get_layer("pool").input.shape[1:3] == (size, size)
    small = registry.build("resnet18", input_shape=(32, 32, 3), stem="small")
    assert small.get_layer("pool").input.shape[1:3] == (4, 4)


SMALL_FORMS = {
    "alexnet": {"stem": "small", "top_width": 8},
    "vgg16": {"widths": (4, 8, 8), "depths": (1, 1, 2), "top_width": 8},
    "wide_resnet": {"depth": 10, "width": 1},
    "densenet_bc": {"stem": "small", "blocks": (2, 2, 2), "growth": 4},
    "mobilenet_v2": {"stem": "small", "width": 0.1},
    "efficientnet_b0": {"stem": "small", "width": 0.1, "depth": 0.3},
    "efficientnet_lite0": {"stem": "small", "width": 0.1, "depth": 0.3},
    "convnext_tiny": {"patch": 2, "depths": (1, 2, 1), "widths": (4, 8, 12)},
    "convnext_v2_tiny": {"patch": 2, "depths": (1, 2, 1), "widths": (4, 8, 12)},
    "efficientnet_v2_s": {"stem": "small", "width": 0.1, "depth": 0.1},
    "mobilenet_v3_small": {"stem": "small", "width": 0.1, "top_width": 8},
}


@pytest.mark.parametrize("shape", in_ci([(28, 28, 1), (32, 32, 3), (17, 40, 2)], but=[(17, 40, 2)]))
@pytest.mark.parametrize("name", SMALL_FORMS)
def test_forms_for_small_images(name, shape):
    keras.utils.set_random_seed(0)
    model = registry.build(name, input_shape=shape, outputs=3, **SMALL_FORMS[name])
    y = ops.convert_to_numpy(model(np.random.default_rng(0).normal(size=(2, *shape)).astype("float32")))
    assert y.shape == (2, 3)
    assert np.isfinite(y).all()
    assert (y[0] != y[1]).all()


@pytest.mark.parametrize(
    ("name", "layer", "sizes"),
    [
        pytest.param("densenet_bc", "pool", {"imagenet": 8, "small": 32}, marks=pytest.mark.ci),
        pytest.param("mobilenet_v2", "pool", {"imagenet": 4, "small": 16}, marks=pytest.mark.ci),
        pytest.param("efficientnet_b0", "pool", {"imagenet": 4, "small": 16}, marks=pytest.mark.ci),
        ("mobilenet_v3_small", "pool", {"imagenet": 4, "small": 16}),
        ("alexnet", "pool5", {"imagenet": 7, "small": 31}),
    ],
)
def test_the_small_stem_keeps_more_of_the_image(name, layer, sizes):
    for stem, size in sizes.items():
        model = registry.build(name, input_shape=(128, 128, 3), **{**SMALL_FORMS[name], "stem": stem})
        assert model.get_layer(layer).input.shape[1:3] == (size, size)


@pytest.mark.ci
def test_default_forms_have_the_published_sizes_before_the_top():
    assert registry.build("alexnet", top_width=8).get_layer("flatten").output.shape == (None, 6 * 6 * 256)
    assert registry.build("vgg16", top_width=8).get_layer("flatten").output.shape == (None, 7 * 7 * 512)
    for name in ("mobilenet_v2", "efficientnet_b0", "convnext_tiny", "densenet_bc"):
        assert registry.build(name).get_layer("pool").input.shape[1:3] == (7, 7)


def test_rates_of_stochastic_depth_grow_with_the_depth():
    def rates(name, **config):
        model = registry.build(name, **config)
        return [layer.rate for layer in model.layers if isinstance(layer, StochasticDepth)]

    assert rates("convnext_tiny", depths=(1, 1, 2), widths=(2, 2, 2), stochastic_depth=0.3) == pytest.approx(
        [0.1, 0.2, 0.3]
    )
    # 16 blocks, of which 9 have a shortcut: those with 0, 2, 4, 6, 7, ... before them
    assert rates("efficientnet_b0", width=0.1, stochastic_depth=0.16) == pytest.approx(
        [0.02, 0.04, 0.06, 0.07, 0.09, 0.1, 0.12, 0.13, 0.14]
    )
    assert rates("efficientnet_b0", width=0.1, stochastic_depth=0.0) == []


@pytest.mark.parametrize(
    ("name", "config", "where"),
    [
        ("wide_resnet", {"depth": 10, "width": 1, "block_dropout": 0.3}, 3),
        ("densenet_bc", {"blocks": (2, 3), "growth": 2, "block_dropout": 0.2}, 5),
    ],
)
def test_block_dropout_is_in_every_block(name, config, where):
    model = registry.build(name, input_shape=(32, 32, 3), **config)
    assert sum(isinstance(layer, keras.layers.Dropout) for layer in model.layers) == where


@pytest.mark.parametrize("name", ["alexnet", "vgg16"])
def test_dropout_follows_both_dense_layers(name):
    model = registry.build(name, input_shape=(32, 32, 3), top_width=4, dropout=0.4)
    names = [layer.name for layer in model.layers]
    assert names[-6:] == ["top1", "top1_dropout", "top2", "features", "head_dropout", "logits"]


@pytest.mark.parametrize("shape", [(8, 8, 3), (9, 13, 1), (4, 7, 2)])
@pytest.mark.parametrize("name", ["cnn", "resnet20", "resnet18"])
def test_small_and_oblong_images(name, shape):
    model = registry.build(name, input_shape=shape, outputs=3)
    y = ops.convert_to_numpy(model(np.ones((2, *shape), "float32")))
    assert y.shape == (2, 3)
    assert np.isfinite(y).all()


def test_stage_dropout_is_between_stages():
    model = registry.build("cnn", stage_dropout=0.2, dropout=0.1)
    names = [layer.name for layer in model.layers if "dropout" in layer.name]
    assert names == ["stage2_dropout", "stage3_dropout", "head_dropout"]


@pytest.mark.parametrize(
    ("name", "config", "message"),
    [
        ("cnn", {"input_shape": (3, 32, 3)}, "4x4 or more. Received: input_shape=\\(3, 32, 3\\)"),
        ("cnn", {"input_shape": (28, 28)}, "needs images.*Received: input_shape=\\(28, 28\\)"),
        ("resnet18", {"input_shape": (784,)}, "needs images.*Received: input_shape=\\(784,\\)"),
        ("cnn", {"widths": ()}, "at least one stage"),
        ("cnn", {"depth": 0}, "depth: must be at least 1"),
        ("cnn", {"kernel_size": 0}, "kernel_size"),
        ("wide_resnet", {"depth": 12}, "depth of 6 n \\+ 4.*Received: depth=12"),
        ("wide_resnet", {"depth": 4}, "depth: must be at least 10"),
        ("densenet_bc", {"input_shape": (28, 28, 1)}, "29x29 or more"),
        ("densenet_bc", {"blocks": ()}, "at least one block"),
        ("densenet_bc", {"compression": 1.5}, "compression: must be at most 1"),
        ("mobilenet_v2", {"width": 0.0}, "width: must be greater than 0"),
        ("efficientnet_b0", {"stochastic_depth": 1.0}, "stochastic_depth: must be less than 1"),
        ("convnext_tiny", {"input_shape": (28, 28, 1)}, "32x32 or more"),
        ("convnext_tiny", {"depths": (1, 1)}, "a depth and a width for each stage"),
        ("convnext_tiny", {"depths": (), "widths": ()}, "a depth and a width for each stage"),
        ("vgg16", {"depths": (1, 1)}, "a depth and a width for each stage"),
        ("alexnet", {"input_shape": (6, 6, 3)}, "7x7 or more"),
        ("alexnet", {"widths": (8, 8)}, "widths: "),
    ],
)
def test_impossible_settings_are_refused(name, config, message):
    with pytest.raises(ZooError, match=message):
        registry.build(name, **config)
