"""The law that comes with Volley: every entry told whole, and what it comes to, table by table."""

from __future__ import annotations

from collections import Counter
from datetime import date

import pytest

from engine.rules.book import PURPOSES, standard_book, weeks
from engine.rules.book.calendar import days_of
from engine.rules.book.entry import Line, Purpose, Topic
from engine.rules.places import PRACTICE, TABLES, Place
from tests.rules.book.places import NOW, instant, none, place, rules

BOOK = standard_book()
ALL_STATES = TABLES["US"].of_region("US")
ALL_SPAIN = TABLES["ES"].of_region("ES")


def test_every_entry_has_a_source_and_a_date() -> None:
    seen = Counter(rule.id for _, rule in BOOK.entries())
    assert max(seen.values()) == 1
    assert len(seen) > 130
    for name, rule in BOOK.entries():
        assert len(rule.source) > 5, rule.id
        assert len(rule.says) > 15, rule.id
        assert date(1990, 1, 1) <= rule.since <= date(2027, 12, 31), rule.id
        assert rule.id.startswith({"base": "house"}.get(name, name)), "an id tells its file"
        assert (rule.basis == "house") == (name == "base"), rule.id
        if not rule.enforced or rule.kind == "duty":
            assert len(rule.why) > 10, rule.id


def test_every_row_of_the_law_is_there() -> None:
    """Rules that the project set out to know, by the ids that they have here."""
    assert {rule.id for _, rule in BOOK.entries()} >= {
        "us-hours", "us-pewc", "us-identity", "us-key", "us-voicemail", "us-revoke", "us-revoke-all", "us-abandon", "us-silence",
        "us-ring", "us-dnc", "us-internal", "us-exempt-cap", "us-health-day", "us-health-week", "us-length", "us-records", "us-cid",
        "us-spoof", "us-reassigned", "us-fl-hours", "us-fl-cap", "us-ok-hours", "us-ok-cap", "us-wa-hours", "us-wa-identity",
        "us-wa-end", "us-tx-length", "us-tx-hours", "us-al-la-sunday", "us-ms-sunday", "us-debt-cap", "us-debt-gap",
        "gb-consent", "gb-tps", "gb-abandon", "gb-gap-abandoned", "gb-gap-machine", "gb-ring", "gb-silence", "gb-identity",
        "ca-consent", "ca-hours", "ca-identity", "ca-internal", "ca-dncl", "ca-abandon",
        "fr-optin", "fr-hours", "fr-holidays", "fr-cap", "fr-refusal", "fr-cli", "fr-bloctel", "eu-keep", "eu-consent",
        "in-140", "in-1600", "in-night", "us-tx-device-hours", "us-ok-device-hours", "us-ok-device", "us-wa-device", "us-md-hours",
        "us-md-cap", "us-ct-hours", "de-consent", "de-hours", "de-rest", "de-cap", "de-cli", "es-consent", "es-renewal", "es-hours",
        "es-holidays", "es-cli-400", "es-cli-mobile", "it-consent", "it-hours", "it-rpo", "it-cli", "ie-consent", "ie-ndd",
        "be-consent", "be-dncm",
    }  # fmt: skip


def test_what_could_not_be_rechecked_says_what_was_looked_for() -> None:
    unchecked = [rule for _, rule in BOOK.entries() if rule.basis == "memory"]
    assert {rule.id for rule in unchecked} == {"in-hours", "us-tx-device-hours"}
    for rule in unchecked:
        assert "looked for" in rule.source, rule.id
        assert "not found" in rule.source, rule.id


# Region, states, purpose, the week.
WEEKS: list[tuple[str, tuple[str, ...], Purpose, str]] = [
    ("US", ("NY",), "marketing", "mon-sun 08:00-21:00"),
    ("US", ("NY",), "informational", "mon-sun 08:00-22:00"),
    ("US", ("FL",), "marketing", "mon-sun 08:00-20:00"),
    ("US", ("FL",), "informational", "mon-sun 08:00-22:00"),
    ("US", ("FL", "NY"), "marketing", "mon-sun 08:00-20:00"),
    ("US", ("OK",), "marketing", "mon-sun 09:00-20:00"),
    ("US", ("OK",), "informational", "mon-sun 09:00-21:00"),
    ("US", ("MD",), "marketing", "mon-sun 08:00-20:00"),
    ("US", ("MD",), "survey", "mon-sun 08:00-22:00"),
    ("US", ("CT",), "marketing", "mon-sun 09:00-20:00"),
    ("US", ("WA",), "marketing", "mon-sun 08:00-20:00"),
    ("US", ("TX",), "marketing", "mon-sat 09:00-21:00; sun 12:00-21:00"),
    ("US", ("TX",), "political", "mon-sat 09:00-21:00; sun 12:00-21:00"),
    ("US", ("TX",), "informational", "mon-sun 08:00-22:00"),
    ("US", ("AL",), "marketing", "mon-sat 08:00-21:00"),
    ("US", ("MS",), "marketing", "mon-sat 08:00-21:00"),
    ("US", ("LA", "TX"), "marketing", "mon-sat 09:00-21:00"),
    ("US", ALL_STATES, "marketing", "mon-sat 09:00-20:00"),
    ("US", (), "marketing", "mon-sat 09:00-20:00"),
    ("PR", ("PR",), "marketing", "mon-sun 08:00-21:00"),
    ("CA", ("ON",), "marketing", "mon-fri 09:00-21:30; sat-sun 10:00-18:00"),
    ("CA", ("ON",), "transactional", "mon-fri 09:00-21:30; sat-sun 10:00-18:00"),
    ("GB", (), "marketing", "mon-sun 08:00-22:00"),
    ("FR", ("FX",), "marketing", "mon-fri 10:00-13:00, 14:00-20:00"),
    ("FR", ("FX",), "informational", "mon-sun 08:00-22:00"),
    ("IN", (), "marketing", "mon-sun 10:00-21:00"),
    ("IN", (), "transactional", "mon-sun 09:00-21:00"),
    ("DE", (), "marketing", "mon-sat 08:00-20:00"),
    ("DE", (), "informational", "mon-sun 08:00-20:00"),
    ("ES", ("MD",), "marketing", "mon-fri 09:00-21:00"),
    ("ES", ("MD",), "transactional", "mon-sun 08:00-22:00"),
    ("IT", (), "marketing", "mon-sat 10:00-19:00"),
    ("IT", (), "survey", "mon-sat 10:00-19:00"),
    ("IT", (), "informational", "mon-sun 08:00-22:00"),
    ("IE", (), "political", "mon-sat 09:00-21:00"),
    ("IE", (), "survey", "mon-sun 08:00-22:00"),
    ("BE", (), "marketing", "mon-sun 08:00-22:00"),
]


@pytest.mark.parametrize(("region", "states", "purpose", "week"), WEEKS)
def test_weeks(region: str, states: tuple[str, ...], purpose: Purpose, week: str) -> None:
    assert weeks.text_of(rules(BOOK, place(region, *states), purpose).week) == week


REAL = sorted(BOOK.regions - {PRACTICE})
"""Regions where somebody lives."""


def test_numbers_that_nobody_can_have_are_bound_by_nothing() -> None:
    for purpose in PURPOSES:
        found = rules(BOOK, place(PRACTICE), purpose)
        assert found.week == weeks.ALL
        assert (found.consent, found.registries, found.caps, found.caller_ids, found.ring) == (
            None,
            (),
            (),
            (),
            None,
        )


@pytest.mark.parametrize("region", REAL)
def test_emergency_waives_hours_registry_and_consent_and_nothing_else(region: str) -> None:
    found = rules(BOOK, place(region), "emergency")
    assert found.emergency
    assert found.week == weeks.ALL
    assert found.hours.next_open(NOW, ("Asia/Tokyo",)) == NOW
    assert (found.calendars, found.consent, found.registries, found.caps) == (frozenset(), None, (), ())
    assert found.ring is not None
    assert found.silence is not None
    assert bool(found.caller_ids) == (region in ("FR", "GP", "MQ", "GF", "RE", "YT"))
    assert not rules(BOOK, place(region), "informational").emergency


# Region, purpose, line, level, proof, by.
CONSENT: list[tuple[str, Purpose, Line, str | None, str]] = [
    ("US", "marketing", "unknown", "written", "us-pewc"),
    ("US", "marketing", "landline", "written", "us-pewc"),
    ("US", "informational", "unknown", "express", "us-wireless"),
    ("US", "informational", "wireless", "express", "us-wireless"),
    ("US", "informational", "landline", None, ""),
    ("US", "political", "unknown", "express", "us-wireless"),
    ("CA", "marketing", "unknown", "express", "house-consent ca-consent"),
    ("CA", "informational", "unknown", None, ""),
    ("GB", "marketing", "unknown", "express", "house-consent gb-consent"),
    ("GB", "political", "unknown", "express", "gb-consent"),
    ("GB", "survey", "unknown", None, ""),
    ("FR", "marketing", "unknown", "express", "house-consent eu-consent fr-optin fr-automate"),
    ("FR", "political", "unknown", "express", "fr-automate"),
    ("FR", "informational", "unknown", None, ""),
    ("IN", "marketing", "unknown", "express", "house-consent in-consent"),
    ("IN", "transactional", "unknown", None, ""),
    ("DE", "marketing", "unknown", "express", "house-consent eu-consent de-consent"),
    ("DE", "transactional", "unknown", None, ""),
    ("ES", "marketing", "unknown", "express", "house-consent eu-consent es-consent es-renewal"),
    ("ES", "informational", "unknown", None, ""),
    ("IT", "marketing", "unknown", "express", "house-consent eu-consent it-consent"),
    ("IT", "survey", "unknown", "express", "it-consent"),
    ("IT", "informational", "unknown", None, ""),
    ("IE", "political", "unknown", "express", "ie-consent"),
    ("IE", "survey", "unknown", None, ""),
    ("BE", "political", "unknown", "express", "be-consent"),
    ("BE", "transactional", "unknown", None, ""),
]


@pytest.mark.parametrize(("region", "purpose", "line", "level", "by"), CONSENT)
def test_consent(region: str, purpose: Purpose, line: Line, level: str | None, by: str) -> None:
    need = rules(BOOK, place(region, *(("NY",) if region == "US" else ())), purpose, line=line).consent
    assert (need.level if need else None) == level
    assert set(need.rules if need else ()) == set(by.split())
    if purpose == "marketing":
        assert need is not None
        assert need.proof == ("at", "source", "purpose", "reference"), (
            "the least that marketing consent tells"
        )


# State, purpose, line, level, by.
CONSENT_OF_STATES: list[tuple[str, Purpose, Line, str | None, str]] = [
    ("OK", "marketing", "unknown", "written", "us-pewc us-ok-device"),
    ("OK", "survey", "wireless", "written", "us-ok-device"),
    ("OK", "political", "landline", "written", "us-ok-device"),
    ("OK", "transactional", "landline", "express", "us-ok-device-service"),
    ("OK", "informational", "unknown", "express", "us-wireless us-ok-device-service"),
    ("WA", "marketing", "landline", "written", "us-pewc us-wa-device"),
    ("WA", "political", "landline", None, ""),
    ("MD", "marketing", "wireless", "written", "us-pewc us-md-consent"),
]


@pytest.mark.parametrize(("state", "purpose", "line", "level", "by"), CONSENT_OF_STATES)
def test_consent_of_states(state: str, purpose: Purpose, line: Line, level: str | None, by: str) -> None:
    need = rules(BOOK, place("US", state), purpose, line=line).consent
    assert (need.level if need else None) == level
    assert set(need.rules if need else ()) == set(by.split())


def test_a_consent_to_commercial_calls_ages_in_spain() -> None:
    need = rules(BOOK, place("ES", "MD")).consent
    assert need is not None
    assert need.max_age == 730 * 86400.0
    before = rules(BOOK, place("ES", "MD"), at=instant("2025-12-01T12:00:00+01:00")).consent
    assert before is not None
    assert before.max_age is None


# Region, states, purpose, topics, line: caps as most/period/scope/unless.
CAPS: list[tuple[str, tuple[str, ...], Purpose, tuple[Topic, ...], Line, set[tuple[int, float, str, str | None]]]] = [
    ("FR", ("FX",), "marketing", (), "unknown", {(4, 30.0, "all", None)}),
    ("FR", ("FX",), "informational", (), "unknown", set()),
    ("US", ("NY",), "marketing", (), "unknown", set()),
    ("US", ("FL",), "marketing", (), "unknown", {(3, 1.0, "owner", None)}),
    ("US", ("FL", "OK"), "marketing", (), "unknown", {(3, 1.0, "owner", None)}),
    ("US", ("NY",), "informational", (), "landline", {(3, 30.0, "all", "express")}),
    ("US", ("NY",), "informational", (), "unknown", {(3, 30.0, "all", "express")}),
    ("US", ("NY",), "informational", (), "wireless", set()),
    ("US", ("NY",), "informational", ("debt",), "wireless", {(7, 7.0, "all", None)}),
    ("US", ("NY",), "informational", ("health",), "landline",
     {(3, 30.0, "all", "express"), (1, 1.0, "all", "express"), (3, 7.0, "all", "express")}),
    ("US", ("MD",), "marketing", (), "unknown", {(3, 1.0, "owner", None)}),
    ("US", ("MD",), "survey", (), "wireless", set()),
    ("GB", (), "informational", ("debt",), "unknown", set()),
    ("DE", (), "marketing", (), "unknown", {(3, 1.0, "all", None)}),
    ("DE", (), "transactional", (), "unknown", {(3, 1.0, "all", None)}),
    ("ES", ("MD",), "marketing", (), "unknown", set()),
]  # fmt: skip


@pytest.mark.parametrize(("region", "states", "purpose", "topics", "line", "caps"), CAPS)
def test_caps(
    region: str,
    states: tuple[str, ...],
    purpose: Purpose,
    topics: tuple[Topic, ...],
    line: Line,
    caps: set[tuple[int, float, str, str | None]],
) -> None:
    found = rules(BOOK, place(region, *states), purpose, topics=topics, line=line)
    assert {(cap.most, cap.period / 86400.0, cap.scope, cap.unless) for cap in found.caps} == caps


def test_gaps() -> None:
    assert {(gap.after, gap.gap) for gap in rules(BOOK, place("GB")).gaps} == {
        ("abandoned", 72 * 3600.0),
        ("machine", None),
    }
    assert {(gap.after, gap.gap) for gap in rules(BOOK, place("FR", "FX")).gaps} == {
        ("refusal", 60 * 86400.0)
    }
    assert {
        (gap.after, gap.gap) for gap in rules(BOOK, place("US", "NY"), "informational", topics=("debt",)).gaps
    } == {("conversation", 7 * 86400.0)}


def test_registries() -> None:
    def lists(region: str, purpose: Purpose, at: float = NOW) -> dict[str, tuple[float, str | None]]:
        found = rules(BOOK, place(region), purpose, at)
        return {need.registry: (need.max_age / 86400.0, need.exempt) for need in found.registries}

    assert lists("US", "marketing") == {"us-dnc": (31, "written")}
    assert lists("US", "informational") == {}
    assert lists("GB", "political") == {"gb-tps": (28, "express")}
    assert lists("CA", "marketing") == {"ca-dncl": (31, "express")}
    assert lists("IT", "marketing") == {"it-rpo": (15, None)}
    assert lists("IT", "survey") == {"it-rpo": (15, None)}
    assert lists("IT", "transactional") == {}
    assert lists("IE", "political") == {"ie-ndd": (28, "express")}
    assert lists("IE", "survey") == {}
    assert lists("BE", "marketing") == {"be-dncm": (7, None)}
    assert lists("DE", "marketing") == {}
    assert lists("FR", "marketing") == {}, "Bloctel ended in August 2026"
    assert lists("FR", "marketing", instant("2026-08-10T12:00:00+02:00")) == {"fr-bloctel": (30, "express")}


def test_abandonment() -> None:
    def shares(region: str, purpose: Purpose = "marketing") -> list[tuple[float, float, float, float]]:
        found = rules(BOOK, place(region), purpose)
        return [
            (limit.percent, limit.throttle, limit.stop, limit.period / 86400.0) for limit in found.abandonment
        ]

    assert shares("US") == [(3, 2, 2.5, 30)]
    assert shares("US", "informational") == []
    assert shares("GB") == [(0, 0, 1, 30)]
    assert shares("CA") == [(5, 4, 4.5, 30)]


def test_numbers_that_may_be_shown() -> None:
    def shown(region: str, purpose: Purpose, at: float = NOW) -> set[tuple[tuple[str, ...], tuple[str, ...]]]:
        where = place(region, *(("MD",) if region == "ES" else ()))
        return {(ids.allowed, ids.denied) for ids in rules(BOOK, where, purpose, at).caller_ids}

    mobile = ((), ("+346", "+347"))
    assert shown("ES", "marketing") == {mobile, (("+34400",), ())}
    assert shown("ES", "marketing", instant("2026-07-01T12:00:00+02:00")) == {mobile}
    assert shown("ES", "transactional") == {mobile}
    assert shown("ES", "emergency") == set()
    assert shown("IN", "marketing") == {(("+91140",), ())}
    for region in ("DE", "IT", "IE", "BE", "GB"):
        assert shown(region, "marketing") == set(), region


def test_limits_of_a_call() -> None:
    assert rules(BOOK, place("US", "TX")).message is not None
    assert rules(BOOK, place("US", "NY")).message is None
    for region in REAL:
        for purpose in PURPOSES:
            if purpose not in BOOK.laws[BOOK.file_of(region) or ""].purposes:
                continue
            found = rules(BOOK, place(region), purpose)
            assert found.ring is not None
            assert found.ring.seconds == 15.0
            assert found.silence is not None
            assert found.silence.seconds == 2.0


def test_a_rule_that_is_not_enforced_changes_nothing() -> None:
    unenforced = {rule.id for _, rule in BOOK.entries() if not rule.enforced}
    assert unenforced
    for region in BOOK.regions:
        for purpose in ("marketing", "informational", "emergency"):
            assert not unenforced & set(rules(BOOK, place(region), purpose).rules)


# --- dates --------------------------------------------------------------------------------------------------------------

# A rule begins with its day in Kiritimati (UTC+14) and ends with its day on Baker Island (UTC-12).
DATES = [
    ("FR", "fr-optin", "2026-08-10T10:00:00+00:00", "2026-08-10T09:59:59+00:00"),
    ("US", "us-fl-cap", "2021-06-30T10:00:00+00:00", "2021-06-30T09:59:59+00:00"),
    ("FR", "fr-hours", "2023-02-28T10:00:00+00:00", "2023-02-28T09:59:59+00:00"),
]


@pytest.mark.parametrize(("region", "rule", "binds", "not_yet"), DATES)
def test_from_when(region: str, rule: str, binds: str, not_yet: str) -> None:
    where = place(region, *(("FL",) if region == "US" else ("FX",)))
    assert rule in rules(BOOK, where, at=instant(binds)).rules
    before = BOOK.rules_for(where, "marketing", instant(not_yet))
    assert rule not in getattr(before, "rules", ())


def test_old_and_new_both_bind_around_a_change() -> None:
    where = place("FR", "FX")
    last = instant("2026-08-11T11:59:59+00:00")
    assert {"fr-bloctel", "fr-optin"} <= set(rules(BOOK, where, at=last).rules)
    assert "fr-bloctel" not in rules(BOOK, where, at=last + 1).rules
    assert "fr-optin" not in rules(BOOK, where, at=instant("2026-08-10T09:00:00+00:00")).rules


def test_a_time_before_the_law_that_is_known_is_not_dialed() -> None:
    assert "no rule of fr.toml about hours of marketing calls is in force" in none(
        BOOK, place("FR", "FX"), at=instant("2023-01-01T12:00:00+00:00")
    )


# --- public holidays ----------------------------------------------------------------------------------------------------

HOLIDAYS = [
    ("FR", ("FX",), "2027-03-26", False),  # Good Friday
    ("FR", ("67",), "2027-03-26", True),
    ("FR", ("57", "67", "68", "FX"), "2027-03-26", True),
    ("FR", ("FX",), "2027-07-14", True),
    ("FR", ("FX",), "2026-12-25", True),
    ("GP", ("GP",), "2027-05-27", True),  # abolition of slavery
    ("RE", ("RE",), "2027-12-20", True),
    ("FR", ("FX",), "2027-12-20", False),
    ("US", ("AL",), "2027-07-05", True),  # Independence Day is a Sunday
    ("US", ("AL",), "2026-11-26", True),  # Thanksgiving
    ("US", ("UT",), "2027-07-23", True),  # Pioneer Day, a Saturday, observed on Friday
    ("US", ("NY",), "2026-11-26", False),
    ("US", ("NY", "LA"), "2026-11-26", True),
    ("CA", ("ON",), "2027-07-01", False),  # the rules of the CRTC know no holidays
    ("DE", (), "2027-05-06", True),  # Ascension Day
    ("DE", (), "2027-05-27", False),  # Corpus Christi, of some states
    ("ES", ("MD",), "2027-10-12", True),
    ("ES", ("MD",), "2027-05-03", True),  # the community's day, moved from a Sunday
    ("ES", ("CT",), "2027-05-03", False),
    ("ES", ALL_SPAIN, "2027-05-03", True),
    ("ES", ALL_SPAIN, "2027-05-04", False),
    ("IT", (), "2027-06-02", True),
    ("IT", (), "2027-10-04", True),  # Saint Francis, since 2026
    ("IE", (), "2027-03-17", True),
    ("IE", (), "2027-08-02", True),
    ("BE", (), "2027-07-21", False),  # its law sets none
]


@pytest.mark.parametrize(("region", "states", "day", "closed"), HOLIDAYS)
def test_holidays(region: str, states: tuple[str, ...], day: str, closed: bool) -> None:
    found = rules(BOOK, place(region, *states))
    zone = ("America/Chicago",) if region in ("US", "CA") else ("Europe/Paris",)
    opening = found.hours.next_open(instant(f"{day}T16:00:00+00:00"), zone)
    assert opening is not None
    assert (opening > instant(f"{day}T23:59:00+00:00")) == closed


def test_holidays_of_every_part_that_a_file_names_are_known() -> None:
    assert date(2027, 3, 26) in days_of(("FR", "6AE"), 2027)
    for part in ("57", "6AE", "971", "972", "973", "974", "976"):
        assert days_of(("FR", part), 2027) > days_of(("FR", ""), 2027), part
    for state in TABLES["US"].states:
        assert days_of(("US", state), 2027), state
    for state in ALL_SPAIN:
        assert days_of(("ES", state), 2027) > days_of(("ES", ""), 2027), state


# --- what is not covered ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("region", ["NL", "AT", "GG", "IM", "MX", "NC", "001", ""])
def test_a_region_without_a_file_is_not_dialed(region: str) -> None:
    for purpose in PURPOSES:
        assert "there are no rules for" in none(BOOK, place(region), purpose)


def test_a_purpose_that_a_file_does_not_cover_is_not_dialed() -> None:
    assert none(BOOK, place("IN"), "survey") == "in.toml has no rules for survey calls, so they are not made"
    for region, purpose in (("DE", "political"), ("ES", "survey"), ("IT", "political"), ("BE", "survey")):
        assert f"has no rules for {purpose} calls" in none(BOOK, place(region), purpose)


def test_a_place_with_a_problem_is_not_dialed() -> None:
    assert none(BOOK, Place("US", (), (), (), "'XX' is no state")) == "'XX' is no state"
