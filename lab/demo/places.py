"""Where the demonstration keeps its things, and the engine's settings: a lab and ports of its own, apart
from any other."""

from __future__ import annotations

from pathlib import Path

from lab import Lab, Ports
from lab.places import REPOSITORY

HOME = REPOSITORY / "var" / "demo"
LAB = HOME / "lab"
RUN = HOME / "run"
"""Everything of one run; made anew for each."""
STATE, QUEUE, JOBS = RUN / "state", RUN / "queue", RUN / "jobs"
LOG, ENGINE_OUTPUT, ENGINE_PID = RUN / "volley.log", RUN / "engine.out", HOME / "engine.pid"
SETTINGS = RUN / "volley.toml"
LOCK = HOME / "lock"

PORTS = Ports(sip=25560, ami=25538, rtp=10000)
CALLER_ID = "+33162000001"

_TEMPLATE = """\
# Written by the demonstration: the engine's settings for its own practice lab.
[engine]
state = "{state}"
queue = "{queue}"

[limits]
max_channels = 100
cps = 12
post_dial_delay = "3s"      # a carrier on the same machine rings at once or never

[log]
file = "{log}"

[pbx.lab]
host = "{lab.pbx_address}"
port = {lab.ports.ami}
username = "volley"
secret_file = "{lab.secret_file}"
sounds_dir = "{lab.sounds_dir}"
sounds_path = "{lab.sounds_path}"

[trunk.carrier]
pbx = "lab"
dial = "PJSIP/{{number}}@carrier"
max_channels = 100
cps = 12

[[caller_id]]
number = "{caller_id}"
owner = "Practice lab"
proof = 2026-01-01
"""


def write_settings(lab: Lab) -> Path:
    """volley.toml of this run."""
    SETTINGS.write_text(
        _TEMPLATE.format(state=STATE, queue=QUEUE, log=LOG, lab=lab, caller_id=CALLER_ID), encoding="utf-8"
    )
    return SETTINGS
