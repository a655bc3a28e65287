"""Text from others (contacts, manifests, names), made fit for a terminal: nobody's data moves the cursor or
changes colours."""

from __future__ import annotations

import re

_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""C0, DEL and C1, line separators, and the signs that turn the writing direction; line breaks and tabs
stay."""


def plain(text: str) -> str:
    """`text` with a replacement character for each sign that a terminal obeys."""
    return _OBEYED.sub("\N{REPLACEMENT CHARACTER}", text)


def line(text: str) -> str:
    """`text` on one line."""
    return plain(text.replace("\r\n", " ").replace("\n", " ").replace("\t", " "))
