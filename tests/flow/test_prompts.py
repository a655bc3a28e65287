"""Texts as a manifest writes them: fields in braces, languages, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from engine.flow.languages import fallbacks
from engine.flow.prompts import Prompts, Said, Sound, Spoken, filled, key_of, shown, texts

PROMPTS: TypeAdapter[Any] = TypeAdapter(Prompts)
SOUND: TypeAdapter[Any] = TypeAdapter(Sound)


def test_the_kinds_of_prompts_are_told_apart() -> None:
    found = PROMPTS.validate_python(
        ["hello.wav", {"text": "Hello."}, {"say": "date", "field": "DAY"}, {"text": "Hello."}]
    )
    assert [type(one) for one in found] == [str, Spoken, Said, Spoken]
    assert PROMPTS.validate_python(PROMPTS.dump_python(found, mode="json")) == found, (
        "as the database keeps them"
    )
    assert len(texts(found)) == 1
    assert [key_of(found[0]), key_of(found[1])] == ["hello.wav", found[3].key]


def test_a_text_in_several_languages() -> None:
    text = Spoken.model_validate({"text": {"en": "Hello.", "fr": "Bonjour.", "pt-BR": "Olá."}})
    assert text.texts("en") == {"en": "Hello.", "fr": "Bonjour.", "pt_BR": "Olá."}
    heard = {language: text.heard(language, "en") for language in ("fr-CA", "pt-BR", "pt", "de", "en-GB")}
    assert heard == {
        "fr-CA": ("fr", "Bonjour."), "pt-BR": ("pt_BR", "Olá."), "pt": ("en", "Hello."), "de": ("en", "Hello."),
        "en-GB": ("en", "Hello."),
    }  # fmt: skip
    assert (text.is_in("fr-CA"), text.is_in("de")) == (True, False)


def test_one_text_is_in_the_campaigns_language() -> None:
    text = Spoken.model_validate({"text": "  Bonjour. "})
    assert text.texts("fr-CA") == {"fr_CA": "Bonjour."}
    assert text.heard("en", "fr-CA") == ("fr_CA", "Bonjour.")


def test_braces() -> None:
    assert filled("{{A}} {{{NAME}}} 100 %", {"NAME": "{B} $x"}) == "{A} {{B} $x} 100 %"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "at least 1 character"), ("   ", "at least 1 character"), ({}, "one language at least"),
        ("Hello {name}", "character 7 belongs to no field"), ("Hello {", "belongs to no field"),
        ("a } b", "character 3 belongs to no field"), ("a\x07b", "control character"), ("x" * 2001, "at most 2000"),
        ({"english": "x"}, "pattern"),
    ],
)  # fmt: skip
def test_what_is_no_text(text: object, what: str) -> None:
    with pytest.raises(ValidationError, match=what):
        Spoken.model_validate({"text": text})


def test_a_text_in_words() -> None:
    assert (
        shown(Spoken(text="Good morning, this is the clinic at the harbour."))
        == "'Good morning, this is the clinic at t...'"
    )
    assert shown(Spoken(text={"en": 'Say "yes" <now> | #;`'})) == "'Say yes now'"
    assert shown(Said(say="date", field="DAY")) == "[DAY as date]"
    assert shown("hello.wav") == "hello.wav"


def test_where_asterisk_looks() -> None:
    assert list(fallbacks("zh_Hant_TW")) == ["zh_Hant_TW", "zh_Hant", "zh", ""]
    assert list(fallbacks("")) == [""]


def test_a_key_is_no_file_of_a_job() -> None:
    assert Spoken(text="a").key.startswith("/"), "a job's files have no path from the root"
    with pytest.raises(ValidationError):
        PROMPTS.validate_python([Spoken(text="a").key])
    assert SOUND.validate_python("a.wav") == "a.wav"
