"""What Asterisk says, in whatever pieces it comes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.detection.ear import Limits
from engine.detection.wire import Messages, WireError, asked

KINDS = st.tuples(st.integers(0, 255), st.binary(max_size=400))


@given(st.lists(KINDS, max_size=8), st.lists(st.integers(1, 50), max_size=60))
def test_messages_in_any_pieces(sent: list[tuple[int, bytes]], cuts: list[int]) -> None:
    stream = b"".join(bytes((kind,)) + len(body).to_bytes(2, "big") + body for kind, body in sent)
    messages, found, at = Messages(), [], 0
    for cut in [*cuts, len(stream)]:
        found += list(messages.take(stream[at : at + cut]))
        at += cut
    assert found == sent


HEAD = (
    "agi_network: yes\nagi_uniqueid: v01a20bad5e310000\nagi_request: agi://127.0.0.1:9/\n"
    "agi_arg_1: {}\nagi_arg_2: 700\nagi_arg_3: 4400\nagi_arg_4: 2000\nagi_arg_5: 1500"
)


def test_what_agi_asks_for() -> None:
    limits = Limits(hush=2000, pause=700, longest=4400, noise=2000, beep=1500)
    assert asked(HEAD.format(2000)) == ("v01a20bad5e310000", limits)


@pytest.mark.parametrize("value", ["", "0", "-1", "60001", "1.5", "2s", "²", "9" * 30])
def test_what_is_no_time_is_refused(value: str) -> None:
    with pytest.raises(WireError, match="argument 1"):
        asked(HEAD.format(value))


def test_an_argument_that_is_missing() -> None:
    with pytest.raises(WireError, match="argument 5"):
        asked(HEAD.format(2000).rpartition("\n")[0])
