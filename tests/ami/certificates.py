"""Certificates that vouch for themselves, for as long as a test takes."""

from __future__ import annotations

import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

from lab import packages


@dataclass(frozen=True)
class Certificate:
    """A certificate and its key, PEM."""

    file: Path
    key: Path

    def server(self) -> ssl.SSLContext:
        """For who listens with it."""
        found = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        found.load_cert_chain(self.file, self.key)
        return found


def certificate(folder: Path, name: str, also: str) -> Certificate:
    """A new one for `name`, valid for `also` (a subjectAltName)."""
    packages.need({"openssl": "openssl"}, print)
    found = Certificate(folder / f"{name}.pem", folder / f"{name}.key")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", f"/CN={name}", "-addext", f"subjectAltName={also}", "-keyout", str(found.key), "-out", str(found.file)],
        check=True, capture_output=True,
    )  # fmt: skip
    return found
