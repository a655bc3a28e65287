"""What every table of settings and every manifest is made of."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}([_-][A-Za-z0-9]{2,8})?$")]

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
E164_PATTERN = r"^\+[1-9][0-9]{6,14}$"
E164 = Annotated[str, StringConstraints(pattern=E164_PATTERN)]


class Model(BaseModel):
    """A table of settings: frozen, and strict about keys it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


def in_utc(instant: datetime) -> datetime:
    """An instant as somebody wrote it, in UTC. Raises ValueError for one without its offset."""
    if instant.tzinfo is None:
        raise ValueError("an instant needs its offset from UTC: 2026-12-01T09:00:00+01:00")
    try:
        return instant.astimezone(UTC)
    except OverflowError:
        raise ValueError("this instant is out of all reason") from None


def address_of(listen: str) -> tuple[str, int]:
    """Host and port of `127.0.0.1:9464` or `[::1]:9464`, as an address to listen on is written."""
    host, _, port = listen.rpartition(":")
    return host.strip("[]"), int(port)
