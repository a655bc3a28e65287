"""What a node speaks: files of the job, and fields of the contact in the PBX's own voice."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, StringConstraints, Tag

from engine.config import Model

FieldName = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9_]{1,32}$")]
File = Annotated[str, StringConstraints(pattern=r"^[^/\x00-\x1f&,|]+(/[^/\x00-\x1f&,|]+)*$", max_length=200)]
SayKind = Literal["digits", "letters", "number", "date", "time", "datetime", "amount"]


class Said(Model):
    """A field of the contact, spoken by Asterisk's own say applications in the contact's language."""

    say: SayKind
    field: FieldName


def _which(value: Any) -> str:
    return "(field)" if isinstance(value, dict | Said) else "(file)"


Prompt = Annotated[Annotated[File, Tag("(file)")] | Annotated[Said, Tag("(field)")], Discriminator(_which)]


def _some(value: tuple[Prompt, ...]) -> tuple[Prompt, ...]:
    if not value:
        raise ValueError("name at least one prompt")
    return value


Prompts = tuple[Prompt, ...]
SomePrompts = Annotated[Prompts, AfterValidator(_some)]


def files(prompts: Iterable[Prompt]) -> list[str]:
    """The prompts that are files of the job, in their order."""
    return [one for one in prompts if isinstance(one, str)]


def said(prompts: Iterable[Prompt]) -> list[Said]:
    """The prompts that are fields of the contact."""
    return [one for one in prompts if isinstance(one, Said)]
