"""What the law says of one call, written by hand and another way than the rule book: as sentences, on the wall clock and the calendar.

Knows ten countries and a few states of one, from the texts of their laws. Imports nothing of the engine: no rule data, no
spans, no windows, no composition. It answers yes or no, and by which sentence; when a call may be made again, it does not know.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from tests.rules.book.test_oracle import (
    alsatian,
    american,
    canadian,
    clock,
    french,
    german,
    german_day,
    house,
    indian,
    irish,
    italian,
    nine_to_nine,
    oklahoman,
    spanish,
    sunday,
    texan,
    until_eight,
)
from tests.rules.holidays import alabama_rests
from tests.rules.scene import Opening, Scene, Shown

HOUR, DAY = 3600.0, 86400.0
SELLS, SPEAKS = "marketing", ("informational", "transactional", "political", "survey")
FRENCH_AUTOMATS = (
    "+33162", "+33163", "+33270", "+33271", "+33377", "+33378", "+33424", "+33425", "+33568", "+33569", "+33948", "+33949",
    "+339475", "+339476", "+339477", "+339478", "+339479",
)  # fmt: skip
"""ARCEP, décision 2022-1583: ranges for automated systems."""


MOST_ATTEMPTS = 3
MOST_CALLBACKS = 2
OLDEST_PROOF = 400


def forbids(scene: Scene, zones: tuple[str, ...] = (), states: tuple[str, ...] = ()) -> str:
    """The first sentence that forbids this call; empty when none does. `zones`, `states`: the clocks and laws to obey; where
    nothing is given, those of the place where the person truly is."""
    walls = [datetime.fromtimestamp(scene.now, ZoneInfo(name)) for name in zones or (scene.person.home,)]
    laws = states or (scene.person.lives_in,)
    for sentence in (*_anywhere(scene, walls), *_there(scene, walls, laws)):
        if sentence:
            return sentence
    return ""


def slow(scene: Scene) -> bool:
    """Has the campaign to slow down for its abandoned calls?"""
    share = _share(scene)
    match scene.person.region:
        case "US":
            return scene.purpose == SELLS and share >= 2
        case "CA":
            return scene.purpose == SELLS and share >= 4
        case "GB":
            return scene.purpose != "emergency" and scene.silent > 0
    return False


def _share(scene: Scene) -> float:
    return 100 * scene.silent / max(scene.answered, scene.silent, 100)


def _anywhere(scene: Scene, walls: list[datetime]) -> Iterator[str]:
    """What no campaign may do anywhere, by its own settings and by what Volley promises."""
    now = scene.now
    yield "they said never again" if scene.suppressed else ""
    yield "the campaign is over" if scene.end is not None and scene.end <= now else ""
    yield "it is of no use any more" if scene.expires is not None and scene.expires <= now else ""
    yield "paused" if not scene.running else ""
    yield "a premium number" if scene.premium else ""
    yield "not a country that we call" if scene.person.region not in scene.allowed_countries else ""
    if scene.colleague:
        yield "the colleague said never again" if scene.colleague == "left" else ""
        yield "the colleague's country" if "FR" not in scene.allowed_countries else ""
    yield "the lists cannot be read" if scene.lists_broken else ""
    yield "a litigator" if "litigators" in scene.on_lists else ""
    yield "on the campaign's list" if scene.names_list and "own" in scene.on_lists else ""
    if scene.promised:
        yield "asked for too often" if scene.promises_kept >= MOST_CALLBACKS else ""
    else:
        yield "too many attempts" if scene.attempts >= MOST_ATTEMPTS else ""
        last = scene.last_attempt
        yield "just called" if last is not None and now - last < scene.min_gap else ""
    yield (
        "enough calls for today"
        if scene.calls_a_day is not None and scene.calls_today >= scene.calls_a_day
        else ""
    )
    if scene.cents is not None:
        cap, *costs = scene.cents
        yield "too dear for today" if sum(costs) > cap else ""
    yield "not begun" if now < scene.start else ""
    yield "not yet" if scene.not_before is not None and now < scene.not_before else ""
    yield "in a call" if scene.line_in_use else ""
    yield "hangs up too soon" if scene.ring < 15 else ""
    if scene.own_hours is not None:
        begin, end = scene.own_hours
        for wall in walls:
            yield "not when they want to be called" if not _wanted(begin, end, clock(wall)) else ""
    if scene.openings:
        for wall in walls:
            inside = any(_is_in(one, wall, now) for one in scene.openings)
            yield "outside the campaign's windows" if not inside else ""
    if scene.purpose == "emergency":
        approved = scene.approved_until is not None and now < scene.approved_until
        yield "nobody approved it" if not approved else ""
    else:
        yield "asleep" if not all(house(wall) for wall in walls) else ""
    yield "no number that may be shown" if not any(_may_show(one, scene) for one in scene.shown) else ""


def _hour(one: time | None, otherwise: float) -> float:
    return otherwise if one is None else one.hour + one.minute / 60 + one.second / 3600


def _wanted(begin: time | None, end: time | None, now: float) -> bool:
    """Who names one end only wants to be called from then on, or until then, on each day."""
    start, stop = _hour(begin, 0.0), _hour(end, 24.0)
    return start <= now < stop if start < stop else now >= start or now < stop


def _is_in(one: Opening, wall: datetime, now: float) -> bool:
    if one.place != "callee":
        wall = datetime.fromtimestamp(now, ZoneInfo(one.place))
    today, yesterday = (f"{wall - timedelta(days=ago):%a}".lower() for ago in (0, 1))
    start, stop = _hour(one.start, 0.0), _hour(one.end, 24.0)
    if start < stop:
        return today in one.days and start <= clock(wall) < stop
    return (today in one.days and clock(wall) >= start) or (yesterday in one.days and clock(wall) < stop)


def _may_show(one: Shown, scene: Scene) -> bool:
    person = scene.person
    age = (datetime.fromtimestamp(scene.now, ZoneInfo("UTC")).date() - one.proven).days
    if not 0 <= age <= OLDEST_PROOF or one.trunk not in ("", scene.trunk):
        return False
    if one.areas and not any(
        person.number.startswith(area) if area.startswith("+") else area == person.region
        for area in one.areas
    ):
        return False
    if person.region == "FR":
        return any(one.number.startswith(series) for series in FRENCH_AUTOMATS)
    if person.region == "ES" and scene.purpose in (SELLS, "informational", "transactional"):
        mobile = one.number.startswith(("+346", "+347"))
        return not mobile and (scene.purpose != SELLS or one.number.startswith("+34400"))
    if person.region == "IN" and scene.purpose == SELLS:
        return one.number.startswith("+91140")
    if person.region == "IN" and scene.purpose in SPEAKS and scene.topic == "finance":
        return one.number.startswith("+911600")
    return True


def _agreed(scene: Scene, written: bool, proven: bool = True) -> bool:
    """`proven`: purpose and reference must be told as well."""
    consent = scene.consent
    if consent is None or (written and consent.how != "written"):
        return False
    if consent.at is None or consent.at > scene.now or not consent.source:
        return False
    if proven and not (consent.purposes and consent.reference):
        return False
    return not consent.purposes or scene.purpose in consent.purposes


def _recent(calls: tuple[float, ...], now: float, seconds: float) -> int:
    return sum(now - at < seconds for at in calls)


def _there(scene: Scene, walls: list[datetime], states: tuple[str, ...]) -> Iterator[str]:
    """The law of the callee's country."""
    if scene.purpose == "emergency":
        return
    match scene.person.region:
        case "FR":
            yield from _france(scene, walls)
        case "US":
            yield from _america(scene, walls, states)
        case "GB":
            yield from _britain(scene, walls)
        case "CA":
            yield from _canada(scene, walls)
        case "IN":
            yield from _india(scene, walls)
        case "DE":
            yield from _germany(scene, walls)
        case "ES":
            yield from _spain(scene, walls)
        case "IT":
            yield from _italy(scene, walls)
        case "IE":
            yield from _ireland(scene, walls)
        case "BE":
            yield from _belgium(scene)
        case other:
            yield f"nothing is known of {other}"


def _france(scene: Scene, walls: list[datetime]) -> Iterator[str]:
    now, last = scene.now, scene.refused
    if scene.purpose in (SELLS, "political"):
        yield "L34-5: no consent" if not _agreed(scene, written=False) else ""
    if scene.purpose == SELLS:
        law = alsatian if scene.person.lives_in in ("67", "68") else french
        yield "D223-9: hours" if not all(law(wall) for wall in walls) else ""
        yield "D223-9: four in thirty days" if _recent(scene.calls, now, 30 * DAY) >= 4 else ""
        yield "D223-9: they refused" if last is not None and now - last < 60 * DAY else ""


def _america(scene: Scene, walls: list[datetime], states: tuple[str, ...]) -> Iterator[str]:
    now = scene.now
    sells, landline = scene.purpose == SELLS, scene.person.line == "landline"
    if sells:
        yield "64.1200(a)(2): no written consent" if not _agreed(scene, written=True) else ""
        yield "64.1200(c)(1): hours" if not all(american(wall) for wall in walls) else ""
        yield "64.1200(a)(7): too many abandoned" if _share(scene) >= 2.5 else ""
    elif not landline:
        yield "64.1200(a)(1): no consent" if not _agreed(scene, written=False, proven=False) else ""
    # The exemption for lines in homes, also where the line may be one: a consent that cannot be shown is none.
    if not sells and scene.person.line != "mobile" and not _agreed(scene, written=False):
        health = scene.topic == "health" and scene.purpose in ("informational", "transactional")
        yield "64.1200(a)(3)(v): one a day" if health and _recent(scene.calls, now, DAY) >= 1 else ""
        yield "64.1200(a)(3)(v): three a week" if health and _recent(scene.calls, now, 7 * DAY) >= 3 else ""
        yield "64.1200(a)(3): three in thirty days" if _recent(scene.calls, now, 30 * DAY) >= 3 else ""
    if scene.topic == "debt" and scene.purpose != "political":
        yield "1006.6: hours" if not all(american(wall) for wall in walls) else ""
        yield "1006.14: seven in seven days" if _recent(scene.calls, now, 7 * DAY) >= 7 else ""
        talked = scene.talked
        yield "1006.14: they talked" if talked is not None and now - talked < 7 * DAY else ""
    if sells and "FL" in states:
        yield "501.616: hours" if not all(until_eight(wall) for wall in walls) else ""
        yield "501.616: three in a day" if _recent(scene.same_matter, now, DAY) >= 3 else ""
    if sells and ("MD" in states or "WA" in states):
        yield "Maryland, Washington: hours" if not all(until_eight(wall) for wall in walls) else ""
    if sells and ("MD" in states or "OK" in states):
        yield "14-4502, 775C.4: three in a day" if _recent(scene.same_matter, now, DAY) >= 3 else ""
    if sells and ("CT" in states or "OK" in states):
        yield "Connecticut, Oklahoma: hours" if not all(oklahoman(wall) for wall in walls) else ""
    if "OK" in states:
        yield "755.1: hours of devices" if not all(nine_to_nine(wall) for wall in walls) else ""
        if scene.purpose in ("informational", "transactional"):
            yield "755.1: no customer" if not _agreed(scene, written=False, proven=False) else ""
        else:
            yield "755.1: not asked for in writing" if not _agreed(scene, written=True) else ""
    if scene.purpose in (SELLS, "political", "survey") and "TX" in states:
        yield "55.125: hours" if not all(texan(wall) for wall in walls) else ""
    if sells and "TX" in states:
        yield "55.128: too long" if scene.message is None or scene.message >= 30 else ""
    if sells and {"AL", "MS"} & {*states}:
        yield "Alabama, 77-3-723: Sunday" if any(sunday(wall) for wall in walls) else ""
    if sells and "AL" in states:
        yield "1-3-8: holiday" if any(alabama_rests(wall.date()) for wall in walls) else ""


def _britain(scene: Scene, walls: list[datetime]) -> Iterator[str]:
    now = scene.now
    if scene.purpose in (SELLS, "political"):
        yield "PECR 19: no consent" if not _agreed(scene, written=False) else ""
    yield "Ofcom: abandoned calls" if _share(scene) >= 1 else ""
    yield "Ofcom: 72 hours" if scene.abandoned is not None and now - scene.abandoned < 72 * HOUR else ""
    if scene.machine is not None:
        zones = [wall.tzinfo for wall in walls]
        same = any(
            datetime.fromtimestamp(scene.machine, zone).date() >= wall.date()
            for zone, wall in zip(zones, walls, strict=True)
        )
        yield "Ofcom: a machine, today" if same else ""


def _canada(scene: Scene, walls: list[datetime]) -> Iterator[str]:
    if scene.purpose == SELLS:
        yield "UTR IV: no consent" if not _agreed(scene, written=False) else ""
        yield "UTR III: too many abandoned" if _share(scene) >= 4.5 else ""
    yield "UTR IV: hours" if not all(canadian(wall) for wall in walls) else ""


def _india(scene: Scene, walls: list[datetime]) -> Iterator[str]:
    if scene.purpose in ("political", "survey"):
        yield "nothing is known of such calls"
    yield "TCCCPR: night" if not all(nine_to_nine(wall) for wall in walls) else ""
    if scene.purpose == SELLS:
        yield "TCCCPR: no consent" if not _agreed(scene, written=False) else ""
        yield "TCCCPR: hours" if not all(indian(wall) for wall in walls) else ""


def _germany(scene: Scene, walls: list[datetime]) -> Iterator[str]:
    if scene.purpose in ("political", "survey"):
        yield "nothing is known of such calls"
    yield "Bundesnetzagentur: hours" if not all(german_day(wall) for wall in walls) else ""
    yield "Bundesnetzagentur: three a day" if _recent(scene.calls, scene.now, DAY) >= 3 else ""
    if scene.purpose == SELLS:
        yield "UWG 7: no consent" if not _agreed(scene, written=False) else ""
        yield "Bundesnetzagentur: a day of rest" if not all(german(wall) for wall in walls) else ""


def _spain(scene: Scene, walls: list[datetime]) -> Iterator[str]:
    if scene.purpose in ("political", "survey"):
        yield "nothing is known of such calls"
    if scene.purpose == SELLS:
        agreed = _agreed(scene, written=False)
        yield "LGDCU 96.3: no consent" if not agreed else ""
        at = scene.consent.at if scene.consent is not None else None
        yield "Ley SAC: not renewed" if at is not None and scene.now - at > 730 * DAY else ""
        yield "LGDCU 96.2: hours" if not all(spanish(wall) for wall in walls) else ""


def _italy(scene: Scene, walls: list[datetime]) -> Iterator[str]:
    if scene.purpose == "political":
        yield "nothing is known of such calls"
    if scene.purpose in (SELLS, "survey"):
        yield "art. 130: no consent" if not _agreed(scene, written=False) else ""
        yield "Codice di condotta: hours" if not all(italian(wall) for wall in walls) else ""
        yield "RPO: an old answer" if scene.copies > 15 * DAY else ""
        yield "RPO: objected" if "it-rpo" in scene.on_lists else ""


def _ireland(scene: Scene, walls: list[datetime]) -> Iterator[str]:
    """The directory of those who opted out binds nobody who has the consent that is asked for anyway."""
    if scene.purpose in (SELLS, "political"):
        yield "S.I. 336: no consent" if not _agreed(scene, written=False) else ""
        yield "IFSRA: hours" if not all(irish(wall) for wall in walls) else ""


def _belgium(scene: Scene) -> Iterator[str]:
    if scene.purpose == "survey":
        yield "nothing is known of such calls"
    if scene.purpose in (SELLS, "political"):
        yield "VI.110: no consent" if not _agreed(scene, written=False) else ""
        yield "DNCM: an old copy" if scene.copies > 7 * DAY else ""
        yield "DNCM: listed" if "be-dncm" in scene.on_lists else ""
