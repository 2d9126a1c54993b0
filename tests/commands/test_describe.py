from zoo.commands.describe import describe


def test_describe_counts_twice_the_multiply_adds():
    described = describe("mlp")
    macs = 784 * 256 + 256 * 128 + 128 * 10
    assert 2 * macs <= described["flops"] <= 2.01 * macs
    assert described["parameters"] == 235_146
    assert described["defaults"] == {
        "input_shape": [28, 28, 1],
        "outputs": 10,
        "widths": (256, 128),
        "activation": "relu",
        "norm": "none",
        "dropout": 0.0,
        "residual": False,
    }
