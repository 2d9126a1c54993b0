"""Digits spoken by a synthesizer in many voices: make the clips, train, and ask about voices that nobody trained on.

python examples/spoken_digits.py FOLDER [--voices 72] [--takes 2]

needs `apt-get install espeak-ng` and `pip install ".[audio]"`. Each voice of espeak-ng speaks each digit with accent,
speed and pitch drawn at random; `data.group` keeps each voice in one split. With `apt-get install
asterisk-core-sounds-en-wav` the digits of a human voice are a second test.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import zoo

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
ACCENTS = ("en-gb", "en-us", "en-gb-scotland", "en-gb-x-rp", "en-029", "en-gb-x-gbclan", "en-gb-x-gbcwmd")
SPEEDS, PITCHES = (130, 220), (20, 80)  # words a minute; of 99
HUMAN = Path("/usr/share/asterisk/sounds/en_US_f_Allison/digits")
RECIPE = """\
extends: [_base/audio_classification, _base/adamw_cosine]
data: {source: "csv:clips.csv", audio: file, target: digit, group: voice, sample_rate: 8000, seconds: 1.0}
preprocess: [{log_mel: {bands: 40, hop: 0.0125}}, {standardize: {}}]
augment: [{time_shift: {factor: 0.15}}, {spec_augment: {bands: 0.15, time: 0.1}}]
model: {name: cnn, widths: [16, 32, 64, 96], depth: 1, dropout: 0.3}
optimizer: {learning_rate: {peak: 3e-3}}
training: {batch_size: 32, epochs: 25}
"""


def voices(count: int) -> list[str]:
    """Return variants of espeak-ng's voices, evenly spread over all of them."""
    lines = subprocess.run(["espeak-ng", "--voices=variant"], capture_output=True, text=True, check=True).stdout
    names = sorted({line.split("!v/")[1].strip() for line in lines.splitlines() if "!v/" in line})
    return names[:: max(1, len(names) // count)][:count]


def speak(folder: Path, names: list[str], takes: int) -> None:
    """Write a clip of each digit, voice and take, and the table of the clips."""
    draw = random.Random(0)
    rows, commands = [], []
    for number, voice in enumerate(names):
        for digit, word in enumerate(DIGITS):
            for take in range(takes):
                path = f"clips/{number:02}_{digit}_{take}.wav"
                speed, pitch = draw.randint(*SPEEDS), draw.randint(*PITCHES)
                how = ["-v", f"{draw.choice(ACCENTS)}+{voice}", "-s", str(speed), "-p", str(pitch)]
                commands.append(["espeak-ng", *how, "-w", folder / path, word])
                rows.append([path, digit, voice])
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda command: subprocess.run(command, check=True, capture_output=True), commands))
    with open(folder / "clips.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["file", "digit", "voice"], *rows])


def main() -> None:
    """Make the clips, train, and print both figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--voices", type=int, default=72)
    parser.add_argument("--takes", type=int, default=2, help="clips of each digit and voice")
    given = parser.parse_args()
    (given.folder / "clips").mkdir(parents=True, exist_ok=True)
    speak(given.folder, voices(given.voices), given.takes)
    (given.folder / "spoken_digits.yaml").write_text(RECIPE)
    run = zoo.train(given.folder / "spoken_digits.yaml", runs=given.folder / "runs")
    report = json.loads((run.folder / "report.json").read_text())
    print(f"voices held out: accuracy {report['metrics']['test']['accuracy']:.4f}")
    print(f"  logistic regression on statistics: {report['baseline']['test']['accuracy']:.4f}")
    if not HUMAN.is_dir():
        print("a human voice: not there; apt-get install asterisk-core-sounds-en-wav")
        return
    for digit in range(len(DIGITS)):
        (given.folder / "human" / str(digit)).mkdir(parents=True, exist_ok=True)
        shutil.copy(HUMAN / f"{digit}.wav", given.folder / "human" / str(digit) / "clip.wav")
    answers = zoo.predict(run.folder, given.folder / "human")
    right = sum(answer["label"] == Path(answer["input"]).parent.name for answer in answers)
    print(f"a human voice: {right} of {len(answers)} digits")
    print("  " + ", ".join(f"{Path(a['input']).parent.name} heard as {a['label']}" for a in answers))


if __name__ == "__main__":
    main()
