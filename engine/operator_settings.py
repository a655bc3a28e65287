"""The settings of what the operator keeps to, whatever a campaign says: `[quiet]` and `[[test_number]]` of volley.toml."""

from __future__ import annotations

from datetime import date, time
from functools import cached_property
from typing import Annotated

from pydantic import ConfigDict, Field, StringConstraints, field_validator, model_validator

from engine.model import Model
from engine.rules.hours import Hours, Window, zone


class QuietSettings(Model):
    """`[quiet]`: hours of every day in which nothing is dialed, by any campaign that is not an approved emergency."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, populate_by_name=True)

    start: time | None = Field(default=None, alias="from")
    """Local time from which on nobody is called."""
    end: time | None = Field(default=None, alias="to")
    """Local time from which on people may be called again; the next day's when it is not after `from`."""
    timezone: str = "callee"
    """Whose clock it is: an IANA name, or `callee`."""

    @field_validator("start", "end")
    @classmethod
    def _local(cls, value: time | None) -> time | None:
        if value is not None and value.tzinfo is not None:
            raise ValueError("write a plain local time such as 21:00; the zone goes into `timezone`")
        return value

    @field_validator("timezone")
    @classmethod
    def _known(cls, value: str) -> str:
        if value != "callee" and zone(value) is None:
            raise ValueError(f"{value!r} is no IANA time zone (such as Europe/Paris), nor `callee`")
        return value

    @model_validator(mode="after")
    def _both(self) -> QuietSettings:
        if (self.start is None) != (self.end is None):
            raise ValueError("give both from and to, or neither")
        if self.start is not None and self.start == self.end:
            raise ValueError("from and to are the same time: nothing would ever be dialed")
        return self

    @cached_property
    def hours(self) -> Hours | None:
        """When anything may be dialed; None: at any time."""
        if self.start is None or self.end is None:
            return None
        return Hours([Window(start=self.end, end=self.start, timezone=self.timezone)])


class TestNumberSettings(Model):
    """`[[test_number]]`: a telephone of your own people, who agreed to be called by `volley call`."""

    __test__ = False  # pytest takes every class of this name for a test

    number: Annotated[str, StringConstraints(pattern=r"^\+[1-9][0-9]{6,14}$")]
    owner: Annotated[str, StringConstraints(min_length=2, max_length=200)]
    """Whose telephone it is: a name and a way to reach them."""
    agreed: date
    """The day on which they agreed to be called for tests, with messages of every purpose."""
    signed: bool = False
    """They signed that: where a law asks for written consent, nothing less is one."""
