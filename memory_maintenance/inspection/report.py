"""What a night did, in numbers: everything that the report shows, and no text of a memory unless asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Final

from memory_maintenance.cycles.importance import Importance, recorded_importance
from memory_maintenance.cycles.outcomes import FAILED, CycleTotals
from memory_maintenance.inspection.calls import CallCount, cycle_calls, cycle_costs
from memory_maintenance.inspection.cycles import Cycle, find_cycle, latest_cycles, next_command, outcomes_of, times_of
from memory_maintenance.inspection.derived import WRITERS
from memory_maintenance.store.clock import NOW
from memory_maintenance.store.pool import Executor, Pool, fetch, fetch_value, snapshot
from memory_maintenance.tasks import TASKS

TREND: Final = 30
"""Cycles of the trend, the one that is reported among them if it is over the whole fleet."""

SLOWEST: Final = 10
NAMED_FAILURES: Final = 200
TEXTS: Final = 50

_NOT_SKIPPED: Final = ("completed", "failed", "page_failed")

DURATION_EDGES: Final = (0.0, 0.1, 1.0, 5.0, 20.0, 60.0, 300.0, 1800.0)
"""Seconds between which tenants are counted; the last bar has no end."""

CYCLE_TEXTS: Final = """
-- inspection.CYCLE_TEXTS: what a cycle wrote.
--   $1 cycle_id  text
--   $2 sources   text[]
--   $3 most      bigint
SELECT tenant_id::text AS tenant_id, maintenance.project_of(project) AS project, session_id, source, content
FROM memories
WHERE source = ANY ($2) AND metadata->>'cycle_id' = $1
ORDER BY tenant_id, created_at, id
LIMIT $3
"""


@dataclass(frozen=True, slots=True)
class Failure:
    """A tenant that needs attention, and what to type."""

    tenant_id: str
    status: str
    error_type: str | None
    next_command: str


@dataclass(frozen=True, slots=True)
class Written:
    """One text that the cycle wrote."""

    tenant_id: str
    project: str
    session_id: str | None
    source: str
    content: str


@dataclass(frozen=True, slots=True)
class TrendPoint:
    """One cycle among the last ones of its kind."""

    cycle_id: str
    started_at: datetime
    status: str
    done: dict[str, int]
    """Units with a new result, by task."""
    failed: int
    tokens: int
    cost: Decimal
    took: timedelta | None


@dataclass(frozen=True, slots=True)
class Report:
    """A cycle, as far as it is recorded when the report is made (``made_at``)."""

    made_at: datetime
    cycle: Cycle
    totals: CycleTotals
    importance: Importance | None
    """Of all memories when the cycle ended; None where it was not recorded."""
    calls: tuple[CallCount, ...]
    skipped: tuple[tuple[str, str, int], ...]
    """Kind of work, why, and how many."""
    failures: tuple[Failure, ...]
    failed: int
    durations: tuple[int, ...]
    """Tenants by ``DURATION_EDGES``."""
    slowest: tuple[tuple[str, float], ...]
    trend: tuple[TrendPoint, ...]
    """The oldest first; none where no cycle of the kind was over the whole fleet."""
    texts: tuple[Written, ...]

    @property
    def cost(self) -> Decimal:
        """Return what the cycle's questions cost."""
        return sum((call.cost for call in self.calls), Decimal(0))


async def cycle_report(pool: Pool, beginning: str | None = None, *, with_text: bool = False) -> Report:
    """Return the report of the cycle whose id begins so, all as of one instant.

    None: the newest over the whole fleet, where there is one.

    Raises:
        CycleNotFoundError: no cycle matches, or more than one.
    """
    async with snapshot(pool) as db:
        of_fleet = await latest_cycles(db, 1, of_fleet=True) if beginning is None else []
        cycle = of_fleet[0] if of_fleet else await find_cycle(db, beginning)
        totals = cycle.totals or CycleTotals().with_outcomes(await outcomes_of(db, cycle.cycle_id))
        times = await times_of(db, cycle.cycle_id)
        failures = await outcomes_of(db, cycle.cycle_id, statuses=FAILED, most=NAMED_FAILURES)
        shown = await latest_cycles(db, TREND, cycle.kind, until=cycle.started_at, of_fleet=True)
        texts = await fetch(db, CYCLE_TEXTS, str(cycle.cycle_id), list(WRITERS), TEXTS) if with_text else ()
        return Report(
            made_at=await fetch_value(db, NOW),
            cycle=cycle,
            totals=totals,
            importance=await recorded_importance(db, cycle.cycle_id),
            calls=await cycle_calls(db, cycle.cycle_id),
            skipped=tuple(skipped_work(totals)),
            failures=tuple(
                Failure(one.tenant_id, one.status, one.error_type, next_command(cycle.kind, one)) for one in failures
            ),
            failed=sum(one["status"] in FAILED for one in times),
            durations=durations([one["seconds"] for one in times]),
            slowest=tuple((one["tenant_id"], one["seconds"]) for one in times[:SLOWEST]),
            trend=await trend_of(db, shown[::-1]),
            texts=tuple(Written(**dict(row)) for row in texts),
        )


def skipped_work(totals: CycleTotals) -> list[tuple[str, str, int]]:
    """Return what a cycle left undone: the kind of work, why, and how many; the most frequent first."""
    reasons = [
        ("tenants", "paused before the cycle came", totals.left_paused),
        *(("tenants", name, count) for name, count in totals.statuses.items() if name not in _NOT_SKIPPED),
    ]
    for spec in (task.spec for task in TASKS):
        counts = totals.of(spec.name)
        # Units that were skipped or failed have their reasons.
        reasons += [(spec.units, name, counts.of(name)) for name in spec.left if name not in ("skipped", "failed")]
        reasons += [(spec.units, why, count) for why, count in counts.reasons.items()]
    return sorted((one for one in reasons if one[2]), key=lambda one: -one[2])


def durations(seconds: Sequence[float]) -> tuple[int, ...]:
    """Return how many of *seconds* lie in each bar of ``DURATION_EDGES``."""
    ends = [*pairwise(DURATION_EDGES), (DURATION_EDGES[-1], float("inf"))]
    return tuple(sum(low <= each < high for each in seconds) for low, high in ends)


async def trend_of(db: Executor, cycles: Sequence[Cycle]) -> tuple[TrendPoint, ...]:
    """Return *cycles* as points of a trend, with what each cost, in the order given."""
    costs = await cycle_costs(db, [each.cycle_id for each in cycles])
    return tuple(_point(each, costs[each.cycle_id]) for each in cycles)


def _point(cycle: Cycle, cost: Decimal) -> TrendPoint:
    totals = cycle.totals or CycleTotals()
    return TrendPoint(
        cycle_id=str(cycle.cycle_id),
        started_at=cycle.started_at,
        status=cycle.status,
        done={task.spec.name: totals.of(task.spec.name).of(*task.spec.done) for task in TASKS},
        failed=totals.failed,
        tokens=totals.tokens,
        cost=cost,
        took=cycle.took,
    )
