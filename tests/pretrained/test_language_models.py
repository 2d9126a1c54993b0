"""Published language models: settings from their config.json, ids of tokens, and files that write texts."""

import json

import keras
import numpy as np
import pytest
from reference_numbers import REFERENCES
from safetensors.numpy import save_file

import zoo
from zoo import ZooError
from zoo.pretrained.build import settings_for
from zoo.pretrained.load import load_weights
from zoo.registry import defaults
from zoo.serving.next_tokens import WholePass
from zoo.utils.onnx_session import open_session, run_session

GPT2 = {"model_type": "gpt2", "n_embd": 24, "n_layer": 2, "n_head": 4, "n_positions": 20, "eos_token_id": 0}
LLAMA = {
    **{"model_type": "llama", "hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 4},
    **{"num_key_value_heads": 2, "intermediate_size": 40, "rms_norm_eps": 1e-5, "max_position_embeddings": 64},
    **{
        "rope_parameters": {"rope_type": "default", "rope_theta": 500.0},
        "hidden_act": "silu",
        "head_dim": 6,
        "eos_token_id": [0, 3],
    },
}


@pytest.fixture
def folder(reference):
    """Return a function that writes the files of a published model of 50 tokens, and returns their folder."""

    def write(name, config, tokens=50):
        _, tensors, path = reference(name)
        path.rename(path.with_name("model.safetensors"))
        (path.parent / "config.json").write_text(json.dumps(config))
        write_byte_tokenizer(path.parent / "tokenizer.json", tokens)
        return path.parent, tensors

    return write


def write_byte_tokenizer(path, tokens):
    """Write a byte-level BPE tokenizer as GPT-2's, of some letters."""
    import tokenizers

    letters = [*"abcdefghijklmnopqrstuvwxyz", "Ġ", ".", ","]
    merges = [(a, b) for a in "Ġth" for b in "aeioust"][: tokens - 1 - len(letters)]
    pieces = ["<|endoftext|>", *letters, *("".join(pair) for pair in merges)]
    model = tokenizers.models.BPE({piece: i for i, piece in enumerate(pieces)}, merges)
    tokenizer = tokenizers.Tokenizer(model)
    tokenizer.add_special_tokens(["<|endoftext|>"])
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = tokenizers.decoders.ByteLevel()
    assert tokenizer.get_vocab_size() == tokens
    tokenizer.save(str(path))


@pytest.mark.parametrize(("name", "config"), [("gpt2", GPT2), ("llama", LLAMA)])
def test_the_config_gives_the_settings_of_the_reference(name, config, folder):
    expected = json.loads((REFERENCES / f"{name}.json").read_text())["settings"]
    path, _ = folder(name, config)
    found = settings_for("gpt", f"file:{path}", {})
    assert {**defaults("gpt"), **found, "head_size": None} == {**defaults("gpt"), **expected}


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"model_type": "bloom"}, "model_type: 'bloom'; gpt is built for gpt2, llama, mistral, qwen2"),
        ({**GPT2, "scale_attn_by_inverse_layer_idx": True}, "scale_attn_by_inverse_layer_idx: True"),
        ({**GPT2, "activation_function": "tanh"}, "the activation 'tanh'"),
        ({**LLAMA, "rope_parameters": {"rope_type": "yarn"}}, "type 'yarn'"),
        ({**LLAMA, "model_type": "mistral", "sliding_window": 8}, "a window of 8 steps"),
    ],
)
def test_what_is_not_built_is_refused(config, said, tmp_path):
    save_file({"x": np.zeros(2, "float32")}, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(ZooError, match=said):
        zoo.build("gpt", weights=f"file:{tmp_path}", input_shape=(None,), vocabulary=50, outputs=50)


def test_a_tied_head_must_be_equal_to_the_embedding(reference):
    facts, tensors, path = reference("gpt2")
    model = zoo.build("gpt", input_shape=(None,), vocabulary=50, outputs=50, **facts["settings"])
    before = model.get_weights()
    for head, is_equal in ((tensors["transformer.wte.weight"], True), (-tensors["transformer.wte.weight"], False)):
        save_file({**tensors, "lm_head.weight": head}, path)
        if not is_equal:
            model.set_weights(before)
            with pytest.raises(ZooError, match=r"'lm_head.weight' differs from .* set tie_embeddings: false"):
                load_weights(model, f"file:{path}")
            np.testing.assert_array_equal(model.get_weights()[0], before[0])
        else:
            assert any("the embedding of the tokens again" in n for n in load_weights(model, f"file:{path}").notes)


@pytest.mark.ci
@pytest.mark.parametrize("name", ["gpt2", "llama"])
def test_a_published_language_model_becomes_a_file_that_continues_texts(name, folder, tmp_path):
    path, _ = folder(name, {"gpt2": GPT2, "llama": LLAMA}[name])
    file = tmp_path / "out" / "text.onnx"
    certificate = zoo.export("gpt", weights=f"file:{path}", output=file)
    assert certificate["max_abs_difference"] < 1e-4 and certificate["label_flips"] == 0
    assert certificate["steps"]["different_tokens"] == 0 and (file.parent / "step.onnx").is_file()
    assert all(check["ok"] is not False for check in zoo.verify(file)["checks"])
    exported = zoo.ExportedModel(file)
    assert exported.task == "language_modeling"
    reference = zoo.build("gpt", weights=f"file:{path}", input_shape=(None,), vocabulary=50, outputs=50)
    prompt = "that is the sea."
    ids = exported.tokenizer.encode([prompt])
    logits = keras.ops.convert_to_numpy(reference(ids - 4, training=False))[0, -1]
    session = open_session(file)
    found = WholePass(lambda feeds: run_session(session, ["logits"], feeds), 0)(
        np.arange(1), ids, np.array(ids.shape[1:])
    )
    np.testing.assert_allclose(found[0, 5:], logits[1:], atol=1e-4)
    assert found[0, 3] == pytest.approx(logits[0], abs=1e-4)  # the end of a text
    np.testing.assert_allclose(found[0, [0, 1, 2, 4]], found[0].min())
    text = exported.generate(prompt, 12, top_k=1)
    expected = list(ids[0] - 4)
    for _ in range(12):
        logits = keras.ops.convert_to_numpy(reference(np.array([expected]), training=False))[0, -1]
        if logits.argmax() == 0 or (name == "gpt2" and len(expected) == 20):
            break
        expected.append(int(logits.argmax()))
    written = exported.tokenizer.decode(np.array(expected) + 4)
    assert text.startswith(written) and text.startswith(prompt) and len(written) > len(prompt)


def test_a_vocabulary_that_is_padded_loses_the_rows_that_no_token_has(folder):
    path, tensors = folder("llama", LLAMA, tokens=45)
    model = zoo.build("gpt", weights=f"file:{path}", input_shape=(None,), vocabulary=49, outputs=49)
    embedding = tensors["model.embed_tokens.weight"]
    np.testing.assert_array_equal(model.get_layer("embedding").embeddings[4:], embedding[:45])
    kernel = keras.ops.convert_to_numpy(model.get_layer("logits").kernel)
    np.testing.assert_array_equal(kernel[:, 4:], tensors["lm_head.weight"][:45].T)
    np.testing.assert_allclose(kernel[:, 0], tensors["lm_head.weight"].mean(axis=0), rtol=1e-5, atol=1e-6)
