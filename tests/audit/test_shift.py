"""Splits that differ from training."""

import numpy as np
import pytest
from audited import found, images, table

from zoo.audit.shift import shift_findings
from zoo.utils.stability_index import psi

RNG = np.random.default_rng(0)
ROWS = 900


def columns():
    numbers = {f"n{i}": RNG.normal(size=ROWS).astype(np.float32) for i in range(6)}
    return {**numbers, "word": np.array(list("abcd"), object)[RNG.integers(0, 4, ROWS)]}


def targets():
    return RNG.normal(size=ROWS).astype(np.float32)


def test_a_feature_that_moved_is_a_warning_that_names_it():
    moved = columns()
    moved["n2"][720:] += 1.5
    moved["word"][720:] = np.array(["a", "e"], object)[RNG.integers(0, 2, 180)]
    shift = found(shift_findings, table(moved, targets(), held_out=("validation",)))["shift", "warning"]
    first, *features = shift.evidence
    assert {each["column"] for each in features} == {"n2", "word"} and shift.count == 2
    assert first["auc"] > 0.8 and set(first["telling"][:2]) <= {"n2", "word = a", "word = b", "word = c", "word = d"}


def test_splits_of_the_same_kind_or_that_were_drawn_do_not_shift():
    for _ in range(2):
        assert found(shift_findings, table(columns(), targets(), held_out=())) == {}
    moved = columns()
    moved["n2"][720:] += 1.5
    assert found(shift_findings, table(moved, targets())) == {}


def test_images_of_another_camera_are_told_apart():
    array = RNG.normal(120, 20, (400, 12, 12, 1))
    array[320:] += 60 * np.linspace(-1, 1, 12)[None, :, None, None]
    y = (np.arange(400) % 2).astype(np.int32)
    shift = found(shift_findings, images(np.clip(array, 0, 255).astype(np.uint8), y, held_out=("validation",)))
    assert shift["shift", "warning"].evidence[0]["auc"] > 0.9


def test_psi_is_the_formula_less_what_chance_gives():
    p, q = np.array([500, 300, 200]), np.array([200, 300, 500])
    formula = sum((b - a) * np.log(b / a) for a, b in zip(p / 1000, q / 1000, strict=True))
    assert psi(np.stack([p, q])) == pytest.approx(formula - 2 * (1 / 1000 + 1 / 1000), abs=0.005)
    drawn = [psi(np.stack([RNG.multinomial(200, np.ones(10) / 10) for _ in range(2)])) for _ in range(500)]
    assert np.mean(drawn) == pytest.approx(0, abs=0.01)
