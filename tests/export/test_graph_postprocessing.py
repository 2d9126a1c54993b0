"""Boxes, symbols, masks and flags that the graph makes, against the same rules in NumPy and written out by hand."""

from types import SimpleNamespace

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper

from zoo.data.class_decisions import ClassDecisions
from zoo.data.dataset import Signature
from zoo.export import graph_postprocessing as graphs
from zoo.postprocessing import derived

NO_THRESHOLDS = SimpleNamespace(threshold=None, ood_threshold=None)
LABELS = ("a", "b", "c")


def session(name, shape, add):
    """Return a graph that passes one input through, with the nodes that `add` puts behind it."""
    given = helper.make_tensor_value_info(f"{name}_input", TensorProto.FLOAT, shape)
    made = helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    nodes = [helper.make_node("Identity", [given.name], [name])]
    graph = helper.make_graph(nodes, "graph", [given], [made])
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7)
    add(proto)
    onnx.checker.check_model(proto, full_check=True)
    return onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])


def run(session, values):
    (given,) = session.get_inputs()
    return dict(zip([o.name for o in session.get_outputs()], session.run(None, {given.name: values}), strict=True))


def assert_same(found, expected):
    assert expected and set(expected) <= set(found)
    for name, values in expected.items():
        assert found[name].dtype == values.dtype, name
        np.testing.assert_array_equal(found[name], values, err_msg=name)


def detections(images, places, classes, seed):
    """Return boxes with scores that are often 0, equal or next to the least one."""
    rng = np.random.default_rng(seed)
    scores = rng.choice([0, 0, 0.009999999, 0.01, 0.010000001, 0.25, 0.5, rng.random()], (images, places, classes))
    boxes = np.sort(rng.random((images, places, 2, 2)), axis=2).reshape(images, places, 4)
    return np.concatenate([boxes, scores], axis=2).astype(np.float32)


@pytest.mark.parametrize(("places", "classes"), [(9, 3), (100, 1), (256, 3)])
def test_boxes_are_those_of_numpy(places, classes):
    """Fewer scores than boxes that are kept, as many, and more; and of equal scores the first at the edge."""
    signature = Signature("image", "object", (8, 8, 1), labels=LABELS[:classes])
    made = session("detections", ["batch", places, 4 + classes], lambda p: graphs.choose_boxes(p, signature))
    assert [o.name for o in made.get_outputs()] == ["boxes", "scores", "labels", "count", "detections"]
    assert [o.shape for o in made.get_outputs()][:3] == [["batch", 100, 4], ["batch", 100], ["batch", 100]]
    for images, seed in ((0, 0), (1, 1), (7, 2)):
        given = detections(images, places, classes, seed)
        found = run(made, given)
        assert_same(found, derived.boxes(found, NO_THRESHOLDS))
    for row in range(7):  # apart from the package's own rule
        pairs = [(-given[row, place, 4 + k], place, k) for place in range(places) for k in range(classes)]
        best = sorted((score, place, k) for score, place, k in pairs if -score >= np.float32(0.01))[:100]
        assert found["count"][row] == len(best) > 5
        assert found["labels"][row].tolist() == [k for _, _, k in best] + [0] * (100 - len(best))
        np.testing.assert_array_equal(found["boxes"][row, : len(best)], given[row, [p for _, p, _ in best], :4])
        assert not found["boxes"][row, len(best) :].any() and not found["scores"][row, len(best) :].any()


def collapsed(path):
    """Return the symbols of one path: merge repeats, then drop blanks."""
    merged = [symbol for place, symbol in enumerate(path) if place == 0 or symbol != path[place - 1]]
    return [symbol for symbol in merged if symbol]


@pytest.fixture(scope="module")
def reader():
    signature = Signature("image", "text", (8, 8, 1), labels=LABELS)
    return session("probabilities", ["batch", "steps", 3], lambda p: graphs.read_best_path(p, signature))


@given(st.lists(st.lists(st.integers(0, 2), min_size=6, max_size=6), max_size=4), st.integers(1, 6))
def test_symbols_are_the_best_path_without_repeats_and_blanks(reader, paths, steps):
    path = np.array(paths, int).reshape(-1, 6)[:, :steps]
    found = run(reader, np.eye(3, dtype=np.float32)[path])
    assert_same(found, derived.tokens(found, NO_THRESHOLDS))
    for row, each in enumerate(path.tolist()):
        wanted = collapsed(each)
        assert found["count"][row] == len(wanted)
        assert found["tokens"][row].tolist() == wanted + [0] * (steps - len(wanted))


def test_a_mask_marks_the_padding():
    signature = Signature("image", "class", (8, 8, 1), labels=LABELS)
    made = session("probabilities", ["batch", "height", "width", 3], lambda p: graphs.add_mask(p, signature))
    given = np.random.default_rng(0).dirichlet([1, 1, 1], (2, 5, 4)).astype(np.float32)
    given[1, 3:] = 0
    found = run(made, given)
    assert_same(found, derived.mask(found, NO_THRESHOLDS))
    assert (found["mask"][1, 3:] == 255).all() and (found["mask"] == 255).sum() == 8
    np.testing.assert_array_equal(found["mask"][0], given[0].argmax(-1))


def test_labels_are_those_of_at_least_one_half():
    signature = Signature("image", "class", (8, 8, 1), labels=LABELS)
    made = session("probabilities", ["batch", 3], lambda p: graphs.add_label_set(p, signature))
    found = run(made, np.array([[0.5, np.nextafter(np.float32(0.5), np.float32(0)), np.nan]], np.float32))
    assert found["label_set"].tolist() == [[True, False, False]]
    assert_same(found, derived.label_set(found, NO_THRESHOLDS))


@pytest.mark.parametrize("threshold", [0.1, 0.3, 1e-9])  # the first is less in float32, the second more
def test_flags_are_of_scores_above_the_threshold(threshold):
    edge = np.float32(threshold)
    scores = np.array([np.nextafter(edge, np.float32(0)), edge, np.nextafter(edge, np.float32(1)), np.nan], np.float32)
    made = session("score", ["batch"], lambda p: graphs.add_abnormal(p, threshold))
    found = run(made, scores)
    assert found["abnormal"].tolist() == [False, False, True, False]
    assert_same(found, derived.abnormal(found, SimpleNamespace(threshold=threshold)))
    decisions = ClassDecisions(ood_quantiles=(threshold / 2, threshold))
    signature = Signature("image", "class", (8, 8, 1), labels=LABELS, decisions=decisions)
    made = session("ood_score", ["batch"], lambda p: graphs.add_unusual(p, signature))
    found = run(made, scores)
    assert found["unusual"].tolist() == [False, False, True, False]
    assert_same(found, derived.unusual(found, SimpleNamespace(ood_threshold=threshold)))
    assert derived.abnormal(found, NO_THRESHOLDS) == derived.unusual(found, NO_THRESHOLDS) == {}
