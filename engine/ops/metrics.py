"""The figures of an engine as Prometheus reads them: one table of all metrics, and the text of one moment.

Knows names, help texts and labels. The number of series is bounded: labels are trunks, PBXs and hooks of the settings, words of
ours, and at most `metrics.campaigns` campaigns with one `(other)`. Nobody's number or name is in them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric

from engine.ops import log as events
from engine.ops.depths import Depths
from engine.ops.pulse import Pulse, Times
from engine.ops.tally import Tally

Kind = Literal["gauge", "counter", "histogram"]


@dataclass(frozen=True, slots=True)
class Family:
    """One metric: its kind, what it tells, and its labels."""

    kind: Kind
    help: str
    labels: tuple[str, ...] = ()


FAMILIES: dict[str, Family] = {
    "volley_build_info": Family("gauge", "Always 1; the version is a label.", ("version",)),
    "volley_start_time_seconds": Family("gauge", "When the engine was started, in POSIX seconds."),
    # calls
    "volley_calls": Family("gauge", "Calls that live, by state.", ("state",)),
    "volley_calls_limit": Family("gauge", "Calls that may live at the same time (limits.max_channels)."),
    "volley_rate_limit": Family("gauge", "Calls a second at most (limits.cps)."),
    "volley_calls_started_total": Family(
        "counter", "Attempts made, from their durable row on; those that ended NOT_SENT too.", ("trunk",)
    ),
    "volley_calls_ended_total": Family(
        "counter", "Attempts that ended, stored, by disposition.", ("trunk", "disposition")
    ),
    "volley_talk_seconds_total": Family("counter", "Seconds of answered calls that ended.", ("trunk",)),
    "volley_amd_verdicts_total": Family("counter", "Answered calls by AMD verdict.", ("verdict",)),
    # trunks and PBXs
    "volley_trunk_channels": Family("gauge", "Channels of the trunk in use.", ("trunk",)),
    "volley_trunk_channels_limit": Family("gauge", "Its max_channels.", ("trunk",)),
    "volley_trunk_rate_limit": Family("gauge", "Its cps.", ("trunk",)),
    "volley_trunk_queued": Family("gauge", "Calls that are claimed and not yet written.", ("trunk",)),
    "volley_trunk_state": Family(
        "gauge", "1 for the state that the trunk is in: up, down, or its breaker's word.", ("trunk", "state")
    ),
    "volley_ami_up": Family("gauge", "1 while the PBX is connected and may be dialed by.", ("pbx",)),
    "volley_ami_unacknowledged": Family(
        "gauge", "Originates of which nothing was heard yet.", ("pbx",)
    ),
    "volley_acknowledgement_seconds": Family(
        "histogram", "From the writing of an Originate to the first that was heard of it."
    ),
    # campaigns and people
    "volley_campaigns": Family("gauge", "Campaigns that are not over, by state.", ("state",)),
    "volley_campaign_calls": Family("gauge", "Calls of the campaign that live.", ("campaign",)),
    "volley_campaign_calls_started_total": Family("counter", "As volley_calls_started_total.", ("campaign",)),
    "volley_campaign_calls_ended_total": Family(
        "counter", "As volley_calls_ended_total.", ("campaign", "disposition")
    ),
    "volley_campaign_contacts_open": Family("gauge", "Contacts that are not done.", ("campaign",)),
    "volley_campaign_contacts_due": Family(
        "gauge", "Contacts of a running campaign that could be looked at now; counted up to 10,000.", ("campaign",)
    ),
    "volley_optouts_total": Family("counter", "Opt-outs by key, stored."),
    "volley_refusals_total": Family(
        "counter", "Contacts refused by the gate: a new reason, or for good.", ("reason",)
    ),
    "volley_callbacks_scheduled_total": Family("counter", "Callbacks promised."),
    "volley_callbacks_missed_total": Family("counter", "Lines callback.missed: promises that cannot be kept."),
    # the engine itself
    "volley_commit_seconds": Family("histogram", "From the hand-over of a transaction to its commit."),
    "volley_loop_lag_seconds": Family("histogram", "By how much the event loop woke too late, four times a second."),
    "volley_store_up": Family("gauge", "1 while the database can be written; dialing stops otherwise."),
    "volley_unstored_calls": Family("gauge", "Ends of calls that are not committed yet."),
    "volley_hook_outbox_events": Family(
        "gauge", "Events that wait for the receiver; counted up to 100,000.", ("hook",)
    ),
    "volley_log_lines_total": Family("counter", "Lines of level warning and error.", ("event", "level")),
}  # fmt: skip
"""Every metric of ours, by the name under which Prometheus stores it. Beside them are the `process_` metrics of the client
library: processor time, memory, open files."""


class Sample(NamedTuple):
    """One value of one metric."""

    name: str
    labels: tuple[str, ...]
    value: float


class Moment:
    """All values of one moment, copied: they may be written out in another thread while the engine goes on."""

    def __init__(self, pulse: Pulse, tally: Tally) -> None:
        self._pulse = pulse
        self.at = pulse.at
        self._labels = {one.name: tally.label(one.name) for one in pulse.campaigns}
        live = {one.name: one.live for one in pulse.campaigns}
        self._samples = [
            *_of_pulse(pulse),
            *_of_tally(tally),
            *self._by_campaign("volley_campaign_calls", live),
        ]

    def collect(self) -> Iterator[Metric]:
        """As prometheus_client's registry asks for it."""
        values: dict[str, list[Sample]] = {}
        for sample in self._samples:
            values.setdefault(sample.name, []).append(sample)
        times = {
            "volley_acknowledgement_seconds": self._pulse.acknowledged,
            "volley_commit_seconds": self._pulse.committed,
            "volley_loop_lag_seconds": self._pulse.lagged,
        }
        for name, family in FAMILIES.items():
            yield (
                _histogram(name, family, times[name])
                if family.kind == "histogram"
                else _plain(name, family, values.get(name, []))
            )

    def text(self, depths: Depths | None) -> bytes:
        """The answer to a scrape. `depths`: None where the books cannot be read; what is of them is missing then."""
        if depths is not None:
            self._samples += [
                *self._by_campaign("volley_campaign_contacts_open", depths.open),
                *self._by_campaign("volley_campaign_contacts_due", depths.due),
                *(
                    Sample("volley_hook_outbox_events", (hook,), count)
                    for hook, count in depths.outbox.items()
                ),
            ]
        registry = CollectorRegistry()
        registry.register(self)
        ProcessCollector(registry=registry)
        return generate_latest(registry)

    def _by_campaign(self, name: str, counts: Mapping[str, int]) -> list[Sample]:
        found: Counter[str] = Counter()
        for campaign, count in counts.items():
            if campaign in self._labels:  # not one that is only being taken in
                found[self._labels[campaign]] += count
        return [Sample(name, (label,), count) for label, count in found.items()]


def _plain(name: str, family: Family, samples: Iterable[Sample]) -> Metric:
    kind = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
    found = kind(name, family.help, labels=family.labels)
    for sample in samples:
        found.add_metric(sample.labels, sample.value)
    return found


def _histogram(name: str, family: Family, times: Times) -> Metric:
    found = HistogramMetricFamily(name, family.help)
    buckets, seen = [], 0
    for bound, count in zip((*times.bounds, float("inf")), times.counts, strict=True):
        seen += count
        buckets.append(("+Inf" if bound == float("inf") else repr(bound), seen))
    found.add_metric((), buckets, times.total)
    return found


def _of_pulse(pulse: Pulse) -> Iterator[Sample]:
    yield Sample("volley_build_info", (pulse.version,), 1)
    yield Sample("volley_start_time_seconds", (), pulse.started)
    for state, count in pulse.calls.items():
        yield Sample("volley_calls", (state,), count)
    yield Sample("volley_calls_limit", (), pulse.max_channels)
    yield Sample("volley_rate_limit", (), pulse.cps)
    for trunk in pulse.trunks:
        mine = (trunk.name,)
        yield Sample("volley_calls_started_total", mine, trunk.begun)
        yield Sample("volley_trunk_channels", mine, trunk.live)
        yield Sample("volley_trunk_channels_limit", mine, trunk.max_channels)
        yield Sample("volley_trunk_rate_limit", mine, trunk.cps)
        yield Sample("volley_trunk_queued", mine, trunk.queued)
        yield Sample("volley_trunk_state", (trunk.name, trunk.state), 1)
    for pbx in pulse.pbxs:
        yield Sample("volley_ami_up", (pbx.name,), pbx.up)
        yield Sample("volley_ami_unacknowledged", (pbx.name,), pbx.unacknowledged)
    for state in ("scheduled", "running", "paused"):
        yield Sample("volley_campaigns", (state,), sum(one.state == state for one in pulse.campaigns))
    yield Sample("volley_store_up", (), not pulse.fault)
    yield Sample("volley_unstored_calls", (), pulse.unstored)


def _of_tally(tally: Tally) -> Iterator[Sample]:
    for (trunk, disposition), count in tally.ended.items():
        yield Sample("volley_calls_ended_total", (trunk, disposition), count)
    for trunk, seconds in tally.talked.items():
        yield Sample("volley_talk_seconds_total", (trunk,), seconds)
    for verdict, count in tally.amd.items():
        yield Sample("volley_amd_verdicts_total", (verdict,), count)
    for campaign, count in tally.begun.items():
        yield Sample("volley_campaign_calls_started_total", (campaign,), count)
    for campaign, dispositions in tally.by_campaign.items():
        for disposition, count in dispositions.items():
            yield Sample("volley_campaign_calls_ended_total", (campaign, disposition), count)
    for reason, count in tally.refused.items():
        yield Sample("volley_refusals_total", (reason,), count)
    yield Sample("volley_optouts_total", (), tally.events[events.OPTOUT_RECORDED])
    yield Sample("volley_callbacks_scheduled_total", (), tally.events[events.CALLBACK_SCHEDULED])
    yield Sample("volley_callbacks_missed_total", (), tally.events[events.CALLBACK_MISSED])
    for (event, level), count in tally.lines.items():
        yield Sample("volley_log_lines_total", (event, level), count)
