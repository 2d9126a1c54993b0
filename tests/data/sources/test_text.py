"""Windows of text: every character but the first is predicted once."""

from hypothesis import given
from hypothesis import strategies as st

from zoo.data.sources.text import text_windows


@given(st.text(min_size=2), st.integers(1, 9))
def test_every_character_but_the_first_is_predicted_once(text, context):
    seen, following = text_windows(text, context)
    assert "".join(following) == text[1:]
    assert "".join(seen) == text[:-1]
    assert all(len(x) == len(y) <= context for x, y in zip(seen, following, strict=True))
