"""What the doctor found, as a person reads it."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from engine.ops import palette
from engine.ops.doctor.examine import Report
from engine.ops.doctor.facts import Severity
from engine.ops.printable import line

STYLE = {
    Severity.ERROR: palette.BAD,
    Severity.WARNING: palette.POOR,
    Severity.NOTE: palette.FAIR,
    Severity.UNKNOWN: palette.QUIET,
}
ORDER = tuple(Severity)


def view(report: Report, everything: bool = False) -> RenderableType:
    """Findings by what they are about, the worst first; with `everything` also where to look for what is unknown, and the checks
    that found nothing."""
    parts: list[RenderableType] = []
    for about in dict.fromkeys(check.about for check in report.checks):
        checks = [check for check in report.checks if check.about == about]
        found = [(one, check) for check in checks for one in check.findings]
        well = [check for check in checks if not check.findings] if everything else []
        if not found and not well:
            continue
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for one, check in sorted(found, key=lambda pair: ORDER.index(pair[0].severity)):
            where = f"{one.where}: " if one.where else ""
            todo = f"{one.todo} " if one.todo else ""
            table.add_row(Text(one.severity, STYLE[one.severity]), Text(line(f"{where}{one.what}")))
            if everything or one.severity != Severity.UNKNOWN:
                table.add_row("", Text.assemble(line(todo), (f"[{check.check}]", palette.QUIET)))
        for check in well:
            table.add_row(Text("ok", palette.GOOD), Text(check.asks))
        parts += [Text(about, style="bold"), table]
        parts.append(Text())
    return Group(*parts, _sum(report))


def _sum(report: Report) -> Text:
    counts = {severity: report.count(severity) for severity in ORDER}
    words = [
        f"{count} {severity}{'' if count == 1 or severity == Severity.UNKNOWN else 's'}"
        for severity, count in counts.items()
    ]
    style = palette.GOOD if report.well else palette.BAD if counts[Severity.ERROR] else palette.POOR
    unknowns = counts[Severity.UNKNOWN]
    hint = " --all tells where to look for what is unknown." if unknowns else ""
    return Text(f"{len(report.checks)} checks: {', '.join(words)}.{hint}", style=style)
