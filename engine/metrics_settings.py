"""`[metrics]`: where Prometheus asks this engine how it fares."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints, field_validator

from engine.model import Model, address_of


class MetricsSettings(Model):
    """`[metrics]`: the HTTP endpoint for Prometheus. Off unless `listen` is given."""

    listen: Annotated[str, StringConstraints(pattern=r"^([0-9.]+|\[[0-9A-Fa-f:]+\]):[0-9]{1,5}$")] | None = (
        None
    )
    """Address and port, such as `127.0.0.1:9464`. Whoever reaches it reads the names of campaigns and trunks, and no numbers."""
    campaigns: Annotated[int, Field(ge=0, le=1000)] = 50
    """Campaigns that have figures of their own at the same time; those beyond are told together, as `(other)`."""

    @field_validator("listen")
    @classmethod
    def _a_port(cls, value: str | None) -> str | None:
        if value is not None and not 1 <= int(value.rpartition(":")[2]) <= 65535:
            raise ValueError("a port is a number from 1 to 65535")
        return value

    @property
    def address(self) -> tuple[str, int] | None:
        """Where to listen."""
        return None if self.listen is None else address_of(self.listen)
