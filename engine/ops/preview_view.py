"""`engine.ops.preview` as a person reads it on a terminal."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from engine import durations
from engine.ops import palette, reasons
from engine.ops.books import instant
from engine.ops.call_preview import CallPreview, PromptShown
from engine.ops.openings import Openings
from engine.ops.preview import Preview
from engine.ops.printable import line

INDENT = 18


def view(found: Preview, flow: bool = False) -> RenderableType:
    """The whole picture; with `flow` each node of the call too."""
    parts: list[RenderableType] = [_contacts(found)]
    if found.rejected:
        parts += [Text(), _rejects(found)]
    parts += [Text(), _openings(found.openings, found.paused)]
    if found.call is not None:
        parts += [Text(), _call(found.call)]
        if flow:
            parts += [Text(), Text("The flow", style="bold"), *(Text(line(one)) for one in found.call.flow)]
    return Group(*parts, Text(), _end(found))


def _facts(title: str) -> Table:
    table = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=None,
        show_header=False,
        pad_edge=False,
        padding=(0, 2, 0, 0),
    )
    table.add_column(min_width=INDENT)
    table.add_column(overflow="fold")
    return table


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {word.replace('_', ' ')}" for word, count in counts.items())


def _contacts(found: Preview) -> Table:
    table = _facts(f"Contacts for {found.campaign}" + (" (added to it)" if found.adds else ""))
    table.add_row("rows", f"{found.rows:,}")
    table.add_row(
        "accepted", Text(f"{found.accepted:,}", style=palette.GOOD if found.accepted else palette.BAD)
    )
    table.add_row("rejected", Text(f"{found.rejected:,}", style=palette.BAD if found.rejected else ""))
    if found.duplicates:
        table.add_row("duplicates", f"{found.duplicates:,}")
    if found.already_there:
        table.add_row(
            "already there",
            f"{found.already_there:,} are in the campaign, by a number or their external id; they will be rejected",
        )
    if found.regions:
        table.add_row("regions", _listed(found.regions))
        table.add_row("numbers", _listed(found.kinds))
    if found.several_numbers:
        table.add_row("several numbers", f"{found.several_numbers:,} contacts have more than one")
    if found.repaired:
        table.add_row("mended", _listed(found.repaired))
    if found.zones_unknown:
        table.add_row("zone unknown", Text(f"{found.zones_unknown:,} will not be called", style=palette.BAD))
    if len(found.languages) > 1 or found.unspoken:
        table.add_row("languages", _listed(found.languages))
    for language, prompts in found.unspoken.items():
        missing = ", ".join(map(line, prompts))
        table.add_row("", Text(f"{language}: {missing} in the campaign's language", style=palette.BAD))
    if found.suppressed is None:
        table.add_row("suppressed", "not known: there is no database yet")
    else:
        table.add_row("suppressed", f"{found.suppressed:,}")
    return table


def _rejects(found: Preview) -> Table:
    table = _facts("Rejected rows")
    for code, count in found.reject_codes.items():
        table.add_row(code, f"{count:,}")
    for one in found.first_rejects:
        table.add_row(f"row {one.row}", line(one.reason))
    if found.rejected > len(found.first_rejects):
        table.add_row(
            "...", f"{found.rejected - len(found.first_rejects):,} more: --rejects FILE writes them all"
        )
    return table


def _openings(found: Openings, paused: bool) -> Table:
    table = _facts("First calls")
    if found.at_once:
        table.add_row("at once", f"{found.at_once:,}")
    for reason, later in sorted(found.later.items(), key=lambda item: item[1].earliest):
        span = _second(later.earliest) + (
            f" to {_second(later.latest)}" if later.latest > later.earliest else ""
        )
        table.add_row("later", f"{later.contacts:,}, at {span}: {reasons.sentence(reason)}")
    for reason, count in found.never.items():
        table.add_row("never", Text(f"{count:,}: {reasons.sentence(reason)}", style=palette.BAD))
    if not (found.at_once or found.later or found.never):
        table.add_row("none", "")
    if paused:
        table.add_row(
            "but", Text("the campaign is paused: nobody is called until it is resumed", style=palette.BAD)
        )
    return table


def _second(at: float) -> str:
    return instant(at).replace("T", " ")


def _call(call: CallPreview) -> Table:
    table = _facts("The call")
    table.add_row("caller ID", ", ".join(call.caller_ids))
    table.add_row("trunks", ", ".join(call.trunks))
    for name, prompts in (("message", call.message), ("menu", call.menu), ("voicemail", call.voicemail)):
        if prompts:
            table.add_row(name, ", ".join(map(_prompt, prompts)))
    for key, what in call.keys.items():
        table.add_row(f"key {key}", what)
    table.add_row("answered by", f"a person: {call.human}; a machine: {call.machine}; unsure: {call.unsure}")
    table.add_row(
        "limits", f"rings {durations.text(call.ring_timeout)}, lasts {durations.text(call.max_call)} at most"
    )
    table.add_row("attempts", f"{call.max_attempts} a contact, {durations.text(call.min_gap)} apart at least")
    for word, what in call.retries.items():
        table.add_row(f"  {word}", what)
    return table


def _prompt(prompt: PromptShown) -> str:
    if prompt.personal:
        return line(prompt.file)
    lasts = "cannot be played" if prompt.seconds is None else f"{prompt.seconds:g} s"
    variants = "".join(f", {language} {seconds:g} s" for language, seconds in prompt.languages.items())
    return f"{line(prompt.file)} ({lasts}{variants})"


def _end(found: Preview) -> Text:
    noted = "".join(f"Note: {line(str(one))}\n" for one in found.warnings)
    if found.acceptable:
        return Text.assemble(noted, ("This job would be accepted.", palette.GOOD))
    told = "\n".join(f"- {line(str(one))}" for one in found.problems)
    return Text.assemble(noted, ("This job would be rejected:", palette.BAD), "\n", told)
