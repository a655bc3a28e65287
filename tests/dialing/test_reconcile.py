"""The fate of an open attempt: what is not proven is never dialed again as if it had not been."""

from __future__ import annotations

from itertools import product

import pytest

from engine.channel import HungUp
from engine.dialing.reconcile import CALM_LOOKS, MOST_LOOKS, NOTHING, Fate, Witness, settle

END = HungUp(1, 17, 486, 10.0)
MARKED = Witness(sent_at=5.0)


@pytest.mark.parametrize(
    ("witness", "same", "calm", "looks", "fate"),
    [
        (Witness(live=True, sent_at=5.0), True, 0, 1, Fate.LIVES),
        (Witness(live=True), False, 0, 1, Fate.LIVES),
        (Witness(end=END, sent_at=5.0), True, 0, 1, Fate.ENDED),
        (Witness(end=END), False, 0, 1, Fate.ENDED),
        # No trace: proven only when the same Asterisk was calm often enough.
        (NOTHING, True, 0, 1, None),
        (NOTHING, True, CALM_LOOKS - 1, CALM_LOOKS - 1, None),
        (NOTHING, True, CALM_LOOKS, CALM_LOOKS, Fate.NOT_SENT),
        (NOTHING, True, 0, MOST_LOOKS, Fate.UNKNOWN),
        (NOTHING, False, CALM_LOOKS, CALM_LOOKS, Fate.UNKNOWN),
        (NOTHING, False, 0, 1, Fate.UNKNOWN),
        # Sent, not live, no end: it may have come to life since the snapshot.
        (MARKED, True, 0, 1, None),
        (MARKED, True, CALM_LOOKS, CALM_LOOKS, Fate.UNKNOWN),
        (MARKED, True, 0, MOST_LOOKS, Fate.UNKNOWN),
        (MARKED, False, 0, 1, Fate.UNKNOWN),
    ],
)
def test_table(witness: Witness, same: bool, calm: int, looks: int, fate: Fate | None) -> None:
    assert settle(witness, same_asterisk=same, calm_looks=calm, looks=looks) is fate


def test_not_sent_needs_every_proof_and_every_attempt_is_settled_in_the_end() -> None:
    for live, end, sent, same, calm, looks in product(
        [False, True],
        [None, END],
        [None, 5.0],
        [False, True],
        range(CALM_LOOKS + 2),
        range(1, MOST_LOOKS + 2),
    ):
        fate = settle(
            Witness(live=live, end=end, sent_at=sent), same_asterisk=same, calm_looks=calm, looks=looks
        )
        if fate is Fate.NOT_SENT:
            assert not live
            assert end is None
            assert sent is None
            assert same
            assert calm >= CALM_LOOKS
        if looks >= MOST_LOOKS:
            assert fate is not None
