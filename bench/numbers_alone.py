"""`python -m bench.numbers_alone FILE`: what phonenumbers itself takes for a file of numbers, one a line, on one core.

The four questions that intake asks of each: parse, is it valid, of what kind, in which zones. Prints the seconds of
processor time and of time as JSON. Our own answers are not in it: this is the floor that intake is measured against.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import phonenumbers
from phonenumbers import timezone


def main() -> int:
    """Ask and print."""
    lines = Path(sys.argv[1]).read_text(encoding="ascii").split()
    phonenumbers.is_valid_number(
        phonenumbers.parse("+33612345678", None)
    )  # what is loaded once is not counted
    timezone.time_zones_for_number(phonenumbers.parse("+12125550100", None))
    cpu, wall = time.process_time(), time.perf_counter()
    valid = 0
    for line in lines:
        number = phonenumbers.parse(line, None)
        valid += phonenumbers.is_valid_number(number)
        phonenumbers.number_type(number)
        timezone.time_zones_for_number(number)
    print(json.dumps({"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall, "valid": valid}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
