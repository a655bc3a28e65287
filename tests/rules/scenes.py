"""Random scenes for the gate, and the same scene in the engine's own words.

Most of a scene is as it should be, and each thing is wrong now and then, so that verdicts of every kind are asked for.
Instants lie in two years from 24 November 2026; many lie on the second at which something begins or ends.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from engine.rules.book import standard_book
from engine.rules.caller_ids import CallerId, CallerIds
from engine.rules.gate import CampaignRules, Candidate, Listing, Used
from engine.rules.hours import Hours, Window
from engine.rules.transfers import Transfer
from tests.rules.book.test_oracle import french_holidays
from tests.rules.holidays import alabaman_holidays
from tests.rules.oracle import DAY, HOUR, MOST_ATTEMPTS, MOST_CALLBACKS, OLDEST_PROOF
from tests.rules.scene import COUNTRIES, Agreed, Opening, Person, Scene, Shown

START = datetime(2026, 11, 24, tzinfo=UTC)
DAYS = 730
EAST, CENTRAL, MOUNTAIN, WEST = (
    "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles",
)  # fmt: skip
PARIS, MADRID, CANARIES = "Europe/Paris", "Europe/Madrid", "Atlantic/Canary"
PEOPLE = (
    Person("+33612345678", "FR", "mobile", PARIS, (PARIS,)),
    Person("+33145678901", "FR", "landline", PARIS, (PARIS,), lives_in="75", postal_code="75011"),
    Person("+33388123456", "FR", "landline", PARIS, (PARIS,), lives_in="67", postal_code="67000"),
    Person("+12125551234", "US", "either", EAST, (EAST,), lives_in="NY"),
    Person("+12125551234", "US", "landline", EAST, (EAST,), state="NY", lives_in="NY"),
    Person("+14155551234", "US", "mobile", WEST, (WEST,), state="CA", lives_in="CA"),
    Person("+13055551234", "US", "either", EAST, (EAST,), lives_in="FL"),
    Person("+18505551234", "US", "either", CENTRAL, (EAST, CENTRAL), state="FL", lives_in="FL"),
    Person("+12125551235", "US", "either", EAST, (EAST,), state="Florida", lives_in="FL"),  # moved there
    Person("+15125551234", "US", "either", CENTRAL, (CENTRAL,), lives_in="TX"),
    Person("+19155551234", "US", "landline", MOUNTAIN, (MOUNTAIN,), state="TX", lives_in="TX"),
    Person("+12055551234", "US", "either", CENTRAL, (CENTRAL,), lives_in="AL"),
    Person("+12515551234", "US", "mobile", CENTRAL, (CENTRAL,), state="US-AL", lives_in="AL"),
    Person("+14055551234", "US", "either", CENTRAL, (CENTRAL,), lives_in="OK"),
    Person("+14055551234", "US", "landline", CENTRAL, (CENTRAL,), state="OK", lives_in="OK"),
    Person("+14105551234", "US", "either", EAST, (EAST,), lives_in="MD"),
    Person("+18605551234", "US", "mobile", EAST, (EAST,), state="CT", lives_in="CT"),
    Person("+12065551234", "US", "either", WEST, (WEST,), lives_in="WA"),
    Person("+12065551234", "US", "landline", WEST, (WEST,), state="Washington", lives_in="WA"),
    Person("+16015551234", "US", "either", CENTRAL, (CENTRAL,), lives_in="MS"),
    Person("+442071234567", "GB", "landline", "Europe/London", ("Europe/London",)),
    Person("+14165551234", "CA", "either", "America/Toronto", ("America/Toronto",), lives_in="ON"),
    Person("+13065551234", "CA", "either", "America/Regina", ("America/Regina",), lives_in="SK"),
    Person("+919812345678", "IN", "mobile", "Asia/Kolkata", ("Asia/Calcutta",)),
    Person("+4930123456", "DE", "landline", "Europe/Berlin", ("Europe/Berlin",)),
    Person("+4915123456789", "DE", "mobile", "Europe/Berlin", ("Europe/Berlin",)),
    Person("+34612345678", "ES", "mobile", MADRID, (CANARIES, MADRID)),
    Person("+34922123456", "ES", "landline", CANARIES, (CANARIES,), lives_in="CN", postal_code="38001"),
    Person("+34912345678", "ES", "landline", MADRID, (MADRID,), lives_in="MD", postal_code="28013"),
    Person("+393471234567", "IT", "mobile", "Europe/Rome", ("Europe/Rome",)),
    Person("+353871234567", "IE", "mobile", "Europe/Dublin", ("Europe/London",)),
    Person("+32470123456", "BE", "mobile", "Europe/Brussels", ("Europe/Brussels",)),
)  # fmt: skip
KINDS = {"mobile": "mobile", "landline": "fixed", "either": "fixed_or_mobile"}
PURPOSES = (
    "marketing",
    "marketing",
    "marketing",
    "marketing",
    "informational",
    "transactional",
    "political",
    "survey",
    "emergency",
)
TOPICS = ("", "", "debt", "health", "finance")
EVERY_DAY = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
OPENINGS: tuple[tuple[Opening, ...], ...] = (
    (Opening(EVERY_DAY[:5], time(9), time(18)),),
    (Opening(EVERY_DAY[:5], time(9), time(12, 30)), Opening(EVERY_DAY[:6], time(14), time(20))),
    (Opening(EVERY_DAY, time(20, 30), time(9, 30)),),
    (Opening(EVERY_DAY, time(0), time(0)),),
    (Opening(("sat", "sun"), time(10), time(0)),),
    (Opening(("sun",), time(22), time(12)), Opening(("wed",), time(8), time(21))),
    (Opening(EVERY_DAY, time(15), time(22), "Europe/Paris"),),
    (Opening(EVERY_DAY[:6], time(19, 30), time(4, 30), "Asia/Kathmandu"),),
)
OWN_HOURS: tuple[tuple[time | None, time | None], ...] = (
    (time(9), time(17)), (time(18), time(21, 30)), (time(20), time(11)), (time(12), None), (None, time(13, 30)), (time(20, 30), time(0)),
)  # fmt: skip
OURS = ("+33162000001", "+33948000001", "+339475000001", "+33612000001", "+33145000001", "+12125550199", "+14165550199",
        "+442079460001", "+911401234567", "+911600123456", "+34400123456", "+34612000001", "+34912000001")  # fmt: skip
EDGES = tuple(
    time(hour, minute) for hour in (0, 8, 9, 10, 12, 13, 14, 18, 19, 20, 21, 22) for minute in (0, 30)
)
LISTS = ("litigators", "own", "us-dnc", "gb-tps", "ca-dncl", "it-rpo", "ie-ndd", "be-dncm")
BOOK = standard_book()


def scene(dice: random.Random) -> Scene:
    """A scene by chance."""
    person = dice.choice(PEOPLE)
    now = _instant(dice, person)
    purpose, topic = dice.choice(PURPOSES), dice.choice(TOPICS)
    if topic == "health" and dice.random() < 0.5:
        purpose = "informational"

    calm = dice.random() < 0.6
    """Of most scenes nothing but the law of the place decides."""

    def often(one_in: int) -> bool:
        return dice.random() < 1 / one_in

    def seldom(one_in: int) -> bool:
        return not calm and often(one_in)

    def before(*lengths: float) -> float:
        """An instant in the past: now and then on the very second on which one of `lengths` is over."""
        if often(4):
            return now - dice.choice(lengths) + dice.choice((-1.0, 0.0, 1.0))
        return now - dice.random() * 1.6 * dice.choice(lengths)

    def around(*lengths: float) -> float:
        """An instant to come or past, now and then this very second."""
        return (
            now + dice.choice((-1.0, 0.0, 1.0))
            if often(2)
            else now + dice.uniform(-1, 1) * dice.choice(lengths)
        )

    lately = dice.choice((DAY, 7 * DAY, 7 * DAY, 30 * DAY))
    calls = [before(lately) for _ in range(_few(dice, 12))]
    if topic == "health" and dice.random() < 0.3:  # its own caps are of a day and of a week
        calls = [now - dice.uniform(0.9, 7.1) * DAY for _ in range(dice.randrange(1, 5))]
    calls.sort(reverse=True)
    return Scene(
        now=now, person=person, purpose=purpose, topic=topic,
        consent=_consent(dice, now, purpose),
        calls=tuple(calls),
        same_matter=tuple(at for at in calls if dice.random() < 0.7),
        refused=before(60 * DAY) if often(8) else None,
        abandoned=before(72 * HOUR) if often(8) else None,
        machine=before(DAY, HOUR) if often(8) else None,
        talked=before(7 * DAY) if often(8) else None,
        shown=_ours(dice, person, now),
        trunk=dice.choice("ab"),
        on_lists=frozenset(name for name in LISTS if seldom(30)),
        copies=dice.choice((7, 15, 28, 31)) * DAY + dice.choice((0.0, 1.0)) if often(6) else DAY,
        names_list=seldom(3), lists_broken=seldom(80), suppressed=seldom(50), premium=seldom(80), running=not seldom(80),
        start=around(DAY) if seldom(30) else 0.0,
        end=around(3 * DAY) if seldom(20) else None,
        not_before=around(3 * DAY) if seldom(15) else None,
        expires=around(HOUR, 3 * DAY) if seldom(15) else None,
        own_hours=dice.choice(OWN_HOURS) if seldom(8) else None,
        openings=dice.choice(OPENINGS) if seldom(3) else (),
        promised=seldom(6),
        promises_kept=dice.choice((0, 0, 1, MOST_CALLBACKS)) if seldom(4) else 0,
        attempts=dice.choice((0, 0, 1, 2, MOST_ATTEMPTS)) if seldom(5) else 0,
        min_gap=60.0,
        last_attempt=before(60.0) if seldom(12) else None,
        line_in_use=seldom(60),
        ring=dice.choice((14.9, 15.0, 30.0)) if seldom(15) else 25.0,
        message=dice.choice((None, 29.9, 30.0, 45.0)) if often(8) else 20.0,
        approved_until=now + dice.choice((0.0, 1.0, DAY)) if dice.random() < 0.7 else None,
        answered=dice.choice((0, 30, 200, 1000)),
        silent=_few(dice, 30) if often(4) else 0,
        colleague=dice.choice(("there", "there", "left")) if seldom(15) else "",
        calls_today=dice.randrange(12), calls_a_day=10 if seldom(20) else None,
        cents=(100, dice.choice((0, 40, 70, 99)), dice.choice((0, 10, 30)), dice.choice((0, 1, 30))) if seldom(10) else None,
        allowed_countries=frozenset({"US", "GB"}) if seldom(60) else COUNTRIES,
    )  # fmt: skip


def _few(dice: random.Random, most: int) -> int:
    return int(most * dice.random() ** 3)


def _instant(dice: random.Random, person: Person) -> float:
    """Any second; half the time one at or beside an hour at which a law or a day begins, on somebody's clock."""
    if dice.random() < 0.5:
        return START.timestamp() + dice.randrange(DAYS * 86400)
    day = _day(dice, person)
    local = datetime.combine(
        day, dice.choice(EDGES), tzinfo=ZoneInfo(dice.choice((person.home, *person.zones)))
    )
    return local.timestamp() + dice.choice((-1.0, 0.0, 1.0))


def _day(dice: random.Random, person: Person) -> date:
    """Any day; of people whose state keeps holidays, one time in three one of these, or the day beside it."""
    day = START.date() + timedelta(days=dice.randrange(DAYS))
    if dice.random() < 2 / 3 or not (person.region == "FR" or person.lives_in == "AL"):
        return day
    kept = french_holidays(day.year, True) if person.region == "FR" else alabaman_holidays(day.year)
    return max(START.date(), dice.choice(sorted(kept)) + timedelta(days=dice.choice((-1, 0, 0, 0, 1))))


def _consent(dice: random.Random, now: float, purpose: str) -> Agreed | None:
    if dice.random() < (0.15 if purpose in ("marketing", "political") else 0.5):
        return None
    wrong = dice.randrange(40)
    return Agreed(
        how="express" if wrong < 6 else "written",
        at=None if wrong == 6 else now + dice.choice((0.0, 1.0)) if wrong == 7 else now - dice.randrange(1, 900) * DAY,
        purposes=() if wrong == 8 else ("something else",) if wrong == 9 else (purpose, "advice"),
        source="" if wrong == 10 else "web form",
        reference="" if wrong == 11 else "crm/4711",
    )  # fmt: skip


def _ours(dice: random.Random, person: Person, now: float) -> tuple[Shown, ...]:
    today = datetime.fromtimestamp(now, UTC).date()
    likely = {"FR": "+33162000001", "IN": "+911401234567", "ES": "+34400123456"}.get(
        person.region, "+12125550199"
    )
    numbers = dict.fromkeys([likely] * (dice.random() < 0.9) + dice.sample(OURS, _few(dice, 4)))
    return tuple(
        Shown(
            number,
            today - timedelta(days=dice.choice((-1, 0, OLDEST_PROOF, OLDEST_PROOF + 1)) if dice.random() < 0.15 else 90),
            dice.choice((("FR",), ("US", "CA"), ("+1212", "GB"))) if dice.random() < 0.1 else (),
            dice.choice("ab") if dice.random() < 0.1 else "",
        )
        for number in numbers
    )  # fmt: skip


# -- in the engine's words ---------------------------------------------------------------------------------------------


def campaign(one: Scene) -> CampaignRules:
    return CampaignRules(
        running=one.running, start=one.start, end=one.end, hours=_hours(one.openings), max_attempts=MOST_ATTEMPTS, min_gap=one.min_gap,
        max_callbacks=MOST_CALLBACKS,
        caller_ids=CallerIds([
            CallerId(own.number, own.proven, own.areas, frozenset(own.trunk)) for own in one.shown
        ]),
        proof_days=OLDEST_PROOF, purpose=_word(one.purpose), topics=frozenset([_word(one.topic)] if one.topic else []),
        book=BOOK, countries=one.allowed_countries, ring=one.ring, message=one.message,
        lists=("own",) if one.names_list else (), approved_until=one.approved_until,
        transfers=(_colleague(one.now),) if one.colleague else (),
        calls_a_day=one.calls_a_day, cost_a_day=None if one.cents is None else one.cents[0] / 100,
        most_per_call={} if one.cents is None else {one.trunk: one.cents[3] / 100},
    )  # fmt: skip


def _colleague(now: float) -> Transfer:
    proven = datetime.fromtimestamp(now, UTC).date() - timedelta(days=90)
    return Transfer(
        "desk", "+33145678901", "FR", "fixed", (PARIS,), "a", CallerIds([CallerId(OURS[0], proven)])
    )


@cache
def _hours(openings: tuple[Opening, ...]) -> Hours:
    return Hours(
        [
            Window.model_validate(
                {"days": list(one.days), "from": one.start, "to": one.end, "timezone": one.place}
            )
            for one in openings
        ]
    )


def _word(text: str) -> Any:
    return text


def candidate(one: Scene) -> Candidate:
    person, consent = one.person, one.consent
    told = None
    if consent is not None:
        told = json.dumps(
            {
                "text": consent.how,
                "at": consent.at,
                "purpose": ", ".join(consent.purposes),
                "source": consent.source,
                "reference": consent.reference,
            }
        )
    return Candidate(
        e164=person.number, region=person.region, kind="premium" if one.premium else KINDS[person.line], zones=person.zones,
        suppressed=one.suppressed, line_in_use=one.line_in_use, attempts=one.attempts, callback=one.promised, callbacks=one.promises_kept,
        last_attempt_at=one.last_attempt, subdivision=person.state, postal_code=person.postal_code, consent=told,
        call_from=one.own_hours[0] if one.own_hours else None, call_to=one.own_hours[1] if one.own_hours else None,
        not_before=one.not_before, expires=one.expires,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class History:
    """The scene's past, as the gate asks for it."""

    scene: Scene

    def attempts(self, scope: str, most: int, since: float) -> Sequence[float]:
        calls = {"all": self.scene.calls, "owner": self.scene.same_matter, "campaign": self.scene.same_matter}
        return [at for at in calls[scope] if at > since][:most]

    def last(self, after: str) -> float | None:
        one = self.scene
        events = {
            "refusal": one.refused,
            "abandoned": one.abandoned,
            "machine": one.machine,
            "conversation": one.talked,
        }
        return events[after]

    def lists(self, names: Sequence[str]) -> Listing:
        if self.scene.lists_broken:
            return Listing(unusable="damaged")
        hits = self.scene.on_lists & {"litigators", *names}
        return Listing(
            on=min(hits, default=""), copies=dict.fromkeys(names, self.scene.now - self.scene.copies)
        )

    def abandoned(self) -> tuple[int, int]:
        return self.scene.answered, self.scene.silent

    def suppressed(self, e164: str) -> bool:
        return self.scene.colleague == "left"

    def today(self) -> Used:
        cents = self.scene.cents or (0, 0, 0, 0)
        return Used(self.scene.calls_today, cents[1] / 100, cents[2] / 100)
