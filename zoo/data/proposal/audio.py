"""A recipe for audio files: a folder of them by class, or a table with their paths."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from zoo.data.proposal.proposal import Proposal
from zoo.data.proposal.sizes import add_search, add_training
from zoo.data.proposal.table import split_of
from zoo.data.proposal.targets import find_target
from zoo.data.sources.audio import FORMATS, Header, has_audio_suffix, read_header
from zoo.data.sources.audio_folder import audio_files
from zoo.data.sources.faults import Faults
from zoo.data.sources.folder_layout import find_classes, find_splits
from zoo.data.sources.image_paths import image_paths, leads_to_files
from zoo.data.tables.file import read_table
from zoo.errors import ZooError, counted, listing
from zoo.recipe.data_section import Splits

_LOOKED_AT = 500  # clips whose headers are read
_HIGHEST_RATE = 16_000  # of speech and of what is told apart by ear, so that two cores train in minutes
_LONGEST = 10.0  # seconds
_COVERED = 0.95  # of the clips, which are taken whole
_FEW_CLIPS = 5_000  # from here on augmentation matters less


def holds_clips(path: Path) -> bool:
    """Return whether a folder holds audio files."""
    return any(has_audio_suffix(file) for file in path.rglob("*"))


def propose_clips(path: Path, source: str) -> Proposal:
    """Return a recipe for clips, a folder a class.

    Raises:
        ZooError: there are fewer than two classes, or no clip can be read.
    """
    roots, _ = find_splits(path, Splits(), has_audio_suffix, "clips")
    classes = find_classes(roots["train"], has_audio_suffix)
    files = {label: audio_files(folder).files for label, folder in classes.items()}
    if len(files) < 2:
        raise ZooError(
            f"{path}: expected one subfolder a class, at least two, with clips ({FORMATS}); found "
            f"{listing(files) or 'no subfolder'}"
        )
    count = sum(map(len, files.values()))
    bases = ("_base/audio_classification", "_base/adamw_cosine")
    reason = f"{count:,} clips in {len(files)} folders, each a class: {listing(files)}"
    proposal = Proposal("audio_classification", bases=bases, reason=reason)
    proposal.add("data.source", source)
    _add_form(proposal, [file for found in files.values() for file in found])
    counts = {label: len(found) for label, found in files.items()}
    rarest = min(counts, key=counts.__getitem__)
    if counts[rarest] < 10:
        proposal.doubts.append(f"class '{rarest}' has {counts[rarest]} clips, too few to learn it or to measure it by")
    if "test" not in roots:
        proposal.doubts.append(
            "clips are drawn for the test: where a speaker or a recording has several, it stands on both sides; a "
            "table of the files with data.group keeps them together"
        )
    _add_network(proposal, count, own_test="test" in roots)
    return proposal


def propose_clip_table(path: Path, source: str, target: str | None) -> Proposal | None:
    """Return a recipe for clips that a table names; None where no column leads to audio files.

    Raises:
        ZooError: the file is not readable, no column can be told to be the target, or no clip can be read.
    """
    table = read_table(path, target=target or "", form=source.partition(":")[0])
    audio = next((n for n in table.columns if n != target and leads_to_files(table, n, has_audio_suffix)), None)
    if audio is None:
        return None
    target, doubts = find_target(table, target, "--target COLUMN")
    counts = Counter(text for text in table.texts(target).tolist() if text)
    if len(counts) < 2 or len(counts) > len(table) // 2:
        raise ZooError(f"{table.where}: column '{target}' has {len(counts):,} different values, which are no classes")
    reason = f"'{target}' has {len(counts)} classes: {listing(list(counts)[:10])}"
    proposal = Proposal(
        "audio_classification", bases=("_base/audio_classification", "_base/adamw_cosine"), reason=reason
    )
    proposal.target = target
    proposal.doubts += doubts
    proposal.add("data.source", source, f"{len(table):,} rows")
    proposal.add("data.audio", audio, "its texts are paths of audio files, relative to the table")
    proposal.add("data.target", target)
    apart = split_of(table, [name for name in table.columns if name not in (target, audio)])
    for key, (value, why) in apart.keys.items():
        proposal.add(key, value, why)
    proposal.doubts += apart.doubts
    faults = Faults()
    files = image_paths(table, audio, faults, "audio").paths
    _add_form(proposal, files, [counted(places, what) for what, places in faults.places.items()])
    _add_network(proposal, len(files), own_test="data.split_column" in apart.keys)
    return proposal


def _add_network(proposal: Proposal, count: int, *, own_test: bool) -> None:
    """Add augmentation, a network and a run that suit so many clips."""
    if count < _FEW_CLIPS:
        proposal.lines.append(
            ("augment", [{"time_shift": {"factor": 0.1}}, {"spec_augment": {}}], f"{count:,} clips are few")
        )
    proposal.add("model.name", "cnn")
    proposal.add("model.widths", [16, 32, 64, 96], f"{count:,} clips")
    proposal.add("model.depth", 1)
    proposal.add("model.dropout", 0.2)
    add_training(proposal, count, own_test=own_test)
    add_search(proposal, {"model.dropout": [0.0, 0.2, 0.5], "regularization.mixup": [0.0, 0.2, 0.4]})


def _add_form(proposal: Proposal, files: Sequence[Path], faults: Sequence[str] = ()) -> None:
    """Add the rate and the length that most clips have, and that those with faults are left out."""
    headers: list[Header] = []
    broken = []
    for file in files[:: max(1, len(files) // _LOOKED_AT)]:
        try:
            headers.append(read_header(file))
        except ZooError as error:
            broken.append(f"{file.name} ({error})")
    if not headers:
        raise ZooError(f"{files[0].parent if files else 'no folder'}: {counted(broken, 'clips, none can be read')}")
    found = [*faults, *([counted(broken, "clips that were opened cannot be read")] if broken else [])]
    if found:
        proposal.add("data.on_error", "skip", "; ".join(found))
    rates = Counter(header.rate for header in headers)
    usual, times = rates.most_common(1)[0]
    reason = f"as {times:,} of {len(headers):,} clips have"
    if usual > _HIGHEST_RATE:
        reason = f"{reason.replace('as ', '')} {usual:,}; more costs time and seldom tells classes apart"
        proposal.doubts.append(f"what lies above {_HIGHEST_RATE // 2:,} Hz is left out by data.sample_rate")
    proposal.add("data.sample_rate", min(usual, _HIGHEST_RATE), reason)
    lengths = sorted(header.seconds for header in headers)
    covered = lengths[min(len(lengths) - 1, int(_COVERED * len(lengths)))]
    seconds = min(_LONGEST, max(0.1, round(covered + 0.05, 1)))
    longer = sum(length > seconds for length in lengths)
    proposal.add("data.seconds", seconds, f"clips have {lengths[0]:.2g} to {lengths[-1]:.3g} s, {longer:,} are longer")
    if longer > len(lengths) // 10:
        proposal.doubts.append(f"{longer:,} of {len(lengths):,} clips are cut to {seconds:g} s: data.seconds")
