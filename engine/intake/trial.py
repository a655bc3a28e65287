"""Who is called for a test: one row, read as a row of a contact file is, with the consent that the request or the settings tell.

Refuses whoever has neither agreed by the settings' [[test_number]] nor comes with a consent that could be shown.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from engine.campaign import Campaign
from engine.config import Settings
from engine.contacts import Consent, Contact
from engine.errors import InputError, Problem
from engine.intake.columns import Mapping
from engine.intake.headings import field_name
from engine.intake.lawful import Law, LawReader
from engine.intake.rows import RawRow, RowReader
from engine.intake.steering_requests import CallRequest

PROOF = ("consent", "consent_at", "consent_source", "consent_purpose", "consent_reference")
ROLES = ("timezone", "language", "state", "postal_code", *PROOF)


def trial_contact(
    request: CallRequest,
    campaign: Campaign,
    settings: Settings,
    message: float | None,
    now: float,
    lasts: float,
) -> Contact:
    """The person to call, until `lasts` seconds from `now`. Raises InputError with every problem."""
    given = {role: value for role in ROLES if (value := getattr(request, role).strip())}
    names = {field_name(name, at): value for at, (name, value) in enumerate(request.fields.items(), 1)}
    headings = ("phone_number", *given, *names)
    mapping = Mapping(
        (0,),
        {role: at for at, role in enumerate(given, 1)},
        tuple((name, at) for at, name in enumerate(names, 1 + len(given))),
        headings,
    )
    reader = RowReader(
        mapping,
        request.region or campaign.region or settings.defaults.region,
        campaign.language,
        frozenset(campaign.fields),
        campaign.spoken_fields(),
        campaign.needed_fields(),
    )
    contact, reject = reader.read(RawRow(1, [request.number, *given.values(), *names.values()]))
    if contact is None:
        assert reject is not None
        raise InputError([Problem("the call", reject.reason)])
    consent = _consent(contact, request, campaign, settings)
    expires = datetime.fromtimestamp(now, UTC) + timedelta(seconds=lasts)
    contact = replace(contact, consent=consent, expires=expires)
    problem = LawReader(Law.of(campaign, settings, message, now)).problem(contact)
    if problem is not None:
        raise InputError([Problem("the call", f"it would not be allowed ({problem[0]}): {problem[1]}")])
    return contact


def _consent(contact: Contact, request: CallRequest, campaign: Campaign, settings: Settings) -> Consent:
    """What the person has agreed to."""
    missing = [name for name in PROOF if not getattr(request, name).strip()]
    if contact.consent is not None and not missing:
        return contact.consent
    if len(missing) < len(PROOF):
        told = ", ".join(missing) or "a consent that is one"
        raise InputError([Problem("consent", f"{told} is missing", "a consent is told whole, or not at all")])
    e164 = contact.numbers[0].e164
    ours = next((one for one in settings.test_number if one.number == e164), None)
    if ours is None:
        what = f"{e164} is none of the settings' [[test_number]], and no consent is told"
        raise InputError(
            [Problem("number", what, "list it there with its owner, or give --consent and what proves it")]
        )
    return Consent(
        purpose=campaign.purpose,
        at=datetime(ours.agreed.year, ours.agreed.month, ours.agreed.day, tzinfo=UTC),
        source="[[test_number]] in the settings",
        reference=f"{ours.owner}, {ours.agreed.isoformat()}",
        text="written" if ours.signed else "express",
    )
