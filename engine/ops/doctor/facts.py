"""What the doctor knows: plain facts, gathered elsewhere and judged elsewhere. None is "nobody could tell"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from engine.config import Settings
from engine.errors import AmiError
from engine.ops.doctor.conf import Conf
from engine.pbx_settings import PbxSettings


class Severity(StrEnum):
    """How bad a finding is."""

    ERROR = "error"
    """Calls fail, or the PBX stands open."""
    WARNING = "warning"
    """It will bite: at volume, at the next restart, or some callees."""
    NOTE = "note"
    """Worth a look; nothing need change."""
    UNKNOWN = "unknown"
    """Neither AMI nor a local file tells; look yourself."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, or that nobody could tell."""

    severity: Severity
    what: str
    todo: str
    where: str = ""
    """A file, a setting, a trunk; the PBX or machine when empty."""


def error(what: str, todo: str, where: str = "") -> Finding:
    """A finding of severity error."""
    return Finding(Severity.ERROR, what, todo, where)


def warning(what: str, todo: str, where: str = "") -> Finding:
    """A finding of severity warning."""
    return Finding(Severity.WARNING, what, todo, where)


def note(what: str, todo: str = "", where: str = "") -> Finding:
    """A finding of severity note."""
    return Finding(Severity.NOTE, what, todo, where)


def unknown(what: str, todo: str, where: str = "") -> Finding:
    """A finding of severity unknown."""
    return Finding(Severity.UNKNOWN, what, todo, where)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A PJSIP endpoint as the PBX has it."""

    options: Mapping[str, str]
    """allow, direct_media, dtmf_mode, context, aors; all empty when there is no such endpoint."""
    contacts: Mapping[str, str] = field(default_factory=dict)
    """Contact -> Reachable, Unreachable, NonQualified, ..."""

    @property
    def exists(self) -> bool:
        return any(self.options.values())


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom a SIP header names."""

    name: str
    user: str
    host: str

    def __str__(self) -> str:
        return f'"{self.name}" <{self.user}@{self.host}>' if self.name else f"<{self.user}@{self.host}>"


@dataclass(frozen=True, slots=True)
class Wire:
    """What a trunk's INVITE said of who calls."""

    number: str
    """The number of ours that it should show."""
    sender: Identity | None = None
    """From; None when none was seen."""
    asserted: tuple[Identity, ...] = ()
    """P-Asserted-Identity."""
    privacy: str = ""
    trouble: str = ""
    """Why none was seen."""


@dataclass(frozen=True, slots=True)
class Access:
    """Whether somebody may do something with a path."""

    what: str
    """The setting, such as `pbx.main.sounds_dir`."""
    path: Path
    who: str
    """`the engine` or `Asterisk`, with the user."""
    need: str
    """`read` or `write`."""
    allowed: bool | None
    why: str = ""
    """What stands in the way."""


@dataclass(frozen=True, slots=True)
class Pbx:
    """A PBX of the settings."""

    name: str
    settings: PbxSettings
    whole: Settings
    trouble: AmiError | str | None = None
    """Why AMI tells nothing."""
    booted: bool = True
    version: str = ""
    """As Asterisk prints it."""
    core: Mapping[str, str] = field(default_factory=dict)
    """The answer to CoreSettings."""
    commands: frozenset[str] | None = None
    """Actions that the AMI user may do."""
    modules: Mapping[str, bool] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    """Dialplan function -> its value, empty where its module is not there. What is not in it could not be asked."""
    endpoints: Mapping[str, Endpoint] = field(default_factory=dict)
    """By trunk."""
    wires: Mapping[str, Wire] | None = None
    """By trunk, what it was seen to show; None: not looked at, which is done only when it is asked for."""
    ahead: float | None = None
    """Seconds by which its clock is ahead of ours."""
    doubt: float = 0.0
    """Seconds of uncertainty of `ahead`."""
    confs: Mapping[str, Conf] = field(default_factory=dict)
    """Configuration files. What is not in it could not be read; what is not on the PBX is empty."""
    local: bool = False
    """It runs on this machine."""
    descriptors: int | None = None
    """Descriptor limit of the running process."""
    access: tuple[Access, ...] = ()
    """Of Asterisk, to what it must read and write."""
    closed: tuple[Access, ...] = ()
    """Parts of manager.conf that are on this machine, and that Asterisk may not read."""
    sounds: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Language in use -> names of the sounds that are there for it."""

    @property
    def channels(self) -> int:
        """The channels that Volley may want of it at once: its trunks', and the agents' of transfers."""
        trunks = [trunk for trunk in self.whole.trunk.values() if trunk.pbx == self.name]
        ours = min(self.whole.limits.max_channels, sum(trunk.max_channels for trunk in trunks))
        return ours + sum(transfer.places for transfer in self.whole.transfer.values())

    @property
    def user(self) -> str:
        """The AMI user's section of manager.conf."""
        return self.settings.username


@dataclass(frozen=True, slots=True)
class Host:
    """This machine and the engine's own files."""

    config: Path
    settings: Settings
    hostname: str = ""
    resolves: float | None = None
    """Seconds that the look-up of the host's own name took; None when it does not resolve."""
    access: tuple[Access, ...] = ()
    modes: Mapping[Path, int] = field(default_factory=dict)
    """Permission bits of the files that must not be open: volley.toml, secrets, the database."""
    free: Mapping[Path, int] = field(default_factory=dict)
    """Directory of ours -> free bytes on its disk."""
    filesystem: str = ""
    """Of the state directory, such as ext4 or nfs4."""
    sqlite: tuple[int, ...] = ()
    zones: bool = True
    """The time zones of the IANA data base are there."""
    encoding: str = "utf-8"
    """Of file names."""
    secrets: Mapping[str, str] = field(default_factory=dict)
    """`pbx.<name>`, `hook.<name>` -> why its secret cannot be had."""
