"""The one error of the lab. Knows nothing of what went wrong; its text says what, where and what to do."""

from __future__ import annotations


class LabError(Exception):
    """The lab cannot do what was asked; the message is meant for a person."""
