"""volley.toml of a lab: the engine's settings for the practice PBX and carrier."""

from __future__ import annotations

from datetime import UTC, datetime

from lab.places import PBX_ADDRESS, Places, Ports

_TEMPLATE = """\
# Written by `lab up`: the engine's settings for this practice lab.
[engine]
state = "{engine}/state"
queue = "{engine}/queue"

[limits]
max_channels = 500
cps = 50

[log]
file = "{engine}/volley.log"

[pbx.lab]
host = "{address}"
port = {ports.ami}
username = "volley"
secret_file = "{places.secret}"
sounds_dir = "{places.prompts}"
sounds_path = "{places.prompts}"
recordings_dir = "{places.recordings}"

[trunk.carrier]
pbx = "lab"
dial = "PJSIP/{{number}}@carrier"
number_format = "+E.164"
codecs = ["alaw", "ulaw"]
max_channels = 500
cps = 50

[[caller_id]]
number = "+33162000001"
owner = "Practice lab"
proof = {today}
language = "fr"
prompt = "practice-lab"

# Somebody at the carrier, a queue of the PBX with one agent, and a telephone that nobody answers.
[transfer.desk]
number = "+33199005001"
trunk = "carrier"
caller_id = "+33162000001"
places = 20
ring = "15s"

[transfer.support]
queue = "support"
places = 20
max_waiting = 1
ring = "15s"

[transfer.nobody]
dial = "Local/nobody@lab-agents"
places = 20
ring = "5s"

[dialplan]
contexts = ["lab-own"]
"""


def text(places: Places, ports: Ports) -> str:
    """The whole file."""
    return _TEMPLATE.format(
        engine=places.dir / "engine",
        address=PBX_ADDRESS,
        ports=ports,
        places=places,
        today=datetime.now(UTC).date(),
    )


def write(places: Places, ports: Ports) -> None:
    """Write the file, if it differs."""
    wanted = text(places, ports)
    if not places.settings.exists() or places.settings.read_text(encoding="utf-8") != wanted:
        places.settings.write_text(wanted, encoding="utf-8")
