"""Verdicts on made-up curves of generator and discriminator."""

import numpy as np
import pytest

from zoo.evaluation.report.gan_balance import gan_verdict


def play(generator_loss, discriminator_loss, d_real, d_fake, epochs=20):
    columns = (
        np.broadcast_to(np.asarray(c, float), (epochs,)) for c in (generator_loss, discriminator_loss, d_real, d_fake)
    )
    names = ("generator_loss", "discriminator_loss", "d_real", "d_fake")
    return [dict(zip(names, map(float, row), strict=True)) for row in zip(*columns, strict=True)]


E = np.arange(20)
BALANCED = play(0.8 + 0.05 * np.sin(E), 1.3, 0.6 + 0.02 * np.cos(E), 0.4)
WINS = play(0.7 + 0.3 * E, 1.3 * 0.7**E, 1 - 0.5 * 0.7**E, 0.5 * 0.7**E)


@pytest.mark.parametrize(
    ("history", "state"),
    [
        (BALANCED, "balanced"),
        (WINS, "discriminator wins"),
        (play(5 - 0.2 * E, 0.5, 0.95, 0.05), "balanced"),  # told apart, but the generator still improves
        (play(1 + 0.1 * E, 2 * 0.5**E, 0.7, 0.4), "discriminator wins"),  # its loss vanished
        (play(0.2, 3.0, 0.3, 0.8), "generator collapsed"),
        (play(1.0, 1.0, 0.6 + 0.3 * (-1.0) ** E, 0.4 - 0.3 * (-1.0) ** E), "generator collapsed"),
        (play(1.0, -1.0, 3.0 + 0.1 * np.cos(E) + E, 2.0 + E), "balanced"),  # a critic whose scores drift
        (play(E, -1.0 - E, 3.0 + 4.0 * E, 2.0 - 4.0 * E), "discriminator wins"),
        (play(1.0, 1.0, 3.0, 2.0 + 4 * (E > 15)), "generator collapsed"),
        (play(1.0, 1.0, 3.0, 2.0 + 6 * (E % 2) * (E > 9)), "generator collapsed"),
        (play(np.where(E == 7, np.nan, 1), 1.0, 0.5, 0.5), "diverged"),
        (play(1.0, np.where(E == 7, np.inf, 1), 0.5, 0.5), "diverged"),
        (WINS[:4], "too short to tell"),
        ([], "too short to tell"),
    ],
)
def test_verdicts(history, state):
    found = gan_verdict(history)
    assert found["state"] == state and found["advice"].endswith(".")
    assert (found["gap"] is None) == (state in ("diverged", "too short to tell"))


def test_gap_and_swing_by_hand():
    found = gan_verdict(BALANCED)
    gap = np.array([row["d_real"] - row["d_fake"] for row in BALANCED])
    assert found["gap"] == pytest.approx(gap[-4:].mean())
    assert found["swing"] == pytest.approx(np.abs(np.diff(gap[10:])).mean())
    shifted = [row | {"d_real": 7 * row["d_real"] - 40, "d_fake": 7 * row["d_fake"] - 40} for row in BALANCED]
    scores = gan_verdict(shifted)
    assert scores["gap"] == pytest.approx(gap[-4:].mean() / (5 * np.median(gap[:4])))
    assert scores["swing"] == pytest.approx(found["swing"] / (5 * np.median(gap[10:])))
    assert gan_verdict([row | {"d_real": None} for row in BALANCED])["state"] == "diverged"
    with pytest.raises(ValueError, match="missing d_real"):
        gan_verdict([{"generator_loss": 1.0, "discriminator_loss": 1.0, "d_fake": 1.0}])
