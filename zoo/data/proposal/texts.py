"""The network for texts: by their number, their lengths, and the words that are seen again."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from zoo.data.proposal.proposal import Proposal
from zoo.data.proposal.sizes import trained_on

_WORD = re.compile(r"\w+|[^\w\s]")  # as the tokenizer's level `word` cuts
_LETTERS = re.compile(r"[^\W\d_]{2,}")
_MAX_UNSEEN = 0.3  # of the words of letters: above, too many say nothing, and their letters have to
_KEPT_LENGTHS = 0.99  # of the texts that are not cut
_LENGTHS = {"word": (8, 600), "character": (8, 400)}  # tokens; longer texts cost more than they tell
_MAX_IDS = 50_000
_LONG = 200  # tokens: longer texts tell more, and bear larger weights
_BUCKETS = (4096, 131_072)
_LONGEST = {"word": 2, "character": 5}  # tokens of an n-gram
_MEASURED_TEXTS = 20_000
_WIDTHS = {2: 16, 16: 32}  # up to so many classes; 64 for more
_MIN_STEPS = 1_000  # of a run
_EPOCHS = (20, 60)
_PATIENCE = 5  # epochs


def add_text_model(proposal: Proposal, texts: Sequence[str], outputs: int, *, own_test: bool) -> None:
    """Add how texts are cut into tokens, a linear model on their n-grams, its optimiser, and for how long it trains.

    The optimiser's large epsilon makes the steps of rare n-grams as small as their gradients. With Adam's usual one,
    their weights grow as fast as those of frequent ones, and overfit.

    Args:
        proposal: what is added to.
        texts: all, or those of the training split.
        outputs: number of classes, labels or values.
        own_test: `texts` are not split further for a test.
    """
    count, texts = len(texts), texts[:: max(1, len(texts) // _MEASURED_TEXTS)]
    words = [_WORD.findall(text.lower()) for text in texts]
    unseen = unseen_words([_LETTERS.findall(text.lower()) for text in texts])
    level = "word" if unseen <= _MAX_UNSEEN else "character"
    tokens: list[list[str]] = words if level == "word" else [list(text.lower()) for text in texts]
    length = _length(list(map(len, tokens)), *_LENGTHS[level])
    longest = _LONGEST[level]
    ngrams = {hash(tuple(each[i : i + n])) for each in tokens for n in range(2, longest + 1) for i in range(len(each))}
    buckets = _BUCKETS[0]
    while buckets < min(2 * len(ngrams), _BUCKETS[1]):
        buckets *= 2
    tokenize: dict[str, object] = {"level": level, "lowercase": True, "length": length}
    if level == "word":
        tokenize["vocabulary"] = _MAX_IDS
    cut = sum(len(each) > length for each in tokens) / max(1, len(tokens))
    why = f"{unseen:.0%} of the words are not seen again; {cut:.0%} of the texts have more than {length} tokens"
    proposal.add("preprocess", [{"tokenize": tokenize}], why)
    proposal.add("model.name", "fasttext", f"a linear model on n-grams, for {count:,} texts")
    proposal.add("model.longest", longest, f"{level}s of an n-gram")
    proposal.add("model.buckets", buckets, f"{len(ngrams):,} different n-grams of several {level}s")
    proposal.add("model.width", next((width for most, width in _WIDTHS.items() if outputs <= most), 64))
    proposal.add("optimizer.learning_rate", {"peak": 0.02})
    proposal.add("optimizer.epsilon", 1e-3, "rare n-grams take small steps")
    proposal.add("optimizer.weight_decay", 1.0 if length < _LONG else 0.3, f"texts of up to {length} tokens")
    trained, batch = trained_on(count, own_test=own_test)
    epochs = min(max(round(_MIN_STEPS * batch / trained), _EPOCHS[0]), _EPOCHS[1])
    proposal.add("training.batch_size", batch, f"about {trained:,} texts to train on")
    proposal.add("training.epochs", epochs)
    proposal.add("regularization.early_stopping", {"patience": _PATIENCE}, "ends where validation gets no better")


def unseen_words(texts: Sequence[Sequence[str]]) -> float:
    """Return the fraction of the words of every tenth text that no other text has."""
    known = Counter(word for i, text in enumerate(texts) if i % 10 for word in text)
    asked = [word for text in texts[::10] for word in text]
    return sum(word not in known for word in asked) / max(1, len(asked))


def _length(lengths: Sequence[int], least: int, most: int) -> int:
    """Return the number of tokens that nearly all texts have at most."""
    if not lengths:
        return least
    return min(max(sorted(lengths)[int(_KEPT_LENGTHS * (len(lengths) - 1))], least), most)
