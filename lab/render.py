"""Configuration files of the two Asterisks from their templates.

Knows placeholders (`@NAME@`) and which file comes from where: the lab's own templates, and for the PBX exactly the files
that users get from asterisk-config/ and dialplans/. Refuses to know processes. `files` is pure; `write` touches only what differs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lab import behaviours
from lab.places import BENCH_ADDRESS, CARRIER_ADDRESS, PBX_ADDRESS, REPOSITORY, Ports

HERE = Path(__file__).resolve().parent
DROP_IN = REPOSITORY / "asterisk-config"
DIALPLANS = REPOSITORY / "dialplans"
_PLACEHOLDER = re.compile(r"@([A-Z][A-Z0-9_]*)@")
FAST_FILTERS_SINCE = (22, 1)
"""The eventfilter(action(include),name(X)) form, from Asterisk's release notes."""
_TONES = """[general]
country=fr

[fr]
description=France
ringcadence=1500,3500
dial=440
busy=440/500,0/500
ring=440/1500,0/3500
congestion=440/250,0/250
"""
_GENERAL = ("amd", "ccss", "features", "http", "queues", "res_http_media_cache", "udptl")
MINIMAL = {
    **{f"{name}.conf": "[general]\n" for name in _GENERAL},
    **dict.fromkeys(("acl.conf", "pjproject.conf", "queuerules.conf"), "; nothing\n"),
    **dict.fromkeys(("cdr.conf", "cel.conf"), "[general]\nenable=no\n"),
    "indications.conf": _TONES,
}
"""Files that must be there, for modules that complain or stay away without one."""


@dataclass(frozen=True, slots=True)
class Instance:
    """What the files of one Asterisk are rendered from."""

    name: str
    """`pbx` or `carrier`."""
    home: Path
    """Its directory, the same path inside and outside of the root or container."""
    ports: Ports
    secret: str
    version: tuple[int, ...]

    def values(self) -> dict[str, str]:
        """The placeholders of the lab's own templates."""
        first = self.ports.rtp if self.name == "pbx" else self.ports.rtp + 10_000
        return {
            "HOME": str(self.home),
            "ADDRESS": PBX_ADDRESS if self.name == "pbx" else CARRIER_ADDRESS,
            "PBX_ADDRESS": PBX_ADDRESS,
            "SIP_PORT": str(self.ports.sip),
            "AMI_PORT": str(self.ports.ami),
            "RTP_START": str(first),
            "RTP_END": str(first + 9_999),
            "VOLLEY_AMI_SECRET": self.secret,
        }


def fill(text: str, values: Mapping[str, str]) -> str:
    """`text` with every @NAME@ replaced. Raises KeyError for a placeholder that has no value."""
    return _PLACEHOLDER.sub(lambda match: values[match[1]], text)


def trunk(template: str, name: str, address: str, port: int) -> str:
    """asterisk-config's sample trunk, filled in for a carrier of the lab."""
    return fill(template, {"VOLLEY_TRUNK": name, "VOLLEY_CARRIER_HOST": f"{address}:{port}", "VOLLEY_CARRIER_MATCH": address,
                           "VOLLEY_TRANSPORT": "transport-udp"})  # fmt: skip


def files(instance: Instance, drop_in: Path = DROP_IN, dialplans: Path = DIALPLANS) -> dict[str, str]:
    """Every file of the instance's etc directory, by its path in there."""
    values = instance.values()
    templates = sorted((HERE / instance.name).glob("*.conf"))
    found = {path.name: fill(path.read_text(encoding="utf-8"), values) for path in templates}
    found["modules.conf"] = (HERE / "modules.conf").read_text(encoding="utf-8")
    for name, text in MINIMAL.items():
        found.setdefault(name, text)
    if instance.name == "carrier":
        found["extensions.conf"] += behaviours.dialplan(behaviours.behaviour_table())
        return found
    options = "asterisk.conf.d/volley-options.conf"
    found[options] = (drop_in / options).read_text(encoding="utf-8")
    user = (
        "manager.d/volley.conf"
        if instance.version >= FAST_FILTERS_SINCE
        else "manager.d/volley-asterisk20.conf"
    )
    found["manager.d/volley.conf"] = fill(
        (drop_in / user).read_text(encoding="utf-8"), {"VOLLEY_AMI_SECRET": instance.secret}
    )
    sample = (drop_in / "pjsip.d/volley-trunk.conf").read_text(encoding="utf-8")
    for name, address in (("carrier", CARRIER_ADDRESS), ("bench", BENCH_ADDRESS)):
        found[f"pjsip.d/{name}.conf"] = trunk(sample, name, address, instance.ports.sip)
    plans = sorted(dialplans.glob("*.conf"))
    for plan in plans:
        found[f"dialplans/{plan.name}"] = plan.read_text(encoding="utf-8")
    includes = "".join(f'#include "dialplans/{plan.name}"\n' for plan in plans)
    found["extensions.conf"] = (
        "[general]\nstatic=yes\nwriteprotect=yes\n\n" + includes + '#include "own.conf"\n'
    )
    return found


def write(etc: Path, wanted: Mapping[str, str]) -> list[str]:
    """Bring `etc` to `wanted`, delete what is not in it, and return the paths of what changed."""
    changed: list[str] = []
    for path in sorted(etc.rglob("*.conf")):
        if str(path.relative_to(etc)) not in wanted:
            path.unlink()
            changed.append(str(path.relative_to(etc)))
    for name, text in wanted.items():
        path = etc / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            changed.append(name)
    return changed
