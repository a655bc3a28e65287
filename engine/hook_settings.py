"""`[hook.<name>]`: who is told of what happens, and the events that there are to tell.

Knows where events go and which. Only the settings name a URL or a command: a manifest names hooks, so that nobody who
may drop a job can make the engine call addresses or run programs. How they are told: `engine.hooks`.
"""

from __future__ import annotations

from enum import StrEnum
from fnmatch import fnmatchcase
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import SplitResult, urlsplit

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from engine.durations import Duration
from engine.secret import read_secret


class Event(StrEnum):
    """What can be told. Stable: receivers and the database know these words."""

    CALL_ENDED = "call.ended"
    CALL_KEY = "call.key"
    CALL_ANSWER = "call.answer"
    CONTACT_DONE = "contact.done"
    OPTOUT_RECORDED = "optout.recorded"
    CALLBACK_SCHEDULED = "callback.scheduled"
    CALLBACK_KEPT = "callback.kept"
    CALLBACK_MISSED = "callback.missed"
    CALLBACK_WITHDRAWN = "callback.withdrawn"
    CAMPAIGN_ACCEPTED = "campaign.accepted"
    CAMPAIGN_STARTED = "campaign.started"
    CAMPAIGN_PAUSED = "campaign.paused"
    CAMPAIGN_RESUMED = "campaign.resumed"
    CAMPAIGN_CANCELLED = "campaign.cancelled"
    CAMPAIGN_COMPLETED = "campaign.completed"
    CAMPAIGN_FAILED = "campaign.failed"


Glob = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.*?-]{1,80}$")]


class HookSettings(BaseModel):
    """`[hook.<name>]`: a receiver of events, by HTTP or by a command."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)

    url: str | None = None
    """Where events are sent, one POST each. `https`, or `http` to this machine."""
    plain_http: bool = False
    """Allow `http` to another machine: whoever is on the way reads what is sent."""
    ca_file: Path | None = None
    """Certificates of the authorities that may vouch for the receiver, in place of the system's; PEM."""
    command: tuple[Annotated[str, StringConstraints(min_length=1)], ...] = ()
    """Program, by its full path, and its arguments; run once an event, without a shell, with the event on its standard input."""
    events: Annotated[tuple[Glob, ...], Field(min_length=1)]
    """Events that it takes, by name or glob: `call.ended`, `campaign.*`."""
    campaigns: tuple[Glob, ...] = ()
    """Campaigns that it hears of, by id or glob, beside those whose manifest names it; `*` is all."""
    secret_file: Path | None = None
    secret_env: str | None = None
    numbers: Literal["masked", "full"] = "masked"
    """How telephone numbers, and digits that were typed as an answer, are written in what is sent."""
    timeout: Annotated[Duration, Field(ge=0.1, le=120.0)] = 10.0
    """Longest wait for an answer, or for the command to end."""
    parallel: Annotated[int, Field(ge=1, le=64)] = 4
    """Events under way at the same time."""
    rate: Annotated[float, Field(ge=0.1, le=10_000.0)] = 200.0
    """Events a second at most, so that neither the receiver nor the dialing is run over by what had to wait."""
    max_age: Annotated[Duration, Field(ge=1.0, le=30 * 86400.0)] = 3 * 86400.0
    """What could not be told for so long is dropped."""
    max_queue: Annotated[int, Field(ge=10, le=10_000_000)] = 100_000
    """Events that wait at most; then the oldest are dropped."""

    @field_validator("events")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for glob in value:
            if not any(fnmatchcase(event, glob) for event in Event):
                raise ValueError(f"no event is called {glob!r}; there are " + ", ".join(Event))
        return value

    @field_validator("url")
    @classmethod
    def _sendable(cls, value: str | None) -> str | None:
        if value is None:
            return None
        try:
            parts = urlsplit(value)
            host, _ = parts.hostname, parts.port
        except ValueError as error:
            raise ValueError(f"this is no URL: {error}") from None
        if parts.scheme not in ("https", "http") or not host:
            raise ValueError("a URL looks like https://crm.example.org/volley")
        if parts.username is not None or parts.password is not None:
            raise ValueError("a URL holds no user or password: what is sent is signed with the hook's secret")
        if parts.fragment or not value.isascii() or any(sign <= " " for sign in value):
            raise ValueError("write the URL as it is sent: ASCII, no spaces, nothing after a #")
        return value

    @model_validator(mode="after")
    def _one_way(self) -> HookSettings:
        if (self.url is None) == (not self.command):
            raise ValueError("give exactly one of url and command")
        secrets = [one for one in (self.secret_file, self.secret_env) if one is not None]
        if self.url is None:
            if secrets or self.plain_http or self.ca_file is not None:
                raise ValueError(
                    "secret_file, secret_env, plain_http and ca_file are for a url, not for a command"
                )
            if not self.command[0].startswith("/"):
                raise ValueError("name the command's program by its full path, such as /usr/local/bin/notify")
            return self
        if len(secrets) != 1:
            raise ValueError("give exactly one of secret_file and secret_env: what is sent is signed with it")
        if self.address.scheme == "http" and not self.plain_http and not _is_here(self.address.hostname):
            raise ValueError(
                "http to another machine can be read on the way: use https, or set plain_http = true"
            )
        return self

    @property
    def address(self) -> SplitResult:
        """The URL's parts."""
        assert self.url is not None
        return urlsplit(self.url)

    @property
    def takes(self) -> frozenset[Event]:
        """The events that it takes."""
        return frozenset(event for event in Event if any(fnmatchcase(event, glob) for glob in self.events))

    def secret(self) -> str:
        """What is sent is signed with this. Raises SettingsError."""
        return read_secret(self.secret_env, self.secret_file, "the hook's secret")


def _is_here(host: str | None) -> bool:
    """Does this host name or address mean this machine?"""
    if host == "localhost":
        return True
    try:
        return ip_address(host or "").is_loopback
    except ValueError:
        return False
