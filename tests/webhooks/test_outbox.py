"""The end of a cycle and its events are one transaction; which events it is."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
import yaml

from memory_maintenance.cycles.events import HIGH_FALLBACK_SHARE, ClosedCycle, events_of
from memory_maintenance.cycles.outcomes import CycleFailure, CycleTotals, TenantOutcome
from memory_maintenance.cycles.record import close_cycle, open_cycle
from memory_maintenance.errors import MaintenanceError
from memory_maintenance.preflight.finding import Finding
from memory_maintenance.store.pool import execute, fetch, fetch_value
from memory_maintenance.webhooks.event import event_id
from memory_maintenance.webhooks.outbox import waiting_events
from memory_maintenance.work import Counts
from tests.processes.conftest import ROOT
from tests.settings import settings
from tests.webhooks.receiver import SECRET

HOOKS, MORE = "https://hooks.example.com/token", "https://other.example.com"
NOW = datetime(2026, 11, 29, 23, 59, tzinfo=UTC)


def on(**changes):
    return settings(webhook_urls=HOOKS, webhook_secret=SECRET, **changes)


async def closed(pool, chosen, *, cycle_id=None, **totals):
    cycle_id = cycle_id or uuid4()
    await open_cycle(pool, cycle_id, kind="daily", as_of=datetime.now(UTC), config={})
    await close_cycle(pool, cycle_id, status="completed", totals=dumped(**totals), settings=chosen)
    return cycle_id


def dumped(**totals):
    return CycleTotals(**totals).model_dump(mode="json")


async def rows(pool):
    return [tuple(row) for row in await fetch(pool, "SELECT type, subject FROM maintenance.webhook_events ORDER BY 1")]


async def test_the_end_of_a_cycle_is_written_with_its_events_and_closing_twice_is_once(pool):
    cycle = await closed(pool, on())
    await close_cycle(pool, cycle, status="completed", totals=dumped(), settings=on())
    assert await rows(pool) == [("cycle.finished", str(cycle))]
    [waiting] = await waiting_events(pool, HOOKS, 10)
    assert waiting.event_id == event_id(cycle, "cycle.finished")


async def test_where_its_events_cannot_be_written_a_cycle_is_not_closed(pool):
    cycle = uuid4()
    await execute(pool, "DROP TABLE maintenance.webhook_events")
    with pytest.raises(MaintenanceError):
        await closed(pool, on(), cycle_id=cycle)
    status = "SELECT status FROM maintenance.cycles WHERE cycle_id = $1"
    assert await fetch_value(pool, status, cycle) == "running"


async def test_without_webhooks_nothing_is_written(pool):
    await closed(pool, settings())
    assert await rows(pool) == []


async def test_only_the_types_that_are_asked_for_are_written_for_each_receiver(pool):
    chosen = on(webhook_events="budget.used_up, cycle.failed").model_copy(
        update={"webhook_urls": settings(webhook_urls=f"{HOOKS},{MORE}", webhook_secret=SECRET).webhook_urls}
    )
    unpaid = Counts(skipped=2, reasons={"budget_exhausted": 2})
    await closed(pool, chosen, summarization=unpaid)
    assert [one[0] for one in await rows(pool)] == ["budget.used_up"] * 2
    assert len(await waiting_events(pool, MORE, 10)) == 1


async def test_what_holds_for_a_whole_day_is_one_event(pool):
    unpaid = Counts(skipped=2, reasons={"budget_exhausted": 2})
    first = await closed(pool, on(), summarization=unpaid)
    await closed(pool, on(), summarization=unpaid)
    assert [one[0] for one in await rows(pool)] == ["budget.used_up", "cycle.finished", "cycle.finished"]
    held = await fetch_value(pool, "SELECT event_id FROM maintenance.webhook_events WHERE type = 'budget.used_up'")
    assert held == event_id(first, "budget.used_up")


async def test_the_store_holds_no_address_of_a_receiver(pool):
    await closed(pool, on())
    text = await fetch_value(pool, "SELECT string_agg(w::text, '') FROM maintenance.webhook_events w")
    assert "example.com" not in text
    assert "token" not in text


def finding(check, severity="warning"):
    return Finding(check=check, severity=severity, found="database rae of role ana", advice="look")


def ended(status="completed", config=None, findings=(), **totals):
    return ClosedCycle(UUID(int=7), "daily", status, NOW, NOW, NOW, config or {}, CycleTotals(**totals), findings)


FINISHED: tuple[str, dict[str, Any]] = ("cycle.finished", {})
STOPPED = CycleFailure(error_type="PreflightError", message="hides rows from ana")
FAILED_TENANT = TenantOutcome(tenant_id="acme", status="failed")
SUMMARIES = {"stored": 8, "fallbacks": 1}

CASES = [
    pytest.param(ended(), [FINISHED], id="a cycle that was completed"),
    pytest.param(ended("cancelled"), [("cycle.finished", {"status": "cancelled"})], id="one that was cancelled"),
    pytest.param(
        ended("failed", failure=STOPPED, findings=[finding("row_security", "stop")]),
        [
            ("cycle.failed", {"error_type": "PreflightError", "checks": ["row_security"]}),
            ("nothing.seen", {"checks": ["row_security"]}),
        ],
        id="one that its preflight stopped",
    ),
    pytest.param(
        ended("failed", {"fail_ratio": 0.5}, tenants=1, statuses={"failed": 1}),
        [("cycle.failed", {"error_type": "TooManyTenantsFailed"})],
        id="one with too many failed tenants",
    ),
    pytest.param(
        ended(summarization=Counts(skipped=3, reasons={"budget_exhausted": 3})),
        [("cycle.finished", {"left_undone": {"session": 3}}), ("budget.used_up", {"left": {"summarization": 3}})],
        id="the budget is used up",
    ),
    pytest.param(
        ended(summarization=Counts(**SUMMARIES)),
        [FINISHED, ("fallbacks.high", {"summaries": 9, "fallbacks": 1})],
        id="more than a tenth of the summaries are fallbacks",
    ),
    pytest.param(ended(summarization=Counts(stored=9, fallbacks=1)), [FINISHED], id="a tenth of them are"),
    pytest.param(
        ended(findings=[finding("empty_store"), finding("timeouts")]),
        [FINISHED, ("nothing.seen", {"checks": ["empty_store"]})],
        id="there is nothing to be seen",
    ),
    pytest.param(
        ended(config={"named_tenants": 2}, findings=[finding("empty_store")]),
        [("cycle.finished", {"named_tenants": 2})],
        id="a run of named tenants says nothing of the fleet",
    ),
    pytest.param(
        ended(duplicates=Counts(proposed=4), supersession=Counts(folded=1)),
        [FINISHED, ("proposal.waiting", {"proposed": {"duplicates": 4}})],
        id="proposals wait",
    ),
]


@pytest.mark.parametrize(("cycle", "expected"), CASES)
def test_the_events_of_a_cycle(cycle, expected):
    found = [(event.type, event.data) for event in events_of(cycle)]
    assert [kind for kind, _ in found] == [kind for kind, _ in expected]
    for (_, data), (_, wanted) in zip(found, expected, strict=True):
        assert {name: data[name] for name in wanted} == wanted
        assert data["cycle_id"] == str(UUID(int=7))


def test_events_name_no_tenant_role_or_database():
    totals = {"failures": ("acme",), "failure": STOPPED}
    text = repr(list(events_of(ended("failed", findings=[finding("row_security")], **totals))))
    assert not any(word in text for word in ("acme", "ana", "rae"))


def test_the_share_of_fallbacks_is_that_of_the_alert():
    rules = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text())["groups"][0]["rules"]
    [alert] = [rule for rule in rules if rule["alert"] == "MaintenanceFallbacks"]
    assert f"> {HIGH_FALLBACK_SHARE:g} * sum(" in " ".join(alert["expr"].split())
