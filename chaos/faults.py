"""The faults: what is broken, how, and how long until calls leave again.

Each is a function of the site that breaks something at the very moment it is called, mends it, and returns what it saw. The moment
of the mending is where "dialing again" is counted from: the engine's start, Asterisk fully booted, the link open, the disk free.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass

from chaos.heard import Heard
from chaos.site import Site

AGAIN_PATIENCE = 40.0
"""Seconds until a first call must leave again; far over the target of five, so that a miss is a figure and no hang-up."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One fault, as it went. Instants in POSIX seconds."""

    kind: str
    at: float
    """When it struck."""
    mended: float
    """When the peer was back."""
    in_flight: int
    """Attempts without an end when it struck."""
    again: float | None
    """Seconds from the mending to the first INVITE at the callee; None when there was none."""
    problem: str = ""


def engine_kill(site: Site) -> Seen:
    """SIGKILL, and a new process at once."""
    at = time.time()
    site.engine.signal(signal.SIGKILL)
    site.engine.ended()
    in_flight = site.in_flight()
    mended = time.time()
    site.engine.start()
    return _again(site, "engine kill", at, mended, in_flight, parted=mended)


def engine_away(site: Site) -> Seen:
    """SIGKILL, and nobody there for a while: calls end, keys are pressed, and only Asterisk sees it."""
    at = time.time()
    site.engine.signal(signal.SIGKILL)
    site.engine.ended()
    in_flight = site.in_flight()
    time.sleep(site.dice.uniform(4.0, 10.0))
    mended = time.time()
    site.engine.start()
    return _again(site, "engine away", at, mended, in_flight, parted=mended)


def restart(site: Site) -> Seen:
    """SIGTERM, a clean end, and a new process: an upgrade under load."""
    at = time.time()
    in_flight = site.in_flight()
    site.engine.signal(signal.SIGTERM)
    status = site.engine.ended()
    problem = "" if status == 0 else f"exit status {status} after SIGTERM"
    mended = time.time()
    site.engine.start()
    return _again(site, "restart", at, mended, in_flight, problem, parted=mended)


def asterisk_kill(site: Site) -> Seen:
    """SIGKILL of the PBX, and a new one."""
    pid = site.pbx_pid()
    at = time.time()
    os.kill(pid, signal.SIGKILL)
    # The kernel closes a big process's sockets one by one: until the engine has noticed it goes on sending.
    site.until(lambda: not os.path.exists(f"/proc/{pid}"), 5.0)
    time.sleep(0.2)
    in_flight = site.in_flight()
    time.sleep(site.dice.uniform(0.0, 1.0))
    gone = time.time()
    site.start_pbx()
    return _again(site, "Asterisk kill", at, time.time(), in_flight, parted=gone)


def link_cut(site: Site) -> Seen:
    """The AMI connection is reset, and refused for a while."""
    at = time.time()
    in_flight = site.in_flight()
    site.relay.cut(down=True)
    gone = time.time()
    time.sleep(site.dice.uniform(0.0, 3.0))
    site.relay.mend()
    return _again(site, "link cut", at, time.time(), in_flight, parted=gone)


def link_trap(site: Site) -> Seen:
    """The AMI connection is reset when an Originate has gone out and its answer has not come back."""
    trap = site.relay.cut_after_originate()
    try:
        at = trap.result(AGAIN_PATIENCE)
    except TimeoutError:
        return Seen(
            "link cut after an Originate",
            time.time(),
            time.time(),
            0,
            None,
            "no Originate was seen to cut after",
        )
    return _again(site, "link cut after an Originate", at, at, site.in_flight(), parted=at)


def link_freeze(site: Site) -> Seen:
    """The AMI connection is half open: nothing passes, and nobody is told."""
    at = time.time()
    in_flight = site.in_flight()
    site.relay.freeze()
    # Whether it was noticed is told by the engine's log; lines are appended in order.
    before = len(site.engine.log("ami.lost", "ami.failed"))
    noticed = site.until(lambda: len(site.engine.log("ami.lost", "ami.failed")) > before, 15.0, every=0.1)
    gone = time.time()
    took = gone - at
    site.relay.mend()
    problem = (
        "" if noticed and took <= 10.0 else f"a half-open link was not noticed within 10 s ({took:.1f} s)"
    )
    return _again(site, "link frozen", at, time.time(), in_flight, problem, parted=gone)


def asterisk_freeze(site: Site) -> Seen:
    """SIGSTOP of the PBX, for a moment or for so long that the link is given up."""
    pid = site.pbx_pid()
    at = time.time()
    in_flight = site.in_flight()
    os.kill(pid, signal.SIGSTOP)
    time.sleep(site.dice.choice((0.5, 2.0, 4.0, 9.0)) * site.dice.uniform(0.5, 1.0))
    os.kill(pid, signal.SIGCONT)
    return _again(site, "Asterisk frozen", at, time.time(), in_flight)


def engine_freeze(site: Site) -> Seen:
    """SIGSTOP of the engine; Asterisk gives its connection up after a while."""
    at = time.time()
    in_flight = site.in_flight()
    site.engine.signal(signal.SIGSTOP)
    time.sleep(site.dice.choice((0.5, 2.0, 7.0)) * site.dice.uniform(0.5, 1.0))
    site.engine.signal(signal.SIGCONT)
    return _again(site, "engine frozen", at, time.time(), in_flight)


def disk_full(site: Site) -> Seen:
    """No byte is left on the engine's disk for a while, then there is room again."""
    if not site.mounted:
        return Seen("disk full", time.time(), time.time(), 0, None, "no small disk could be mounted")
    at = time.time()
    in_flight = site.in_flight()
    site.fill_disk()
    stopped = site.until(
        lambda: not any(one.what == "invite" for one in _since(site, time.time() - 1.0)), 10.0, every=0.2
    )
    time.sleep(site.dice.uniform(0.5, 2.5))
    problem = "" if stopped else "dialing did not stop while the disk was full"
    if not site.engine.lives():
        problem = "the engine ended"
    site.free_disk()
    return _again(site, "disk full", at, time.time(), in_flight, problem)


def clock_jump(site: Site) -> Seen:
    """The engine's wall clock is set, hours or days, forth or back."""
    at = time.time()
    in_flight = site.in_flight()
    jump = (
        site.dice.choice((30.0, 3600.0, 86400.0))
        * site.dice.choice((-1.0, 1.0))
        * site.dice.uniform(0.5, 1.0)
    )
    before = len(site.engine.log("clock.jumped"))
    site.engine.set_clock(site.engine.clock + jump)
    problem = ""
    if not site.until(lambda: len(site.engine.log("clock.jumped")) > before, 10.0, every=0.2):
        problem = "the engine did not notice that its clock was set"
    return _again(site, "clock set", at, time.time(), in_flight, problem)


FAULTS: dict[str, Callable[[Site], Seen]] = {
    "engine-kills": engine_kill,
    "engine-away": engine_away,
    "restarts": restart,
    "asterisk-kills": asterisk_kill,
    "link-cuts": link_cut,
    "link-traps": link_trap,
    "link-freezes": link_freeze,
    "asterisk-freezes": asterisk_freeze,
    "engine-freezes": engine_freeze,
    "disk-full": disk_full,
    "clock-jumps": clock_jump,
}
"""By the name of the argument that says how many."""


def _since(site: Site, moment: float) -> list[Heard]:
    site.callee.read()
    found: list[Heard] = []
    for one in reversed(site.callee.lines):
        if one.at < moment:
            break
        found.append(one)
    return found


def _again(
    site: Site, kind: str, at: float, mended: float, in_flight: int, problem: str = "", *, parted: float | None = None
) -> Seen:  # fmt: skip
    """Wait until a call leaves after the mending. `parted`: an instant at which the engine was surely not logged in, when it has
    to log in anew; what leaves before that login is what the PBX had in hand already. It is not the mending itself: that is
    noted a moment late on a busy machine, and the login may be there first."""
    first: list[float] = []
    since = [mended if parted is None else None]

    def left() -> bool:
        site.feed()
        if since[0] is None:
            since[0] = next((moment for moment in site.engine.logins() if moment > (parted or mended)), None)
        first[:] = [
            one.at
            for one in site.callee.after(mended)
            if one.what == "invite" and since[0] and one.at > since[0]
        ][:1]
        return bool(first) or not site.engine.lives()

    site.until(left, AGAIN_PATIENCE)
    if not first:
        return Seen(kind, at, mended, in_flight, None, problem or _silence(site, mended))
    return Seen(kind, at, mended, in_flight, first[0] - mended, problem)


def _silence(site: Site, mended: float) -> str:
    """Why nobody was heard, as far as the engine's log and the callee tell."""
    if not site.engine.lives():
        return "the engine ended"
    logins = ", ".join(f"{moment - mended:+.3f} s" for moment in site.engine.logins()) or "none"
    return f"no call left any more (logins from the mending: {logins}; INVITEs since: {len(site.callee.after(mended))})"
