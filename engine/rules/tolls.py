"""Numbers that are never dialed, whatever a campaign says: toll-fraud classes.

Somebody earns by each call to them, or nobody lives there. Knows kinds of numbers and country codes without a country.
Refuses to know which countries may be called: that is the rule book's, since a country without rules is not dialed.
Pure.
"""

from __future__ import annotations

from engine.rules.numbers import Kind

KINDS: dict[Kind, str] = {
    "premium": "a premium-rate number: each call to it earns its owner money",
    "shared_cost": "a shared-cost number: the caller pays more than for an ordinary call",
    "personal": "a personal number, which is charged like a premium-rate one in many countries",
    "pager": "a pager, which cannot hear a message",
    "voicemail": "the access number of a voice mailbox: nobody answers it",
    "toll_free": "a toll-free number: its owner, a business, pays for the call (47 CFR 64.1200(a)(1)(iii))",
}
"""Kinds that are never dialed. libphonenumber's words; UAN (a company's single number) and VoIP are ordinary numbers."""

CODES: dict[str, str] = {
    "800": "international freephone (UIFN)",
    "808": "international shared cost (ISCN)",
    "870": "Inmarsat satellite",
    "871": "Inmarsat satellite (withdrawn)",
    "872": "Inmarsat satellite (withdrawn)",
    "873": "Inmarsat satellite (withdrawn)",
    "874": "Inmarsat satellite (withdrawn)",
    "875": "reserved for maritime mobile",
    "876": "reserved for maritime mobile",
    "877": "reserved for maritime mobile",
    "878": "universal personal telecommunications",
    "879": "reserved for national non-commercial purposes",
    "881": "satellite (GMSS)",
    "882": "international networks, satellite among them",
    "883": "international networks",
    "884": "not assigned",
    "885": "not assigned",
    "887": "not assigned",
    "888": "humanitarian relief (withdrawn)",
    "889": "not assigned",
    "979": "international premium rate (IPRS)",
}
"""ITU-T E.164 country codes that no country has (List of E.164 assigned country codes, Annex to the ITU Operational Bulletin);
880 is Bangladesh and 886 Taiwan."""


def toll_problem(e164: str, region: str, kind: str) -> str | None:
    """Why the number must not be dialed, and what to do; None when its class is ordinary.

    `region` and `kind` are intake's finding (`engine.rules.numbers`); a kind or region that is not known blocks.
    """
    if not e164.startswith("+"):
        return f"{e164!r} is not an E.164 number; write it with + and the country code"
    code = CODES.get(e164[1:4])
    if code is not None:
        return f"+{e164[1:4]} is {code}, a code of no country; it is never dialed: give another number"
    if not region or region == "001":
        return f"{e164} belongs to no country that is known; it is never dialed: give another number"
    for known, why in KINDS.items():
        if kind == known:
            return f"{e164} is {why}; it is never dialed: give another number"
    if kind not in _ORDINARY:
        return f"what kind of number {e164} is, is not known; it is not dialed: give another number"
    return None


_ORDINARY: frozenset[str] = frozenset(("mobile", "fixed", "fixed_or_mobile", "voip", "uan"))
