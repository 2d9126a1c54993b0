"""Texts from a file that is played by a function."""

from typing import get_args

import numpy as np
import pytest

from zoo.data.subwords import SubwordKind
from zoo.data.tokenizer import fit_tokenizer
from zoo.errors import ZooError
from zoo.postprocessing.sampling import Sampling
from zoo.serving.next_tokens import window_starts
from zoo.serving.text_generation import Continuation, continue_texts, decode_sources, fill_in_texts
from zoo.tasks import END, START


def next_symbol(tokenizer, seen=None):
    """Return what runs a file that always expects the symbol after the last one, in a circle of a, b, c."""
    following = {tokenizer.encode([a])[0, 0]: tokenizer.encode([b])[0, 0] for a, b in ("ab", "bc", "ca")}

    def run(feeds):
        tokens = feeds["tokens"]
        if seen is not None:
            seen.append(tokens.shape)
        logits = np.full((*tokens.shape, len(tokenizer.names)), -30.0)
        for place in np.ndindex(tokens.shape):
            logits[(*place, following.get(tokens[place], 4))] = 30.0
        return {"logits": logits}

    return run


def pieces_of(tokenizer, prompts, seen=None, *, length=4, context=3, stop=()):
    settings = Continuation(length=length, sampling=Sampling(), seeds=[0] * len(prompts), stop=stop, context=context)
    return list(continue_texts(next_symbol(tokenizer, seen), tokenizer, prompts, settings))


def joined(pieces, number=0):
    return "".join(piece for row, piece in pieces if row == number)


def test_a_text_goes_on_with_what_is_most_probable_within_the_context():
    tokenizer, seen = fit_tokenizer(["abc"], level="character"), []
    assert pieces_of(tokenizer, ["ab"], seen) == [(0, piece) for piece in ("ab", "c", "a", "b", "c")]
    assert seen == [(1, 2), (1, 3), (1, 3), (1, 3)]


def test_texts_of_different_lengths_go_on_together():
    tokenizer, seen = fit_tokenizer(["abc"], level="character"), []
    found = pieces_of(tokenizer, ["ab", "c"], seen, context=0)
    assert [joined(found, row) for row in (0, 1)] == ["abcabc", "cabca"]
    pieces_of(tokenizer, ["ab", "bc"], seen, context=0)
    assert (1, 1) in seen and seen[-4:] == [(2, 2), (2, 3), (2, 4), (2, 5)]
    with pytest.raises(ZooError, match="at least one token, received ''"):
        pieces_of(tokenizer, ["a", ""])


@pytest.mark.parametrize(
    ("stop", "text"),
    [(["ca"], "ab"), (["bc", "cab"], "ab"), (["ab", "cab"], "ab"), (["x"], "abcabc"), ([6], "ab"), ([4, "abc"], "abc")],
)
def test_a_text_ends_before_a_stop(stop, text):
    tokenizer = fit_tokenizer(["abc"], level="character")
    assert tokenizer.encode(["abc"]).tolist() == [[4, 5, 6]]
    assert joined(pieces_of(tokenizer, ["ab"], stop=stop)) == text


def test_what_could_begin_a_stop_is_held_back_until_it_is_none():
    tokenizer = fit_tokenizer(["abc"], level="character")
    assert [piece for _, piece in pieces_of(tokenizer, ["ab"], stop=["cac"])] == ["ab", "cab", "c"]


@pytest.mark.parametrize(
    "settings", [{"level": "word"}, *({"level": "subword", "kind": k} for k in get_args(SubwordKind))]
)
def test_pieces_of_words_make_the_text(settings):
    texts = ["the new wide sea, the new dog and the sea dogs é " * 3]
    tokenizer = fit_tokenizer(texts, **settings)
    ids = tokenizer.encode(["the new dog and é the wide sea, the sea dogs"])[0]

    def run(feeds):
        logits = np.full((*feeds["tokens"].shape, len(tokenizer.names)), -30.0)
        logits[:, -1, ids[feeds["tokens"].shape[1]]] = 30.0
        return {"logits": logits}

    settings = Continuation(length=len(ids) - 1, sampling=Sampling(), seeds=[0], context=0)
    first = tokenizer.decode(ids[:1])
    pieces = [piece for _, piece in continue_texts(run, tokenizer, [first], settings)]
    assert len(pieces) > 5 and "".join(pieces) == tokenizer.decode(ids)


def test_half_a_context_is_left_out_when_the_context_is_full():
    lengths = np.arange(1, 15)
    starts = window_starts(lengths, 6)
    assert starts.tolist() == [0] * 6 + [3] * 3 + [6] * 3 + [9] * 2
    assert window_starts(lengths, 0).tolist() == [0] * 14
    for context in range(1, 9):
        read = lengths - window_starts(lengths, context)
        assert (read <= context).all() and (read >= np.minimum(lengths, context // 2 + 1)).all()


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
