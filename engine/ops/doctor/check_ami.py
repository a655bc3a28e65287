"""Checks of the connection and of the AMI user: what it may do, from where, and what reaches it. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from engine.errors import AmiLoginRefused
from engine.ops.doctor import filters
from engine.ops.doctor.conf import Conf
from engine.ops.doctor.facts import Finding, Pbx, error, note, unknown, warning
from engine.ops.doctor.needs import ACTIONS, READ, TOO_MUCH, WRITE, lives_here

MANAGER = "manager.conf"
WRITE_TIMEOUT = 1000
"""Milliseconds below which a busy machine is cut off (the default is 100)."""


def login(pbx: Pbx) -> Iterable[Finding]:
    """The engine's user can log in."""
    if pbx.trouble is None:
        if not pbx.booted:
            yield error(
                "logged in, but no FullyBooted came: the engine waits for it and never dials",
                f"read = {','.join(READ)} for [{pbx.user}]; let FullyBooted through the event filter;"
                " or Asterisk is still starting",
                MANAGER,
            )
        return
    where = f"{pbx.settings.host}:{pbx.settings.port}"
    if isinstance(pbx.trouble, str):
        yield error(f"no login was tried: {pbx.trouble}", "put the AMI secret there", f"pbx.{pbx.name}")
    elif isinstance(pbx.trouble, AmiLoginRefused):
        yield error(f"Asterisk refused the login of {pbx.user}: {pbx.trouble}", _why_refused(pbx), where)
    else:
        yield error(
            f"no AMI: {pbx.trouble}",
            "start Asterisk; in manager.conf enabled=yes, and bindaddr and port as in volley.toml",
            where,
        )


def _why_refused(pbx: Pbx) -> str:
    if pbx.closed:
        one = pbx.closed[0]
        return f"{one.path}: {one.why}; chown root:asterisk {one.path} (Asterisk's group); then: asterisk -rx 'manager reload'"
    conf = pbx.confs.get(MANAGER)
    if conf is None:
        return f"look at [{pbx.user}] of manager.conf: its secret, deny and permit; then: asterisk -rx 'manager reload'"
    if pbx.user not in conf.names():
        return f"there is no [{pbx.user}] in manager.conf: add asterisk-config/manager.d/volley.conf; then: asterisk -rx 'manager reload'"
    if not conf.yes("general", "allowmultiplelogin", True):
        return "allowmultiplelogin=no, and the engine may be logged in: stop it, or allow it"
    if not _covers(conf.all(pbx.user, "permit"), pbx.settings.host) and conf.all(pbx.user, "deny"):
        return f"its permit does not have {pbx.settings.host}; or its secret is not the one that volley.toml names"
    return "its secret is not the one that volley.toml names, or Asterisk has not read it yet: asterisk -rx 'manager reload'"


def _covers(permits: list[str], address: str) -> bool:
    try:
        host = ipaddress.ip_address("127.0.0.1" if address == "localhost" else address)
    except ValueError:
        return True
    return any(host in network for permit in permits if (network := _network(permit)) is not None)


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text.strip(), strict=False)
    except ValueError:
        return None


def actions(pbx: Pbx) -> Iterable[Finding]:
    """This user may do what the engine does, and no more."""
    if pbx.commands is None:
        yield unknown("what this user may do", "AMI tells nothing")
        return
    missing: dict[str, list[str]] = {}
    for action, kind in ACTIONS.items():
        if action not in pbx.commands:
            missing.setdefault(kind, []).append(action)
    for kind, names in missing.items():
        yield error(
            f"this user may not do {', '.join(names)}",
            f"write = {','.join(WRITE)} for [{pbx.user}] ({kind} is missing); then: asterisk -rx 'manager reload'",
            MANAGER,
        )
    beyond = sorted({kind for action, kind in TOO_MUCH.items() if action in pbx.commands})
    if beyond:
        yield warning(
            f"this user may more than the engine needs: {', '.join(beyond)}",
            f"write = {','.join(WRITE)} for [{pbx.user}]",
            MANAGER,
        )


def _with_user(pbx: Pbx) -> Conf | None:
    """manager.conf, if it can be read and has the user: one from a database, or from users.conf, cannot be looked at."""
    conf = pbx.confs.get(MANAGER)
    return conf if conf is not None and pbx.user in conf.names() else None


def read_classes(pbx: Pbx) -> Iterable[Finding]:
    """This user reads the classes of the events that the engine lives on, and no others."""
    conf = _with_user(pbx)
    if conf is None:
        yield unknown(
            "which events this user reads", f"look: asterisk -rx 'manager show user {pbx.user}'", MANAGER
        )
        return
    has = {word.strip() for value in conf.all(pbx.user, "read") for word in value.split(",")}
    missing = [] if "all" in has else [word for word in READ if word not in has]
    if missing:
        lost = {
            "system": "FullyBooted",
            "call": "how calls end",
            "user": "what callees did",
            "dtmf": "keys during detection: opt-outs",
        }
        yield error(
            f"read lacks {', '.join(missing)}: lost are {'; '.join(lost[word] for word in missing)}",
            f"read = {','.join(READ)} for [{pbx.user}]; then: asterisk -rx 'manager reload'",
            MANAGER,
        )
    beyond = sorted(has - set(READ) - {""})
    if beyond:
        yield warning(
            f"read has {', '.join(beyond)}, which the engine never uses", f"read = {','.join(READ)}", MANAGER
        )


def addresses(pbx: Pbx) -> Iterable[Finding]:
    """Who may log in as this user, by address."""
    conf = _with_user(pbx)
    if conf is None:
        yield unknown(
            "from which addresses this user may log in", f"look at permit and deny of [{pbx.user}]", MANAGER
        )
        return
    if conf.get(pbx.user, "acl"):
        yield note(
            f"its addresses are those of acl {conf.get(pbx.user, 'acl')}",
            "look at acl.conf: few, and yours",
            MANAGER,
        )
        return
    denied = any(
        (network := _network(value)) is not None and network.prefixlen == 0
        for value in conf.all(pbx.user, "deny")
    )
    permits = conf.all(pbx.user, "permit")
    wide = [value for value in permits if (network := _network(value)) is not None and network.prefixlen < 8]
    todo = f"deny=0.0.0.0/0.0.0.0 and permit=127.0.0.1/255.255.255.255 for [{pbx.user}]; then: asterisk -rx 'manager reload'"
    if not denied or wide:
        what = f"permit={wide[0]}" if denied else "there is no deny=0.0.0.0/0.0.0.0"
        yield error(
            f"anybody who reaches the port may try to log in as {pbx.user} ({what}): who may, owns the telephone bill",
            todo,
            MANAGER,
        )
    address = conf.get("general", "bindaddr", "0.0.0.0")
    tls = conf.yes("general", "tlsenable", False)
    if address in {"0.0.0.0", "::"} and not tls:
        yield note(
            "AMI listens on every address, without encryption",
            "bindaddr=127.0.0.1 unless others need it",
            MANAGER,
        )


def encryption(pbx: Pbx) -> Iterable[Finding]:
    """What is said over a network is not for others to hear, or to say in the engine's place."""
    if pbx.settings.tls or lives_here(pbx.settings):
        return
    yield warning(
        f"AMI with {pbx.settings.host} is not encrypted: whoever is on the way reads all of it, and can speak in the engine's place",
        "tls = true, with the port of tlsbindaddr (docs/asterisk.md, AMI over TLS); or a tunnel to 127.0.0.1",
        f"pbx.{pbx.name}",
    )


def event_filter(pbx: Pbx) -> Iterable[Finding]:
    """What the engine needs passes the filter, and little else does."""
    conf = _with_user(pbx)
    if conf is None:
        yield unknown(
            "whether the event filter is right", f"look: asterisk -rx 'manager show user {pbx.user}'", MANAGER
        )
        return
    todo = "take the eventfilter lines of asterisk-config/manager.d/volley.conf; then: asterisk -rx 'manager reload'"
    try:
        found = filters.read(conf.options(pbx.user))
    except ValueError as refused:
        yield error(f"a filter that Asterisk refuses: {refused}", todo, MANAGER)
        return
    held = sorted({_kind(event) for event in filters.NEEDED if not filters.passes(found, event)})
    if held:
        yield error(f"the event filter holds back what the engine needs: {', '.join(held)}", todo, MANAGER)
    through = sorted({_kind(event) for event in filters.COSTLY if filters.passes(found, event)})
    if not found:
        yield warning(
            "no event filter: some 36 events a call instead of 5 reach the engine, and those of all other calls",
            todo,
            MANAGER,
        )
    elif through:
        yield warning(
            f"the event filter lets through what the engine throws away: {', '.join(through)}", todo, MANAGER
        )


def _kind(event: filters.Event) -> str:
    if event["Event"] == "UserEvent":
        return f"UserEvent {event['UserEvent']}"
    return event["Event"]


def write_timeout(pbx: Pbx) -> Iterable[Finding]:
    """A busy engine is not cut off."""
    conf = _with_user(pbx)
    if conf is None:
        yield unknown("the write time-out of this user", "writetimeout=5000 is right", MANAGER)
        return
    value = conf.get(pbx.user, "writetimeout", "100")
    if not value.isdecimal() or int(value) < WRITE_TIMEOUT:
        yield warning(
            f"writetimeout is {value} ms: an engine that is busy for so long is cut off, and must settle its calls anew",
            f"writetimeout=5000 for [{pbx.user}]; then: asterisk -rx 'manager reload'",
            MANAGER,
        )
