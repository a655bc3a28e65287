"""What event filters let through, in both forms; and that the files which users get let through what is needed and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.ops.doctor.conf import read as read_conf
from engine.ops.doctor.filters import COSTLY, NEEDED, Event, passes, read
from engine.ops.share import share

HANGUP: Event = {"Event": "Hangup", "Channel": "PJSIP/101-1", "Uniqueid": "1.2", "Cause": "16"}
OTHER: Event = {"Event": "VarSet", "Channel": "PJSIP/101-1", "Uniqueid": "1.2"}


@pytest.mark.parametrize("name", ["volley.conf", "volley-asterisk20.conf"])
def test_the_filters_that_users_get(name: str) -> None:
    folder: Path = share("asterisk-config") / "manager.d"
    found = read(read_conf(folder / name, folder).options("volley"))
    assert len(found) >= 3
    assert [event for event in NEEDED if not passes(found, event)] == []
    assert [event for event in COSTLY if passes(found, event)] == []


@pytest.mark.parametrize(
    ("options", "hangup", "other"),
    [
        ([], True, True),
        ([("eventfilter", "Event: Hangup")], True, False),
        ([("eventfilter", "!Event: Hangup")], False, True),
        ([("eventfilter", "Channel: PJSIP"), ("eventfilter", "!Event: VarSet")], True, False),
        ([("eventfilter(name(Hangup))", "")], True, False),
        ([("eventfilter(action(exclude),name(Hangup))", "")], False, True),
        ([("eventfilter(name(Hangup),header(Cause),method(exact))", "16")], True, False),
        ([("eventfilter(name(Hangup),header(Cause),method(exact))", "1")], False, False),
        ([("eventfilter(name(Hangup),header(Cause),method(starts_with))", "1")], True, False),
        ([("eventfilter(name(Hangup),header(Cause),method(ends_with))", "6")], True, False),
        ([("eventfilter(name(Hangup),header(Nothing),method(regex))", ".*")], False, False),
        ([("eventfilter(header(Channel),method(contains))", "101")], True, True),
        ([("eventfilter(method(regex))", "Event: V")], False, True),
    ],
)
def test_what_passes(options: list[tuple[str, str]], hangup: bool, other: bool) -> None:
    found = read([("secret", "x"), *options])
    assert (passes(found, HANGUP), passes(found, OTHER)) == (hangup, other)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("eventfilter", "["),
        ("eventfilter(method(regex))", "("),
        ("eventfilter(method(like))", "x"),
        ("eventfilter(action(maybe))", ""),
    ],
)
def test_what_asterisk_would_refuse(key: str, value: str) -> None:
    with pytest.raises(ValueError, match="eventfilter"):
        read([(key, value)])
