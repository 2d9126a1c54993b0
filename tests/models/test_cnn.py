import keras
import numpy as np
import pytest
from keras import ops

from zoo import registry
from zoo.errors import ZooError


def trainable(model):
    return sum(int(np.prod(v.shape)) for v in model.trainable_variables)


@pytest.mark.parametrize(
    ("name", "config", "count"),
    [
        ("resnet18", {}, 11_689_512),  # torchvision
        ("resnet34", {}, 21_797_672),  # torchvision
        ("resnet50", {}, 25_557_032),  # torchvision
        ("resnet20", {}, 269_722),  # github.com/akamaster/pytorch_resnet_cifar10, option A
        ("resnet20", {"shortcut": "projection"}, 272_474),  # option B
    ],
)
def test_published_parameter_counts(name, config, count):
    assert trainable(registry.build(name, **config)) == count


def test_resnet20_count_is_the_sum_of_its_layers():
    def stage(before, width):  # 6 convolutions without bias, each with scale and shift
        return 9 * before * width + 5 * 9 * width**2 + 6 * 2 * width

    by_hand = (9 * 3 * 16 + 2 * 16) + stage(16, 16) + stage(16, 32) + stage(32, 64) + (64 * 10 + 10)
    assert trainable(registry.build("resnet20")) == by_hand


def test_resnet50_equals_keras_applications_but_for_the_idle_biases():
    theirs = keras.applications.ResNet50(weights=None)
    biases = sum(layer.filters for layer in theirs.layers if isinstance(layer, keras.layers.Conv2D))
    assert theirs.count_params() - biases == registry.build("resnet50").count_params()


def test_cnn_count_is_the_sum_of_its_layers():
    model = registry.build("cnn", input_shape=(28, 28, 1), widths=(8, 16), depth=1, kernel_size=5)
    assert trainable(model) == 25 * 1 * 8 + 2 * 8 + 25 * 8 * 16 + 2 * 16 + 16 * 10 + 10
    biased = registry.build("cnn", input_shape=(28, 28, 1), widths=(8,), depth=1, norm="none")
    assert trainable(biased) == 9 * 8 + 8 + 8 * 10 + 10


@pytest.mark.parametrize(("name", "size"), [("resnet20", 8), ("resnet18", 1)])
def test_size_before_pooling(name, size):
    model = registry.build(name, input_shape=(32, 32, 3))
    assert model.get_layer("pool").input.shape[1:3] == (size, size)
    small = registry.build("resnet18", input_shape=(32, 32, 3), stem="small")
    assert small.get_layer("pool").input.shape[1:3] == (4, 4)


@pytest.mark.parametrize("shape", [(8, 8, 3), (9, 13, 1), (4, 7, 2)])
@pytest.mark.parametrize("name", ["cnn", "resnet20", "resnet18"])
def test_small_and_oblong_images(name, shape):
    model = registry.build(name, input_shape=shape, outputs=3)
    y = ops.convert_to_numpy(model(np.ones((2, *shape), "float32")))
    assert y.shape == (2, 3)
    assert np.isfinite(y).all()


def test_stage_dropout_stands_between_stages():
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
    ],
)
def test_impossible_settings_are_refused(name, config, message):
    with pytest.raises(ZooError, match=message):
        registry.build(name, **config)
