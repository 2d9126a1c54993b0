"""The gallery's scripts in node, against what Python answers."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import zoo.serving.gallery
from zoo.data.tokenizer import Tokenizer, fit_tokenizer
from zoo.postprocessing.boxes import top_detections
from zoo.postprocessing.decoding import ctc_greedy, greedy
from zoo.postprocessing.sampling import next_token_probabilities, sample
from zoo.serving.gallery.description import CONSTANTS
from zoo.serving.gallery.reasons import reason_not_to_run
from zoo.serving.metadata import KINDS, FileSignature
from zoo.serving.noise import draw_noise
from zoo.serving.tensor_forms import TensorForm
from zoo.tasks import TASKS

NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(NODE is None, reason="node is not installed")
SCRIPTS = Path(zoo.serving.gallery.__file__).parent / "js"
TEXTS = [
    "The quick brown fox: it's 3.14 (or so)!",
    "Straße, ΌΔΟΣ İstanbul naïve e\u0301 — 東京へ行く。",
    " leading\tand\nbroken  lines\u3000wide\x1cseparated\x85next ",
    "don't we'll I'm $5 a_b x² ½ ",
    "",
]
CORPUS = ["The quick brown fox jumps over the lazy dog.", "it's 3.14 or so, isn't it?", "Straße naïve 東京 we'll"]


@pytest.fixture(scope="module")
def in_node(tmp_path_factory):
    """Return a function that runs a script, which prints JSON and finds the gallery's modules beside it."""
    folder = tmp_path_factory.mktemp("scripts")
    for path in SCRIPTS.glob("*.js"):
        shutil.copyfile(path, folder / path.name)
    (folder / "package.json").write_text('{"type": "module"}')

    def run(script, **values):
        path = folder / "script.js"
        given = "".join(f"const {name} = {json.dumps(value)};\n" for name, value in values.items())
        path.write_text(f"{script[0]}\n{given}\nconst constants = {json.dumps(CONSTANTS)};\n{script[1]}")
        done = subprocess.run([NODE, str(path)], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def test_numbers_are_those_of_numpy(in_node):
    script = (
        'import { Generator } from "./random.js";',
        """console.log(JSON.stringify(seeds.map((seed) => {
          const generator = new Generator(BigInt(seed));
          return [Array.from(generator.normal(20001)), Array.from(generator.gumbel(100))];
        })));""",
    )
    seeds = [0, 1, 2**31, 2**70 + 5, 2**140 + 3]
    for seed, (normal, gumbel) in zip(seeds, in_node(script, seeds=[str(seed) for seed in seeds]), strict=True):
        generator = np.random.default_rng(seed)
        np.testing.assert_array_equal(np.array(normal, np.float32), generator.standard_normal(20001, np.float32))
        np.testing.assert_allclose(gumbel, generator.gumbel(size=100), rtol=1e-13)


def test_noise_is_that_of_zoo_sample(in_node):
    signature = FileSignature(
        task="image_generation",
        kind="noise",
        target="",
        shape=(2, 3, 1),
        columns=(),
        inputs={},
        labels=("a", "b", "c"),
        vocabulary=None,
        tokenizer=None,
        threshold=None,
        steps=4,
        guidance=2.5,
    )
    names = ["noise", "label", "guidance", "step_noise"]
    script = (
        'import { drawNoise } from "./noise.js";',
        """const feeds = drawNoise(model, { count: 5, seed: 7 });
        console.log(JSON.stringify(Object.fromEntries(Object.entries(feeds).map(
          ([name, { dims, data }]) => [name, { dims, data: Array.from(data) }]))));""",
    )
    facts = {"shape": [2, 3, 1], "labels": ["a", "b", "c"], "steps": 4, "guidance": 2.5}
    found = in_node(script, model={"signature": facts, "inputs": [{"name": name} for name in names]})
    expected = draw_noise(names, signature, count=5, seed=7, labels=None, guidance=None)
    assert list(found) == list(expected)
    for name, values in expected.items():
        np.testing.assert_array_equal(np.array(found[name]["data"], values.dtype).reshape(found[name]["dims"]), values)


def tokenizers():
    for level in ("character", "word", "whitespace"):
        yield fit_tokenizer(CORPUS, level=level, lowercase=level == "word", length=30)
        yield fit_tokenizer(TEXTS, level=level, lowercase=level != "character")
    pytest.importorskip("tokenizers")
    for kind in ("bpe", "wordpiece"):
        for lowercase in (False, True):
            yield fit_tokenizer(CORPUS * 3, level="subword", max_ids=330, kind=kind, lowercase=lowercase)


def test_texts_become_the_same_tokens_and_the_same_texts_again(in_node):
    script = (
        'import { Tokenizer } from "./tokenizer.js";',
        """console.log(JSON.stringify(facts.map((each) => {
          const tokenizer = new Tokenizer(each, constants);
          return texts.map((text) => {
            const ids = tokenizer.encode(text);
            return [ids, tokenizer.decode(ids)];
          });
        })));""",
    )
    made: list[Tokenizer] = list(tokenizers())
    texts = [*TEXTS, *CORPUS]
    found = in_node(script, facts=[tokenizer.to_json() for tokenizer in made], texts=texts)
    for tokenizer, rows in zip(made, found, strict=True):
        for text, (ids, again) in zip(texts, rows, strict=True):
            expected = tokenizer.encode([text])[0]
            assert ids == expected[: len(ids)].tolist() and not expected[len(ids) :].any(), (tokenizer.level, text)
            assert again == tokenizer.decode(expected), (tokenizer.level, text)


def test_subwords_of_another_making_are_not_tried(in_node):
    pytest.importorskip("tokenizers")
    facts = fit_tokenizer(CORPUS, level="subword", max_ids=300).to_json()
    described = {"inputs": [{"name": "tokens", "type": "int32"}], "signature": {"tokenizer": facts}}
    assert reason_not_to_run(described) is None
    other = json.loads(facts["subwords"])
    other["pre_tokenizer"] = {"type": "Metaspace"}
    changed = {**described, "signature": {"tokenizer": {**facts, "subwords": json.dumps(other)}}}
    assert "tokenizer of subwords" in reason_not_to_run(changed)
    half = {**described, "inputs": [{"name": "x", "type": "float16"}]}
    assert "lack the type of x" in reason_not_to_run(half)


def test_decoding_is_that_of_python(in_node):
    generator = np.random.default_rng(3)
    logits = generator.normal(size=(40, 9)).round(1)  # equal ones among them
    steps = generator.integers(0, 3, (6, 30)).tolist()
    table = generator.normal(size=(9, 9)) * 2
    settings = [{}, {"temperature": 0.5}, {"topK": 3}, {"topP": 0.6}, {"temperature": 2, "topK": 5, "topP": 0.7}]
    script = (
        'import { collapseCtc, greedy, nextTokenProbabilities, sample } from "./decoding.js";',
        """const step = (ids) => table[ids.at(-1)];
        console.log(JSON.stringify({
          ctc: steps.map((path) => collapseCtc(path)),
          probabilities: settings.map((each) => logits.map((row) => Array.from(nextTokenProbabilities(row, each)))),
          greedy: await greedy(step, constants, { most: 20 }),
          sampled: await sample(step, [4, 5], constants, { length: 40, seed: 5, temperature: 0.9, topK: 6 }),
        }));""",
    )
    found = in_node(script, logits=logits.tolist(), steps=steps, settings=settings, table=table.tolist())
    one_hot = np.eye(3)[np.array(steps)]
    for row, expected in zip(found["ctc"], ctc_greedy(one_hot), strict=True):
        assert row == expected[: len(row)].tolist() and not expected[len(row) :].any()
    for each, rows in zip(settings, found["probabilities"], strict=True):
        names = {"temperature": "temperature", "topK": "top_k", "topP": "top_p"}
        expected = next_token_probabilities(logits, **{names[key]: value for key, value in each.items()})
        np.testing.assert_allclose(rows, expected, atol=1e-12)
    expected = greedy(lambda _, tokens: table[tokens[:, -1]], 1, most=20)[0]
    assert found["greedy"] == expected[: len(found["greedy"])].tolist() and not expected[len(found["greedy"]) :].any()
    prompt = np.array([[4, 5]], np.int32)
    drawn = sample(
        lambda t: table[t[:, -1]], prompt, length=40, temperature=0.9, top_k=6, seed=5
    )[0, 2:]  # fmt: skip
    assert found["sampled"] == [int(i) for i in drawn if i]


@pytest.mark.parametrize("one_tensor", [True, False])
@pytest.mark.parametrize("ids", [True, False])
def test_columns_become_the_tensors_of_a_file_and_columns_again(in_node, one_tensor, ids):
    form = TensorForm(
        input="numbers" if one_tensor else "",
        numbers=("b", "a") if one_tensor else (),
        ids={"c": {"": 0, "x": 1, "constructor": 2}} if ids else {},
        unknown={"c": 3} if ids else {},
    )
    inputs = {"c": "c_1"} | ({} if one_tensor else {"a": "a", "b": "b_1"})
    texts = ["x", "", "constructor", "toString"]
    rows = [
        {"a": np.float32([[i]]), "b": np.float32([[i / 2]]), "c": np.array([[text]], object)}
        for i, text in enumerate(texts)
    ]
    script = (
        """import { joinColumns, splitColumns } from "./tensor_forms.js";
        import { tensor } from "./tensors.js";""",
        """const plain = (tensors) => Object.fromEntries(
          Object.entries(tensors).map(([name, { type, dims, data }]) =>
            [name, { dims, data: Array.from(data, type === "int64" ? Number : (value) => value) }]));
        console.log(JSON.stringify(rows.map(({ a, b, c }) => {
          const joined = joinColumns({
            a: tensor("float32", [1, 1], [a]), b: tensor("float32", [1, 1], [b]), c: tensor("string", [1, 1], [c]),
          }, signature);
          return [plain(joined), plain(splitColumns(joined, signature))];
        })));""",
    )
    signature = {"kind": "table", "inputs": inputs, "tensors": form.to_json()}
    given = [{name: values.item() for name, values in row.items()} for row in rows]
    for row, (joined, split) in zip(rows, in_node(script, rows=given, signature=signature), strict=True):
        expected = form.join(row, inputs)
        assert {name: (each["dims"], each["data"]) for name, each in joined.items()} == {
            name: (list(values.shape), values.ravel().tolist()) for name, values in expected.items()
        }
        again = {name: values.ravel().tolist() for name, values in form.split(expected, inputs).items()}
        assert {name: each["data"] for name, each in split.items()} == again


def test_every_kind_of_input_and_answer_has_its_part(in_node):
    script = (
        """import { ANSWERS } from "./answers.js";
        import { FLOWS } from "./flows.js";
        import { INPUTS } from "./inputs.js";""",
        "console.log(JSON.stringify([ANSWERS, FLOWS, INPUTS].map((table) => Object.keys(table))));",
    )
    answers, flows, inputs = in_node(script)
    assert set(inputs) == set(KINDS)
    assert set(answers) == {task.kind for task in TASKS.values()} - {"generation", "sequences"}  # which have flows
    assert set(flows) == {"predict", "fill_in", "translate", "continue", "generate"}


def test_an_answer_that_differs_is_seen(in_node):
    sample = {
        "inputs": {"x": {"datatype": "FP32", "shape": [1, 2], "data": [None, "-inf"]}},
        "outputs": {
            "value": {"datatype": "FP32", "shape": [1, 3], "data": [10.0, -2.0, None]},
            "label": {"datatype": "BYTES", "shape": [1], "data": ["a"]},
            "image": {"datatype": "UINT8", "shape": [2], "data": [7, 200]},
            "mask": {"datatype": "INT64", "shape": [2], "data": [1, 2]},
        },
    }
    changes = {
        "none": {},
        "rounding": {"value": [10.0009, -2.0, None], "image": [8, 199]},
        "value": {"value": [10.0011, -2.0, None]},
        "finite": {"value": [10.0, -2.0, 0.0]},
        "label": {"label": ["b"]},
        "image": {"image": [9, 200]},
        "mask": {"mask": [1, 3]},
    }
    script = (
        """import { checkSample } from "./check.js";
        import { readSample, tensor } from "./tensors.js";""",
        """const given = { inputs: readSample(sample.inputs), outputs: readSample(sample.outputs) };
        const tried = async (change, tolerances) => {
          const found = Object.fromEntries(Object.entries(given.outputs).map(([name, { type, dims, data }]) =>
            [name, name in change ? tensor(type, dims, change[name]) : { type, dims, data }]));
          const seen = [];
          const session = { run: async ({ x }) => (seen.push(...x.data), found) };
          const { ok, outputs } = await checkSample(session, given, { constants, tolerances });
          return [ok, outputs.filter((each) => !each.ok).map((each) => each.name), seen.map(String)];
        };
        const rows = {};
        for (const [name, change] of Object.entries(changes)) rows[name] = await tried(change, {});
        rows.smaller = await tried(changes.value, { value: 0.002 });
        console.log(JSON.stringify(rows));""",
    )
    found = in_node(script, sample=sample, changes=changes)
    assert {name for name, (ok, _, _) in found.items() if ok} == {"none", "rounding", "smaller"}
    assert {name: wrong for name, (ok, wrong, _) in found.items() if not ok} == {
        **{"value": ["value"], "finite": ["value"], "label": ["label"], "image": ["image"], "mask": ["mask"]}
    }
    assert found["none"][2] == ["NaN", "-Infinity"]


def test_the_pen_has_paper_ink_and_width_of_the_examples(in_node):
    generator = np.random.default_rng(5)
    images = np.full((5, 40, 48), 200.0)
    images[:, 8:32, 20:23] = 60  # a stroke of 3 pixels
    images[4] = 260 - images[4]  # one of five is light on dark
    images += generator.normal(0, 4, images.shape)
    script = (
        'import { style } from "./drawing.js";',
        "console.log(JSON.stringify(style(images.map((each) => Uint8Array.from(each)), [40, 48])));",
    )
    found = in_node(script, images=images.round().reshape(5, -1).tolist())
    assert abs(found["paper"] - 200) <= 3 and 40 <= found["ink"] <= 60  # the ink is that of the darkest pixel
    assert 2.5 <= found["width"] <= 4
    assert found["fit"] == {"height": 24, "width": 3}


def test_objects_are_those_of_python(in_node):
    generator = np.random.default_rng(4)
    boxes, scores = generator.random((30, 4)).astype(np.float32), generator.random((30, 5)).astype(np.float32) ** 8
    script = (
        'import { topDetections } from "./decoding.js";',
        """const [first, second] = [boxes, scores].map((values) => Float32Array.from(values));
        console.log(JSON.stringify(topDetections(first, second, 5, { most: 20 })));""",
    )
    found = in_node(script, boxes=boxes.ravel().tolist(), scores=scores.ravel().tolist())
    expected = top_detections(np.concatenate([boxes, scores], axis=1)[None], most=20)[0]
    rows = [[*each["box"], each["label"], each["score"]] for each in found]
    np.testing.assert_allclose(rows, expected[expected[:, 5] > 0], rtol=1e-6)
