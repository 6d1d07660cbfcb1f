"""Daily times of their own: tenants are grouped by equal cron expression and time zone, and a group has one Schedule.

A group's key is both in one text, as ``0 3 * * * Europe/Warsaw``. ``maintenance.schedule_groups`` holds the keys that
have a Schedule. A tenant whose group has none yet stays with the daily Schedule, so that no tenant is left out by all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from memory_maintenance.settings import Settings, TenantOverrides
from memory_maintenance.store.pool import Executor, Pool, execute, fetch, snapshot
from memory_maintenance.tenants.overrides import read_overrides

DEFAULT: Final = "default"
"""The group of the tenants without daily times of their own."""

NAMES: Final = ("daily_cron", "time_zone")
"""The overrides that make a tenant's daily times its own."""

OFF: Final = "off"
"""The cron expression of a Schedule that is not wanted."""

OWN_TIMES: Final = """
-- tenants.OWN_TIMES: tenants that name daily times of their own, by id; the columns of cycles.NEXT_TENANTS.
--   $1 how_many  bigint   NULL: all
--   $2 after     text     the last tenant seen; NULL: from the first on
SELECT tenant_id, maintenance.is_paused(paused, paused_until) AS paused, decay_completed_as_of,
       overrides::text AS overrides
FROM maintenance.tenants
WHERE overrides ?| ARRAY['daily_cron', 'time_zone'] AND ($2::text IS NULL OR tenant_id > $2)
ORDER BY tenant_id
LIMIT $1
"""

APPLIED_GROUPS: Final = """
-- tenants.APPLIED_GROUPS: the groups that have a Schedule.
SELECT schedule FROM maintenance.schedule_groups ORDER BY schedule
"""

RECORD_GROUP: Final = """
-- tenants.RECORD_GROUP: a group has a Schedule; twice is once.
--   $1 schedule  text
INSERT INTO maintenance.schedule_groups (schedule) VALUES ($1) ON CONFLICT DO NOTHING
"""

FORGET_GROUP: Final = """
-- tenants.FORGET_GROUP: a group has no Schedule any more: its tenants are the daily Schedule's.
--   $1 schedule  text
DELETE FROM maintenance.schedule_groups WHERE schedule = $1
"""


@dataclass(frozen=True, slots=True)
class Groups:
    """The groups as of one instant: how many tenants each has, by its key, and which have a Schedule."""

    tenants: Mapping[str, int]
    applied: frozenset[str]


NO_GROUPS: Final = Groups({}, frozenset())


def times_of(settings: Settings) -> str:
    """Return the key of the daily times that *settings* state."""
    return f"{' '.join(settings.maintenance_daily_cron.split())} {settings.maintenance_time_zone}"


def group_of(settings: Settings, overrides: TenantOverrides | None) -> str:
    """Return the key of a tenant's group, given the deployment's *settings*; None: its overrides cannot be read."""
    if overrides is None or (overrides.daily_cron is None and overrides.time_zone is None):
        return DEFAULT
    own = settings.for_tenant(overrides)
    if own.maintenance_daily_cron.strip() == OFF or times_of(own) == times_of(settings):
        return DEFAULT
    return times_of(own)


async def groups(pool: Pool, settings: Settings) -> Groups:
    """Return the groups that tenants are in, and those that have a Schedule."""
    async with snapshot(pool) as db:
        rows = await fetch(db, OWN_TIMES, None, None)
        applied = await applied_groups(db)
    found = Counter(group_of(settings, read_overrides(row["overrides"])) for row in rows)
    return Groups({key: found[key] for key in sorted(found) if key != DEFAULT}, applied)


async def applied_groups(db: Executor) -> frozenset[str]:
    """Return the groups that have a Schedule."""
    return frozenset(row["schedule"] for row in await fetch(db, APPLIED_GROUPS))


async def record_group(db: Executor, group: str) -> None:
    """Remember that *group* has a Schedule: from now on the daily one leaves its tenants out."""
    await execute(db, RECORD_GROUP, group)


async def forget_group(db: Executor, group: str) -> None:
    """Give the tenants of *group* back to the daily Schedule."""
    await execute(db, FORGET_GROUP, group)
