"""A job's manifest: TOML (or JSON, for programs) -> a campaign and where its contacts come from, or contacts for a
campaign that is there.

    campaign.toml                             more-people.toml
        id = "flu-shots"                          add_to = "flu-shots"
        owner = "..."                             [contacts]
        [message]                                 file = "more.csv"
        prompts = ["hello.wav"]
        [contacts]
        file = "people.xlsx"

Knows the words. Refuses to know the database and the queue. Every problem is reported at once.
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import StringConstraints, ValidationError

from engine.campaign import LONGEST_EMERGENCY, Campaign, CampaignId
from engine.config import Settings, problems_of
from engine.errors import InputError, Problem
from engine.intake.source import ContactSource
from engine.model import Model
from engine.tariff import Tariff

MANIFEST_BYTES = 64 << 20
"""Inline contacts included; a larger list belongs into a file beside the manifest."""


class CampaignJob(Campaign):
    """A new campaign with its contacts."""

    contacts: ContactSource

    @property
    def campaign(self) -> Campaign:
        """The campaign without its contacts."""
        return Campaign.model_validate(self.model_dump(exclude={"contacts"}, by_alias=True))


class AddJob(Model):
    """Contacts for a campaign that is there."""

    add_to: CampaignId
    region: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] | None = None
    contacts: ContactSource


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest that was read and checked by itself."""

    path: Path
    job: CampaignJob | AddJob

    @property
    def folder(self) -> Path:
        """Where the files beside it lie."""
        return self.path.parent


def load(path: Path) -> Manifest:
    """Read a manifest. Raises InputError with every problem."""
    try:
        if path.stat().st_size > MANIFEST_BYTES:
            raise InputError(
                [
                    Problem(
                        path.name,
                        f"the manifest is larger than {MANIFEST_BYTES >> 20} MiB",
                        "put the contacts into a file beside it",
                    )
                ]
            )
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError([Problem(path.name, f"cannot read the manifest: {error.strerror}")]) from error
    except UnicodeDecodeError as error:
        raise InputError(
            [Problem(path.name, f"the manifest is not UTF-8 (byte {error.start})", "save it as UTF-8")]
        ) from error
    try:
        table: Any = json.loads(text) if path.suffix.lower() == ".json" else tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(
            [Problem(path.name, f"not valid {path.suffix.lstrip('.').upper()}: {error}")]
        ) from error
    if not isinstance(table, dict):
        raise InputError([Problem(path.name, "the manifest is no table of keys and values")])
    try:
        job = AddJob.model_validate(table) if "add_to" in table else CampaignJob.model_validate(table)
    except ValidationError as error:
        raise InputError(problems_of(error, f"{path.name}: ")) from error
    return Manifest(path, job)


def check(campaign: Campaign, settings: Settings, where: str, now: float) -> list[Problem]:
    """What is wrong with a campaign for this engine at `now` (POSIX seconds): caller IDs that are not ours, trunks and hooks that
    are not there, an approval that is over or lasts too long."""
    problems: list[Problem] = []
    ours = {item.number for item in settings.caller_id}
    problems += [
        Problem(
            f"{where}: caller_id",
            f"{number} is not among the numbers proven ours",
            "list it under [[caller_id]] in volley.toml, with owner and proof",
        )
        for number in campaign.caller_id
        if number not in ours
    ]
    problems += [
        Problem(f"{where}: trunks", f"there is no trunk {trunk!r}", "known: " + ", ".join(settings.trunk))
        for trunk in campaign.trunks
        if trunk not in settings.trunk
    ]
    problems += _ways_out(campaign, settings, where)
    problems += _too_dear(campaign, settings, where)
    problems += _approved_too_long(campaign, where, now)
    problems += [
        Problem(
            f"{where}: hooks",
            f"there is no hook {hook!r}",
            "known: " + ", ".join(settings.hook) if settings.hook else "volley.toml has no [hook.<name>]",
        )
        for hook in campaign.hooks
        if hook not in settings.hook
    ]
    return problems


def _too_dear(campaign: Campaign, settings: Settings, where: str) -> list[Problem]:
    """A day's cap under which no call can be made at all."""
    tariff = Tariff.of(campaign, settings, campaign.max_call or settings.limits.max_call)
    known = [trunk for trunk in campaign.trunks or settings.trunk if trunk in settings.trunk]
    least = min(map(tariff.least, known), default=0.0)
    if campaign.cost_per_day is None or least <= campaign.cost_per_day:
        return []
    what = f"{campaign.cost_per_day:g} is less than one call may cost ({least:.2f}), so nothing would ever be dialed"
    return [Problem(f"{where}: cost_per_day", what, "raise it, or set a shorter max_call")]


def _approved_too_long(campaign: Campaign, where: str, now: float) -> list[Problem]:
    if campaign.emergency is None:
        return []
    expires, latest = campaign.emergency.expires, datetime.fromtimestamp(now, UTC) + LONGEST_EMERGENCY
    if expires > latest:
        what = (
            f"{expires.isoformat()} is more than {LONGEST_EMERGENCY.days} days ahead: an emergency that lasts longer is approved anew,"
            " in a new campaign"
        )
        todo = f"give an instant not after {latest.isoformat(timespec='seconds')}"
    elif expires.timestamp() <= now:
        what, todo = f"{expires.isoformat()} has passed: nothing would be dialed", "have it approved anew"
    else:
        return []
    return [Problem(f"{where}: emergency.expires", what, todo)]


def _ways_out(campaign: Campaign, settings: Settings, where: str) -> list[Problem]:
    """Transfers, contexts and recordings that the settings do not have."""
    problems = [
        Problem(
            f"{where}: transfer to {name}",
            f"there is no [transfer.{name}] in the engine's settings",
            "known: " + (", ".join(settings.transfer) or "none"),
        )
        for name in sorted(campaign.transfer_targets())
        if name not in settings.transfer
    ]
    if campaign.context and campaign.context not in settings.dialplan.contexts:
        known = ", ".join(settings.dialplan.contexts) or "none"
        problems.append(
            Problem(
                f"{where}: context",
                f"{campaign.context!r} is not among dialplan.contexts of the engine's settings",
                f"known: {known}",
            )
        )
    used = {
        settings.trunk[trunk].pbx for trunk in campaign.trunks or settings.trunk if trunk in settings.trunk
    }
    for name in sorted(campaign.transfer_targets() & settings.transfer.keys()):
        trunk = settings.transfer[name].trunk
        if trunk is not None and used != {settings.trunk[trunk].pbx}:
            problems.append(
                Problem(
                    f"{where}: transfer to {name}",
                    f"its number is dialed by trunk {trunk!r}, which is not on the PBX of all the campaign's trunks",
                    "name trunks of that PBX in `trunks`",
                )
            )
    if campaign.records:
        problems += [
            Problem(
                f"{where}: nodes",
                f"a node records, and pbx.{pbx} of the settings has no recordings_dir",
                "set recordings_dir, or use trunks of another PBX",
            )
            for pbx in sorted(used)
            if settings.pbx[pbx].recordings_dir is None
        ]
    return problems
