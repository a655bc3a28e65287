"""Two trunks, of which one is full: everybody is reached by the other one, and the books tell what happened."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

import lab
from lab.places import BENCH_ADDRESS
from tests.asterisk.harness import Engine, carrier_count, number

pytestmark = pytest.mark.asterisk

FULL = """
[trunk.full]
pbx = "lab"
dial = "PJSIP/{number}@bench"
max_channels = 500
cps = 50
priority = 90

[trunk.full.breaker]
pause = "10m"
max_pause = "10m"

"""
PEOPLE = [number(12, at) for at in range(40)]
"""They hang up at once."""


class FullCarrier:
    """A SIP server that has no circuit for anybody (RFC 3261, 503), and counts who asked."""

    def __init__(self, port: int) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((BENCH_ADDRESS, port))
        self._thread = threading.Thread(target=self._serve)
        self.asked: list[str] = []
        """Numbers of the INVITEs, retransmissions left out."""
        self._seen: set[str] = set()

    def _serve(self) -> None:
        while True:
            packet, sender = self._socket.recvfrom(65536)
            if packet == b"end":
                return
            text = packet.decode()
            method, uri = text.split(" ", 2)[:2]
            if method == "ACK":
                continue
            kept = "\r\n".join(
                line.strip()
                for line in text.split("\r\n")
                if line.split(":")[0] in ("Via", "From", "To", "Call-ID", "CSeq")
            )
            if method == "INVITE":
                [call] = re.findall(r"^Call-ID: (.*?)\r?$", text, re.MULTILINE)
                if call not in self._seen:
                    self._seen.add(call)
                    self.asked.append(uri.removeprefix("sip:").partition("@")[0])
                kept = re.sub(r"^(To: [^\r\n]*)", r"\1;tag=full", kept, flags=re.MULTILINE)
            status = "503 Service Unavailable" if method == "INVITE" else "200 OK"
            self._socket.sendto(f"SIP/2.0 {status}\r\n{kept}\r\nContent-Length: 0\r\n\r\n".encode(), sender)

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        self._socket.sendto(b"end", self._socket.getsockname())
        self._thread.join(5)
        self._socket.close()


@contextmanager
def full_carrier(port: int) -> Iterator[FullCarrier]:
    found = FullCarrier(port)
    found.start()
    try:
        yield found
    finally:
        found.end()


def test_everybody_is_reached_by_the_other_trunk_and_nobody_loses_an_attempt(engine: Engine) -> None:
    text = engine.config.read_text(encoding="utf-8")
    engine.config.write_text(text.replace("[[caller_id]]", FULL + "[[caller_id]]", 1), encoding="utf-8")
    with full_carrier(lab.status().ports.sip) as carrier:
        engine.start()
        engine.job("failover", PEOPLE, "[retry]\nmax_attempts = 1\n")
        engine.completed("failover", 60)
        [opened] = engine.log("trunk.breaker_opened")
        assert opened["trunk"] == "full"
        assert opened["reason"].endswith("the last one: SIP 503")
        trunks = {row["name"]: row["breaker"] for row in engine.rows("SELECT * FROM trunks")}
        assert trunks == {"carrier": "closed", "full": "open"}
        refused = 0
        for one, rows in engine.attempts("failover").items():
            [answered] = [row for row in rows if row["answered_at"] is not None]
            others = [row for row in rows if row is not answered and row["disposition"] != "NOT_SENT"]
            assert [(row["disposition"], row["sip"], row["counted"]) for row in others] in (
                [],
                [("CONGESTION", 503, 0)],
            ), one
            refused += len(others)
            if others:
                assert answered["created_at"] - others[0]["ended_at"] < 20, one
        assert 5 <= refused < 40
        assert sorted(carrier.asked) == sorted(
            one for one, rows in engine.attempts("failover").items() if any(row["sip"] == 503 for row in rows)
        )
        assert {row["attempts"] for row in engine.contacts("failover").values()} == {1}
        assert carrier_count() == dict.fromkeys(PEOPLE, 1)
        for action, drained in (("drain_trunk", True), ("resume_trunk", False)):
            reply = engine.request(action, action=action, trunk="carrier", reason="new SBC", by="anna")
            assert reply == {"ok": True, "trunk": "carrier", "drained": drained, "live_calls": 0}
            assert engine.rows(
                "SELECT drained_at IS NOT NULL AS is_so FROM trunks WHERE name = 'carrier'"
            ) == [{"is_so": drained}]
        audited = [
            row["action"] for row in engine.rows("SELECT action FROM audit WHERE action LIKE 'trunk.%'")
        ]
        assert audited == ["trunk.drained", "trunk.resumed"]
