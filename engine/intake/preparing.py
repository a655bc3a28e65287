"""Makes a campaign ready for its calls: checked against this engine, its prompts made and brought to its PBXs, its flow compiled."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

from engine.campaign import Campaign
from engine.config import Settings
from engine.errors import InputError, Problem
from engine.flow.compiled import compile_flow, version
from engine.intake import manifest as manifests
from engine.intake import placing, prompts
from engine.intake.manifest import CampaignJob, Manifest
from engine.intake.prompts import Prepared
from engine.ops import log as events
from engine.ops.log import Log
from engine.store.jobs import NewCampaign

PROMPTS = "prompts.making"
"""Below the engine's state directory: prompts that are being made."""
LONGEST_ENTRY = 1000
"""Bytes of a flow entry, such as a list of prompts, that fit into one AMI line of 1,024 with its name."""


async def prepare(
    described: CampaignJob, manifest: Manifest, settings: Settings, now: float, log: Log
) -> NewCampaign:
    """Check a campaign against this engine, make its prompts and place them, at `now` (POSIX seconds). Raises InputError."""
    campaign = described.campaign
    scratch = settings.engine.state / PROMPTS
    await asyncio.to_thread(_empty, scratch)
    try:
        cache = settings.engine.state / prompts.SPEECH
        prepared = await prompts.prepare(campaign, manifest.folder, settings, scratch, cache, keeps=True)
        problems = manifests.check(campaign, settings, manifest.path.name, now)
        problems += prepared.problems
        if problems:
            raise InputError(problems)
        for warning in prepared.warnings:
            log.warning(events.PROMPT_POOR, campaign=campaign.id, prompt=warning.where, what=warning.what)
        await asyncio.to_thread(prompts.tidy, cache, now)
        return await asyncio.to_thread(_placed, campaign, manifest, prepared, settings, now)
    finally:
        await asyncio.to_thread(shutil.rmtree, scratch, True)


def _placed(
    campaign: Campaign, manifest: Manifest, prepared: Prepared, settings: Settings, now: float
) -> NewCampaign:
    """Bring prompts to the campaign's PBXs. Raises InputError."""
    used = prompts.pbxs_of(campaign, settings)
    sounds_dirs = [settings.pbx[pbx].sounds_dir for pbx in used]
    spoken, recorded = placing.spoken(sounds_dirs, campaign.language)
    for sounds_dir in sounds_dirs:
        placing.place({**recorded, **prepared.files}, sounds_dir)
    longest = campaign.max_call or settings.limits.max_call
    flow = compile_flow(campaign, prepared.names, spoken, longest)
    for pbx in used:
        pbx_settings = settings.pbx[pbx]
        where = pbx_settings.sounds_path or str(pbx_settings.sounds_dir)
        if any(len(value.replace("{sounds}", where).encode()) > LONGEST_ENTRY for value in flow.values()):
            raise InputError(
                [
                    Problem(
                        f"{manifest.path.name}: message",
                        "names more prompts than one AMI line carries",
                        "join some of the prompts into one file",
                    )
                ]
            )
    start = campaign.start.timestamp() if campaign.start else now
    return NewCampaign(
        campaign.id,
        campaign.title,
        campaign.owner,
        campaign.purpose,
        campaign.priority,
        start,
        campaign.end.timestamp() if campaign.end else None,
        campaign.model_dump(mode="json", by_alias=True),
        version(flow),
        flow,
        prepared.message(campaign),
    )


def _empty(folder: Path) -> None:
    """Make a folder anew, whatever an engine that was killed left in it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
