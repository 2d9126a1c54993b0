"""The steps beside an exported file: the same tokens as the file itself gives by the pass over the whole text."""

import hashlib
import json
import shutil
from types import SimpleNamespace

import keras
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import zoo
from zoo.errors import ZooError
from zoo.export import steps
from zoo.export.convert import seal, to_onnx
from zoo.export.reshapes import simplify_reshapes
from zoo.export.steps import export_steps, write_steps
from zoo.layers.steps import split_steps
from zoo.postprocessing.decoding import beam_search, greedy
from zoo.postprocessing.sampling import Sampling, draw_tokens
from zoo.serving.next_tokens import CachedPass, SourceSteps, WholePass
from zoo.serving.step_check import check_steps
from zoo.serving.step_model import STEPS_KEY, open_steps
from zoo.utils.onnx_session import open_session, run_session

VOCABULARY = 24
CI = pytest.mark.ci
MODELS = {
    "gpt": {
        **{"width": 16, "depth": 1, "heads": 4, "kv_heads": 2, "positions": "rotary", "norm": "rms"},
        **{"feed_forward": "swiglu", "hidden": 20, "rotary_base": 500.0, "head_size": 6},
    },
    "lstm": {"units": 12, "layers": 2},
    "gru": {"units": 12},
    "rnn": {"units": 12},
    "tcn": {"width": 8, "depth": 2},
    "seq2seq_transformer": {"width": 16, "depth": 1, "heads": 2},
    "seq2seq_lstm": {"units": 12},
    "t5": {"width": 16, "depth": 1, "heads": 2, "head_size": 6, "hidden": 20, "buckets": 6, "longest": 9},
}


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Return a function from a builder's name to the path of a file with its steps, and what runs the file."""
    made = {}

    def export(name):
        if name not in made:
            source = name.startswith("seq2seq") or name == "t5"
            extra = {} if source else {"every_step": True}
            keras.utils.set_random_seed(0)
            model = zoo.build(
                name, input_shape=(None,), outputs=VOCABULARY, vocabulary=VOCABULARY, **extra, **MODELS[name]
            )
            rng = np.random.default_rng(3)
            model.set_weights([w + 0.3 * rng.normal(size=w.shape).astype(np.float32) for w in model.get_weights()])
            path = tmp_path_factory.mktemp(name) / "model.onnx"
            onnx.save(to_onnx(model, ["source", "target"] if source else ["tokens"], ["logits"]), path)
            write_steps(path, split_steps(model), 18)
            session = open_session(path)
            made[name] = path, lambda feeds: run_session(session, ["logits"], feeds)
        return made[name]

    return export


@pytest.mark.parametrize("name", ["gpt", *(pytest.param(n, marks=CI) for n in ("lstm", "gru", "rnn", "tcn"))])
@pytest.mark.parametrize("sampling", [Sampling(top_k=1), pytest.param(Sampling(temperature=0.8, top_p=0.9), marks=CI)])
@pytest.mark.ci
def test_texts_of_different_lengths_get_the_tokens_of_the_whole_pass_beyond_the_context(exported, name, sampling):
    path, run = exported(name)
    opened, context, length = open_steps(path), 12, 40
    prompts = np.zeros((3, 17), np.int32)
    for row, count in enumerate((4, 17, 1)):
        prompts[row, :count] = np.random.default_rng(row).integers(4, VOCABULARY, count)

    def texts(model):
        generators = [np.random.default_rng(row) for row in range(3)]
        found = [[], [], []]
        draws = draw_tokens(
            model,
            prompts,
            length=length,
            sampling=sampling,
            noise=lambda rows, size: np.array([generators[row].gumbel(size=size) for row in rows]),
            ended=lambda row, token: row == 1 and len(found[1]) == 9,
            end=None,
        )
        for rows, drawn in draws:
            for row, token in zip(rows, drawn, strict=True):
                found[row].append(int(token))
        return found

    whole = texts(WholePass(run, context))
    assert texts(CachedPass(opened, 3, context=context, longest=17 + length)) == whole
    assert [len(text) for text in whole] == [length, 9, length] and len(set(whole[0] + whole[2])) > (
        1 if sampling.top_k == 1 else 5
    )


@pytest.mark.parametrize("name", [pytest.param(n, marks=CI) for n in ("seq2seq_transformer", "seq2seq_lstm", "t5")])
def test_greedy_and_beams_give_the_answers_of_the_whole_pass(exported, tmp_path, name):
    path, run = exported(name)
    source = np.random.default_rng(0).integers(4, VOCABULARY, (5, 7)).astype(np.int32)
    source[2, 3:] = 0

    def whole(rows, tokens):
        return run({"source": source[rows], "target": tokens})["logits"][:, -1]

    for file in (path, path.with_name("step.onnx")):
        shutil.copy(file, tmp_path)
    with pytest.raises(ZooError, match=r"belongs to another encoder.onnx"):
        open_steps(tmp_path / path.name)
    for search, settings in ((greedy, {}), (beam_search, {"width": 3}), (beam_search, {"width": 2})):
        expected = search(whole, 5, most=25, **settings)
        np.testing.assert_array_equal(search(SourceSteps(open_steps(path), source), 5, most=25, **settings), expected)
    assert len(np.unique(expected)) > 3


def test_weights_are_stored_once(exported):
    path, _ = exported("gpt")
    step = onnx.load(path.with_name("step.onnx"), load_external_data=False)
    facts = json.loads(next(entry.value for entry in step.metadata_props if entry.key == STEPS_KEY))
    shared = [tensor for tensor in step.graph.initializer if tensor.data_location == TensorProto.EXTERNAL]
    own = sum(len(tensor.raw_data) for tensor in step.graph.initializer)
    length = sum(int(entry.value) for t in shared for entry in t.external_data if entry.key == "length")
    assert facts["weights"] == "model.onnx" and length > 10 * own


def test_steps_of_another_file_are_refused_or_left_alone(exported, tmp_path):
    path, _ = exported("gpt")
    for file in path.parent.iterdir():
        shutil.copy(file, tmp_path)
    path = tmp_path / "model.onnx"
    assert open_steps(path) is not None
    shutil.copy(path, tmp_path / "model.int8.onnx")
    assert open_steps(tmp_path / "model.int8.onnx") is None
    content = path.read_bytes()
    changed = onnx.load(path)
    changed.doc_string = "changed"
    onnx.save(changed, path)
    with pytest.raises(ZooError, match=r"step.onnx: reads its weights from model.onnx, which has changed since"):
        open_steps(path)
    assert open_steps(path, verify=False) is None
    path.write_bytes(content)
    step = tmp_path / "step.onnx"
    step.write_bytes(step.read_bytes()[:-3])
    with pytest.raises(ZooError, match=r"step.onnx"):
        open_steps(path)


@pytest.mark.parametrize(("order", "is_simpler"), [((0, 1), True), ((1, 0), False)])
def test_a_product_is_simplified_where_the_axes_are_put_back_as_they_were(order, is_simpler):
    def constant(name, values):
        return numpy_helper.from_array(np.array(values), name)

    weights = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    nodes = [
        helper.make_node("Shape", ["x"], ["shape"]),
        helper.make_node("Gather", ["shape", "places"], ["kept"]),
        helper.make_node("Concat", ["kept", "columns"], ["back"], axis=0),
        helper.make_node("Reshape", ["x", "flat"], ["rows"]),
        helper.make_node("MatMul", ["rows", "weights"], ["product"]),
        helper.make_node("Reshape", ["product", "back"], ["y"]),
        helper.make_node("Gather", ["shape", "second"], ["steps"]),
        helper.make_node("Concat", ["one", "steps", "one", "columns"], ["parted"], axis=0),
        helper.make_node("Reshape", ["y", "parted"], ["z"]),
    ]
    sizes = {"places": list(order), "columns": [3], "flat": [-1, 4], "second": [1], "one": [1]}
    initial = [constant(name, values) for name, values in sizes.items()] + [numpy_helper.from_array(weights, "weights")]
    graph = helper.make_graph(
        nodes,
        "products",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", "steps", 4])],
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, None)],
        initial,
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    x = np.random.default_rng(1).normal(size=(1, 5, 4)).astype(np.float32)
    (expected,) = open_session(proto.SerializeToString()).run(None, {"x": x})
    simplify_reshapes(proto)
    (found,) = open_session(proto.SerializeToString()).run(None, {"x": x})
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert ([node.op_type for node in proto.graph.node] == ["MatMul", "Reshape"]) == is_simpler


def test_steps_that_answer_otherwise_than_the_file_are_found(exported, tmp_path):
    path, _ = exported("gpt")
    signature = SimpleNamespace(vocabulary=VOCABULARY, labels=["symbol"] * VOCABULARY)
    for file in path.parent.iterdir():
        shutil.copy(file, tmp_path)
    path = tmp_path / "model.onnx"
    session = open_session(path)
    assert check_steps(path, session, None, {"": 1e-4}, signature).startswith("32 tokens, half of them one by one")
    step = tmp_path / "step.onnx"
    proto = onnx.load(step, load_external_data=False)
    bias = next(each for each in proto.graph.initializer if list(each.dims) == [VOCABULARY] and each.raw_data)
    bias.raw_data = (np.frombuffer(bias.raw_data, np.float32) + 0.01).tobytes()
    seal(proto)
    onnx.save(proto, step)
    with pytest.raises(ZooError, match=r"differ from those of the whole text by 1.0e-02 \(allowed 1.0e-04\)"):
        check_steps(path, session, None, {"": 1e-4}, signature)
    digest = hashlib.sha256(b"another").hexdigest()
    (tmp_path / "certificate.json").write_text(json.dumps({"steps": {"files": {"step.onnx": {"sha256": digest}}}}))
    with pytest.raises(ZooError, match="not the file that was compared with its Keras model"):
        check_steps(path, session, None, {"": 1e-4}, signature)
    step.unlink()
    with pytest.raises(ZooError, match=r"step.onnx is missing"):
        check_steps(path, session, None, {"": 1e-4}, signature)


def test_the_certificate_says_why_there_are_no_steps(tmp_path, monkeypatch):
    path, settings = tmp_path / "model.onnx", SimpleNamespace(opset=18, tolerance=1e-4)
    tokens = {"input_shape": (None,), "outputs": VOCABULARY, "vocabulary": VOCABULARY, "every_step": True}
    both = zoo.build("rnn", units=4, bidirectional=True, **tokens)
    assert "'layer1_reverse' (ReversedSteps) mixes steps" in export_steps(path, both, None, None, settings)["reason"]
    (tmp_path / "step.onnx").write_text("older")
    monkeypatch.setattr(steps, "split_steps", lambda network: np.zeros(2).reshape(3))
    reason = export_steps(path, both, None, None, settings)["reason"]
    assert reason.startswith("ValueError: cannot reshape") and list(tmp_path.iterdir()) == []
