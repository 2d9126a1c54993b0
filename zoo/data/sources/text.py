"""`text:PATH`, and running text of any source: cut into windows of characters."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zoo.data.augmentation.masking import hide_characters
from zoo.data.dataset import Signature, SourceData, whole
from zoo.data.inputs import TextInputs
from zoo.data.structured_targets import same_width
from zoo.data.tokenizer import fit_tokenizer
from zoo.errors import ZooError
from zoo.tasks import Task
from zoo.utils.files import MAX_WHOLE_BYTES, read_regular

if TYPE_CHECKING:
    from zoo.recipe.data_section import Data


def load_text(name: str, data: Data, task: Task) -> SourceData:
    """Load one text file, in UTF-8.

    Raises:
        ZooError: the file is not readable or too short.
    """
    return corpus_windows({"train": read_text(Path(name).expanduser())}, data, task, data.source)


def read_text(
    path: Path, encoding: str | None = None, *, other_encoding: str | None = None, limit: int = MAX_WHOLE_BYTES
) -> str:
    """Return a text file, its lines ended by a line feed; a byte order mark is no part of the text.

    Args:
        path: the file.
        encoding: of the file; UTF-8 where it is left out.
        other_encoding: of a file that is not in the first.
        limit: bytes of the largest file that is read.

    Raises:
        ZooError: the file is not readable, no regular file, too large, or in another encoding.
    """
    name = encoding or "UTF-8"
    try:
        text = read_regular(path, limit).decode(encoding or "utf-8-sig")
    except OSError as error:
        raise ZooError(f"{path}: not readable as {name} text ({error.strerror})") from error
    except UnicodeDecodeError as error:
        if other_encoding is not None:
            return read_text(path, other_encoding, limit=limit)
        raise ZooError(f"{path}: not readable as {name} text ({error}); save it as UTF-8") from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def corpus_windows(texts: dict[str, str], data: Data, task: Task, where: str) -> SourceData:
    """Cut a corpus into windows for language modeling; a split that it lacks is cut from the end of the training text.

    For masked language modeling, characters of validation and test are hidden here, with a seed. Training texts stay
    as they are: their tokens are hidden anew in each batch.

    Args:
        texts: split to text; `train` at least.
        data: the recipe's section.
        task: the recipe's task.
        where: the source, for messages.

    Raises:
        ZooError: a part has fewer than two characters.
    """
    texts, notes = dict(texts), []
    for part, fraction in (("test", data.test), ("validation", data.validation)):
        if part not in texts:
            cut = len(texts["train"]) - round(len(texts["train"]) * fraction)
            texts[part], texts["train"] = texts["train"][cut:], texts["train"][:cut]
            notes.append(f"no {part} text of its own: the last {fraction:.0%} of the training text is held out for it")
    tokenizer = fit_tokenizer([texts["train"]], level="character")
    inputs, targets = {}, {}
    for part, text in texts.items():
        if len(text) < 2:
            raise ZooError(f"{where}: the {part} part has {len(text)} characters; a language model needs at least two")
        note = tokenizer.note([text], f"the {part} text")
        if note and part != "train":
            notes.append(note)
        seen, following = text_windows(text, data.context)
        ids = tokenizer.encode(seen if task.fills_in else following)
        if task.fills_in and part != "train":
            seen, ids = hide_characters(seen, ids, data.split_seed)
        inputs[part], targets[part] = TextInputs(seen), ids
    splits = {part: whole(inputs[part], ids) for part, ids in same_width(targets).items()}
    signature = Signature(
        "text",
        "hidden character" if task.fills_in else "next character",
        (data.context,),
        labels=tokenizer.names,
        tokenizer=tokenizer,
    )
    return SourceData(signature=signature, splits=splits, notes=notes)


def text_windows(text: str, context: int) -> tuple[np.ndarray, np.ndarray]:
    """Cut a text into what a language model sees and what it predicts: every character but the first, once.

    Args:
        text: the text.
        context: characters that the model sees at a time; the last window may be shorter.

    Returns:
        Inputs and targets, `(windows,)` of `str` each; a target is its input shifted by one character.
    """
    starts = range(0, max(0, len(text) - 1), context)
    inputs = [text[i : min(i + context, len(text) - 1)] for i in starts]
    targets = [text[i + 1 : i + 1 + context] for i in starts]
    return np.array(inputs, dtype=object), np.array(targets, dtype=object)
