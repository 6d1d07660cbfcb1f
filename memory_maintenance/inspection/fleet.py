"""Every tenant with what operators said of it and when it was last done, a page at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from memory_maintenance.store.pool import Pool, fetch, from_json, snapshot
from memory_maintenance.tenants.control import unreadable_tenants

State = Literal["unreadable", "failing", "paused", "no_run_yet", "completed"]

STATES: Final[tuple[State, ...]] = ("unreadable", "failing", "paused", "no_run_yet", "completed")
"""Those that need attention come first."""

FLEET: Final = """
-- inspection.FLEET: a page of the tenants that match, with how many are in which state.
-- The page is cut here: ten thousand rows take longer to read and to sort outside than all of this takes.
--   $1 unreadable  text[]  tenants whose overrides cannot be read
--   $2 states      text[]  in their order
--   $3 part        text    of the id, in any case
--   $4 state       text    NULL: every state
--   $5 most        bigint  tenants of a page
--   $6 page        bigint  the last one where there are fewer
WITH known AS (
    SELECT tenant_id FROM maintenance.tenant_ids() AS of_memories (tenant_id)
    UNION
    SELECT tenant_id FROM maintenance.tenants
),
runs AS (
    SELECT tenant_id, max(succeeded_at) FILTER (WHERE kind = 'daily') AS daily_at,
           max(succeeded_at) FILTER (WHERE kind = 'hourly') AS hourly_at, sum(cardinality(missed)) AS runs_since
    FROM maintenance.tenant_successes
    GROUP BY tenant_id
),
fleet AS (
    SELECT k.tenant_id, r.daily_at, r.hourly_at, coalesce(r.runs_since, 0) AS runs_since,
           CASE WHEN k.tenant_id = ANY ($1::text[]) THEN 'unreadable'
                WHEN maintenance.is_paused(t.paused, t.paused_until) THEN 'paused'
                WHEN r.runs_since > 0 THEN 'failing'
                WHEN r.tenant_id IS NULL THEN 'no_run_yet'
                ELSE 'completed' END AS state
    FROM known k LEFT JOIN maintenance.tenants t USING (tenant_id) LEFT JOIN runs r USING (tenant_id)
),
matching AS (
    SELECT * FROM fleet
    WHERE ($3 = '' OR strpos(lower(tenant_id), lower($3)) > 0) AND ($4::text IS NULL OR state = $4)
),
counted AS (
    SELECT (SELECT json_object_agg(state, tenants) FROM (SELECT state, count(*) AS tenants FROM fleet GROUP BY state) s
           )::text AS states,
           (SELECT count(*) FROM matching) AS found
)
SELECT c.states, c.found, p.tenant_id, p.state, p.daily_at, now() - p.daily_at AS daily_age,
       now() - p.hourly_at AS hourly_age, p.runs_since
FROM counted c
     LEFT JOIN LATERAL (
         SELECT * FROM matching
         ORDER BY array_position($2::text[], state), greatest(daily_at, hourly_at) NULLS FIRST, tenant_id COLLATE "C"
         LIMIT $5 OFFSET $5 * (least($6, greatest((c.found + $5 - 1) / $5, 1)) - 1)
     ) p ON true
"""


@dataclass(frozen=True, slots=True)
class FleetTenant:
    """One tenant; a time is None where no run of the kind has been completed for it."""

    tenant_id: str
    state: State
    """``failing`` where runs since the last success had work for it and were not completed."""
    daily_at: datetime | None
    daily_age: timedelta | None
    hourly_age: timedelta | None
    runs_since: int
    """Later runs, of either kind, that had work for it and were not completed."""


@dataclass(frozen=True, slots=True)
class FleetPage:
    """Some tenants of the fleet."""

    states: Mapping[State, int]
    """How many tenants of the whole fleet are in which state; a state without any is left out."""
    found: int
    """Tenants that match."""
    tenants: tuple[FleetTenant, ...]


async def fleet_page(pool: Pool, *, part: str = "", state: str | None = None, page: int = 1, most: int) -> FleetPage:
    """Return page number *page* of the tenants whose id contains *part*: by state, then the longest without a success.

    All is as of one instant. Behind the last page is the last page.
    """
    async with snapshot(pool) as db:
        unreadable = await unreadable_tenants(db)
        rows = await fetch(db, FLEET, unreadable, list(STATES), part, state, most, page)
    tenants = [dict(row) for row in rows]
    states = [(row.pop("states"), row.pop("found")) for row in tenants]
    found = from_json(states[0][0]) or {}
    return FleetPage(
        states={name: found[name] for name in STATES if name in found},
        found=states[0][1],
        tenants=tuple(FleetTenant(**row) for row in tenants if row["tenant_id"] is not None),
    )
