"""Checks of the ways that calls take: trunks, transfer targets, contexts of one's own, sounds, files. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from engine.ops.doctor.facts import Access, Endpoint, Finding, Pbx, error, note, unknown, warning
from engine.ops.doctor.needs import SAID, endpoint_of

GONE = {"Unreachable", "Removed"}
"""States of a contact that Asterisk does not dial, as PJSIP_CONTACT tells them; others are Reachable, Created, and NonQualified (Unknown in
Asterisk 20), which was never asked (res/res_pjsip/pjsip_options.c, status_map)."""


def trunks(pbx: Pbx) -> Iterable[Finding]:
    """Each trunk's endpoint is there, reachable, and set for calls that are listened to."""
    for name, trunk in pbx.whole.trunk.items():
        if trunk.pbx != pbx.name:
            continue
        where = f"trunk.{name}"
        named = endpoint_of(trunk)
        endpoint = pbx.endpoints.get(name)
        if not named:
            yield unknown(
                f"{trunk.dial.partition('/')[0]} cannot be asked about",
                "call a number of your own with it",
                where,
            )
        elif endpoint is None:
            yield unknown(
                f"endpoint {named}",
                f"load func_pjsip_endpoint, or look: asterisk -rx 'pjsip show endpoint {named}'",
                where,
            )
        elif not endpoint.exists:
            yield error(
                f"there is no PJSIP endpoint {named} (dial = {trunk.dial!r})",
                "name one of: asterisk -rx 'pjsip show endpoints'; or add it (asterisk-config/pjsip.d)",
                where,
            )
        else:
            yield from _reached(where, named, endpoint)
            yield from _set_right(where, named, endpoint, trunk.codecs)


def _reached(where: str, name: str, endpoint: Endpoint) -> Iterable[Finding]:
    states = set(endpoint.contacts.values())
    if not endpoint.options["aors"] and not endpoint.contacts:
        yield error(
            f"endpoint {name} has no aor: nothing to dial",
            f"aors={name} and a type=aor section with contact=",
            where,
        )
    elif not endpoint.contacts:
        yield error(
            f"endpoint {name} has no contact: nothing to dial",
            f"contact=sip:<carrier> in aor {endpoint.options['aors']}",
            where,
        )
    elif states <= GONE:
        yield error(
            f"endpoint {name} is not reachable ({', '.join(sorted(states))}): no call leaves by it",
            "asterisk -rx 'pjsip show contacts'; address, firewall, or a carrier without OPTIONS (qualify_frequency=0)",
            where,
        )
    elif "Reachable" not in states:
        yield note(
            f"endpoint {name} is not asked whether it is there, or not yet ({', '.join(sorted(states))})",
            "qualify_frequency=30, if the carrier answers OPTIONS; after a restart ask the doctor again in half a minute",
            where,
        )


def _set_right(where: str, name: str, endpoint: Endpoint, codecs: Iterable[str]) -> Iterable[Finding]:
    options = endpoint.options
    allowed = options["allow"].strip("()").split("|")
    lacking = [codec for codec in codecs if codec not in allowed]
    if lacking:
        yield error(
            f"endpoint {name} does not allow {', '.join(lacking)}; it allows {', '.join(allowed)}",
            f"allow={','.join(codecs)} at the endpoint, or codecs = {allowed} in {where}",
            where,
        )
    if options["direct_media"] == "true":
        yield error(
            f"endpoint {name} has direct_media=yes: Asterisk would not hear the callee, nor keys",
            "direct_media=no; then: asterisk -rx 'module reload res_pjsip.so'",
            where,
        )
    if options["dtmf_mode"] not in {"rfc4733", "auto", "auto_info"}:
        yield warning(
            f"endpoint {name} has dtmf_mode={options['dtmf_mode']}: keys are lost or doubled where the codec distorts them",
            "dtmf_mode=rfc4733, if the carrier has telephone-event",
            where,
        )


def inbound(pbx: Pbx) -> Iterable[Finding]:
    """People who call back arrive where they can opt out."""
    for name, trunk in pbx.whole.trunk.items():
        endpoint = pbx.endpoints.get(name)
        if trunk.pbx != pbx.name or (endpoint is not None and not endpoint.exists):
            continue
        if endpoint is None:
            yield unknown(
                "where calls that come in by it go", "to volley-inbound, or on to it", f"trunk.{name}"
            )
        elif endpoint.options["context"] != "volley-inbound":
            yield note(
                f"calls that come in by it go to {endpoint.options['context']}",
                "send those to your caller IDs on to volley-inbound (docs/dialplan.md, people who call back); whether your dialplan does so"
                " already cannot be seen from here",
                f"trunk.{name}",
            )


def transfers(pbx: Pbx) -> Iterable[Finding]:
    """Queues and telephones that callees are connected with are there."""
    for name, transfer in pbx.whole.transfer.items():
        where = f"transfer.{name}"
        if transfer.queue is not None:
            there = pbx.values.get(f"QUEUE_EXISTS({transfer.queue})")
            members = pbx.values.get(f"QUEUE_MEMBER({transfer.queue},count)", "")
            if not there:
                yield unknown(
                    f"queue {transfer.queue}", f"look: asterisk -rx 'queue show {transfer.queue}'", where
                )
            elif there != "1":
                yield error(
                    f"there is no queue {transfer.queue}",
                    "add it to queues.conf; then: asterisk -rx 'queue reload all'",
                    where,
                )
            elif members == "0":
                yield warning(
                    f"queue {transfer.queue} has no member now",
                    "log agents in before the campaign begins",
                    where,
                )
        for target in (transfer.dial or "").split("&"):
            yield from _telephone(pbx, where, target)


def _telephone(pbx: Pbx, where: str, target: str) -> Iterable[Finding]:
    kind, _, rest = target.partition("/")
    if kind == "PJSIP":
        name = rest.partition("/")[0].rpartition("@")[2]
        value = pbx.values.get(f"PJSIP_ENDPOINT({name},allow)")
        if value is None or (not value and not pbx.endpoints):  # without func_pjsip_endpoint all is empty
            yield unknown(f"telephone {target}", f"look: asterisk -rx 'pjsip show endpoint {name}'", where)
        elif not value:
            yield error(
                f"there is no PJSIP endpoint {name} ({target})", "asterisk -rx 'pjsip show endpoints'", where
            )
    elif kind == "Local":
        exten, _, context = rest.partition("/")[0].partition("@")
        there = pbx.values.get(f"DIALPLAN_EXISTS({context},{exten},1)")
        if not there:
            yield unknown(f"telephone {target}", f"look: asterisk -rx 'dialplan show {context}'", where)
        elif there != "1":
            yield error(
                f"the dialplan has no {exten} in {context} ({target})", "asterisk -rx 'dialplan show'", where
            )
    elif target:
        yield unknown(f"telephone {target}", "call it once", where)


def contexts(pbx: Pbx) -> Iterable[Finding]:
    """The contexts of one's own that campaigns may name are there."""
    for context in pbx.whole.dialplan.contexts:
        there = pbx.values.get(f"DIALPLAN_EXISTS({context},s,1)")
        if not there:
            yield unknown(
                f"context {context}", f"look: asterisk -rx 'dialplan show {context}'", "dialplan.contexts"
            )
        elif there != "1":
            yield error(
                f"the dialplan has no extension s in context {context}: such calls end as flow_missing",
                "add it to extensions.conf, or take it out of dialplan.contexts; then: asterisk -rx 'dialplan reload'",
                "dialplan.contexts",
            )


def sounds(pbx: Pbx) -> Iterable[Finding]:
    """What is said after a key is there, in each language that is used."""
    for language, there in pbx.sounds.items():
        missing = [name for name in SAID if name not in there]
        if missing:
            yield warning(
                f"no sound in {language} for {', '.join(missing)}: nothing is said there",
                "record or synthesize them (docs/asterisk.md, sounds after a key)",
                str(pbx.settings.sounds_dir / language),
            )
    numbers = ", ".join(one.number for one in pbx.whole.caller_id if one.prompt is None)
    if numbers:
        yield note(
            f"who calls back {numbers} does not hear who called",
            "caller_id.prompt names the sound that tells it",
            "caller_id",
        )


def reaches_files(pbx: Pbx) -> Iterable[Finding]:
    """Asterisk may read the prompts (or write them, where it fetches them), and write recordings."""
    if not pbx.local:
        path = pbx.settings.sounds_path or pbx.settings.sounds_dir
        need = "read" if pbx.settings.sounds_url is None else "write"
        yield unknown(
            f"whether Asterisk may {need} {path}",
            "it runs elsewhere: look there, as its user",
            f"pbx.{pbx.name}.sounds_path",
        )
    yield from denied(pbx.access)


def denied(access: Iterable[Access]) -> Iterable[Finding]:
    """What somebody may not do that they must."""
    for one in access:
        if one.allowed is None:
            yield unknown(
                f"whether {one.who} may {one.need} {one.path}: {one.why}",
                "look as that user, or run this as root",
                one.what,
            )
        elif not one.allowed:
            yield error(
                f"{one.who} may not {one.need} {one.path}: {one.why}",
                "make it (systemd-sysusers volley.conf && systemd-tmpfiles --create volley.conf make the usual ones), chown or"
                " chmod it, or correct the path",
                one.what,
            )
