"""`python -m lab.demo`, `make demo`: the whole of Volley on a bare machine, in a minute.

Starts a practice lab of its own, hands in two campaigns (English and French) with people of every behaviour
that the carrier knows, shows how they go, and holds what was expected against what the engine's books and
the carrier's own count say. Ends by itself; leaves nothing running.

    places.py     where the demonstration keeps its things, and the engine's settings
    people.py     who is called: the contact lists, as offices write them
    campaigns.py  the two jobs
    expected.py   what should come out, from the behaviours and the retry settings
    seen.py       what came out, from the books and from the carrier
    report.py     the two held against each other
    run.py        the order of it all
"""

from __future__ import annotations


def main() -> int:
    """Run it. Exit code 0: nothing differs; 1: something does, or failed."""
    from lab.demo.run import demonstrate

    return demonstrate()
