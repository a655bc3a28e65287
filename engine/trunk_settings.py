"""`[trunk.<name>]`: one way out of a PBX: how it is dialed, whom it serves and at which price, its limits, and when it is
given a rest."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, field_validator, model_validator

from engine.durations import Duration
from engine.model import Model, Name

Prefix = Annotated[str, StringConstraints(pattern=r"^\+[1-9][0-9]{0,14}$")]
Destination = Annotated[str, StringConstraints(pattern=r"^(\+[1-9][0-9]{0,14}|[A-Z]{2})$")]
"""An E.164 prefix, or a country (ISO 3166-1)."""
Price = Annotated[float, Field(ge=0.0, le=1000.0)]


class PrefixCap(Model):
    """`[limits.prefix_caps."+336"]`, `[trunk.<name>.prefix_caps."+336"]`: what a range of numbers takes. One of the two at least."""

    cps: Annotated[float, Field(gt=0, le=10_000)] | None = None
    """Calls a second."""
    max_channels: Annotated[int, Field(ge=1, le=100_000)] | None = None
    """Calls that live."""

    @model_validator(mode="after")
    def _something(self) -> PrefixCap:
        if self.cps is None and self.max_channels is None:
            raise ValueError("give cps, max_channels or both")
        return self


class BreakerSettings(Model):
    """`[trunk.<name>.breaker]`: when a trunk that fails gets no more calls, and how it is tried again (`engine.dialing.breaker`)."""

    failures: Annotated[int, Field(ge=2, le=1000)] = 5
    """Calls in a row, to so many different numbers, that the trunk refused or could not carry."""
    share: Annotated[float, Field(gt=0.0, le=1.0)] = 0.5
    """Or: this share of all in the window, and twice `failures` of them at least."""
    window: Annotated[Duration, Field(ge=1.0, le=600.0)] = 15.0
    pause: Annotated[Duration, Field(ge=0.5, le=3600.0)] = 5.0
    """Rest before the first probe; it doubles with each probe that fails."""
    max_pause: Annotated[Duration, Field(ge=0.5, le=86_400.0)] = 120.0
    probes: Annotated[int, Field(ge=1, le=100)] = 2
    """Calls, one after another, that must get through before it is used as before."""

    @model_validator(mode="after")
    def _pauses(self) -> BreakerSettings:
        if self.max_pause < self.pause:
            raise ValueError("max_pause is shorter than pause")
        return self


class TrunkSettings(Model):
    """`[trunk.<name>]`: one way out of a PBX, with its limits."""

    pbx: Name
    dial: str
    """Dial template, such as `PJSIP/{number}@carrier`; `{number}` is written in `number_format`."""
    number_format: Annotated[
        str, StringConstraints(pattern=r"^(\+E\.164|E\.164|national|prefix:[0-9]{1,8})$")
    ] = "+E.164"
    codecs: tuple[Literal["alaw", "ulaw", "g722", "g729", "gsm", "opus", "slin"], ...] = ("alaw", "ulaw")
    max_channels: Annotated[int, Field(ge=1, le=100_000)] = 30
    cps: Annotated[float, Field(gt=0, le=10_000)] = 5.0
    """Calls a second in the contract with the carrier."""
    priority: Annotated[int, Field(ge=0, le=100)] = 50
    """The higher goes first: a lower one gets calls while no higher one has a free channel and a turn."""
    weight: Annotated[float, Field(gt=0.0, le=1000.0)] = 1.0
    """Its share among those of the same priority and price."""
    areas: tuple[Destination, ...] = ()
    """Callees that it serves: E.164 prefixes and countries. Everybody when empty."""
    price: Price = 0.0
    """What a minute costs, in the currency of the campaigns' cost_per_day; billed by the second."""
    prices: dict[Destination, Price] = Field(default_factory=dict)
    """The same for callees of these prefixes and countries; the longest prefix counts."""
    prefix_caps: dict[Prefix, PrefixCap] = Field(default_factory=dict)
    """Limits for callees whose number begins so."""
    ramp_up: Annotated[Duration, Field(le=3600.0)] = 0.0
    """Seconds in which the rate grows from a tenth to the whole: after the start, and after the trunk was away."""
    breaker: BreakerSettings = BreakerSettings()

    @field_validator("dial")
    @classmethod
    def _template(cls, value: str) -> str:
        technology, slash, rest = value.partition("/")
        if (
            technology not in {"PJSIP", "Local", "SIP", "IAX2", "DAHDI"}
            or not slash
            or value.count("{number}") != 1
        ):
            raise ValueError("dial must look like PJSIP/{number}@endpoint, with {number} once")
        if any(sign in rest for sign in "&,;\"'\\$ \t\r\n") or rest.replace("{number}", "").count("{"):
            raise ValueError("dial holds a character that Asterisk would take for something else")
        return value
