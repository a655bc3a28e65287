"""Requests about lists and people, as they come through the control door: what can be asked for, and how.

Each says who asks and why. Files lie in `control/files/`, named alone. Refuses to do anything: `desk` does.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from engine.intake.lists.formats import COUNTRIES, Format, Mode
from engine.model import Model
from engine.rules.numbers import REGIONS, calling_code
from engine.store.list_file import Kind

ListName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
HandedOver = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$")]
"""The name of a file in `control/files/`."""
Who = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Why = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Area = Annotated[str, StringConstraints(pattern=r"^\+?[0-9]{1,14}$")]
Region = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]


class ImportListRequest(Model):
    """Make a new version of a suppression list from files."""

    action: Literal["import_list"]
    list: ListName
    kind: Kind
    jurisdiction: Annotated[str, StringConstraints(pattern=r"^([A-Z]{2}(-[A-Z0-9]{1,3})?)?$")] = ""
    """Whose registry it is: ISO 3166-1, or 3166-2 for a state's own. A registry must have one."""
    date: date
    """Of the data, as the registry gives it; not of the download."""
    files: Annotated[tuple[HandedOver, ...], Field(min_length=1, max_length=1000)]
    format: Format = "auto"
    mode: Mode = "full"
    """`full`: the files are the list; `change`: they add and delete; `add`, `remove`: all of them."""
    parts: Annotated[tuple[Area, ...], Field(max_length=1000)] = ()
    """Areas that the files are about, as `+` and digits or as area codes of the jurisdiction; none: everything."""
    column: Annotated[str, StringConstraints(min_length=1, max_length=500)] | None = None
    """Of the numbers in a table, by heading or by position from 1."""
    unreadable: Annotated[int, Field(ge=0, le=100_000)] = 0
    """How many rows may be unreadable and left out."""
    may_shrink: bool = False
    """A new version may have far fewer numbers than the one before."""
    by: Who
    reason: Why

    @model_validator(mode="after")
    def _fits(self) -> ImportListRequest:
        if self.kind == "registry" and not self.jurisdiction:
            raise ValueError(
                "a registry is some country's or state's: give its jurisdiction, such as US or US-TX"
            )
        if self.jurisdiction and self.jurisdiction[:2] not in REGIONS:
            raise ValueError(f"{self.jurisdiction!r} is no ISO 3166-1 country that has telephone numbers")
        country = COUNTRIES.get(self.format)
        if country is not None and self.jurisdiction[:2] != country:
            raise ValueError(f"{self.format} is a format of {country}")
        if any(not one.startswith("+") for one in self.parts) and not self.jurisdiction:
            raise ValueError("areas of a list without a jurisdiction begin with + and the country code")
        return self

    @property
    def prefixes(self) -> tuple[str, ...]:
        """The areas as digits of E.164."""
        code = calling_code(self.jurisdiction[:2]) if self.jurisdiction else ""
        return tuple(
            dict.fromkeys(one[1:] if one.startswith("+") else code + one.lstrip("0") for one in self.parts)
        )


class DropListRequest(Model):
    """A list counts no more. Its history stays."""

    action: Literal["drop_list"]
    list: ListName
    by: Who
    reason: Why


class SuppressFileRequest(Model):
    """Never call the numbers in these files again: withdrawals of consent, opt-outs from elsewhere."""

    action: Literal["suppress_file"]
    files: Annotated[tuple[HandedOver, ...], Field(min_length=1, max_length=1000)]
    region: Region | None = None
    format: Format = "auto"
    column: Annotated[str, StringConstraints(min_length=1, max_length=500)] | None = None
    by: Who
    reason: Why


class ForgetRequest(Model):
    """Forget the people of these numbers: erase what is known of them, and never call them again."""

    action: Literal["forget"]
    numbers: Annotated[tuple[str, ...], Field(min_length=1, max_length=1000)]
    region: Region | None = None
    by: Who
    reason: Why


DeskRequest = ImportListRequest | DropListRequest | SuppressFileRequest | ForgetRequest
