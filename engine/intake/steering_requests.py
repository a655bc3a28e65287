"""Requests of an operator about what runs: a campaign's limits, an end to all dialing, a test call."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, field_validator, model_validator

from engine.campaign import CampaignId
from engine.model import Model, in_utc
from engine.rules.hours import Window

By = Annotated[str, StringConstraints(max_length=200)]
Why = Annotated[str, StringConstraints(max_length=200)]
Who = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
GivenWhy = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Text = Annotated[str, StringConstraints(max_length=1000)]


class SetRequest(Model):
    """Change a campaign while it is there. What is not given stays as it is."""

    action: Literal["set"]
    campaign: CampaignId
    cps: Annotated[float, Field(gt=0, le=10_000)] | None = None
    """Calls a second of this campaign."""
    max_channels: Annotated[int, Field(ge=1, le=100_000)] | None = None
    window: Annotated[tuple[Window, ...], Field(max_length=50)] | None = None
    """Calling hours, in place of those that it has; the law's hold as well."""
    priority: Annotated[int, Field(ge=0, le=100)] | None = None
    reset: bool = False
    """First take back everything that was changed since the campaign was accepted."""
    reason: Why = ""
    by: By = ""

    @model_validator(mode="after")
    def _something(self) -> SetRequest:
        if not self.reset and not self.changes():
            raise ValueError("give at least one of cps, max_channels, window, priority, or reset")
        if self.window is not None and not any(window.days for window in self.window):
            raise ValueError("window: there is no day in it: nobody would be called")
        return self

    def changes(self) -> dict[str, object]:
        """Keys of the manifest and their new values, ready for JSON."""
        table = self.model_dump(
            mode="json", by_alias=True, include={"cps", "max_channels", "window", "priority"}
        )
        return {key: value for key, value in table.items() if value is not None}


class StopAllRequest(Model):
    """Dial nothing more, for any campaign, until `go`."""

    action: Literal["stop_all"]
    hang_up: bool = False
    """End the calls that live too, answered or not."""
    by: Who
    reason: GivenWhy


class GoRequest(Model):
    """Lift what `stop_all` stopped."""

    action: Literal["go"]
    by: Who
    reason: GivenWhy


class QuietRequest(Model):
    """Dial nothing, for any campaign, until an instant; without one, end a quiet time before its end."""

    action: Literal["quiet"]
    until: datetime | None = None
    """With its offset from UTC."""
    by: Who
    reason: GivenWhy

    @field_validator("until")
    @classmethod
    def _zoned(cls, value: datetime | None) -> datetime | None:
        return None if value is None else in_utc(value)


class CallRequest(Model):
    """Call a number once, as this campaign would: a test. It passes the gate like every call, with the consent that is told here, or
    that of the settings' [[test_number]]."""

    action: Literal["call"]
    campaign: CampaignId
    number: Text
    region: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] | None = None
    timezone: Text = ""
    language: Text = ""
    state: Text = ""
    postal_code: Text = ""
    consent: Text = ""
    """As the column of that name in a contact file: `express`, or `written`."""
    consent_at: Text = ""
    consent_source: Text = ""
    consent_purpose: Text = ""
    consent_reference: Text = ""
    fields: Annotated[dict[Text, Text], Field(max_length=50)] = Field(default_factory=dict)
    """The contact's own columns, for texts and variables."""
    asked_at: float | None = None
    """POSIX seconds: a minute later the call is not made any more, whatever kept the engine from it."""
    reason: Why = ""
    by: By = ""


SteeringRequest = SetRequest | StopAllRequest | GoRequest | QuietRequest
