"""AMI over TLS: whom the engine believes to be its PBX.

The certificate must be vouched for and bear the PBX's name: a connection that is only encrypted hands secret and telephone bill to
whoever stands between. There is no way to leave that out.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

from engine.errors import AmiUnreachable


@dataclass(frozen=True, slots=True)
class Tls:
    """How a PBX proves that it is the one."""

    ca_file: Path | None = None
    """Certificates (PEM) of those who may vouch for it, in place of the system's."""
    server_name: str | None = None
    """The name in its certificate; None: its address."""

    def context(self) -> ssl.SSLContext:
        """For one connection: the files are read anew each time. Raises AmiUnreachable."""
        try:
            found = ssl.create_default_context(cafile=None if self.ca_file is None else str(self.ca_file))
        except OSError as error:
            raise AmiUnreachable(f"{self.ca_file}: no certificates can be read: {error}") from error
        found.minimum_version = ssl.TLSVersion.TLSv1_2
        return found


def words(error: BaseException) -> str:
    """Why a connection could not be made, with what to do where TLS is the reason."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"the PBX's certificate is not believed: {error.verify_message}"
            " (ca_file names who vouches for it, server_name is the name in it)"
        )
    if isinstance(error, ssl.SSLError) and "WRONG_VERSION_NUMBER" in str(error):
        return "what listens there does not speak TLS (tlsenable, tlsbindaddr in manager.conf; the port)"
    return str(error) or type(error).__name__
