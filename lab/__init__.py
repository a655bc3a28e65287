"""The practice lab: a real Asterisk as PBX, a second one as the carrier, on loopback.

lab = up()                  # var/lab of the repository, or VOLLEY_LAB_DIR
... dial number("21") through AMI on 127.0.0.1:lab.ports.ami ...
for call in carrier_calls(): ...
down()
"""

from __future__ import annotations

from lab.behaviours import Behaviour, behaviour_table
from lab.calls import CarrierCall
from lab.errors import LabError
from lab.numbers import behaviour_of, number
from lab.places import Ports
from lab.practice import Lab, carrier_calls, console, down, prepare, record, remove, reset, status, up

__all__ = [
    "Behaviour",
    "CarrierCall",
    "Lab",
    "LabError",
    "Ports",
    "behaviour_of",
    "behaviour_table",
    "carrier_calls",
    "console",
    "down",
    "number",
    "prepare",
    "record",
    "remove",
    "reset",
    "status",
    "up",
]
