"""What is spoken to one contact alone: from a campaign's texts and the contact's fields to names of sounds. Pure.

A name is a keyed hash of all that is heard in it, so contacts with the same words share a sound, and nobody who sees
names (a directory, a web server's log) can try words against them.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from engine.flow.prompts import Spoken, filled
from engine.sound_settings import TtsSettings
from engine.speech.order import Speech
from engine.store.speech import Wordless

RECIPE = "1"
"""Part of every name: raise it when the same words are to sound otherwise."""


@dataclass(frozen=True, slots=True)
class Own:
    """A sound of a contact's own: `name` below the sounds directory, without its ending."""

    name: str
    speech: Speech
    longest: float
    """Seconds that it may last."""


class Unspeakable(ValueError):
    """A contact's fields do not make its texts. The message says why."""


def folder_prefix(key: bytes) -> str:
    """How the folders of this engine's campaigns begin, below the sounds directory: engines may share one."""
    return "speech-" + hmac.digest(key, b"folder", "sha256").hex()[:8] + "-"


def folder_of(key: bytes, campaign_id: int) -> str:
    """The folder of a campaign's own sounds, below the sounds directory."""
    return f"{folder_prefix(key)}{campaign_id}"


def sounds_of(
    contact: Wordless,
    texts: Sequence[Spoken],
    own: str,
    tts: TtsSettings,
    level: float | None,
    key: bytes,
    folder: str,
) -> list[Own]:
    """The sounds of a contact, one for each text, in their order. `own` is the campaign's language. Raises Unspeakable."""
    found = []
    for text in texts:
        blank = [name for name in text.fields if not contact.fields.get(name, "").strip()]
        if blank:
            raise Unspeakable(f"its field {blank[0]} is empty")
        language, words = text.heard(contact.language or own, own)
        speech = tts.speech(language, filled(words, contact.fields))
        what = json.dumps([RECIPE, level, text.longest, asdict(speech)], sort_keys=True)
        name = hmac.digest(key, what.encode(), "sha256").hex()[:32]
        found.append(Own(f"{folder}/{name}", speech, text.longest))
    return found
