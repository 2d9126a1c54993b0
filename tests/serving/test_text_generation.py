"""Texts from a file that is played by a function."""

import numpy as np

from zoo.data.tokenizer import fit_tokenizer
from zoo.serving.text_generation import continue_text, decode_sources, fill_in_texts
from zoo.tasks import END, START


def next_symbol(tokenizer, seen=None):
    """Return what runs a file that always expects the symbol after the last one, in a circle of a, b, c."""
    following = {tokenizer.encode([a])[0, 0]: tokenizer.encode([b])[0, 0] for a, b in ("ab", "bc", "ca")}

    def run(feeds):
        tokens = feeds["tokens"]
        if seen is not None:
            seen.append(tokens.shape[1])
        logits = np.full((*tokens.shape, len(tokenizer.names)), -30.0)
        for place in np.ndindex(tokens.shape):
            logits[(*place, following.get(tokens[place], 4))] = 30.0
        return {"logits": logits}

    return run


def test_a_text_goes_on_with_what_is_most_probable_within_the_context():
    tokenizer, seen = fit_tokenizer(["abc"], level="character"), []
    sampling = {"temperature": 1.0, "top_k": 1, "top_p": None, "seed": 0}
    run = next_symbol(tokenizer, seen)
    assert continue_text(run, tokenizer, "ab", length=4, context=3, **sampling) == "abcabc"
    assert seen == [2, 3, 3, 3]


def test_only_what_the_vocabulary_lacks_is_filled_in():
    tokenizer = fit_tokenizer(["abc"], level="character")
    unknown_is = next_symbol(tokenizer)
    assert fill_in_texts(unknown_is, tokenizer, ["c\ufffdb"]) == ["cab"]
    assert fill_in_texts(unknown_is, tokenizer, []) == []


def test_a_target_is_decoded_until_its_end():
    source = np.array([[7, 7], [8, 8]], np.int32)

    def run(feeds):
        steps = feeds["target"].shape[1]
        assert (feeds["target"][:, 0] == START).all()
        logits = np.zeros((len(feeds["target"]), steps, 10))
        logits[np.arange(len(logits)), -1, feeds["source"][:, 0] if steps == 1 else END] = 30.0
        return {"logits": logits}

    for beams in (1, 3):
        decoded = decode_sources(run, source, most=5, beams=beams)
        assert [row[row > END].tolist() for row in decoded] == [[7], [8]]
