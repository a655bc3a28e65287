"""People by chance, as the rows of a contact file tell them: numbers of several countries, and columns of all kinds."""

from __future__ import annotations

import random
from datetime import UTC, datetime

DAY = 86400.0


def a_number(dice: random.Random) -> str:
    """A number of one of several countries; few of each, so that they come again."""
    few = dice.randrange(20)
    return dice.choice(
        (
            f"+3361234{few:02d}78", f"+3314567{few:02d}01", f"+3338812{few:02d}56",
            f"+1212736{few:04d}", f"+1415736{few:04d}", f"+1305736{few:04d}", f"+1512736{few:04d}", f"+1205736{few:04d}",
            f"+1850736{few:04d}", f"+1416736{few:04d}", f"+1306736{few:04d}",
            f"+44207123{few:04d}", f"+91981234{few:04d}", f"+331990010{few:02d}",
            "+33899123456", f"+55119876543{few:02d}", f"+4930123{few:04d}",
        )
    )  # fmt: skip


def a_row(dice: random.Random, number: str, now: float, row: int) -> dict[str, str]:
    """Somebody to call, mostly with a consent that can be shown."""

    def seldom(one_in: int) -> bool:
        return dice.random() < 1 / one_in

    def instant(span: float) -> str:
        return datetime.fromtimestamp(now + dice.uniform(-1, 1) * span, UTC).isoformat(timespec="seconds")

    found = {"phone_number": number, "external_id": f"p{row}" if seldom(2) else ""}
    if seldom(12):
        found["mobile"] = a_number(dice)
    if seldom(16):
        found["timezone"] = dice.choice(("Europe/Paris", "America/Denver", "Asia/Kathmandu", "Mars/Phobos"))
    if seldom(12):
        found["state"] = dice.choice(("FL", "TX", "AL", "California", "Ruritania"))
    if number.startswith("+33") and seldom(3):
        found["postal_code"] = dice.choice(("75011", "67000", "97400"))
    if not seldom(12):
        found |= {
            "consent": dice.choice(("written", "written", "written", "yes")) if not seldom(20) else "no",
            "consent_at": instant(30 * DAY) if seldom(12) else "2026-06-01T10:00:00+00:00",
            "consent_source": "" if seldom(20) else "web form",
            "consent_purpose": "marketing" if seldom(6) else "marketing, survey, political, informational, transactional",
            "consent_reference": "" if seldom(20) else f"crm/{row}",
        }  # fmt: skip
    if seldom(6):
        found |= {
            "call_from": dice.choice(("09:00", "18:00", "")),
            "call_to": dice.choice(("11:30", "21:00")),
        }
    if seldom(8):
        found["not_before"] = instant(2 * DAY)
    if seldom(8):
        found["expires"] = instant(3 * DAY)
    return found
