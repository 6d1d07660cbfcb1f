"""Every tenant with what operators said of it and when it was last done, a page at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from memory_maintenance.inspection.successes import SUCCESSES, usual_tasks
from memory_maintenance.store.pool import Pool, fetch, from_json, snapshot
from memory_maintenance.tenants.control import unreadable_tenants

State = Literal["unreadable", "failing", "paused", "no_run_yet", "completed"]

STATES: Final[tuple[State, ...]] = ("unreadable", "failing", "paused", "no_run_yet", "completed")
"""Those first that somebody has to look at."""

FLEET: Final = f"""
-- inspection.FLEET: a page of the tenants that match, with how many are in which state.
-- The page is cut here: ten thousand rows take longer to read and to sort outside than all of this takes.
--   $1 tasks       json as text  of every daily run
--   $2 unreadable  text[]        tenants whose overrides cannot be read
--   $3 states      text[]        in their order
--   $4 part        text          of the id, in any case
--   $5 state       text          NULL: every state
--   $6 most        bigint        tenants of a page
--   $7 page        bigint        the last one where there are fewer
WITH {SUCCESSES},
known AS (
    SELECT tenant_id FROM maintenance.tenant_ids() AS of_memories (tenant_id)
    UNION
    SELECT tenant_id FROM maintenance.tenants
),
fleet AS (
    SELECT k.tenant_id, d.at AS daily_at, h.at AS hourly_at,
           coalesce(d.runs_since, 0) + coalesce(h.runs_since, 0) AS runs_since,
           CASE WHEN k.tenant_id = ANY ($2::text[]) THEN 'unreadable'
                WHEN maintenance.is_paused(t.paused, t.paused_until) THEN 'paused'
                WHEN coalesce(d.runs_since, 0) + coalesce(h.runs_since, 0) > 0 THEN 'failing'
                WHEN d.tenant_id IS NULL AND h.tenant_id IS NULL THEN 'no_run_yet'
                ELSE 'completed' END AS state
    FROM known k
         LEFT JOIN maintenance.tenants t USING (tenant_id)
         LEFT JOIN successes d ON d.tenant_id = k.tenant_id AND d.kind = 'daily'
         LEFT JOIN successes h ON h.tenant_id = k.tenant_id AND h.kind = 'hourly'
),
matching AS (
    SELECT * FROM fleet WHERE strpos(lower(tenant_id), lower($4)) > 0 AND ($5::text IS NULL OR state = $5)
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
         ORDER BY array_position($3::text[], state), greatest(daily_at, hourly_at) NULLS FIRST, tenant_id COLLATE "C"
         LIMIT $6 OFFSET $6 * (least($7, greatest((c.found + $6 - 1) / $6, 1)) - 1)
     ) p ON true
"""  # noqa: S608  constants of these modules


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
        rows = await fetch(db, FLEET, usual_tasks(), unreadable, list(STATES), part, state, most, page)
    tenants = [dict(row) for row in rows]
    states = [(row.pop("states"), row.pop("found")) for row in tenants]
    found = from_json(states[0][0]) or {}
    return FleetPage(
        states={name: found[name] for name in STATES if name in found},
        found=states[0][1],
        tenants=tuple(FleetTenant(**row) for row in tenants if row["tenant_id"] is not None),
    )
