"""The parts of the page: each a plot that is a table at the same time. Figures in, plain values out; what is told, and in which order,
is decided here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from engine.ops import palette, reasons
from engine.ops.report import words
from engine.ops.report.drawing import bar, known, swatch
from engine.ops.report.figures import Figures
from engine.ops.report.table import Card, Group, Row, counted, rare
from engine.ops.report.words import percent, seconds


def cards(found: Figures) -> list[Card]:
    """Those that have something to tell."""
    every = (
        _endings(found),
        _results(found),
        _rounds(found),
        _verdicts(found),
        _answers(found),
        _keys(found),
        _callbacks(found),
        _trunks(found),
        _causes(found),
        _abandonment(found),
    )
    return [card for card in every if any(group.rows for group in card.groups)]


# --- people -------------------------------------------------------------------------------------------------------------


def _endings(found: Figures) -> Card:
    told = found.summary
    total = found.contacts
    rows = []
    for word in palette.listed(told.contacts | told.attempts):
        contacts, attempts = told.contacts.get(word, 0), told.attempts.get(word, 0)
        rows.append(
            Row(
                words.DISPOSITIONS.get(word, word),
                (f"{contacts:,}", percent(contacts, total) if contacts else "", f"{attempts:,}"),
                bar([(known(word), contacts / total if total else 0.0)]),
                swatch(known(word)),
                word,
            )
        )
    if told.open_contacts:
        share = told.open_contacts / total
        rows.append(
            Row("Not done yet", (f"{told.open_contacts:,}", percent(share, 1), ""), bar([("rest", share)]))
        )
    if rows:
        rows.append(Row("All", (f"{total:,}", "", f"{sum(told.attempts.values()):,}")))
    return Card(
        "dispositions",
        "How it ended",
        "People by how their last attempt ended (bars), and all attempts by how they ended.",
        ("Disposition", "People", "Share", "Attempts"),
        (Group(tuple(rows)),),
    )


def _results(found: Figures) -> Card:
    counts = {reasons.result(word): amount for word, amount in found.summary.goals.items()}
    return Card(
        "results",
        "What came of it",
        "People by the result of their last answered call.",
        ("Result", "People", "Share"),
        (counted(counts, found.contacts),),
    )


def _rounds(found: Figures) -> Card:
    rows = []
    total = sum(one.contacts for one in found.rounds)
    most = max((one.contacts for one in found.rounds), default=1)
    for one in found.rounds:
        parts = [("ANSWERED_HUMAN", one.reached / most), ("rest", (one.contacts - one.reached) / most)]
        rows.append(
            Row(
                words.count(one.attempts, "attempt", "attempts"),
                (
                    f"{one.contacts:,}",
                    percent(one.contacts, total),
                    f"{one.reached:,}",
                    percent(one.reached, one.contacts),
                ),
                bar(parts),
            )
        )
    undialed = found.contacts - total
    notes = ["The first part of a bar: people who were reached in person."]
    if undialed > 0:
        notes.append(f"{words.count(undialed, 'person was', 'people were')} not dialed.")
    return Card(
        "attempts",
        "Attempts per person",
        "People by how many attempts were made for them, and how many of them answered one in person.",
        ("Attempts", "People", "Share", "Reached", "Of these"),
        (rare(rows),),
        tuple(notes),
    )


def _callbacks(found: Figures) -> Card:
    counts = found.summary.callbacks
    fills = {"kept": "ANSWERED_HUMAN", "missed": "INVALID_NUMBER", "withdrawn": "CANCELLED"}
    total = sum(counts.values())
    rows = tuple(
        Row(
            text,
            (f"{counts[state]:,}", percent(counts[state], total)),
            bar([(fills.get(state, "plain"), counts[state] / total)]),
            code=state,
        )
        for state, text in words.CALLBACKS.items()
        if counts.get(state)
    )
    return Card(
        "callbacks",
        "Callbacks",
        "Promises to people who asked to be called back.",
        ("Promise", "Callbacks", "Share"),
        (Group(rows),),
    )


# --- conversations ------------------------------------------------------------------------------------------------------


def _verdicts(found: Figures) -> Card:
    total = sum(one.calls for one in found.verdicts)
    fills = {
        "HUMAN": "ANSWERED_HUMAN", "KEY": "ANSWERED_HUMAN", "MACHINE": "ANSWERED_MACHINE", "NOTSURE": "ANSWERED_UNSURE"
    }  # fmt: skip
    rows = []
    for one in found.verdicts:
        reason = words.REASONS.get(one.reason, one.reason.lower())
        verdict = words.VERDICTS.get(one.verdict, one.verdict)
        rows.append(
            Row(
                f"{verdict}: {reason}" if reason and one.verdict != "KEY" else verdict,
                (f"{one.calls:,}", percent(one.calls, total)),
                bar([(fills.get(one.verdict, "rest"), one.calls / total)]),
                swatch(fills.get(one.verdict, "rest")),
                "/".join(filter(None, (one.verdict, one.reason))),
            )
        )
    return Card(
        "amd",
        "Person or machine",
        "Answered calls by the verdict of the answering-machine detection. A key makes it a person, whatever the verdict.",
        ("Verdict", "Calls", "Share"),
        (rare(rows),),
    )


def _answers(found: Figures) -> Card:
    groups = [
        replace(counted(dict(_scale_first(answers))), title=question)
        for question, answers in found.summary.answers.items()
    ]
    notes = tuple(
        f"{question}: {words.count(times, 'answer', 'answers')} typed or too various to be told here."
        for question, times in found.typed.items()
    )
    if notes and not groups:
        groups = [Group(tuple(Row(name, (f"{times:,}", "")) for name, times in found.typed.items()))]
    return Card(
        "answers",
        "Answers",
        "Answers to each question of the flow.",
        ("Answer", "Times", "Share"),
        tuple(groups),
        notes,
    )


def _scale_first(answers: Mapping[str, int]) -> list[tuple[str, int]]:
    """Answers of a scale in its order; others as they come, the most frequent first."""
    if all(answer.isdecimal() for answer in answers):
        return sorted(answers.items(), key=lambda one: int(one[0]))
    return list(answers.items())


def _keys(found: Figures) -> Card:
    nodes: dict[str, dict[str, int]] = {}
    for one in found.keys:
        nodes.setdefault(one.node, {})[one.key] = one.presses
    groups = tuple(
        replace(counted({f"Key {key}": presses for key, presses in keys.items()}), title=node)
        for node, keys in nodes.items()
    )
    return Card(
        "keys",
        "Keys",
        "Keys that were pressed, at each place of the flow.",
        ("Key", "Presses", "Share"),
        groups,
    )


# --- trunks and law -----------------------------------------------------------------------------------------------------


def _trunks(found: Figures) -> Card:
    rows = tuple(
        Row(
            one.name,
            (
                f"{one.sent:,}",
                percent(one.answered, one.sent),
                percent(one.congested, one.sent),
                seconds(one.delay.median if one.delay else None),
                seconds(one.delay.most if one.delay else None),
                seconds(one.talk / one.answered if one.answered else None),
            ),
            bar(
                [
                    ("ANSWERED_HUMAN", one.answered / one.sent),
                    ("rest", (one.sent - one.answered - one.congested) / one.sent),
                    ("CONGESTION", one.congested / one.sent),
                ]
            ),
        )
        for one in found.trunks
    )
    return Card(
        "trunks",
        "Trunks",
        "How good each trunk was. The bar: answered, not answered, and at its end what the trunk had no room for.",
        ("Trunk", "Attempts", "Answer-seizure ratio", "No room", "Post-dial delay", "95 in 100", "Mean talk"),
        (Group(rows),),
        (
            "Post-dial delay: from the Originate to the first ringing; the middle of all that rang, and what 95 in 100 stay below.",
        ),
    )


def _causes(found: Figures) -> Card:
    groups = []
    for trunk in found.trunks:
        unanswered = trunk.sent - trunk.answered
        rows = [
            Row(
                words.ending(one.sip, one.cause),
                (f"{one.attempts:,}", percent(one.attempts, unanswered)),
                bar([(known(one.disposition), one.attempts / unanswered)]),
                swatch(known(one.disposition)),
                one.disposition,
            )
            for one in found.endings
            if one.trunk == trunk.name
        ]
        groups.append(replace(rare(rows), title=trunk.name))
    return Card(
        "causes",
        "Why calls were not answered",
        "Unanswered attempts of each trunk by SIP status and Q.850 cause.",
        ("Status and cause", "Attempts", "Share"),
        tuple(group for group in groups if group.rows),
    )


def _abandonment(found: Figures) -> Card:
    told = found.abandonment
    if not told.live:
        return Card("abandonment", "", "", (), ())
    share = 100 * told.abandoned / told.live
    most = max([share, *(one.percent for one in told.limits)], default=1.0) * 1.25 or 1.0
    rows = [
        Row(
            "This campaign, 30 days",
            (f"{told.abandoned:,}", f"{told.live:,}", percent(told.abandoned, told.live)),
            bar([("INVALID_NUMBER", share / most)]),
        )
    ]
    rows += [
        Row(
            f"Limit in {one.region}: slower at {one.throttle:g} %, stop at {one.stop:g} %",
            ("", "", f"{one.percent:g}{words.SPACE}%"),
            bar([("rest", one.percent / most)], one.stop / most),
            code=one.rule,
        )
        for one in told.limits
    ]
    days = tuple(
        Row(
            words.day(one.at),
            (f"{one.abandoned:,}", f"{one.live:,}", percent(one.abandoned, one.live)),
        )
        for one in told.days[-30:]
    )
    notes = []
    if not told.limits:
        notes.append("No law of the countries that were called sets a limit for calls of this purpose.")
    if told.wait is not None:
        notes.append(
            f"The first words came {seconds(told.wait.median)} after the end of the greeting (middle of"
            f" {words.count(told.wait.count, 'call', 'calls')}; 95 in 100 within {seconds(told.wait.most)})."
        )
    return Card(
        "abandonment",
        "Abandoned calls",
        "Calls that a live person answered, and heard nothing within two seconds of the end of the greeting.",
        ("", "Abandoned", "Live", "Share"),
        (Group(tuple(rows)), Group(days, "By day (UTC)")),
        tuple(notes),
    )
