"""Languages as Asterisk names them, and where it looks when a sound is not there in one. Pure."""

from __future__ import annotations

from collections.abc import Iterator

EVERYBODY = ""
"""The language of what is heard by all who have nothing in their own."""


def asterisk_language(tag: str) -> str:
    """A language tag as Asterisk names the language: `pt-BR` is pt_BR."""
    return tag.replace("-", "_")


def fallbacks(language: str) -> Iterator[str]:
    """Where Asterisk looks for a sound in `language`, one after another: fr_CA, then fr, then without a language
    (`fileexists_core` in main/file.c)."""
    while language:
        yield language
        language = language.rpartition("_")[0]
    yield EVERYBODY
