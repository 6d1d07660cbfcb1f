"""The SQL of decay. ``policy.py`` says the same in Python; a test holds the two together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from asyncpg import Record

from memory_maintenance.decay.policy import DecayRule, DecayRun
from memory_maintenance.store.pool import Executor, execute, fetch, fetch_row
from memory_maintenance.store.statement import composed

_PAGE_BY_CURSOR: Final = """
--   $1 tenant_id, compared in the type of its column
--   $2 first_id        uuid          the page begins here
--   $3 page_size       integer
-- One more than a page says whether another page follows.
found AS MATERIALIZED (
    SELECT tableoid, ctid, tenant_id, id, importance, base_importance, base_importance_at, decayed_importance,
           demotion, maintenance.known_time(created_at) AS created_at,
           maintenance.known_time(last_accessed_at) AS last_accessed_at, layer, tags
    FROM memories
    WHERE tenant_id = $1 AND id >= $2
    ORDER BY id
    LIMIT $3 + 1
),
page AS MATERIALIZED (SELECT * FROM found ORDER BY id LIMIT $3),
rest AS (SELECT count(*) > $3 AS follows FROM found)"""

_PAGE_OF_IDS: Final = """
--   $1 tenant_id, compared in the type of its column
--   $2 ids             uuid[]
--   $3 page_size       integer       at least as many
page AS MATERIALIZED (
    SELECT tableoid, ctid, tenant_id, id, importance, base_importance, base_importance_at, decayed_importance,
           demotion, maintenance.known_time(created_at) AS created_at,
           maintenance.known_time(last_accessed_at) AS last_accessed_at, layer, tags
    FROM memories
    WHERE tenant_id = $1 AND id = ANY ($2::uuid[])
    LIMIT $3
),
rest AS (SELECT false AS follows)"""

_PRICE: Final = """
--   $4 as_of           timestamptz
--   $5 adopted_at      timestamptz   as_of of the store's first run
--   $6 resumed_at      timestamptz   NULL: decay was never off for this tenant
--   $7 bounded         boolean       false: staged
--   $8 use_access      boolean
--   $9 hazard          double        per day of exposure
--  $10 retained        double        share of the base that stays
--  $11 floor           double
--  $12 tolerance       double
--  $13 protected_tags  text[]
--  $14 layers          text[]        as stored
--  $15 speeds          double[]      of those layers
judged AS MATERIALIZED (
    SELECT *, CASE
        WHEN (importance BETWEEN 0 AND 1
              AND coalesce(base_importance BETWEEN 0 AND 1, true)
              AND coalesce(base_importance_at >= '0001-01-02 00:00Z', true)
              AND coalesce(greatest(created_at, last_accessed_at, base_importance_at) < '9999-12-31 00:00Z', true)
              AND coalesce(demotion > 0 AND demotion <= 1, true)
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
-- Hours, not days: a day has 23 or 25 of them when the session's zone changes its clock.
based AS MATERIALIZED (
    SELECT tableoid, ctid, tenant_id, id, verdict, importance,
           coalesce(($15::float8[])[array_position($14::text[], layer::text)], 1) AS speed,
           CASE WHEN verdict = 'known' THEN base_importance
                -- What an agent saw and set is the demoted value; at first sight nothing has demoted it yet.
                WHEN demotion IS NOT NULL AND verdict <> 'first_sight' THEN least(1, importance::float8 / demoted)
                ELSE importance::float8 END AS base, base_at, demoted,
           maintenance.microseconds(base_at) AS since, (SELECT maintenance.microseconds($4)) AS until,
           maintenance.microseconds(coalesce(last_accessed_at, created_at, base_at)) AS access
    FROM judged
         CROSS JOIN LATERAL (
             SELECT CASE verdict
                 WHEN 'first_sight' THEN greatest(coalesce(created_at, $4), $5::timestamptz - interval '24 hours', $6)
                 WHEN 'set_by_agent' THEN $4
                 WHEN 'resumed' THEN $6
                 ELSE base_importance_at
             END AS base_at
         ) AS since_when
         CROSS JOIN LATERAL (SELECT greatest(coalesce(demotion, 1), 1e-30) AS demoted) AS factor
    WHERE verdict IN ('first_sight', 'set_by_agent', 'resumed', 'known')
),
priced AS MATERIALIZED (
    SELECT based.*, maintenance.decayed(
        base, since, access, until, speed, bounded => $7, use_access => $8, hazard => $9, retained => $10, floor => $11
    ) * demoted AS exact
    FROM based
),
-- What the column would hold decides whether the row moves.
moved AS MATERIALIZED (
    SELECT tableoid, ctid, tenant_id, id, verdict, base, base_at, held
    FROM priced CROSS JOIN digits CROSS JOIN LATERAL (SELECT maintenance.held(exact, kind, scale) AS held) AS h
    WHERE verdict <> 'known' OR importance <> held AND abs(importance - exact) >= $12::float8
)"""

DIGITS: Final = """
digits AS MATERIALIZED (  -- of importance; a domain's are those of what it is of
    SELECT coalesce(nullif(t.typbasetype, 0), a.atttypid) AS kind,
           -- A numeric keeps its scale in eleven bits of its modifier, with a sign.
           CASE WHEN m.modifier >= 4 THEN (((m.modifier - 4) & 2047) # 1024) - 1024 END AS scale
    FROM pg_attribute a
         JOIN pg_type t ON t.oid = a.atttypid
         CROSS JOIN LATERAL (
             SELECT CASE WHEN t.typbasetype <> 0 THEN t.typtypmod ELSE a.atttypmod END AS modifier
         ) AS m
    WHERE a.attrelid = 'memories'::regclass AND a.attname = 'importance'
)"""
"""How many digits the column of importance keeps: a step of every statement that writes to it."""

_WRITE: Final = """
-- By ctid, the fastest way to the very version that was priced; one changed since has another and is left out. In a
-- partitioned table a ctid names a row of each part: hence tableoid, and the tenant, by which Postgres looks into one
-- part only. Joined, not compared with $1: an index on tenants must not look like another way to these rows.
locked AS MATERIALIZED (
    SELECT moved.*
    FROM moved JOIN memories AS m
         ON m.ctid = moved.ctid AND m.tableoid = moved.tableoid AND m.tenant_id = moved.tenant_id AND m.id = moved.id
    FOR NO KEY UPDATE OF m SKIP LOCKED
),
written AS (
    UPDATE memories AS m
    SET importance = locked.held, decayed_importance = locked.held,
        base_importance = locked.base, base_importance_at = locked.base_at
    FROM locked
    WHERE m.ctid = locked.ctid AND m.tableoid = locked.tableoid AND m.tenant_id = locked.tenant_id AND m.id = locked.id
    RETURNING m.id, m.importance IS DISTINCT FROM m.decayed_importance AS altered
)"""

_FORESEE: Final = """
written AS (SELECT id, false AS altered FROM moved)"""

_COUNTS: Final = """
SELECT count(*) AS seen,
       count(written.id) AS updated,
       count(written.id) FILTER (WHERE judged.verdict = 'first_sight') AS first_seen,
       count(written.id) FILTER (WHERE judged.verdict IN ('set_by_agent', 'resumed')) AS rebased,
       -- Just above what decay wrote last: a program has read the row before that, and saved all of it after.
       count(written.id) FILTER (
           WHERE judged.verdict = 'set_by_agent'
                 AND judged.importance::float8 > judged.decayed_importance::float8
                 AND judged.importance::float8 <= judged.decayed_importance::float8 + 0.01
       ) AS saved_back,
       count(*) FILTER (WHERE judged.verdict = 'invalid') AS invalid,
       count(*) FILTER (WHERE judged.verdict = 'negligible') AS negligible,
       count(*) FILTER (WHERE judged.verdict = 'protected') AS protected,
       array_agg(judged.id ORDER BY judged.id) FILTER (WHERE judged.verdict = 'invalid') AS invalid_ids,
       array_agg(judged.id) FILTER (WHERE written.altered) AS altered_ids,
       array_agg(judged.id) FILTER (WHERE moved.id IS NOT NULL AND written.id IS NULL) AS locked_ids,
       (array_agg(judged.id ORDER BY judged.id DESC))[1] AS last_id,
       (SELECT follows FROM rest) AS more
FROM judged
LEFT JOIN moved ON moved.id = judged.id
LEFT JOIN written ON written.id = judged.id
"""

_TERMS: Final = """
--  $16 instants        timestamptz[] when to price the rows again if no agent touches them, each by a rule of its own:
--  $17 bounded         boolean[]
--  $18 use_access      boolean[]
--  $19 hazards         double[]
--  $20 retained        double[]
terms AS MATERIALIZED (
    SELECT maintenance.microseconds(instant) AS later, bounded, use_access, hazard, retained
    FROM unnest($16::timestamptz[], $17::boolean[], $18::boolean[], $19::float8[], $20::float8[])
         AS t (instant, bounded, use_access, hazard, retained)
)"""

_PRICES: Final = """
SELECT judged.id, judged.verdict, moved.id IS NOT NULL AS moves, judged.importance::float8 AS stored,
       CASE WHEN priced.id IS NOT NULL THEN ARRAY(
           SELECT maintenance.decayed(
               priced.base, priced.since, priced.access, later, priced.speed, bounded, use_access, hazard, retained, $11
           ) * priced.demoted FROM terms
       ) END AS "left"
FROM judged
LEFT JOIN priced ON priced.id = judged.id
LEFT JOIN moved ON moved.id = judged.id
ORDER BY judged.id
"""

DECAY_PAGE: Final = composed(
    "decay.DECAY_PAGE: prices a page of one tenant's memories and writes those that move.",
    *(_PAGE_BY_CURSOR, DIGITS, _PRICE, _WRITE),
    result=_COUNTS,
)
DECAY_LOCKED: Final = composed(
    "decay.DECAY_LOCKED: DECAY_PAGE for rows that another transaction held when their page was written.",
    *(_PAGE_OF_IDS, DIGITS, _PRICE, _WRITE),
    result=_COUNTS,
)
PREVIEW_PAGE: Final = composed(
    "decay.PREVIEW_PAGE: counts what DECAY_PAGE would write if no row were locked; writes nothing.",
    *(_PAGE_BY_CURSOR, DIGITS, _PRICE, _FORESEE),
    result=_COUNTS,
)
PRICED_PAGE: Final = composed(
    "decay.PRICED_PAGE: what DECAY_PAGE would see, and what is left of it at later instants; writes nothing.",
    *(_PAGE_BY_CURSOR, DIGITS, _PRICE, _TERMS),
    result=_PRICES,
)

REMEMBER: Final = """
-- decay.REMEMBER: what the store made of values that this transaction wrote: a trigger of its own rounds, say.
--   $1 tenant_id, compared in the type of its column
--   $2 ids  uuid[]
UPDATE memories SET decayed_importance = importance
WHERE tenant_id = $1 AND id = ANY ($2::uuid[]) AND decayed_importance IS DISTINCT FROM importance
"""

_TINY: Final = 1e-100
"""No importance shows a rate below this, and Postgres rounds a product of two such numbers to 0."""


@dataclass(frozen=True, slots=True)
class Page:
    """What became of a page: numbers of rows, but for the ids."""

    seen: int
    updated: int
    """Written: importance, base or both."""
    first_seen: int
    rebased: int
    """Written because the agent had set them, or because decay had been off."""
    saved_back: int
    """Of these, set to at most 0.01 above what decay had written."""
    invalid: int
    negligible: int
    protected: int
    altered: int
    """Written, and stored otherwise than they were written: by a trigger, or a column that keeps fewer digits."""
    invalid_ids: tuple[UUID, ...]
    locked_ids: tuple[UUID, ...]
    """To be written, and held or just changed by another transaction."""
    last_id: UUID | None
    more: bool
    """Whether the tenant has memories behind the page."""


NOTHING: Final = Page(0, 0, 0, 0, 0, 0, 0, 0, 0, (), (), None, more=False)


async def write_page(
    db: Executor,
    statement: str,
    tenant_id: str,
    rows: UUID | Sequence[UUID],
    *,
    size: int,
    run: DecayRun,
    rule: DecayRule,
    tolerance: float,
) -> Page:
    """Write a page of at most *size* memories, or only count for PREVIEW_PAGE. Writing it twice changes nothing more.

    *rows* is the id that DECAY_PAGE and PREVIEW_PAGE begin at, or the ids of DECAY_LOCKED.
    """
    row = await fetch_row(db, statement, tenant_id, rows, size, *_terms(run, rule, tolerance))
    if row is None:
        raise RuntimeError("an aggregate without GROUP BY returns one row")
    values = dict(row)
    altered_ids = values.pop("altered_ids") or ()
    if altered_ids:
        # What the store made of them is ours all the same: else the next run would take it for the agent's value.
        await execute(db, REMEMBER, tenant_id, altered_ids)
    ids = {name: tuple(values[name] or ()) for name in ("invalid_ids", "locked_ids")}
    return Page(**values | ids, altered=len(altered_ids))


async def priced_page(
    db: Executor,
    tenant_id: str,
    *,
    first_id: UUID,
    size: int,
    run: DecayRun,
    rule: DecayRule,
    tolerance: float,
    later: Sequence[tuple[datetime, DecayRule]],
) -> list[Record]:
    """Return the rows that DECAY_PAGE would see, and write nothing.

    ``left`` holds what is left of a row at each instant of *later* by the rule beside it, if *run* comes first and
    no agent touches the row; NULL where the run leaves the row as it is. Those rules differ from *rule* in nothing
    but policy, rate, retained share and the use of access.
    """
    rules = [(at, by.for_run(run)) for at, by in later]
    wanted = [(at, by.policy == "bounded", by.use_access, *_numbers(by)) for at, by in rules]
    columns = [list(column) for column in zip(*wanted, strict=True)] or [[]] * 5
    return await fetch(db, PRICED_PAGE, tenant_id, first_id, size, *_terms(run, rule, tolerance), *columns)


def _terms(run: DecayRun, rule: DecayRule, tolerance: float) -> tuple[Any, ...]:
    rule = rule.for_run(run)
    speeds = [_multipliable(speed) for speed in rule.layers.values()]
    return (
        *(run.as_of, run.adopted_at, run.resumed_at),
        *(rule.policy == "bounded", rule.use_access, *_numbers(rule), rule.floor, tolerance),
        *(list(rule.protected_tags), list(rule.layers.keys()), speeds),
    )


def rule_terms(run: DecayRun, rule: DecayRule) -> tuple[Any, ...]:
    """Return the parameters of a price alone: instants, rule and speeds, without tolerance and protected tags."""
    terms = _terms(run, rule, 0.0)
    return terms[:8] + terms[10:]


def _numbers(rule: DecayRule) -> tuple[float, float]:
    return _multipliable(rule.hazard), rule.retained


def _multipliable(value: float) -> float:
    return value if value > _TINY else 0.0
