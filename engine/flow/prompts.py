"""What a node speaks: files of the job, fields of the contact in the PBX's own voice, and texts in a synthetic one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, StringConstraints, Tag, field_validator

from engine.durations import Duration
from engine.flow.languages import asterisk_language, fallbacks
from engine.model import Language, Model

FieldName = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9_]{1,32}$")]
File = Annotated[str, StringConstraints(pattern=r"^[^/\x00-\x1f&,|]+(/[^/\x00-\x1f&,|]+)*$", max_length=200)]
SayKind = Literal["digits", "letters", "number", "date", "time", "datetime", "amount"]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]

_BRACES = re.compile(r"\{\{|\}\}|\{([A-Z0-9_]{1,32})\}|[{}]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
SHOWN = 40


class Said(Model):
    """A field of the contact, spoken by Asterisk's own say applications in the contact's language."""

    say: SayKind
    field: FieldName


class Spoken(Model):
    """A text, spoken by the command of the settings' [tts] before the call. `{FIRST_NAME}` in it is a field of the contact;
    two braces are one."""

    text: Text | dict[Language, Text]
    """One for everybody, in the campaign's language; or one for each language."""
    longest: Annotated[Duration, Field(ge=1.0, le=120.0)] = 30.0
    """With fields: a contact with whom it would last longer is not called."""

    @field_validator("text")
    @classmethod
    def _readable(cls, value: str | dict[str, str]) -> str | dict[str, str]:
        for text in [value] if isinstance(value, str) else value.values():
            if _CONTROL.search(text):
                raise ValueError("the text holds a control character")
            odd = next((found for found in _BRACES.finditer(text) if found[0] in ("{", "}")), None)
            if odd is not None:
                raise ValueError(
                    f"the brace at character {odd.start() + 1} belongs to no field: write {{FIRST_NAME}} for a field,"
                    " {{ and }} for braces that are spoken"
                )
        if not value:
            raise ValueError("give the text in one language at least")
        return value

    @property
    def fields(self) -> tuple[str, ...]:
        """The contact's fields in it, once each."""
        texts = [self.text] if isinstance(self.text, str) else self.text.values()
        return tuple(
            dict.fromkeys(found[1] for text in texts for found in _BRACES.finditer(text) if found[1])
        )

    @property
    def key(self) -> str:
        """By which it is known again among the prompts of a campaign; no file of a job is called so."""
        return "/text/" + json.dumps(self.model_dump(), sort_keys=True)

    def texts(self, own: str) -> dict[str, str]:
        """Asterisk's name of a language -> text; `own` is the campaign's."""
        if isinstance(self.text, str):
            return {asterisk_language(own): self.text}
        return {asterisk_language(language): text for language, text in self.text.items()}

    def is_in(self, language: str) -> bool:
        """Is it there in this language, or in one that is spoken for it?"""
        return any(one in self.texts(language) for one in fallbacks(asterisk_language(language)))

    def heard(self, language: str, own: str) -> tuple[str, str]:
        """The language (Asterisk's name) and the text for a contact of `language`, else those of the campaign's `own`."""
        texts = self.texts(own)
        for wanted in (language, own):
            for one in fallbacks(asterisk_language(wanted)):
                if one in texts:
                    return one, texts[one]
        raise AssertionError("a campaign has its texts in its own language")


def filled(text: str, fields: Mapping[str, str]) -> str:
    """The text with the contact's fields in it, as they are: they are words to be spoken, and nothing else."""

    def put(found: re.Match[str]) -> str:
        return fields[found[1]] if found[1] else found[0][0]

    return _BRACES.sub(put, text)


def _which(value: Any) -> str:
    if isinstance(value, dict):
        return "(text)" if "text" in value else "(field)"
    return "(text)" if isinstance(value, Spoken) else "(field)" if isinstance(value, Said) else "(file)"


Prompt = Annotated[
    Annotated[File, Tag("(file)")] | Annotated[Said, Tag("(field)")] | Annotated[Spoken, Tag("(text)")],
    Discriminator(_which),
]


def _some(value: tuple[Prompt, ...]) -> tuple[Prompt, ...]:
    if not value:
        raise ValueError("name at least one prompt")
    return value


def _same_for_all(value: File | Spoken) -> File | Spoken:
    if isinstance(value, Spoken) and value.fields:
        raise ValueError("here the text must be the same for all contacts: it cannot hold fields")
    return value


Prompts = tuple[Prompt, ...]
SomePrompts = Annotated[Prompts, AfterValidator(_some)]
Sound = Annotated[
    Annotated[File, Tag("(file)")] | Annotated[Spoken, Tag("(text)")],
    Discriminator(_which),
    AfterValidator(_same_for_all),
]
"""A file, or a text that is the same for all."""


def key_of(prompt: str | Spoken) -> str:
    """By which a sound is known among the prompts of a campaign: a file by its name."""
    return prompt if isinstance(prompt, str) else prompt.key


def files(prompts: Iterable[Prompt]) -> list[str]:
    """The prompts that are files of the job, in their order."""
    return [one for one in prompts if isinstance(one, str)]


def said(prompts: Iterable[Prompt]) -> list[Said]:
    """The prompts that are fields of the contact."""
    return [one for one in prompts if isinstance(one, Said)]


def texts(prompts: Iterable[Prompt]) -> list[Spoken]:
    """The prompts that are texts, once each, in their order."""
    return list({one.key: one for one in prompts if isinstance(one, Spoken)}.values())


def personal(prompts: Iterable[Prompt]) -> list[Spoken]:
    """The texts with fields of the contact, once each, in their order: spoken to each contact before its call."""
    return [one for one in texts(prompts) if one.fields]


def shown(prompt: Prompt) -> str:
    """A prompt in words."""
    if isinstance(prompt, str):
        return prompt
    if isinstance(prompt, Said):
        return f"[{prompt.field} as {prompt.say}]"
    text = prompt.text if isinstance(prompt.text, str) else next(iter(prompt.text.values()))
    words = " ".join(re.sub(r'["\[\]<>|#;`]', " ", text).split())
    return "'" + (words if len(words) <= SHOWN else words[: SHOWN - 3].rstrip() + "...") + "'"
