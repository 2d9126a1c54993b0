"""`zoo evaluate RUN DATA` of boxes, masks, tags, texts: by a file that answers what is known, against the targets."""

from types import SimpleNamespace

import numpy as np
import pytest
from in_ci import in_ci

from tests.data.sources.annotated import DIGITS, expected_boxes, scenes, write_coco, write_masks, write_voc
from zoo.commands.evaluate import evaluate
from zoo.data.builtin.scenes import MASK_LABELS
from zoo.data.tokenizer import fit_tokenizer
from zoo.errors import ZooError
from zoo.recipe import load_recipe
from zoo.serving import exported_model

OPEN = {
    "model": {"name": "unet"},
    "optimizer": {"name": "adamw", "learning_rate": 0.01},
    "training": {"epochs": 1, "batch_size": 8},
}
MODELS = {
    "object_detection": "center_net",
    "semantic_segmentation": "unet",
    "sequence_labeling": "bilstm",
    "language_modeling": "lstm",
    "sequence_to_sequence": "seq2seq_lstm",
    "tabular_multi_label_classification": "mlp",
    "reconstruction": "conv_autoencoder",
    "forecasting": "mlp",
}


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Return a function that makes a run of a task whose exported file gives these outputs."""

    def make(task, source, answer, labels, shape=(None, None, 1), tokenizer=None, **overrides):
        parts = {**OPEN, "model": {"name": MODELS[task]}, "data": {"source": source, **overrides}}
        recipe = load_recipe(f"_base/{task}", {**parts, "evaluation.baseline": None})

        class Model:
            def __init__(self, path):
                self.path, self.labels, self.shape, self.tokenizer = path, labels, shape, tokenizer
                self.kind = "image" if len(shape) == 3 else "text"

            def predict(self, raw, decoder_input=None):
                return SimpleNamespace(output=answer(raw) if decoder_input is None else answer(raw, decoder_input))

        (tmp_path / "run" / "export").mkdir(parents=True, exist_ok=True)
        (tmp_path / "run" / "export" / "model.onnx").write_bytes(b"")
        opened = SimpleNamespace(folder=tmp_path / "run", recipe=lambda: recipe)
        monkeypatch.setattr("zoo.training.run.open_run", lambda folder: opened)
        monkeypatch.setattr(exported_model, "ExportedModel", Model)
        return tmp_path / "run"

    return make


def in_order(values):
    """Return a function that answers with the values one after another, as many as there are examples."""
    start = [0]

    def answer(raw, *_):
        start[0] += len(raw)
        return values[start[0] - len(raw) : start[0]]

    return answer


def true_boxes(labels, split="test"):
    """Return the true boxes as a detector's output, `(examples, boxes, 4 + classes)`, by the numbers of `labels`."""
    boxes = expected_boxes(split)
    output = np.zeros((*boxes.shape[:2], 4 + len(labels)), np.float32)
    output[..., :4] = boxes[..., :4]
    for place in np.argwhere(boxes[..., 4] >= 0):
        output[(*place, 4 + labels.index(DIGITS[int(boxes[(*place, 4)])]))] = 0.9
    return output


@pytest.mark.parametrize("write", in_ci([write_coco, write_voc], but=[write_coco]))
def test_boxes_are_found_by_the_names_of_their_classes(run, tmp_path, write):
    """The run numbers its classes in another order than the data does."""
    labels = tuple(reversed(DIGITS))
    folder = write(tmp_path / "new")
    source = "coco:x" if write is write_coco else "voc:x"
    result = evaluate(run("object_detection", source, in_order(true_boxes(labels)), labels), folder)
    assert result["samples"] == 20 and result["metrics"]["ap50"] == result["metrics"]["ap"] == 1
    assert any("has several splits: evaluated is test (20), not train (60)" in note for note in result["notes"])
    other = true_boxes(labels).copy()
    other[..., 4:] = other[..., ::-1][..., : len(labels)]
    result = evaluate(run("object_detection", source, in_order(other), labels), folder)
    assert result["metrics"]["ap50"] < 0.5


def test_boxes_of_a_program(run):
    images, _, objects = scenes()["test"]
    boxes = [
        {
            "boxes": [[x * 64, y * 64, r * 64, b * 64] for (y, x, b, r), _ in each],
            "labels": [DIGITS[i] for _, i in each],
        }
        for each in objects
    ]
    labels = tuple(reversed(DIGITS))
    folder = run("object_detection", "memory:tuple", in_order(true_boxes(labels)), labels)
    assert evaluate(folder, (list(images), boxes))["metrics"]["ap50"] == 1
    with pytest.raises(ZooError, match=r"the run has no such class: 9 of the data: .* \(its classes: 0\)"):
        evaluate(run("object_detection", "memory:tuple", in_order(true_boxes(labels)), ("0",)), (list(images), boxes))


def test_masks_follow_the_recipe_and_the_names_of_classes(run, tmp_path):
    folder = write_masks(tmp_path / "new")
    labels = tuple(reversed(MASK_LABELS))
    classes = len(labels) - 1 - scenes()["test"][1]
    output = np.eye(len(labels), dtype=np.float32)[classes]
    result = evaluate(run("semantic_segmentation", "masks:x", in_order(output), labels), folder)
    assert result["samples"] == 20 and result["metrics"]["mean_iou"] == 1
    output = np.roll(output, 1, axis=1)
    result = evaluate(run("semantic_segmentation", "masks:x", in_order(output), labels), folder)
    right = (np.roll(classes, 1, axis=1) == classes).mean()
    assert result["metrics"]["pixel_accuracy"] == pytest.approx(right)
    with pytest.raises(ZooError, match=r"the run has no such class: 10 of the data: .* \(its classes: background\)"):
        evaluate(run("semantic_segmentation", "masks:x", in_order(output), ("background",)), folder)


TAGS = ("<padding>", "B-LOC", "I-LOC", "O")


def tag_output(sentences):
    """Return logits for tags, as wide as the longest sentence of a batch."""
    width = max(map(len, sentences))
    logits = np.zeros((len(sentences), width, len(TAGS)), np.float32)
    for row, tags in enumerate(sentences):
        logits[row, np.arange(len(tags)), [TAGS.index(tag) for tag in tags]] = 9
    return logits


def test_tags_of_a_file_and_of_a_program(run, tmp_path):
    words = [["in", "New", "York"], ["he", "sat"], ["Rome"]] * 30
    tags = [["O", "B-LOC", "I-LOC"], ["O", "O"], ["B-LOC"]] * 30
    lines = ["".join(f"{w}\t{t}\n" for w, t in zip(*pair, strict=True)) for pair in zip(words, tags, strict=True)]
    (tmp_path / "new.conll").write_text("\n".join(lines))
    predicted = [["O", "B-LOC", "O"], ["O", "O"], ["B-LOC"]] * 30
    by_text = {" ".join(w): p for w, p in zip(words, predicted, strict=True)}

    def answer(texts):
        return tag_output([by_text[text] for text in texts])

    folder = run("sequence_labeling", "conll:x", answer, TAGS, shape=())
    for data in (tmp_path / "new.conll", (words, tags)):
        result = evaluate(folder, data)
        assert result["samples"] == 90 and result["metrics"]["token_accuracy"] == pytest.approx(5 / 6)
        assert result["metrics"]["span_f1"] == pytest.approx(0.5)
        assert set(result["intervals"]) >= {"span_f1", "token_accuracy"}
    with pytest.raises(ZooError, match=r"the run has no such class: 1 of the data: B-PER \(its classes: .*I-LOC"):
        evaluate(folder, (words, [["B-PER"] * len(w) if i else ["O"] * len(w) for i, w in enumerate(words)]))


def test_running_text_is_scored_by_the_vocabulary_of_the_file(run, tmp_path):
    tokenizer = fit_tokenizer(["abc"], level="character")

    def always(texts):
        logits = np.zeros((len(texts), max(map(len, texts)), len(tokenizer.names)), np.float32)
        logits[..., tokenizer.names.index("b")] = 9
        return logits

    (tmp_path / "new.txt").write_text("abxb" * 50)
    folder = run("language_modeling", "text:x", always, tokenizer.names, shape=(16,), tokenizer=tokenizer, context=16)
    result = evaluate(folder, tmp_path / "new.txt")
    assert result["metrics"]["token_accuracy"] == pytest.approx(100 / 199)
    assert any("x" in note for note in result["notes"])
    assert evaluate(folder, "abxb" * 50)["metrics"] == result["metrics"]
    with pytest.raises(ZooError, match="a language model needs at least two"):
        evaluate(folder, "a")


def test_pairs_of_texts_are_decoded(run, tmp_path):
    names = fit_tokenizer(["ab"], level="character").names
    (tmp_path / "new.csv").write_text("english,german\n" + "one,a\ntwo,b\nsix,x\n" * 10)
    wanted = {"one": "a", "two": "a", "six": "a"}

    def answer(texts, decoder_input):
        logits = np.zeros((len(texts), decoder_input.shape[1], len(names)), np.float32)
        for row, text in enumerate(texts):
            following = [names.index(wanted[text]), 3]
            step = decoder_input.shape[1] - 1
            logits[row, step, following[min(step, 1)]] = 9
        return logits

    folder = run("sequence_to_sequence", "csv:x", answer, names, shape=(), text="english", target="german")
    result = evaluate(folder, tmp_path / "new.csv")
    assert result["samples"] == 30 and result["metrics"]["exact_match"] == pytest.approx(1 / 3)
    assert any(
        "characters that the run does not know, and cannot get right: 1 characters: x" in n for n in result["notes"]
    )


def test_what_new_examples_do_not_measure_is_refused_with_the_reason(run, tmp_path):
    folder = run("forecasting", "builtin:sunspots", None, (), shape=(4, 1), window={"history": 4, "horizon": 1})
    with pytest.raises(ZooError, match=r"forecasting needs more than new examples .* seasonal naive forecast"):
        evaluate(folder, tmp_path)
