"""Renders AMI messages as Asterisk 22 was recorded to write them, as bytes and quickly. Knows names and order of fields."""

from __future__ import annotations

from collections.abc import Iterable

BANNER = b"Asterisk Call Manager/11.0.0\r\n"
VERSION = "22.10.1"
STATES = {
    0: b"ChannelState: 0\r\nChannelStateDesc: Down\r\n",
    5: b"ChannelState: 5\r\nChannelStateDesc: Ringing\r\n",
    6: b"ChannelState: 6\r\nChannelStateDesc: Up\r\n",
}
WORDS = {0: "Down", 5: "Ringing", 6: "Up"}
CAUSES = {
    1: b"Unallocated (unassigned) number",
    16: b"Normal Clearing",
    17: b"User busy",
    19: b"User alerting, no answer",
    21: b"Call Rejected",
    34: b"Circuit/channel congestion",
    38: b"Network out of order",
}
"""Q.850 cause -> Asterisk's words for it."""
DOWN = b"Context: volley-inbound\r\nExten: s\r\nPriority: 1\r\n"
"""Where a channel is before its answer: its endpoint's context."""
REPORTING = b"Context: volley-report\r\nExten: s\r\nPriority: 3\r\n"
PLAYING = b"Context: volley-play\r\nExten: files\r\nPriority: 3\r\n"


def block(*lines: str) -> bytes:
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode()


def success(action_id: str, *lines: str) -> bytes:
    return block("Response: Success", *_named(action_id), *lines)


def error(action_id: str, message: str) -> bytes:
    return block("Response: Error", *_named(action_id), f"Message: {message}")


def _named(action_id: str) -> list[str]:
    """An action without an id is answered without one."""
    return [f"ActionID: {action_id}"] if action_id else []


def listed(
    action_id: str, message: str, event: str, items: Iterable[Iterable[str]], complete: str, *, id_first: bool
) -> bytes:
    """A list: its acknowledgement, an event an item, the closing event."""
    ours = f"ActionID: {action_id}"
    parts = [block("Response: Success", ours, "EventList: start", f"Message: {message}")]
    parts.extend(
        block(f"Event: {event}", ours, *lines) if id_first else block(f"Event: {event}", *lines, ours)
        for lines in items
    )
    parts.append(block(f"Event: {complete}", ours, "EventList: Complete", f"ListItems: {len(parts) - 1}"))
    return b"".join(parts)


FULLY_BOOTED = block(
    "Event: FullyBooted", "Privilege: system,all", "Uptime: 4", "LastReload: 4", "Status: Fully Booted"
)


class Words:
    """What every event of one channel says, rendered once: `name` is its technology name, `id` its Uniqueid."""

    __slots__ = ("caller", "dialed", "id", "middle", "name", "tail")

    def __init__(
        self, id_: bytes, name: bytes, dialed: bytes, caller: bytes, account: bytes, language: bytes
    ) -> None:
        self.id = id_
        self.name = name
        self.dialed = dialed
        self.caller = caller
        self.middle = (
            b"CallerIDNum: %b\r\nCallerIDName: <unknown>\r\nConnectedLineNum: %b\r\nConnectedLineName: <unknown>\r\n"
            b"Language: %b\r\nAccountCode: %b\r\n" % (caller, caller, language, account)
        )
        self.tail = b"Uniqueid: %b\r\nLinkedid: %b\r\n" % (id_, id_)

    def newstate(self, state: int) -> bytes:
        where = DOWN if state == 5 else b"Context: volley-call\r\nExten: s\r\nPriority: 1\r\n"
        return b"Event: Newstate\r\nPrivilege: call,all\r\nChannel: %b\r\n%b%b%b%b\r\n" % (
            self.name, STATES[state], self.middle, where, self.tail,
        )  # fmt: skip

    def report(self, seq: int, kind: bytes, value: bytes) -> bytes:
        return (
            b"Event: UserEvent\r\nPrivilege: user,all\r\nChannel: %b\r\n%b%b%b%bUserEvent: Volley\r\nAttempt: %b\r\nSeq: %d\r\n"
            b"Kind: %b\r\nValue: %b\r\n\r\n"
            % (self.name, STATES[6], self.middle, REPORTING, self.tail, self.id, seq, kind, value)
        )

    def key(self, digit: bytes) -> bytes:
        return (
            b"Event: DTMFEnd\r\nPrivilege: dtmf,all\r\nChannel: %b\r\n%b%b%b%bDigit: %b\r\nDurationMs: 260\r\n"
            b"Direction: Received\r\n\r\n" % (self.name, STATES[6], self.middle, PLAYING, self.tail, digit)
        )

    def originate_response(self, answered: bool) -> bytes:
        return (
            b"Event: OriginateResponse\r\nPrivilege: call,all\r\nActionID: %b\r\nResponse: %b\r\nChannel: %b\r\nContext: volley-call\r\n"
            b"Exten: s\r\nReason: %b\r\nUniqueid: %b\r\nCallerIDNum: %b\r\nCallerIDName: <unknown>\r\n\r\n"
            % (
                self.id, b"Success" if answered else b"Failure", self.name if answered else self.dialed,
                b"4" if answered else b"0", self.id, self.caller,
            )
        )  # fmt: skip

    def hangup(self, state: int, cause: int, sip: int) -> bytes:
        return b"Event: Hangup\r\nPrivilege: call,all\r\nChannel: %b\r\n%b%b%b%bCause: %d\r\nCause-txt: %b\r\n%b\r\n" % (
            self.name, STATES[state], self.middle, PLAYING if state == 6 else DOWN, self.tail, cause, CAUSES[cause],
            b"TechCause: %d\r\n" % sip if sip else b"",
        )  # fmt: skip

    def shown(self, state: int, seconds: int) -> list[str]:
        """As CoreShowChannels lists it."""
        lines = (
            b"Channel: %b\r\n%b%b%b%b" % (self.name, STATES[state], self.middle, PLAYING, self.tail)
        ).decode()
        return [
            *lines.rstrip("\r\n").split("\r\n"),
            "Application: BackgroundDetect" if state == 6 else "Application: AppDial2",
            "ApplicationData: (Outgoing Line)",
            f"Duration: {seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}",
            "BridgeId: ",
        ]
