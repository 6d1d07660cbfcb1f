"""Taking a tenant's decay back to an earlier instant: what a run with a wrong clock has done, priced again.

Importance is a function of the base and ``as_of``, so the value as of any earlier instant can be computed again. A
row that has decayed further than that is raised to it; every other row is left as it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import structlog

from memory_maintenance.decay.paged_order import PagedOrder, ids_statement, page_statement
from memory_maintenance.decay.policy import DecayRule, DecayRun
from memory_maintenance.decay.statements import rule_terms
from memory_maintenance.errors import InvalidRequestError
from memory_maintenance.store.pool import Executor, execute, fetch, fetch_row, fetch_value, transaction

logger = structlog.get_logger(__name__)

_REWIND: Final = """
--   $4 at              timestamptz
--   $5 adopted_at      timestamptz   as the store has it, maybe from a run with a wrong clock
--   $6 resumed_at      timestamptz   as the tenant's row has it; NULL: decay was never off
--   $7 bounded         boolean       false: staged
--   $8 use_access      boolean
--   $9 hazard          double        per day of exposure
--  $10 retained        double        share of the base that stays
--  $11 floor           double
--  $12 layers          text[]        as stored
--  $13 speeds          double[]      of those layers
--  $14 write           boolean       false: only count
-- What an agent has set since it was decayed is the agent's: the next run begins a base with it.
based AS MATERIALIZED (
    SELECT tableoid, ctid, tenant_id, id, importance, base_importance AS base, base_importance_at,
           greatest(coalesce(demotion, 1), 1e-30) AS demoted,
           coalesce(created_at > $4::timestamptz, false) AS later,
           coalesce(($13::float8[])[array_position($12::text[], layer::text)], 1) AS speed, base_at,
           maintenance.microseconds(base_at) AS since, (SELECT maintenance.microseconds($4)) AS until,
           maintenance.microseconds(coalesce(last_accessed_at, created_at, base_at)) AS access
    FROM page
         CROSS JOIN LATERAL (
             SELECT CASE
                 -- The first night of the store was as of a later instant: these began a day before it.
                 WHEN $5::timestamptz > $4 AND base_importance_at = $5 - interval '24 hours'
                     THEN least($4, greatest(
                         created_at, $4 - interval '24 hours', CASE WHEN $6::timestamptz <= $4 THEN $6 END))
                 ELSE least(base_importance_at, $4)
             END AS base_at
         ) AS since_when
    WHERE importance IS NOT DISTINCT FROM decayed_importance AND base_importance BETWEEN 0 AND 1
          AND base_importance_at >= '0001-01-02 00:00Z' AND base_importance_at < '9999-12-31 00:00Z'
),
priced AS MATERIALIZED (
    SELECT based.*, CASE WHEN later THEN base ELSE maintenance.decayed(
        base, since, access, until, speed, bounded => $7, use_access => $8, hazard => $9, retained => $10, floor => $11
    ) * demoted END AS exact
    FROM based
),
moved AS MATERIALIZED (
    SELECT tableoid, ctid, tenant_id, id, later, base, base_at, held
    FROM priced CROSS JOIN digits CROSS JOIN LATERAL (SELECT maintenance.held(exact, kind, scale) AS held) AS h
    WHERE later OR base_at <> base_importance_at OR importance < held
),
-- As decay locks: what is locked is the very version that was read.
locked AS MATERIALIZED (
    SELECT moved.*
    FROM moved JOIN memories AS m
         ON m.ctid = moved.ctid AND m.tableoid = moved.tableoid AND m.tenant_id = moved.tenant_id AND m.id = moved.id
    WHERE $14::boolean
    FOR NO KEY UPDATE OF m SKIP LOCKED
),
-- A memory that is younger than the instant has no base yet.
written AS (
    UPDATE memories AS m
    SET importance = locked.held,
        decayed_importance = CASE WHEN NOT locked.later THEN locked.held END,
        base_importance = CASE WHEN NOT locked.later THEN locked.base END,
        base_importance_at = CASE WHEN NOT locked.later THEN locked.base_at END
    FROM locked
    WHERE m.ctid = locked.ctid AND m.tableoid = locked.tableoid AND m.tenant_id = locked.tenant_id AND m.id = locked.id
    RETURNING m.id, NOT locked.later AND m.importance IS DISTINCT FROM m.decayed_importance AS altered
)"""

_COUNTS: Final = """
SELECT count(*) AS seen,
       count(*) FILTER (WHERE moved.id IS NOT NULL AND (written.id IS NOT NULL OR NOT $14)) AS rewound,
       array_agg(moved.id) FILTER (WHERE moved.id IS NOT NULL AND written.id IS NULL AND $14) AS locked_ids,
       array_agg(written.id) FILTER (WHERE written.altered) AS altered_ids,
       (array_agg(page.id ORDER BY page.id DESC))[1] AS last_id
FROM page
LEFT JOIN moved ON moved.id = page.id
LEFT JOIN written ON written.id = page.id
"""

REWIND_PAGE: Final = page_statement(
    "decay.REWIND_PAGE: raises a page of one tenant's memories to what they were worth at an earlier instant.",
    _REWIND,
    _COUNTS,
)
REWIND_IDS: Final = ids_statement(
    "decay.REWIND_IDS: REWIND_PAGE for rows that another transaction held when their page was written.",
    _REWIND,
    _COUNTS,
)

AHEAD: Final = """
-- decay.AHEAD: tenants whose decay is as of a later instant, and what their rows were priced by.
--   $1 at  timestamptz
SELECT t.tenant_id, t.decay_started_as_of AS started_as_of, t.decay_resumed_at AS resumed_at,
       s.adopted_at, s.decay_retained
FROM maintenance.tenants t CROSS JOIN maintenance.store s
WHERE greatest(t.decay_started_as_of, t.decay_completed_as_of, t.decay_resumed_at, t.decay_off_since) > $1
ORDER BY t.tenant_id
"""

UNCHANGED: Final = """
-- decay.UNCHANGED: whether no run has begun since AHEAD; keeps new ones out until the page is written.
--   $1 tenant_id   text
--   $2 started_as_of  timestamptz
SELECT 1 FROM maintenance.tenants WHERE tenant_id = $1 AND decay_started_as_of IS NOT DISTINCT FROM $2
FOR NO KEY UPDATE
"""

TAKE_BACK: Final = """
-- decay.TAKE_BACK: a tenant's marks; from here on runs as of an instant after *at* may write again.
--   $1 tenant_id  text
--   $2 at         timestamptz
UPDATE maintenance.tenants
SET decay_started_as_of = CASE WHEN decay_started_as_of > $2 THEN $2 ELSE decay_started_as_of END,
    decay_completed_as_of = CASE WHEN decay_completed_as_of > $2 THEN $2 ELSE decay_completed_as_of END,
    decay_resumed_at = CASE WHEN decay_resumed_at > $2 THEN $2 ELSE decay_resumed_at END,
    decay_off_since = CASE WHEN decay_off_since > $2 THEN $2 ELSE decay_off_since END
WHERE tenant_id = $1
"""

ADOPTED_LATER: Final = """
-- decay.ADOPTED_LATER: whether the store's first night was as of a later instant.
--   $1 at  timestamptz
SELECT adopted_at > $1 FROM maintenance.store
"""

ADOPT_EARLIER: Final = """
-- decay.ADOPT_EARLIER: the store's first night, where it was as of a later instant.
--   $1 at  timestamptz
UPDATE maintenance.store SET adopted_at = $1 WHERE adopted_at > $1
"""


@dataclass(frozen=True, slots=True)
class Ahead:
    """A tenant whose decay is as of a later instant than the one to go back to."""

    tenant_id: str
    started_as_of: datetime | None
    resumed_at: datetime | None
    adopted_at: datetime | None
    decay_retained: float


async def tenants_ahead(db: Executor, at: datetime) -> list[Ahead]:
    """Return the tenants that a run as of an instant after *at* has reached."""
    return [Ahead(**dict(row)) for row in await fetch(db, AHEAD, at)]


async def adopted_later(db: Executor, at: datetime) -> bool:
    """Return whether the store's first night was as of a later instant."""
    return bool(await fetch_value(db, ADOPTED_LATER, at))


async def adopt_earlier(db: Executor, at: datetime) -> None:
    """Take back the instant of the store's first night, after every tenant's rows: some are found by it."""
    await execute(db, ADOPT_EARLIER, at)


@dataclass(slots=True, kw_only=True)
class Rewinding(PagedOrder):
    """One tenant's way back to ``at``.

    Safe to repeat, also after a crash between two pages: a row that is back is left as it is. The tenant's marks are
    lowered last, so that until then no run as of an earlier instant than the wrong one writes.
    """

    page_sql = REWIND_PAGE
    ids_sql = REWIND_IDS
    counted = ("rewound",)

    tenant: Ahead
    rule: DecayRule

    async def rewind(self) -> Counter[str]:
        """Write every page; return rows ``seen``, ``rewound`` and ``busy`` (held by others both times).

        Raises:
            InvalidRequestError: a run of this tenant has begun meanwhile.
        """
        await self.take_all()
        self.counts["busy"] = len(self.locked_ids)
        if self.write and not self.locked_ids:
            async with transaction(self.pool) as db:
                await self.check(db)
                await execute(db, TAKE_BACK, self.tenant_id, self.at)
        logger.info("decay_rewound", tenant_id=self.tenant_id, by=self.by, dry_run=not self.write, **self.counts)
        return self.counts

    def terms(self) -> Sequence[Any]:
        """Return by what the rows are priced as of ``at``."""
        run = DecayRun(self.at, self.tenant.adopted_at or self.at, self.tenant.resumed_at, self.tenant.decay_retained)
        return rule_terms(run, self.rule)

    def details(self) -> Mapping[str, Any]:
        """Return the instant that the tenant goes back to."""
        return {"rewound_to": self.at.isoformat()}

    async def check(self, db: Executor) -> None:
        """Keep runs of the tenant out until the transaction ends."""
        if await fetch_row(db, UNCHANGED, self.tenant_id, self.tenant.started_as_of) is None:
            raise InvalidRequestError(
                f"a run of tenant {self.tenant_id!r} has begun meanwhile: wait for its end, and rewind again"
            )
