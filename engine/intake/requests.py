"""What can be asked for through the control door. Those about lists and people: `engine.intake.lists.requests`; what an
operator changes while things run: `engine.intake.steering_requests`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from engine.campaign import CampaignId
from engine.intake.lists.requests import (
    DropListRequest,
    ForgetRequest,
    ImportListRequest,
    SuppressFileRequest,
)
from engine.intake.steering_requests import By, CallRequest, SteeringRequest, Why
from engine.model import Model, Name


class CampaignRequest(Model):
    """Pause, resume or cancel a campaign."""

    action: Literal["pause", "resume", "cancel"]
    campaign: CampaignId
    reason: Why = ""
    by: By = ""


class RemoveRequest(Model):
    """Take contacts out of a campaign, by their external ids."""

    action: Literal["remove"]
    campaign: CampaignId
    external_ids: Annotated[list[str], Field(min_length=1, max_length=100_000)]
    reason: Why = ""
    by: By = ""


class SuppressRequest(Model):
    """Never call these numbers again (`suppress`), or take them off that list (`unsuppress`)."""

    action: Literal["suppress", "unsuppress"]
    numbers: Annotated[list[str], Field(min_length=1, max_length=100_000)]
    region: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] | None = None
    reason: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    by: By = ""


class TrunkRequest(Model):
    """Give a trunk no new calls (`drain_trunk`), or give it calls again (`resume_trunk`). Calls that live run to their end."""

    action: Literal["drain_trunk", "resume_trunk"]
    trunk: Name
    reason: Why = ""
    by: By = ""


class ResendRequest(Model):
    """Tell a hook again what was given up of it: the receiver takes it now."""

    action: Literal["resend"]
    hook: Name
    by: By = ""


AtOnce = (
    CampaignRequest
    | RemoveRequest
    | SuppressRequest
    | TrunkRequest
    | ResendRequest
    | SteeringRequest
    | CallRequest
)
AnyRequest = AtOnce | ImportListRequest | DropListRequest | SuppressFileRequest | ForgetRequest
Request = Annotated[AnyRequest, Field(discriminator="action")]
