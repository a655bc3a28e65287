"""From a contact's fields to the names of its sounds: the same words share one, and other words never do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.ami.encode import Originate
from engine.dialing.personal import Unspeakable, folder_of, folder_prefix, sounds_of
from engine.errors import RefusedField
from engine.flow.prompts import Spoken
from engine.sound_settings import TtsSettings
from engine.store.speech import Wordless

KEY = b"k" * 32
TTS = TtsSettings(voices={"fr": "siwis"})
HELLO = Spoken.model_validate({"text": {"en": "Hello {NAME}.", "fr": "Bonjour {NAME}."}})
DAY = Spoken.model_validate({"text": "It is on {DAY}.", "longest": "10s"})
ANNA = Wordless(1, "", {"NAME": "Anna", "DAY": "Monday", "MORE": "x"})


def sounds(
    contact: Wordless, *texts: Spoken, own: str = "en", tts: TtsSettings = TTS, level: float | None = -22.0
):  # type: ignore[no-untyped-def]
    return sounds_of(contact, texts or (HELLO, DAY), own, tts, level, KEY, "speech-00000000-7")


def test_each_text_in_the_contacts_language_with_its_fields() -> None:
    found = sounds(replace(ANNA, language="fr-CA"))
    assert [(one.speech.text, one.speech.language, one.speech.voice, one.longest) for one in found] == [
        ("Bonjour Anna.", "fr", "siwis", 30.0), ("It is on Monday.", "en", "en", 10.0)
    ]  # fmt: skip


def test_the_same_words_have_one_name_and_other_words_another() -> None:
    hello, day = sounds(ANNA)
    assert sounds(Wordless(2, "en", {"NAME": "Anna", "DAY": "Monday"})) == [hello, day]
    others = [
        sounds(replace(ANNA, fields={"NAME": "Ann", "DAY": "Monday"}))[0],
        sounds(replace(ANNA, language="fr"))[0],
        sounds(ANNA, tts=TtsSettings(voices={"en": "amy"}))[0],
        sounds(ANNA, tts=TtsSettings(command=("say",)))[0],
        sounds(ANNA, level=None)[0],
        sounds_of(ANNA, [HELLO], "en", TTS, -22.0, b"o" * 32, "speech-00000000-7")[0],
        day,
    ]
    assert len({hello.name, *(one.name for one in others)}) == 8


def test_fields_are_words_and_stay_what_they_are() -> None:
    [found] = sounds(replace(ANNA, fields={"NAME": "{DAY} $(id) ${X} `x`\n--help"}), HELLO)
    assert found.speech.text == "Hello {DAY} $(id) ${X} `x` --help."


@pytest.mark.parametrize("fields", [{}, {"NAME": ""}, {"NAME": "  "}])
def test_a_field_that_is_missing_is_told(fields: dict[str, str]) -> None:
    with pytest.raises(Unspeakable, match="its field NAME is empty"):
        sounds(replace(ANNA, fields=fields))


def test_engines_that_share_a_directory_have_folders_of_their_own() -> None:
    assert folder_of(KEY, 7) == folder_prefix(KEY) + "7"
    assert folder_prefix(KEY) != folder_prefix(b"o" * 32)


def originate(*sounds: str) -> bytes:
    return Originate(
        id="v0000000000000001", bucket=1, dial="PJSIP/+33199001001@carrier", context="volley-call", caller_number="+33162000001",
        caller_name="", timeout=37.0, account="spring", codecs=("alaw",), sent=1, flow="f", language="en", fields={},
        speech=sounds,
    ).encode()  # fmt: skip


def test_the_names_go_with_the_call() -> None:
    sound = sounds(ANNA)[0].name
    sent = originate(sound, sound).decode()
    assert f"Variable: VOLLEY_P_01={sound}\r\nVariable: VOLLEY_P_02={sound}\r\n" in sent
    assert "VOLLEY_P" not in originate().decode()


@pytest.mark.parametrize(
    "odd",
    ["", "x", "speech-0a1b2c3d-1/../../etc/passwd", "speech-0a1b2c3d-1/" + "f" * 31 + "&", "/" + "f" * 32],
)
def test_nothing_else_goes(odd: str) -> None:
    with pytest.raises(RefusedField):
        originate(odd)
