"""When a callback that somebody asks for can be made."""

from __future__ import annotations

import sqlite3
from dataclasses import replace

from engine.rules.gate import CampaignRules, Verdict, place_and_rules
from engine.rules.gate import promise as opening
from engine.store.due import contact


def promise(
    connection: sqlite3.Connection, contact_id: int, rules: CampaignRules, at: float, now: float
) -> float | None:
    """When a callback that is asked for `at` can be made, by all hours that hold for the contact; None when it cannot."""
    row = contact(connection, contact_id)
    if row is None:
        return None
    candidate = replace(row.candidate(False), callback=True)
    found = place_and_rules(rules, candidate, now)
    return None if isinstance(found, Verdict) else opening(rules, candidate, *found, at)
