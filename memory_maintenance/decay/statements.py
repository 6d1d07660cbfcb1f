"""The SQL of decay. ``policy.py`` says the same in Python; a test holds the two together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from asyncpg import Record

from memory_maintenance.decay.policy import DecayRule, Run
from memory_maintenance.store.pool import Executor, fetch, fetch_row

PAGE_BY_CURSOR: Final = """
-- decay.DECAY_PAGE: prices a page of one tenant's memories and writes those that move.
--   $1 tenant_id, compared in the type of its column
--   $2 first_id        uuid          the page begins here
--   $3 page_size       integer
WITH page AS MATERIALIZED (
    SELECT ctid, id, importance, base_importance, base_importance_at, decayed_importance,
           created_at, last_accessed_at, layer, tags
    FROM memories
    WHERE tenant_id = $1 AND id >= $2
    ORDER BY id
    LIMIT $3
),"""

PAGE_OF_IDS: Final = """
-- decay.DECAY_LOCKED: the same for rows that another transaction held when their page was written.
--   $1 tenant_id, compared in the type of its column
--   $2 ids             uuid[]
--   $3 page_size       integer       at least as many
WITH page AS MATERIALIZED (
    SELECT ctid, id, importance, base_importance, base_importance_at, decayed_importance,
           created_at, last_accessed_at, layer, tags
    FROM memories
    WHERE tenant_id = $1 AND id = ANY ($2::uuid[])
    LIMIT $3
),"""

PRICE: Final = """
--   $4 as_of           timestamptz
--   $5 adopted_at      timestamptz   as_of of the store's first run
--   $6 resumed_at      timestamptz   NULL: decay was never off for this tenant
--   $7 bounded         boolean       false: staged
--   $8 use_access      boolean
--   $9 hazard          double        per day of exposure
--  $10 retained        double        share of the base that stays; staged: 0
--  $11 floor           double
--  $12 tolerance       double
--  $13 protected_tags  text[]
--  $14 layers          text[]        as stored
--  $15 speeds          double[]      of those layers
-- Hours, not days: a day has 23 or 25 of them when the session's zone changes its clock.
judged AS MATERIALIZED (
    SELECT *, CASE
        WHEN (importance BETWEEN 0 AND 1
              AND coalesce(base_importance BETWEEN 0 AND 1, true)
              AND coalesce(least(created_at, last_accessed_at, base_importance_at) >= '0001-01-02 00:00Z', true)
              AND coalesce(greatest(created_at, last_accessed_at, base_importance_at) < '9999-12-31 00:00Z', true)
             ) IS NOT TRUE THEN 'invalid'
        WHEN created_at > $4::timestamptz THEN 'future'
        WHEN tags::text[] && $13::text[] THEN 'protected'
        WHEN base_importance IS NULL OR base_importance_at IS NULL THEN
            CASE WHEN importance > $11::float8 THEN 'first_sight' ELSE 'negligible' END
        WHEN importance IS DISTINCT FROM decayed_importance THEN 'set_by_agent'
        WHEN base_importance <= $11::float8 THEN 'negligible'
        WHEN base_importance_at < $6::timestamptz THEN 'resumed'
        ELSE 'known'
    END AS verdict
    FROM page
),
based AS MATERIALIZED (
    SELECT ctid, id, verdict, importance, coalesce(last_accessed_at, created_at) AS accessed_at,
           coalesce(($15::float8[])[array_position($14::text[], layer::text)], 1) AS speed,
           CASE WHEN verdict = 'known' THEN base_importance ELSE importance::float8 END AS base,
           CASE verdict
               WHEN 'first_sight' THEN greatest(coalesce(created_at, $4), $5::timestamptz - interval '24 hours', $6)
               WHEN 'set_by_agent' THEN $4
               WHEN 'resumed' THEN $6
               ELSE base_importance_at
           END AS base_at
    FROM judged
    WHERE verdict IN ('first_sight', 'set_by_agent', 'resumed', 'known')
),
spanned AS MATERIALIZED (
    SELECT based.*, stop, access,
           least(stop, greatest(base_at, access)) AS recalled,
           least(stop, greatest(base_at, access + interval '168 hours')) AS regular,
           least(stop, greatest(base_at, access + interval '720 hours')) AS stale
    FROM based
    CROSS JOIN LATERAL (SELECT greatest(base_at, $4) AS stop, coalesce(accessed_at, base_at) AS access) AS ends
),
exposed AS MATERIALIZED (
    SELECT spanned.*, CASE
        WHEN NOT $8::boolean THEN extract(epoch FROM stop - base_at)::float8
        WHEN $7::boolean THEN extract(epoch FROM stop - recalled)::float8
        ELSE extract(epoch FROM regular - base_at)::float8 * 0.5
           + extract(epoch FROM stale - regular)::float8
           + extract(epoch FROM stop - stale)::float8
             * (1 + extract(epoch FROM (stale - access) + (stop - access))::float8 / 5184000)
    END / 86400 AS days
    FROM spanned
),
-- exp() and products raise where their result is too small to be a number: hence the bounds on what goes in.
priced AS MATERIALIZED (
    SELECT exposed.*, least(base, greatest($11, greatest(base, $11) *
        ($10::float8 + (1 - $10) * exp(-least($9::float8 * days * speed, 700))))) AS exact
    FROM exposed
),
-- A real column keeps fewer digits: what it would hold decides whether the row moves.
moved AS MATERIALIZED (
    SELECT id, ctid, verdict, base, base_at, exact
    FROM priced
    WHERE verdict <> 'known'
       OR importance <> CASE WHEN pg_typeof(importance) = 'real'::regtype THEN exact::real ELSE exact END
          AND abs(importance - exact) >= $12::float8
)"""

WRITE: Final = """,
-- By ctid, the fastest way to the very version that was priced; one changed since has another and is left out.
locked AS MATERIALIZED (
    SELECT ctid, id
    FROM memories
    WHERE ctid = ANY (ARRAY (SELECT ctid FROM moved))
    FOR NO KEY UPDATE SKIP LOCKED
),
written AS (
    UPDATE memories AS m
    SET importance = moved.exact, decayed_importance = moved.exact,
        base_importance = moved.base, base_importance_at = moved.base_at
    FROM moved JOIN locked USING (ctid, id)
    WHERE m.ctid = locked.ctid AND m.id = locked.id
    RETURNING m.id
)
"""


FORESEEN: Final = """
-- decay.PRICED_PAGE: the rows as they are, with what decay would make of them. Times in microseconds since 1970.
SELECT judged.id, judged.verdict, moved.id IS NOT NULL AS moves,
       coalesce(judged.importance::float8, 'NaN') AS stored, coalesce(priced.exact, 'NaN') AS exact,
       coalesce(priced.base, 'NaN') AS base, coalesce(priced.speed, 1) AS speed,
       coalesce((extract(epoch FROM priced.base_at) * 1000000)::bigint, 0) AS base_at,
       coalesce((extract(epoch FROM priced.access) * 1000000)::bigint, 0) AS access
FROM judged
LEFT JOIN priced ON priced.id = judged.id
LEFT JOIN moved ON moved.id = judged.id
ORDER BY judged.id
"""

FORESEE: Final = """,
-- decay.FORESEEN_PAGE: what DECAY_PAGE would write where no row is locked; nothing is.
written AS (SELECT id FROM moved)
"""

COUNTS: Final = """
SELECT count(*) AS seen,
       count(written.id) AS updated,
       count(written.id) FILTER (WHERE judged.verdict = 'first_sight') AS first_seen,
       count(written.id) FILTER (WHERE judged.verdict IN ('set_by_agent', 'resumed')) AS rebased,
       count(*) FILTER (WHERE judged.verdict = 'invalid') AS invalid,
       count(*) FILTER (WHERE judged.verdict = 'negligible') AS negligible,
       count(*) FILTER (WHERE judged.verdict = 'protected') AS protected,
       array_agg(judged.id ORDER BY judged.id) FILTER (WHERE judged.verdict = 'invalid') AS invalid_ids,
       array_agg(judged.id) FILTER (WHERE moved.id IS NOT NULL AND written.id IS NULL) AS locked_ids,
       (array_agg(judged.id ORDER BY judged.id DESC))[1] AS last_id
FROM judged
LEFT JOIN moved ON moved.id = judged.id
LEFT JOIN written ON written.id = judged.id
"""

DECAY_PAGE: Final = PAGE_BY_CURSOR + PRICE + WRITE + COUNTS
DECAY_LOCKED: Final = PAGE_OF_IDS + PRICE + WRITE + COUNTS
PRICED_PAGE: Final = PAGE_BY_CURSOR + PRICE + FORESEEN
FORESEEN_PAGE: Final = PAGE_BY_CURSOR + PRICE + FORESEE + COUNTS

_TINY: Final = 1e-100
"""No importance shows a rate below this, and a product of two such numbers is none to Postgres."""


@dataclass(frozen=True, slots=True)
class Page:
    """What became of a page: numbers of rows, but for the ids."""

    seen: int
    updated: int
    """Written: importance, base or both."""
    first_seen: int
    rebased: int
    """Written because the agent had set them, or because decay had been off."""
    invalid: int
    negligible: int
    protected: int
    invalid_ids: tuple[UUID, ...]
    locked_ids: tuple[UUID, ...]
    """To be written, and held or just changed by another transaction."""
    last_id: UUID | None


NOTHING: Final = Page(0, 0, 0, 0, 0, 0, 0, (), (), None)


async def decay_page(
    db: Executor, tenant_id: str, *, first_id: UUID, size: int, run: Run, rule: DecayRule, tolerance: float
) -> Page:
    """Write the page of at most *size* rows that begins at *first_id*. Twice is once."""
    return await _written(db, DECAY_PAGE, tenant_id, first_id, size, *_terms(run, rule, tolerance))


async def foreseen_page(
    db: Executor, tenant_id: str, *, first_id: UUID, size: int, run: Run, rule: DecayRule, tolerance: float
) -> Page:
    """Return what ``decay_page`` would if no row were locked, and write nothing."""
    return await _written(db, FORESEEN_PAGE, tenant_id, first_id, size, *_terms(run, rule, tolerance))


async def decay_locked(
    db: Executor, tenant_id: str, *, ids: Sequence[UUID], run: Run, rule: DecayRule, tolerance: float
) -> Page:
    """Write these rows, as ``decay_page`` does. Twice is once."""
    return await _written(db, DECAY_LOCKED, tenant_id, list(ids), len(ids), *_terms(run, rule, tolerance))


async def priced_page(
    db: Executor, tenant_id: str, *, first_id: UUID, size: int, run: Run, rule: DecayRule, tolerance: float
) -> list[Record]:
    """Return the rows that ``decay_page`` would see, as ``FORESEEN`` names them, and write nothing."""
    return await fetch(db, PRICED_PAGE, tenant_id, first_id, size, *_terms(run, rule, tolerance))


def _terms(run: Run, rule: DecayRule, tolerance: float) -> tuple[Any, ...]:
    speeds = [_multipliable(speed) for speed in rule.layers.values()]
    return (
        *(run.as_of, run.adopted_at, run.resumed_at),
        *(rule.policy == "bounded", rule.use_access, _multipliable(rule.hazard), rule.retained, rule.floor, tolerance),
        *(list(rule.protected_tags), list(rule.layers.keys()), speeds),
    )


def _multipliable(value: float) -> float:
    return value if value > _TINY else 0.0


async def _written(db: Executor, statement: str, *arguments: Any) -> Page:
    row = await fetch_row(db, statement, *arguments)
    if row is None:
        raise RuntimeError("an aggregate without GROUP BY returns one row")
    values = dict(row)
    return Page(**values | {name: tuple(values[name] or ()) for name in ("invalid_ids", "locked_ids")})
