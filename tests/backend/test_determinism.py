"""Two runs in the same bits: sums have one order, and variables change when all have read them."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo.backend.determinism import ordered_gradient_sums, start_from_seed
from zoo.data.sources.load import load_dataset
from zoo.recipe import load_recipe
from zoo.tasks import TASKS
from zoo.training.fit import compile_for_training
from zoo.training.problem import set_up


@pytest.fixture
def step():
    """Return a function that computes a loss and its gradient by a value that is used five times."""
    start_from_seed(0)
    x = tf.constant(np.random.default_rng(0).normal(size=(64, 8)).astype("float32"))

    @tf.function
    def gradient():
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = sum(tf.reduce_sum(x**power) for power in (1.0, 2.0, 3.0, 4.0, 5.0))
        return loss, tape.gradient(loss, x)

    return gradient, x


def long_sums(function):
    graph = function.get_concrete_function().graph
    return [op.name for op in graph.get_operations() if op.type == "AddN" and len(op.inputs) > 2]


def test_gradients_are_sums_of_two(step):
    gradient, x = step
    with ordered_gradient_sums():
        assert long_sums(gradient) == []
    expected = sum(power * np.asarray(x, np.float64) ** (power - 1) for power in (1, 2, 3, 4, 5))
    np.testing.assert_allclose(gradient()[1], expected, rtol=1e-5)


def test_after_the_block_gradients_are_tensorflows_again(step):
    with pytest.raises(RuntimeError), ordered_gradient_sums():
        raise RuntimeError
    assert len(long_sums(step[0])) == 1


def test_sums_are_not_joined_again():
    start_from_seed(0)
    options = tf.config.optimizer.get_experimental_options()
    assert options["arithmetic_optimization"] is False


@pytest.mark.parametrize("name", ["gan/digits", pytest.param("diffusion/digits", marks=pytest.mark.slow)])
def test_a_variable_is_assigned_after_it_was_read(name):
    """In the graph that runs, after all its optimisations, whatever threads there are."""
    from tensorflow.python.eager import context

    small = {
        "gan": ["model.generator_widths=[8, 4]", "model.discriminator_widths=[4, 8]"],
        "diffusion": ["model.widths=[4]", "model.attention=[]", "model.heads=1"],
    }
    recipe = load_recipe(name, [*small[name.split("/")[0]], "training.batch_size=20"]).recipe
    problem = set_up(recipe, load_dataset(recipe.data, TASKS[recipe.task], recipe.preprocess))
    compile_for_training(problem, recipe.optimizer, 1, 1)
    model = problem.views.trained
    model.optimizer.build(model.trainable_variables)
    step = tf.function(lambda images: model.train_step((images,)))
    context.context().enable_graph_collection()
    try:
        with ordered_gradient_sums():
            step(tf.zeros((20, 8, 8, 1)))
        graphs = [found.post_optimization_graph for found in context.context().export_run_metadata().function_graphs]
    finally:
        context.context().disable_graph_collection()
    graph = {node.name: node for node in max(graphs, key=lambda graph: len(graph.node)).node}

    def before(name):
        found, left = set(), [name]
        while left:
            new = {one.lstrip("^").split(":")[0] for one in graph[left.pop()].input} - found
            found |= new
            left += new
        return found

    reads, assignments, unordered = [], [], []
    for node in graph.values():
        if node.op == "ReadVariableOp":
            reads.append((node.name, node.input[0], before(node.name)))
        elif node.op.startswith("Assign"):
            assignments.append((node.name, node.input[0], before(node.name)))
    for assignment, variable, after in assignments:
        of_it = [(name, first) for name, read, first in reads if read == variable]
        unordered += [(name, assignment) for name, first in of_it if name not in after and assignment not in first]
    assert len(assignments) >= len(model.trainable_variables) and len(reads) > len(assignments)
    assert unordered == []


def test_gradients_of_looked_up_rows_are_added():
    """Of a table that is used in two look-ups and as a whole, as where embeddings are tied."""
    start_from_seed(0)
    table = tf.Variable(np.ones((3, 2), np.float32))
    with ordered_gradient_sums(), tf.GradientTape() as tape:
        rows = tf.reduce_sum(tf.gather(table, [0, 1])) + tf.reduce_sum(tf.gather(table, [1, 1]))
        loss = rows + 2 * tf.reduce_sum(table)
        with tape.stop_recording():
            gradient = tf.convert_to_tensor(tape.gradient(loss, table))
    np.testing.assert_array_equal(gradient, [[3, 3], [5, 5], [2, 2]])


def test_a_seed_gives_the_same_numbers():
    start_from_seed(7)
    first = np.array(keras.random.normal((3,)))
    start_from_seed(7)
    np.testing.assert_array_equal(keras.random.normal((3,)), first)
