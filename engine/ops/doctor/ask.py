"""Asks a PBX over AMI, with the rights that the engine's own user has. Changes nothing, and a PBX that refuses leaves its facts unknown.

`write=system`, which the engine needs for AstDB, also lets this user read configuration files (GetConfig) and ask for modules.
Secrets in them stay in memory and are never told.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from engine.ami.tls import Tls
from engine.ami.visit import Visit, visit
from engine.config import Settings
from engine.errors import AmiActionFailed, AmiError, SettingsError
from engine.ops.doctor.conf import Conf
from engine.ops.doctor.facts import Endpoint, Pbx
from engine.ops.doctor.needs import CONFS, endpoint_of, functions_of, modules_of
from engine.ops.doctor.wire import look

OPTIONS = ("allow", "direct_media", "dtmf_mode", "context", "aors")


async def ask(name: str, settings: Settings, wire: bool = False) -> Pbx:
    """What AMI tells of this PBX; with `wire`, also what its trunks were seen to show (`engine.ops.doctor.wire`)."""
    pbx = settings.pbx[name]
    try:
        secret = pbx.secret()
    except SettingsError as error:
        return Pbx(name, pbx, settings, trouble=str(error))
    try:
        tls = Tls(pbx.ca_file, pbx.server_name) if pbx.tls else None
        async with visit(pbx.host, pbx.port, pbx.username, secret, tls) as link:
            facts = await _facts(link, name, settings)
            if wire:
                facts["wires"] = {
                    trunk: await look(link, trunk, its, settings)
                    for trunk, its in settings.trunk.items()
                    if its.pbx == name
                }
            return Pbx(name, pbx, settings, **facts)
    except AmiError as error:
        return Pbx(name, pbx, settings, trouble=error)


async def _facts(link: Visit, name: str, settings: Settings) -> dict[str, Any]:
    found: dict[str, Any] = {"booted": link.booted}
    before = time.time()
    pong = await link.ask(("Action", "Ping"))
    after = time.time()
    if pong.get("Timestamp"):
        found["ahead"] = float(pong["Timestamp"]) - (before + after) / 2
        found["doubt"] = (after - before) / 2
    found["commands"] = await link.commands()
    core = await _or_none(link.ask(("Action", "CoreSettings")))
    if core is not None:
        found["core"] = core
        found["version"] = core.get("AsteriskVersion", "")
    found["modules"] = {
        module: there
        for module in modules_of(name, settings)
        if (there := await _or_none(link.has_module(module))) is not None
    }
    found["values"] = {
        function: value
        for function in functions_of(name, settings)
        if (value := await _or_none(link.value(function))) is not None
    }
    found["confs"] = {
        conf: Conf(tuple((section, tuple(options)) for section, options in sections))
        for conf in CONFS
        if (sections := await _or_none(link.config(conf))) is not None
    }
    found["endpoints"] = {
        trunk: endpoint
        for trunk, its in settings.trunk.items()
        if its.pbx == name
        and (named := endpoint_of(its))
        and (endpoint := await _or_none(_endpoint(link, named))) is not None
    }
    return found


async def _or_none(work: Any) -> Any:
    """What Asterisk refuses is unknown; a lost connection is still an error."""
    try:
        return await work
    except AmiActionFailed:
        return None


async def _endpoint(link: Visit, name: str) -> Endpoint | None:
    if not await _or_none(link.has_module("func_pjsip_endpoint")):
        return None
    options = {option: await link.value(f"PJSIP_ENDPOINT({name},{option})") for option in OPTIONS}
    contacts: dict[str, str] = {}
    for aor in _split(options["aors"]):
        for contact in _split(await link.value(f"PJSIP_AOR({aor},contact)")):
            contacts[contact] = await link.value(f"PJSIP_CONTACT({contact},status)")
    return Endpoint(options, contacts)


def _split(text: str) -> Iterable[str]:
    return [part for part in text.split(",") if part]
