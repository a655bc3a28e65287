"""Gathers all facts and runs every check over them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from engine.config import Settings
from engine.ops.doctor import check_ami, check_host, check_pbx, check_ways, check_wire, host
from engine.ops.doctor.ask import ask
from engine.ops.doctor.facts import Finding, Host, Pbx, Severity

PBX_CHECKS: tuple[Callable[[Pbx], Iterable[Finding]], ...] = (
    check_ami.login,
    check_ami.actions,
    check_ami.read_classes,
    check_ami.addresses,
    check_ami.encryption,
    check_ami.event_filter,
    check_ami.write_timeout,
    check_pbx.version,
    check_pbx.known_advisories,
    check_pbx.modules,
    check_pbx.dialplan,
    check_pbx.dangerous,
    check_pbx.silence,
    check_pbx.rtp_ports,
    check_pbx.descriptors,
    check_pbx.call_limits,
    check_pbx.call_records,
    check_pbx.verbose_logs,
    check_pbx.clock,
    check_ways.trunks,
    check_ways.inbound,
    check_ways.transfers,
    check_ways.contexts,
    check_ways.sounds,
    check_ways.reaches_files,
)
HOST_CHECKS: tuple[Callable[[Host], Iterable[Finding]], ...] = (
    check_host.own_name,
    check_host.directories,
    check_host.secrets,
    check_host.open_files,
    check_host.disks,
    check_host.file_system,
    check_host.sqlite,
    check_host.time_zones,
    check_host.names,
    check_host.showable,
)


@dataclass(frozen=True, slots=True)
class Checked:
    """One check and what it found; nothing means that all is well."""

    check: str
    asks: str
    """What it holds, in a sentence."""
    about: str
    """`pbx <name>` or `this machine`."""
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """Every check that was made."""

    checks: tuple[Checked, ...]

    def count(self, severity: Severity) -> int:
        """How many findings are so bad."""
        return sum(one.severity == severity for check in self.checks for one in check.findings)

    @property
    def well(self) -> bool:
        """Nothing is wrong; notes, and what could not be told, aside."""
        return not self.count(Severity.ERROR) and not self.count(Severity.WARNING)


async def examine(config: Path, settings: Settings, etc: Path | None = None, *, wire: bool = False) -> Report:
    """Look at every PBX of the settings and at this machine. `etc`: a PBX's configuration directory, where it is not /etc/asterisk.
    `wire`: have each trunk send an INVITE to us, and look at what it shows."""
    checks = judge_host(host.look(config, settings))
    for name in settings.pbx:
        checks += judge_pbx(host.add_local(await ask(name, settings, wire), etc))
    return Report(tuple(checks))


def judge_pbx(facts: Pbx) -> list[Checked]:
    """Every check of a PBX."""
    asked = (*PBX_CHECKS, check_wire.caller_id) if facts.wires is not None else PBX_CHECKS
    return [_checked(check.__name__, check.__doc__, f"pbx {facts.name}", check(facts)) for check in asked]


def judge_host(facts: Host) -> list[Checked]:
    """Every check of this machine."""
    return [_checked(check.__name__, check.__doc__, "this machine", check(facts)) for check in HOST_CHECKS]


def _checked(name: str, asks: str | None, about: str, findings: Iterable[Finding]) -> Checked:
    return Checked(name, asks or "", about, tuple(findings))
