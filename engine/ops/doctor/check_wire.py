"""The check of what trunks show on the wire, made when it is asked for. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from engine.ops.doctor.facts import Finding, Identity, Pbx, Wire, error, note, unknown, warning

HIDDEN = ("anonymous", "unknown", "restricted", "unavailable", "")
"""Users of a From that names nobody."""
HOW = "from_user, from_domain, callerid of the endpoint; then: asterisk -rx 'module reload res_pjsip.so'"
ASSERT = "send_pai=yes and trust_id_outbound=yes at the endpoint, if the carrier takes the number from there"


def caller_id(pbx: Pbx) -> Iterable[Finding]:
    """The number of ours is what each trunk sends, in From or P-Asserted-Identity."""
    for name, wire in (pbx.wires or {}).items():
        where = f"trunk.{name}"
        if wire.sender is None:
            yield unknown(
                f"what it shows: {wire.trouble}",
                "call a telephone of your own by it (volley submit), and look at what it shows;"
                " or: asterisk -rx 'pjsip set logger on' during a call",
                where,
            )
        else:
            yield from _judge(where, wire, wire.sender)


def _judge(where: str, wire: Wire, sender: Identity) -> Iterable[Finding]:
    asserted = [one.user for one in wire.asserted]
    sent = _sent(wire, sender)
    in_from = _same(sender.user, wire.number)
    in_asserted = any(_same(user, wire.number) for user in asserted)
    hides = {word.strip().lower() for word in wire.privacy.replace(",", ";").split(";")} & {
        "id",
        "user",
        "header",
    }
    if hides or (sender.user.lower() in HIDDEN and not in_asserted):
        yield error(
            f"the number is withheld from callees: {sent}",
            f"look for what hides it: callerid_privacy and set_var of the endpoint; {HOW}",
            where,
        )
    elif in_from and in_asserted:
        yield note(f"it sends {sent}", "", where)
    elif in_from and asserted:
        yield warning(f"the two say different numbers: {sent}", ASSERT, where)
    elif in_from:
        yield note(f"it sends {sent}; no P-Asserted-Identity", ASSERT, where)
    elif in_asserted:
        yield note(
            f"From is not {wire.number}, P-Asserted-Identity is: {sent}",
            f"ask the carrier which of them callees see; if it is From: {HOW}",
            where,
        )
    else:
        yield error(f"callees do not see {wire.number}: {sent}", HOW, where)


def _same(user: str, number: str) -> bool:
    return user.removeprefix("+") == number.removeprefix("+")


def _sent(wire: Wire, sender: Identity) -> str:
    parts = [f"From {sender}", *(f"P-Asserted-Identity {one}" for one in wire.asserted)]
    return ", ".join([*parts, f"Privacy {wire.privacy}"] if wire.privacy else parts)
