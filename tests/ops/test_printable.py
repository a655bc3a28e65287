"""Nobody's data moves the cursor of a terminal."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from engine.ops.printable import line, plain


@given(st.text())
def test_nothing_that_a_terminal_obeys_is_left(text: str) -> None:
    assert all(sign in "\n\t" or unicodedata.category(sign) != "Cc" for sign in plain(text))
    assert len(plain(text)) == len(text)
    assert all(unicodedata.category(sign) not in ("Cc", "Zl", "Zp") for sign in line(text))


def test_words_stay() -> None:
    assert line("Chloé\r\nO'Neill\t\x1b[31m") == "Chloé O'Neill \N{REPLACEMENT CHARACTER}[31m"
