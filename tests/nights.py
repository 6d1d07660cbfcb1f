"""Nights for tests of what was done: cycles and their tenants, recorded by the same functions as a run's."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from memory_maintenance.cycles.outcomes import CycleFailure, CycleTotals, TenantOutcome
from memory_maintenance.cycles.record import close_cycle, open_cycle, record_outcomes
from memory_maintenance.store.pool import Pool, execute
from memory_maintenance.work import Counts

NIGHT = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
DAY = timedelta(days=1)

OUTCOMES = (
    TenantOutcome(tenant_id="acme", decay=Counts(seen=40, updated=30, busy=2), seconds=3.5),
    TenantOutcome(
        tenant_id="bolt",
        summarization=Counts(stored=4, skipped=2, reasons={"budget_exhausted": 2}, input_tokens=900, output_tokens=90),
        dreaming=Counts(reflections=1, skipped=1, reasons={"insufficient_memories": 1}),
        seconds=61,
    ),
    TenantOutcome(tenant_id="cold", status="failed", error_type="StoreShapeError", seconds=0.05),
    TenantOutcome(tenant_id="<b>&dusk", status="page_failed"),
)  # fmt: skip


async def night(
    pool: Pool,
    *,
    at: datetime = NIGHT,
    kind: str = "daily",
    status: str | None = "completed",
    outcomes: tuple[TenantOutcome, ...] = OUTCOMES,
    cycle_id: UUID | None = None,
    config: dict[str, Any] | None = None,
    failure: CycleFailure | None = None,
) -> UUID:
    """Record a cycle that started at *at* and, unless *status* is None, ended an hour later."""
    cycle_id = cycle_id or uuid4()
    await open_cycle(pool, cycle_id, kind=kind, as_of=at, config=config or {"llm_backend": "extractive"})
    # Before its outcomes are recorded: they are counted by when it started.
    await execute(pool, "UPDATE maintenance.cycles SET started_at = $2 WHERE cycle_id = $1", cycle_id, at)
    await record_outcomes(pool, cycle_id, 1, outcomes)
    if status:
        totals = CycleTotals(looked_at=9, left_paused=1, failure=failure).with_outcomes(outcomes)
        await close_cycle(pool, cycle_id, status=status, totals=totals.model_dump(mode="json"))
        ended = at + timedelta(hours=1)
        await execute(pool, "UPDATE maintenance.cycles SET completed_at = $2 WHERE cycle_id = $1", cycle_id, ended)
    return cycle_id
