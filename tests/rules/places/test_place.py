"""Where a callee may be: evidence and candidates, and the tables against other sources of the same facts."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import geocoder
from phonenumbers.timezone import time_zones_for_number

from engine.rules.numbers import parse_number
from engine.rules.places import TABLES, Place, place_of, state_of
from engine.rules.places.clocks import alike, clock

NOW = datetime(2026, 11, 24, tzinfo=UTC).timestamp()
US, CA, FR, ES = TABLES["US"], TABLES["CA"], TABLES["FR"], TABLES["ES"]
STATES_OF_THE_US = tuple(sorted(US.of_region("US")))


def find(number: str, **told: str) -> Place:
    read = parse_number(number, None)
    return place_of(read.e164, read.region, read.zones, NOW, **told)


# Number, what the row says, states, zones.
PLACES: list[tuple[str, dict[str, str], str, str]] = [
    ("+12125556123", {}, "NY", "America/New_York"),
    ("+12125556123", {"state": "NY"}, "NY", "America/New_York"),
    ("+12125556123", {"state": "us-ny", "postal_code": "10001-1234"}, "NY", "America/New_York"),
    ("+12125556123", {"timezone": "America/Detroit"}, "NY", "America/Detroit"),
    # A state with two clocks has both, also where the number knows one.
    ("+13055556123", {"state": "Florida"}, "FL", "America/New_York America/Chicago"),
    ("+13055556123", {"postal_code": "32501"}, "FL", "America/New_York America/Chicago"),
    ("+13055556123", {"state": "FL", "timezone": "America/Chicago"}, "FL", "America/New_York America/Chicago"),
    # The contact narrows what its number leaves open.
    ("+19025556123", {}, "NS PE", "America/Halifax"),
    ("+19025556123", {"state": "Prince Edward Island"}, "PE", "America/Halifax"),
    ("+19025556123", {"postal_code": "b3h 4r2"}, "NS", "America/Halifax"),
    ("+18675556123", {"state": "YT"}, "YT", "America/Whitehorse"),
    ("+15145556123", {"state": "Québec"}, "QC", "America/Toronto America/Halifax America/Blanc-Sablon"),
    ("+18005556123", {"state": "TX", "timezone": "America/Denver"}, "TX", "America/Denver"),
    ("+33612345678", {}, "57 67 68 FX", "Europe/Paris"),
    ("+33612345678", {"postal_code": "67000"}, "67", "Europe/Paris"),
    ("+33612345678", {"postal_code": "75001"}, "FX", "Europe/Paris"),
    ("+34612345678", {}, " ".join(sorted(ES.states)), "Atlantic/Canary Europe/Madrid"),
    ("+34612345678", {"postal_code": "28013"}, "MD", "Europe/Madrid"),
    ("+34612345678", {"postal_code": "35001"}, "CN", "Atlantic/Canary"),
    ("+34912345678", {"state": "Cataluña"}, "CT", "Europe/Madrid"),
    ("+34912345678", {"state": "ES-CN"}, "CN", "Europe/Madrid Atlantic/Canary"),
    ("+14745556123", {}, "SK", "America/Winnipeg America/Regina America/Edmonton"),
    # Contradiction: both.
    ("+12125556123", {"state": "CA"}, "CA NY", "America/New_York America/Los_Angeles"),
    ("+12125556123", {"postal_code": "90210"}, "CA NY", "America/New_York America/Los_Angeles"),
    ("+12125556123", {"state": "NJ", "postal_code": "90210"}, "CA NJ NY", "America/New_York America/Los_Angeles"),
    ("+12125556123", {"timezone": "Pacific/Honolulu"}, "HI NY", "America/New_York Pacific/Honolulu"),
    ("+12125556123", {"timezone": "Europe/Paris"}, "NY", "America/New_York Europe/Paris"),
    ("+12125556123", {"state": "CA", "timezone": "America/Los_Angeles"}, "CA NY", "America/New_York America/Los_Angeles"),
    ("+12125556123", {"state": "NY", "timezone": "Pacific/Honolulu"}, "HI NY", "America/New_York Pacific/Honolulu"),
    ("+33612345678", {"postal_code": "97400"}, "57 67 68 FX RE", "Europe/Paris Indian/Reunion"),
    # Regions of the plan that belong to a country.
    ("+17875556123", {}, "PR", "America/Puerto_Rico"),
    ("+262692123456", {}, "RE", "Indian/Reunion Indian/Mayotte"),
    # Countries without a table: the number's zones, and the contact's own.
    ("+919812345678", {}, "", "Asia/Calcutta"),
    ("+919812345678", {"timezone": "Asia/Kolkata"}, "", "Asia/Kolkata"),
    ("+442079460123", {"timezone": "Asia/Kathmandu"}, "", "Europe/London Asia/Kathmandu"),
    ("+442079460123", {"state": "Wales", "postal_code": "CF10 1AA"}, "", "Europe/London"),
]  # fmt: skip


@pytest.mark.parametrize(("number", "told", "states", "zones"), PLACES)
def test_candidates(number: str, told: dict[str, str], states: str, zones: str) -> None:
    found = find(number, **told)
    assert found.problem == ""
    assert set(found.zones) >= set(zones.split())
    if number != "+13055556123" or "timezone" not in told:
        assert set(found.zones) == set(zones.split())
    missing = set(states.split()) - set(found.subdivisions)
    assert not missing
    if "timezone" not in told:
        assert found.subdivisions == tuple(sorted(states.split()))


def test_an_american_number_that_tells_no_state_may_be_in_all_of_them() -> None:
    found = find("+18005556123")
    assert found.subdivisions == STATES_OF_THE_US
    assert len(found.subdivisions) == 51
    assert {"America/New_York", "Pacific/Honolulu"} <= set(found.zones)


def test_a_clock_of_its_own_may_be_in_any_state_that_has_it() -> None:
    found = find("+12125556123", timezone="America/Los_Angeles")
    assert {"NY", "CA", "WA", "OR", "NV", "ID"} == set(found.subdivisions)


@pytest.mark.parametrize(
    ("told", "named"),
    [
        ({"timezone": "Mars/Phobos"}, "'Mars/Phobos' is no IANA time zone"),
        ({"state": "Ontario"}, "'Ontario' is no state of the United States"),
        ({"postal_code": "K1A 0B1"}, "'K1A 0B1' tells no state of the United States; write a ZIP code"),
        ({"postal_code": "1234"}, "write a ZIP code"),
        ({"postal_code": "09012"}, "tells no state"),  # the armed forces abroad
        ({"postal_code": "00000"}, "tells no state"),
    ],
)
def test_what_cannot_be_read_is_a_problem(told: dict[str, str], named: str) -> None:
    found = find("+12125556123", **told)
    assert named in found.problem
    assert found.zones == ()


def test_contradictions_are_told() -> None:
    notes = find("+12125556123", state="CA").notes
    assert "the number is of NY, the contact of CA: both count" in notes
    assert any("show different times" in note for note in notes)
    assert find("+12125556123", state="NY").notes == ()


def test_nothing_known_of_the_zone_stays_unknown() -> None:
    assert place_of("+999123456", "", (), NOW) == Place("", (), ())
    assert place_of("+999123456", "", (), NOW, timezone="Asia/Tokyo").zones == ("Asia/Tokyo",)


codes = st.sampled_from(sorted({*US.states, *CA.states, "Texas", "nowhere", ""}))
zones = st.sampled_from(
    [
        "",
        "America/New_York",
        "America/Phoenix",
        "America/St_Johns",
        "Asia/Kathmandu",
        "Pacific/Chatham",
        "Nowhere",
    ]
)
postals = st.sampled_from(["", "10001", "85001", "59001", "K1A 0B1", "X0A 0H0", "75001", "?"])
numbers = st.sampled_from(
    [
        "+12125556123",
        "+16025556123",
        "+17095556123",
        "+18005556123",
        "+14165556123",
        "+33612345678",
        "+97714217890",
    ]
)


@given(numbers, zones, codes, postals)
def test_what_the_contact_says_is_never_dropped(number: str, timezone: str, state: str, postal: str) -> None:
    """Its own zone is a candidate, its state is a candidate, or there is a problem; and without any word the number's stand."""
    read = parse_number(number, None)
    found = place_of(
        read.e164, read.region, read.zones, NOW, timezone=timezone, state=state, postal_code=postal
    )
    if found.problem:
        assert found.zones == ()
        return
    assert found.zones
    if timezone:
        assert timezone in found.zones
    if state and read.region in TABLES:
        assert state_of(read.region, state) in found.subdivisions or postal
    if not timezone and not state and not postal:
        assert found.zones == read.zones
    if timezone and not state and not postal and not any(alike(timezone, name, 2026) for name in read.zones):
        assert set(read.zones) <= set(found.zones), (
            "the number's clock was dropped, though the contact contradicts it"
        )


# --- the tables ---------------------------------------------------------------------------------------------------------


def test_every_zone_of_the_tables_exists() -> None:
    for table in (US, CA, FR, ES):
        for state in table.states.values():
            assert state.zones, state.code
            for name in state.zones:
                assert ZoneInfo(name)


def test_every_state_is_found_by_code_and_name() -> None:
    for table in (US, CA, FR, ES):
        for state in table.states.values():
            for written in (
                state.code,
                state.code.lower(),
                f"{table.region}-{state.code}",
                state.name,
                state.name.upper(),
            ):
                assert state_of(table.region, written) == state.code, written
    assert state_of("US", "District of Columbia") == "DC"
    assert state_of("CA", "  québec ") == "QC"
    assert state_of("US", "Quebec") is None
    assert state_of("GB", "Wales") is None


@pytest.mark.parametrize("region", ["US", "CA"])
def test_area_codes_are_where_libphonenumber_says(region: str) -> None:
    """By name: the description of a number that is known to no smaller place is its state's."""
    table, told = TABLES[region], 0
    by_name = {state.name: state.code for state in table.states.values()}
    for area, states in table.by_area_code.items():
        number = phonenumbers.PhoneNumber(country_code=1, national_number=int(f"{area}5556100"))
        described = geocoder._prefix_description_for_number(
            geocoder.GEOCODE_DATA, geocoder.GEOCODE_LONGEST_PREFIX, number, "en"
        )
        described = described.replace("Washington State", "Washington").replace(
            "Washington D.C.", "District of Columbia"
        )
        name, _, short = described.rpartition(", ")
        code = by_name.get(described) or (short if name else None)
        if code in table.states:
            told += 1
            assert code in states, f"{area}: {described}"
    assert told > (330 if region == "US" else 40)


def test_every_area_code_in_use_has_a_state() -> None:
    """Of those that libphonenumber knows as numbers at a place; one that it does not know leaves all states open."""
    for region, table in (("US", US), ("CA", CA)):
        for area in range(200, 1000):
            number = phonenumbers.PhoneNumber(country_code=1, national_number=int(f"{area}2345678"))
            if (
                phonenumbers.region_code_for_number(number) == region
                and phonenumbers.number_type(number) == 2
            ):
                assert str(area) in table.by_area_code, area


def test_the_numbers_zones_are_among_its_states() -> None:
    """libphonenumber's zones of an area code show the time of a zone of its state. Where they do not, the state's count as well."""
    odd: set[str] = set()
    for table in (US, CA):
        for area, states in table.by_area_code.items():
            mine = [name for state in states for name in table.states[state].zones]
            read = phonenumbers.PhoneNumber(country_code=1, national_number=int(f"{area}5556100"))
            told = [name for name in time_zones_for_number(read) if name != "Etc/Unknown"]
            shared = [name for name in told if any(alike(name, own, 2026) for own in mine)]
            if len(shared) < len(told):
                odd.add(area)
            place = place_of(f"+1{area}5556100", table.region, tuple(told), NOW)
            assert any(name in mine or any(alike(name, own, 2026) for own in mine) for name in place.zones)
            assert set(told) <= set(place.zones)
    assert odd <= ODD_ZONES


ODD_ZONES = {"474", "879"}
"""Area codes of which libphonenumber names a zone that their province does not have."""


@pytest.mark.parametrize(
    ("postal", "states"),
    [
        ("00501", "NY"), ("00901", "PR"), ("00801", "VI"), ("02108", "MA"), ("05501", "MA"), ("06390", "CT NY"), ("20001", "DC"),
        ("20101", "VA"), ("20500", "DC MD VA"), ("20601", "MD"), ("32501", "FL"), ("37501", "TN"), ("39901", "GA"), ("52801", "IA"),
        ("56901", "DC"), ("59901", "MT"), ("72643", "AR MO"), ("73301", "TX"), ("73960", "OK TX"), ("79901", "TX"), ("83414", "ID WY"),
        ("88510", "TX"), ("89883", "NV"), ("96799", "AS HI"), ("96910", "GU MP"), ("99501", "AK"),
    ],
)  # fmt: skip
def test_zip_codes(postal: str, states: str) -> None:
    assert set(US.by_postal[postal[:3]]) == set(states.split())


def test_every_postal_prefix_of_canada_and_france_has_a_place() -> None:
    assert set(CA.by_postal) == set("ABCEGHJKLMNPRSTVXY")
    assert {f"{number:02d}0" for number in range(1, 96)} <= set(FR.by_postal)


# --- clocks -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("America/New_York", "America/Detroit", True),
        ("America/New_York", "America/Havana", False),  # an hour of difference on two days a year
        ("America/Phoenix", "America/Denver", False),
        ("Asia/Kolkata", "Asia/Calcutta", True),
        ("Asia/Kolkata", "Asia/Kathmandu", False),
        ("Europe/Paris", "Europe/Berlin", True),
        ("Europe/London", "Africa/Abidjan", False),
        ("Pacific/Chatham", "Pacific/Auckland", False),
        ("Mars/Phobos", "Europe/Paris", False),
        ("Mars/Phobos", "Mars/Deimos", False),
    ],
)
def test_do_two_clocks_show_the_same(one: str, other: str, same: bool) -> None:
    assert alike(one, other, 2026) is same
    assert alike(other, one, 2026) is same


@given(
    st.sampled_from(
        ["America/New_York", "Europe/Paris", "Australia/Lord_Howe", "America/Havana", "Asia/Kathmandu"]
    ),
    st.integers(2024, 2030),
)
def test_a_clock_is_its_offsets_at_every_hour(name: str, year: int) -> None:
    found = clock(name, year)
    assert found is not None
    start = datetime(year, 1, 1, tzinfo=UTC).timestamp()
    for hour in range(0, 700 * 24, 5):
        at = start + hour * 3600.0
        held = next(offset for since, offset in reversed(found) if since <= at)
        shown = datetime.fromtimestamp(at, ZoneInfo(name)).utcoffset()
        assert shown is not None
        assert held == shown.total_seconds()
