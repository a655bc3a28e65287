"""Facts of a PBX and a machine on which all is well; a test spoils one of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.config import Settings
from engine.ops.doctor import needs
from engine.ops.doctor.conf import Conf
from engine.ops.doctor.examine import Checked, judge_host, judge_pbx
from engine.ops.doctor.facts import Access, Endpoint, Finding, Host, Pbx, Severity
from engine.ops.share import share
from tests.ops.filled import settings_in

FILTERS = [
    tuple(part.strip() for part in line.rsplit(" =", 1))
    for line in (share("asterisk-config") / "manager.d/volley.conf").read_text(encoding="utf-8").splitlines()
    if line.startswith("eventfilter")
]
USER = (
    ("secret", "s3cret"),
    ("deny", "0.0.0.0/0.0.0.0"),
    ("permit", "127.0.0.1/255.255.255.255"),
    ("read", "system,call,user,dtmf"),
    ("write", "system,call,originate"),
    ("writetimeout", "5000"),
    *((key, value) for key, value in FILTERS),
)
ENDPOINT = Endpoint(
    {
        "allow": "(alaw|ulaw)",
        "direct_media": "false",
        "dtmf_mode": "rfc4733",
        "context": "volley-inbound",
        "aors": "carrier",
    },
    {"carrier@@1": "Reachable"},
)


def manager(*options: tuple[str, str]) -> Conf:
    """manager.conf with these options of the user."""
    return Conf((("general", (("enabled", "yes"), ("bindaddr", "127.0.0.1"))), ("volley", tuple(options))))


def user_with(**changes: str | None) -> Conf:
    """manager.conf as it should be but for these options; None takes one away."""
    kept = [(key, value) for key, value in USER if key not in changes]
    return manager(*kept, *((key, value) for key, value in changes.items() if value is not None))


def settings(folder: Path, **changes: Any) -> Settings:
    table: dict[str, Any] = {
        "caller_id": [
            {
                "number": "+33162000001",
                "owner": "Test",
                "proof": "2026-01-01",
                "language": "fr",
                "prompt": "us",
            }
        ],
        "law": {"countries": ["FR"]},
        "transfer": {
            "desk": {"queue": "support", "places": 5},
            "phones": {"dial": "PJSIP/101&Local/agent@agents", "places": 2},
        },
        "dialplan": {"contexts": ["own"]},
        **changes,
    }
    return settings_in(folder, **table)


def well_pbx(folder: Path, **changes: Any) -> Pbx:
    """A PBX on which all is well, but for these changes of its facts."""
    whole = changes.pop("whole", None) or settings(folder)
    options = (("transmit_silence", "yes"), ("maxfiles", "20000"), ("live_dangerously", "no"))
    found = Pbx(
        name="lab",
        settings=whole.pbx["lab"],
        whole=whole,
        version="22.10.1+dfsg",
        core={
            "CoreMaxCalls": "0",
            "CoreMaxLoadAvg": "0.000000",
            "CoreCDRenabled": "No",
            "CoreMaxFilehandles": "20000",
        },
        commands=frozenset({*needs.ACTIONS, "Ping"}),
        modules=dict.fromkeys(needs.modules_of("lab", whole), True),
        values={
            function: "" if function == needs.DANGEROUS else "(alaw)" if "PJSIP" in function else "1"
            for function in needs.functions_of("lab", whole)
        },
        endpoints={"carrier": ENDPOINT},
        ahead=0.01,
        doubt=0.02,
        confs={
            "manager.conf": manager(*USER),
            "asterisk.conf": Conf((("options", options),)),
            "rtp.conf": Conf((("general", (("rtpstart", "10000"), ("rtpend", "20000"))),)),
            "cdr.conf": Conf((("general", (("enable", "no"),)),)),
            "cel.conf": Conf((("general", (("enable", "no"),)),)),
            "logger.conf": Conf(
                (("logfiles", (("console", "verbose"), ("messages", "notice,warning,error"))),)
            ),
        },
        local=True,
        descriptors=20_000,
        access=(Access("pbx.lab.sounds_path", folder, "Asterisk (asterisk)", "read", True),),
        sounds={"fr": needs.SAID},
    )
    return replace(found, **changes)


def well_host(folder: Path, **changes: Any) -> Host:
    """This machine with all well on it, but for these changes of its facts."""
    whole = changes.pop("settings", None) or settings(folder)
    config = folder / "volley.toml"
    found = Host(
        config=config,
        settings=whole,
        hostname="pbx1",
        resolves=0.001,
        access=(Access("engine.state", folder, "the engine (volley)", "write", True),),
        modes={config: 0o644, whole.database: 0o600},
        free={folder: 50 << 30},
        filesystem="ext4",
        sqlite=(3, 40, 1),
    )
    return replace(found, **changes)


def bad(checks: list[Checked]) -> dict[str, list[Finding]]:
    """Check -> its findings, where there are any."""
    found: dict[str, list[Finding]] = {}
    for check in checks:
        if check.findings:
            found.setdefault(check.check, []).extend(check.findings)
    return found


def of_pbx(folder: Path, **changes: Any) -> dict[str, list[Finding]]:
    """What is found on a PBX that is well but for these changes."""
    return bad(judge_pbx(well_pbx(folder, **changes)))


def of_host(folder: Path, **changes: Any) -> dict[str, list[Finding]]:
    """What is found on a machine that is well but for these changes."""
    return bad(judge_host(well_host(folder, **changes)))


def the_one(found: dict[str, list[Finding]], check: str, severity: Severity) -> Finding:
    """The only finding there is."""
    assert list(found) == [check], found
    (finding,) = found[check]
    assert finding.severity == severity, finding
    assert finding.what
    assert finding.todo
    return finding
