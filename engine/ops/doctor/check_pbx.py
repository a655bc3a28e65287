"""Checks of the PBX itself: version, modules, dialplan, limits, what costs time. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from engine.ops.doctor import advisories
from engine.ops.doctor.facts import Finding, Pbx, error, note, unknown, warning
from engine.ops.doctor.needs import DANGEROUS, DETECTOR_MODULES, modules_of
from engine.ops.share import dialplan_marks

OLDEST = (20,)
"""Asterisk before 20 has been without security releases since October 2025 (18) or longer."""
FAST_FILTERS = (22, 1)
DESCRIPTORS_A_CALL = 4
DESCRIPTORS_BESIDE = 300
"""For a PBX that has other work, too."""
CLOCK_NOTICE, CLOCK_WRONG = 2.0, 60.0
UNLOADED = {
    "volley": (error, "every Originate is refused"),
    "volley-inbound": (warning, "who calls back cannot opt out by key"),
    "volley-fetch": (error, "this PBX never gets the sounds of a campaign, and none is dialed through it"),
}
"""Dialplan -> how bad it is that it is not there, and what is lost."""
RELOAD = "then: asterisk -rx 'dialplan reload'"


def version(pbx: Pbx) -> Iterable[Finding]:
    """The version is one that Volley works with."""
    own = advisories.number(pbx.version)
    if not own:
        yield unknown(f"its version {pbx.version}", "Asterisk 20 or newer is needed")
    elif own < OLDEST:
        yield error(
            f"Asterisk {pbx.version} is older than 20",
            "upgrade: Volley's dialplan and filters need 20 or newer",
        )
    elif own < FAST_FILTERS:
        yield note(
            f"Asterisk {pbx.version} filters events by regular expressions, which costs time in every call",
            "Asterisk 22.1 and newer filter by name",
        )


def known_advisories(pbx: Pbx) -> Iterable[Finding]:
    """No known security advisory is open."""
    if not advisories.number(pbx.version):
        yield unknown("open advisories, since its version is unknown", "asterisk -V")
        return
    known = advisories.table()
    for one in known.advisories:
        mended = one.mended_in(pbx.version)
        if mended is not None:
            make = error if one.severity == "error" else warning
            yield make(
                f"{one.cve or one.id}: {one.what} ({one.date})",
                f"upgrade to {mended} or newer, or ask your distribution whether it has mended {pbx.version};"
                f" {one.source} (table of {known.checked})",
                f"Asterisk {pbx.version}",
            )
    if advisories.is_certified(pbx.version):
        yield unknown(
            "some advisories, whose certified versions the table does not have",
            "look at github.com/asterisk/asterisk/security/advisories",
            f"Asterisk {pbx.version}",
        )


def modules(pbx: Pbx) -> Iterable[Finding]:
    """Every module that Volley's calls need is loaded."""
    needed = modules_of(pbx.name, pbx.whole)
    for module, why in needed.items():
        there = pbx.modules.get(module)
        if there is False and module == "res_timing_timerfd":
            yield warning(
                f"{module} is not loaded ({why})",
                f"load one of res_timing_*: asterisk -rx 'module load {module}.so'",
                "modules.conf",
            )
        elif there is False and module in DETECTOR_MODULES:
            yield warning(
                f"{module} is not loaded ({why}): people are told from machines less well",
                f"asterisk -rx 'module load {module}.so'; or detector.enabled = false",
                "modules.conf",
            )
        elif there is False:
            yield error(
                f"{module} is not loaded ({why})",
                f"asterisk -rx 'module load {module}.so', and no noload={module}.so in modules.conf; it may be a package of its own",
                "modules.conf",
            )
    if any(module not in pbx.modules for module in needed):
        yield unknown(
            "which modules are loaded",
            "this user may not ask (write=system); look: asterisk -rx 'module show'",
            "modules.conf",
        )


def dialplan(pbx: Pbx) -> Iterable[Finding]:
    """Volley's dialplan is there, of the same version as this Volley."""
    for stem, mark in dialplan_marks().items():
        if stem == "volley-fetch" and pbx.settings.sounds_url is None:
            continue
        context = "volley-call" if stem == "volley" else stem
        marked = pbx.values.get(f"DIALPLAN_EXISTS({stem}-version,{mark},1)")
        there = pbx.values.get(f"DIALPLAN_EXISTS({context})")
        where = f"dialplans/{stem}.conf"
        if not marked or not there:
            yield unknown(
                "whether this dialplan is loaded",
                f"look: asterisk -rx 'dialplan show {stem}-version' tells {mark}",
                where,
            )
        elif there != "1":
            make, lost = UNLOADED[stem]
            yield make(f"it is not loaded: {lost}", f"include it from extensions.conf; {RELOAD}", where)
        elif marked != "1":
            yield error(
                "another version of it is loaded than belongs to this Volley",
                f"copy this Volley's file over it (volley install writes it); {RELOAD}",
                where,
            )


def dangerous(pbx: Pbx) -> Iterable[Finding]:
    """Functions that reach the shell or files are closed to AMI."""
    conf = pbx.confs.get("asterisk.conf")
    if conf is None and DANGEROUS not in pbx.values:
        yield unknown("whether live_dangerously is off", "look at [options]", "asterisk.conf")
    open_now = pbx.values.get(DANGEROUS) == "1"
    if open_now or (conf is not None and conf.yes("options", "live_dangerously", False)):
        yield error(
            "live_dangerously=yes: AMI and ARI clients reach the shell and files by dialplan functions",
            "live_dangerously=no, and restart Asterisk",
            "asterisk.conf",
        )


def silence(pbx: Pbx) -> Iterable[Finding]:
    """Silence is sent while Asterisk listens."""
    conf = pbx.confs.get("asterisk.conf")
    if conf is None:
        yield unknown(
            "whether transmit_silence is on", "look: asterisk -rx 'core show settings'", "asterisk.conf"
        )
    elif not conf.yes("options", "transmit_silence", False):
        yield error(
            "transmit_silence is off: many carriers send nothing back to a silent line, and answering-machine detection"
            " then measures nothing",
            "transmit_silence=yes in [options] (asterisk-config/asterisk.conf.d), and restart Asterisk",
            "asterisk.conf",
        )


def rtp_ports(pbx: Pbx) -> Iterable[Finding]:
    """The RTP range carries the channels wanted: two ports a call."""
    conf = pbx.confs.get("rtp.conf")
    if conf is None:
        yield unknown("the range of RTP ports", f"{2 * pbx.channels} ports are needed", "rtp.conf")
        return
    start, end = conf.get("general", "rtpstart", "5000"), conf.get("general", "rtpend", "31000")
    if not (start.isdecimal() and end.isdecimal()):
        yield error(f"rtpstart={start}, rtpend={end} are no ports", "for example 10000 and 20000", "rtp.conf")
        return
    carried = (int(end) - int(start) + 1) // 2
    if carried < pbx.channels:
        yield error(
            f"{start} to {end} carries {max(carried, 0)} calls; volley.toml wants {pbx.channels} channels",
            f"rtpend={int(start) + 2 * pbx.channels + 200} or more (and the firewall too), or lower max_channels;"
            " then: asterisk -rx 'module reload res_rtp_asterisk.so'",
            "rtp.conf",
        )


def descriptors(pbx: Pbx) -> Iterable[Finding]:
    """Asterisk may open the files that the channels wanted need."""
    needed = DESCRIPTORS_A_CALL * pbx.channels + DESCRIPTORS_BESIDE
    conf = pbx.confs.get("asterisk.conf")
    wanted = "" if conf is None else conf.get("options", "maxfiles")
    todo = f"maxfiles={max(needed, 20_000)} in [options], LimitNOFILE= of Asterisk's unit as much, and restart Asterisk"
    told = pbx.core.get("CoreMaxFilehandles", "")
    running = (
        pbx.descriptors
        if pbx.descriptors is not None
        else int(told)
        if told.isdecimal() and int(told) > 0
        else None
    )
    if running is not None and running < needed:
        yield error(
            f"Asterisk may open {running} files; {pbx.channels} channels need {needed}", todo, "asterisk.conf"
        )
    elif wanted.isdecimal() and int(wanted) < needed:
        yield error(f"maxfiles={wanted}; {pbx.channels} channels need {needed}", todo, "asterisk.conf")
    elif running is None and not wanted:
        yield unknown(
            f"how many files Asterisk may open; {pbx.channels} channels need {needed}", todo, "asterisk.conf"
        )


def call_limits(pbx: Pbx) -> Iterable[Finding]:
    """Asterisk's own limits do not cut calls that are answered already."""
    if not pbx.core:
        yield unknown("maxcalls and maxload", "look: asterisk -rx 'core show settings'", "asterisk.conf")
    most = pbx.core.get("CoreMaxCalls", "0")
    if most.isdecimal() and 0 < int(most) < pbx.channels:
        yield warning(
            f"maxcalls={most}: further calls are ended after the callee has answered; volley.toml wants {pbx.channels} channels",
            "raise maxcalls, or lower max_channels",
            "asterisk.conf",
        )
    load = pbx.core.get("CoreMaxLoadAvg", "0")
    if load.strip("0.") != "":
        yield warning(
            f"maxload={load}: under load, calls are ended after the callee has answered",
            "maxload=0",
            "asterisk.conf",
        )


def call_records(pbx: Pbx) -> Iterable[Finding]:
    """Call records that nobody reads cost nothing."""
    conf = pbx.confs.get("cdr.conf")
    if pbx.core.get("CoreCDRenabled") == "Yes":
        batch = conf is not None and conf.yes("general", "batch", False)
        yield note(
            "call detail records are on: they cost time in every call"
            + (", in batches" if batch else ", each written at once"),
            "where nobody reads them enable=no"
            + ("" if batch else "; else batch=yes, and unanswered=yes to see calls that nobody answered")
            + "; then: asterisk -rx 'module reload cdr'",
            "cdr.conf",
        )
    elif "CoreCDRenabled" not in pbx.core:
        yield unknown(
            "whether call detail records are on", "look: asterisk -rx 'cdr show status'", "cdr.conf"
        )
    conf = pbx.confs.get("cel.conf")
    if conf is None:
        yield unknown("whether channel events are logged", "look: asterisk -rx 'cel show status'", "cel.conf")
    elif conf.yes("general", "enable", False):
        yield warning(
            "channel event logging is on: several records a call",
            "enable=no where nobody reads them",
            "cel.conf",
        )


def verbose_logs(pbx: Pbx) -> Iterable[Finding]:
    """The log does not cost more than the calls."""
    conf = pbx.confs.get("logger.conf")
    if conf is None:
        yield unknown("how much it logs", "look: asterisk -rx 'logger show channels'", "logger.conf")
        return
    for name, levels in conf.options("logfiles"):
        words = {word.strip().partition("(")[0] for word in levels.replace("[json]", "").split(",")}
        loud = sorted(words & {"debug", "verbose", "dtmf", "*"})
        if loud and name != "console":
            yield warning(
                f"{name} => {levels}: {', '.join(loud)} costs more than the calls, and dtmf tells what callees pressed",
                f"{name} => notice,warning,error; then: asterisk -rx 'logger reload'",
                "logger.conf",
            )


def clock(pbx: Pbx) -> Iterable[Finding]:
    """The PBX's clock is the engine's: gaps, callbacks and reports count on it."""
    if pbx.ahead is None:
        yield unknown("its clock", "keep both machines' clocks right: chrony, systemd-timesyncd")
        return
    off = max(0.0, abs(pbx.ahead) - pbx.doubt)
    if off >= CLOCK_NOTICE:
        make = error if off >= CLOCK_WRONG else warning
        way = "ahead of" if pbx.ahead > 0 else "behind"
        yield make(
            f"its clock is {off:.0f} s {way} this machine's", "set both by NTP: chrony, systemd-timesyncd"
        )
