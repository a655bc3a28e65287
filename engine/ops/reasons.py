"""The gate's reasons, and the other words that stand with a contact, as sentences. The one place where they
are put into words."""

from __future__ import annotations

from collections.abc import Mapping

from engine.rules.gate import Reason

SENTENCES: Mapping[str, str] = {
    Reason.ALLOWED: "everything allows a call",
    Reason.CAMPAIGN_NOT_RUNNING: "the campaign is not running: it is paused, scheduled or still being taken in",
    Reason.CAMPAIGN_NOT_STARTED: "the campaign's start has not come yet",
    Reason.CAMPAIGN_OVER: "the campaign's end has come",
    Reason.SUPPRESSED: "the number is on the list of those never to be called",
    Reason.TOLL: "the number is of a kind that is never dialed: somebody would earn by the call, or nobody lives there",
    Reason.COUNTRY_NOT_ALLOWED: "its country is not among those that the settings allow to be dialed",
    Reason.PLACE_UNCLEAR: "what the contact's row says of its place cannot be read",
    Reason.NO_RULES: "no rules are known that would allow such a call there",
    Reason.NOT_APPROVED: "an emergency needs the approval of two people, which is missing or has expired",
    Reason.NO_CONSENT: "the contact's consent does not carry such a call",
    Reason.CALL_UNLAWFUL: "the campaign's call is not made as the rules of the callee's place ask",
    Reason.REGISTRY_MISSING: "a list that must be checked is missing, too old or unusable",
    Reason.LISTED: "the number is on a suppression list",
    Reason.NO_CALLER_ID: "none of the campaign's caller IDs may be shown to this callee",
    Reason.NO_TRUNK: "none of the campaign's trunks serves the number",
    Reason.TRANSFER_REFUSED: "a number that the callee could be connected with must not be dialed",
    Reason.ABANDONMENT: "too many of the campaign's calls were abandoned lately",
    Reason.DAY_CAP: "the campaign has used up what it may call or spend on a day",
    Reason.TOO_OFTEN: "the number was called as often lately as the rules allow",
    Reason.TOO_SOON: "what happened at this number last is not long enough ago for the rules",
    Reason.OUTSIDE_LAWFUL_HOURS: "it is outside the hours that the law leaves at the callee's place",
    Reason.ZONE_UNKNOWN: "it is not known in which time zone the number is, so its calling hours are not known",
    Reason.EXPIRED: "the contact's own expiry has come",
    Reason.NOT_BEFORE: "the contact is not to be called before an instant of its own",
    Reason.BUDGET_SPENT: "all attempts that the campaign allows a contact are used",
    Reason.GAP: "the minimum gap since the last attempt has not passed",
    Reason.OUTSIDE_HOURS: "it is outside the calling hours at the callee's place",
    Reason.QUIET_HOURS: "it is in the quiet hours that the operator keeps at the callee's place",
    Reason.NEVER_OPEN: "there is no time at which the campaign's hours, the contact's own and the callee's time zones all allow a call",
    Reason.LINE_IN_USE: "the number has a live call",
    Reason.NOBODY_FREE: "the callback leads to somebody of yours, and all of them are busy",
    "speech_failed": "a text that is spoken to it could not be spoken: the log tells why (contact.unspoken)",
    "removed": "the contact was taken out of the campaign by a request",
    "campaign_cancelled": "the campaign was cancelled",
    "campaign_over": "the campaign's end has come",
}
"""Why something is not dialed, or was ended without a call."""

KINDS: Mapping[str, str] = {
    "first": "first call",
    "retry": "retry",
    "callback": "callback that was asked for",
}

RESULTS: Mapping[str, str] = {
    "opted_out": "asked never to be called again",
    "call_back": "asked to be called back",
    "confirmed": "confirmed",
    "heard": "heard the message to its end",
    "voicemail_left": "a message was left on the machine",
    "hung_up": "hung up before the message's end",
    "hung_up_on": "nothing was played to it",
    "transferred": "was connected with an agent",
    "nobody_free": "asked for an agent, and nobody was free",
    "answered": "answered the questions",
    "partial": "answered some of the questions and hung up",
    "ended": "ended the call by key",
    "flow_missing": "the PBX did not have the call's flow",
}
"""A call's result, in words; other words are answers that the campaign named itself."""


def sentence(reason: str) -> str:
    """Words for a reason; the reason itself where none are known (books of another version)."""
    return SENTENCES.get(reason, reason.replace("_", " "))


def result(word: str) -> str:
    """Words for a call's result."""
    return RESULTS.get(word, f"answered: {word}")


def times(count: int) -> str:
    """How often, in words."""
    return {1: "once", 2: "twice"}.get(count, f"{count} times")
