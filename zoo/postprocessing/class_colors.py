"""The colours of classes in pictures."""

from __future__ import annotations

from zoo.tasks import IGNORED_PIXEL

# Okabe and Ito's colours, which colour-blind people can tell apart; further classes get them paler and darker.
_HUES = ((230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (0, 114, 178), (213, 94, 0), (204, 121, 167))


def class_rgb(label: int) -> tuple[int, int, int]:
    """Return the colour of a class: dark for class 0, white for pixels that are ignored."""
    if label == 0:
        return 38, 42, 51
    if label == IGNORED_PIXEL:
        return 255, 255, 255
    tone, hue = divmod(label - 1, len(_HUES))
    weight, goal = ((0.0, 0), (0.55, 255), (0.45, 0), (0.8, 255), (0.7, 0))[tone % 5]
    red, green, blue = (round(value + weight * (goal - value)) for value in _HUES[hue])
    return red, green, blue
