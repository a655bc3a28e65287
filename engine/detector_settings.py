"""The settings of the process that hears callees: `[detector]` of volley.toml."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from engine.model import Model, address_of


class DetectorSettings(Model):
    """`[detector]`: the process that tells people from machines by what is heard (docs/amd.md)."""

    enabled: bool = True
    listen: Annotated[str, StringConstraints(pattern=r"^([0-9.]+|\[[0-9A-Fa-f:]+\]):[0-9]{1,5}$")] = (
        "127.0.0.1:0"
    )
    """Address and port, by which the PBXs reach it; port 0: a free one."""
    allow: tuple[IPv4Network | IPv6Network, ...] = ()
    """Networks of PBXs on other machines; this machine always may."""
    calls: Annotated[int, Field(ge=1, le=10_000)] = 200
    """Calls heard at the same time; those beyond it are told by Asterisk's AMD(). Over half of it, none is heard on while its
    message plays."""

    @model_validator(mode="after")
    def _reachable(self) -> DetectorSettings:
        host, port = self.address
        try:
            address = ip_address(host)
        except ValueError as error:
            raise ValueError("listen is no address and port") from error
        if port > 65535:
            raise ValueError("listen: ports go up to 65535")
        if address.is_unspecified:
            raise ValueError("listen must name the address by which the PBXs reach it, and not all of them")
        if not address.is_loopback and not self.allow:
            raise ValueError("listen is open to other machines: name the networks of the PBXs in allow")
        return self

    @property
    def address(self) -> tuple[str, int]:
        """Where to listen."""
        return address_of(self.listen)

    def reaches(self, pbx_host: str) -> bool:
        """Can a PBX of that address connect to it?"""
        here = pbx_host in {"localhost", "::1"} or pbx_host.startswith("127.")
        return self.enabled and (here or not ip_address(self.address[0]).is_loopback)
