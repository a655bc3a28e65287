"""Attempt ids: time-ordered, fixed-width in Asterisk, and in the outbox under the time in which they were made."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.channel import BUCKET_SECONDS, attempt_id, attempt_of, bucket_of, channel_id, created_at

instants = st.floats(1.0, 4e9)


@given(st.lists(instants, min_size=2, max_size=50))
def test_ids_grow_whatever_the_clock_does(clock: list[float]) -> None:
    last = 0
    texts = []
    for now in clock:
        last = attempt_id(now, last)
        assert 0 < last < 2**63  # SQLite's INTEGER
        texts.append(channel_id(last))
    assert texts == sorted(set(texts))
    assert {len(text) for text in texts} == {17}  # Asterisk matches channel ids by prefix
    assert [channel_id(attempt_of(text) or 0) for text in texts] == texts


@given(instants)
def test_an_id_tells_when_it_was_made(now: float) -> None:
    attempt = attempt_id(now, 0)
    assert created_at(attempt) == pytest.approx(now, abs=0.001)
    assert (
        bucket_of(attempt) * BUCKET_SECONDS <= created_at(attempt) < (bucket_of(attempt) + 1) * BUCKET_SECONDS
    )


@pytest.mark.parametrize(
    "text",
    ["", "v", "v01a20b9a82c1000", "v01a20b9a82c100000", "V01a20b9a82c10000", "v01A20B9A82C10000", "v01a20b9a82c10000;2",
     "1795491005.12", "v01a20b9a82c10000\n", " v01a20b9a82c10000"],
)  # fmt: skip
def test_other_channels_are_not_ours(text: str) -> None:
    assert attempt_of(text) is None
