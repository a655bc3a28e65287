"""What became of a test call: its attempt, what was heard and pressed in it, or why there was none."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engine import durations
from engine.ops import reasons
from engine.ops.books import snapshot
from engine.ops.history import Attempt, read


@dataclass(frozen=True, slots=True)
class Trial:
    """A test call as it stands."""

    campaign: str
    contact: int
    over: bool
    """Nothing more will come."""
    attempt: Attempt | None
    """None: nothing was dialed."""
    keys: str
    """What was pressed, in its order."""
    why: str
    """Why nothing was dialed, in words; empty where something was, or may be yet."""

    @property
    def called(self) -> bool:
        """The call was made, and has ended."""
        return self.over and self.attempt is not None


def look(database: Path, contact_id: int) -> Trial:
    """How the call to this contact stands. Raises StoreError."""
    with snapshot(database) as connection:
        history = read(connection, contact_id)
    dialed = [one for one in history.attempts if one.disposition != "NOT_SENT"]
    attempt = dialed[-1] if dialed else None
    over = history.contact["state"] == "done"
    keys = () if attempt is None else (event.value for event in attempt.events if event.kind == "key")
    why = ""
    if attempt is None and over:
        said = [one.reason for one in history.refusals if one.reason != "expired"]
        void = [one.note for one in history.attempts if one.note]
        why = (
            reasons.sentence(said[-1])
            if said
            else void[-1]
            if void
            else "it was not dialed within its minute"
        )
    return Trial(
        history.campaign.name,
        contact_id,
        over,
        attempt,
        "".join(key.partition("@")[0] for key in keys),
        why,
    )


def told(trial: Trial) -> list[str]:
    """The call in lines, for a person."""
    attempt = trial.attempt
    if attempt is None:
        return [f"not called: {trial.why}" if trial.over else "not called yet"]
    if attempt.disposition is None:
        return [f"the call {attempt.id} lives"]
    codes = f"cause {attempt.cause}" + (f", SIP {attempt.sip}" if attempt.sip else "")
    lines = [f"{attempt.disposition} ({codes}), by trunk {attempt.trunk} from {attempt.caller_id}"]
    if attempt.answered_at is not None and attempt.ended_at is not None:
        lines.append(f"answered, talked {durations.text(max(0.0, attempt.ended_at - attempt.answered_at))}")
    if attempt.amd:
        lines.append(f"AMD {attempt.amd}")
    if trial.keys:
        lines.append(f"keys {trial.keys}")
    if attempt.result:
        lines.append(reasons.result(attempt.result))
    if attempt.note:
        lines.append(attempt.note)
    return lines
