"""`[pbx.<name>]`: one Asterisk, the AMI user on it, and where its sounds and recordings lie."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from engine.durations import Duration
from engine.model import Model
from engine.secret import read_secret

_URL = r"^https?://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(:[0-9]{1,5})?(/[A-Za-z0-9._~-]+)*$"
_PATH = r"(/[A-Za-z0-9_-][A-Za-z0-9._-]*)+"


class PbxSettings(Model):
    """`[pbx.<name>]`: one Asterisk and the AMI user on it."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 5038
    tls: bool = False
    """The connection is encrypted, and the PBX's certificate verified."""
    ca_file: Path | None = None
    """Certificates (PEM) of the authorities that may vouch for the PBX, in place of the system's."""
    server_name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.:-]{1,253}$")] | None = None
    """The name in the PBX's certificate, where it is not `host`."""
    username: str = "volley"
    secret_file: Path | None = None
    secret_env: str | None = None
    sounds_dir: Path
    """Where the engine puts a campaign's prompts, as the engine sees it."""
    sounds_path: str | None = None
    """The same directory as Asterisk sees it; the default is the same path."""
    recordings_dir: Path | None = None
    """Where Asterisk puts recorded answers, as the engine sees it; it deletes them there. Without it no campaign may record."""
    recordings_path: str | None = None
    """The same directory as Asterisk sees it; the default is the same path."""
    originate_timeout: Duration = 10.0
    """Seconds to wait for Asterisk's acknowledgement of an Originate."""
    reconnect_max: Annotated[Duration, Field(ge=0.5, le=300.0)] = 1.0
    """Longest wait, in seconds, between two attempts to connect; the first one comes after half a second."""
    sounds_url: Annotated[str, StringConstraints(pattern=_URL)] | None = None
    """Where this PBX fetches what lies in `sounds_dir`, to put it to `sounds_path`: it is on another machine. None: it
    reads the directory itself."""

    @model_validator(mode="after")
    def _a_place_of_its_own(self) -> PbxSettings:
        if self.sounds_url is not None and not re.fullmatch(_PATH, self.sounds_path or ""):
            raise ValueError(
                "sounds_url needs sounds_path: the directory, as this PBX sees it, to which it fetches sounds"
                " (an absolute path of letters, digits and ._-)"
            )
        return self

    @model_validator(mode="after")
    def _certified(self) -> PbxSettings:
        if not self.tls and (self.ca_file is not None or self.server_name is not None):
            raise ValueError("ca_file and server_name are for tls = true")
        return self

    @model_validator(mode="after")
    def _one_secret(self) -> PbxSettings:
        if (self.secret_file is None) == (self.secret_env is None):
            raise ValueError("give exactly one of secret_file and secret_env")
        return self

    def secret(self) -> str:
        """The AMI secret.

        Raises SettingsError when the file is missing, readable by others, or the variable is not set.
        """
        return read_secret(self.secret_env, self.secret_file, "the AMI secret")
