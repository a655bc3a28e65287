"""The settings of what is heard: `[prompts]`, `[tts]`, `[sounds]` of volley.toml."""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, field_validator, model_validator

from engine.durations import Duration
from engine.model import Language, Model, address_of
from engine.speech.level import NOMINAL
from engine.speech.order import PLACES, Speech


class PromptSettings(Model):
    """`[prompts]`: how recordings are made into what a PBX plays."""

    level: Annotated[float, Field(ge=-36.0, le=-12.0)] | Literal["keep"] = NOMINAL
    """Level in dB below full scale to which speech is brought; "keep": as it was recorded."""

    @property
    def target(self) -> float | None:
        """The level; None: none."""
        return None if self.level == "keep" else self.level


class TtsSettings(Model):
    """`[tts]`: the command that speaks texts."""

    command: Annotated[tuple[Annotated[str, StringConstraints(min_length=1)], ...], Field(min_length=1)] = (
        "espeak-ng",
        "-b",
        "1",
        "-s",
        "150",
        "-v",
        "{voice}",
        "-w",
        "{output}",
        "--stdin",
    )
    """The text comes on its standard input; `{language}`, `{voice}` and `{output}` in its words are replaced."""
    voices: dict[
        Language, Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9 _.,+/:-]{0,199}$")]
    ] = Field(default_factory=dict)
    """Language -> voice, as the command calls it; without one it is called as the language."""
    timeout: Annotated[Duration, Field(ge=1.0, le=300.0)] = 20.0
    """Seconds that it may take over a text."""
    workers: Annotated[int, Field(ge=1, le=32)] = 2
    """Texts with fields of a contact that are spoken at the same time."""
    ahead: Annotated[int, Field(ge=10, le=1_000_000)] = 2000
    """Contacts of a campaign, not dialed yet, for whom such texts are spoken beforehand."""

    @field_validator("command")
    @classmethod
    def _places(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for word in value:
            odd = [place for place in re.findall(r"\{[a-z]*\}", word) if place not in PLACES]
            if odd:
                raise ValueError(f"{odd[0]} is unknown; there are " + ", ".join(PLACES))
        if any(place in value[0] for place in PLACES):
            raise ValueError("the program itself must not depend on the text's language")
        return value

    def voice(self, language: str) -> str:
        """The voice of a language, by its tag or by Asterisk's name of it: `fr-CA` has its own, else that of `fr`."""
        named = {tag.replace("-", "_"): voice for tag, voice in self.voices.items()}
        wanted = language.replace("-", "_")
        parts = wanted.split("_")
        known = ("_".join(parts[:count]) for count in range(len(parts), 0, -1))
        return next((named[one] for one in known if one in named), parts[0])

    def speech(self, language: str, words: str) -> Speech:
        """What the command is asked for. `language`: Asterisk's name of it."""
        return Speech(" ".join(words.split()), language, self.voice(language), self.command, self.timeout)


class SoundsSettings(Model):
    """`[sounds]`: the HTTP server from which PBXs on other machines fetch their sounds."""

    listen: Annotated[str, StringConstraints(pattern=r"^([0-9.]+|\[[0-9A-Fa-f:]+\]):[0-9]{1,5}$")] | None = (
        None
    )
    """Address and port; None: there is none, and something else serves `sounds_dir` under each `sounds_url`."""
    certificate: Path | None = None
    """PEM file, with the chain: HTTPS in place of HTTP."""
    key: Path | None = None
    """PEM file of its private key."""
    allow: tuple[IPv4Network | IPv6Network, ...] = ()
    """Networks that may fetch, beside the addresses of the PBXs themselves."""

    @model_validator(mode="after")
    def _both(self) -> SoundsSettings:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key go together")
        return self

    @property
    def address(self) -> tuple[str, int] | None:
        """Where to listen."""
        return None if self.listen is None else address_of(self.listen)
