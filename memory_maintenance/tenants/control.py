"""What operators said about a tenant: the row of ``maintenance.tenants`` is the truth.

Each statement that changes it writes who, when and why into ``maintenance.orders``, too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from memory_maintenance.errors import InvalidRequestError
from memory_maintenance.settings import Settings, TenantOverrides
from memory_maintenance.store.pool import Executor, execute, fetch, fetch_value
from memory_maintenance.tenants.overrides import read_overrides


@dataclass(frozen=True, slots=True)
class TenantControl:
    """One tenant as operators left it; a tenant without a row is active with no overrides."""

    tenant_id: str
    paused: bool = False
    paused_by: str | None = None
    paused_reason: str | None = None
    paused_since: datetime | None = None
    paused_until: datetime | None = None
    overrides: TenantOverrides = field(default_factory=TenantOverrides)
    unreadable: str | None = None
    """What is wrong with the overrides; work on this tenant fails until they are set again."""


@dataclass(frozen=True, slots=True)
class Tenant:
    """One tenant as a step needs it: ``settings`` are the deployment's with the tenant's overrides applied."""

    tenant_id: str
    settings: Settings
    paused: bool = False


CONTROL: Final = """
-- tenants.CONTROL: what operators said of one tenant, and the store's default; a pause whose end has come is over.
--   $1 tenant_id  text
SELECT tenant_id,
       maintenance.is_paused(t.paused, t.paused_until) AS paused,
       t.paused_by, t.paused_reason, t.paused_since, t.paused_until, coalesce(t.overrides, '{}')::text AS overrides,
       (SELECT duplicates FROM maintenance.store) AS duplicates
FROM (SELECT $1::text AS tenant_id) AS asked LEFT JOIN maintenance.tenants t USING (tenant_id)
"""

STORE_DEFAULTS: Final = """
-- tenants.STORE_DEFAULTS: whether duplicates are folded in this store where no setting says so.
SELECT duplicates FROM maintenance.store
"""


async def settings_in_store(db: Executor, settings: Settings) -> Settings:
    """Return the deployment's settings with the store's default in place of what they leave open."""
    return settings if settings.memory_duplicates else settings.in_store(await fetch_value(db, STORE_DEFAULTS))


async def control_of(db: Executor, tenant_id: str) -> TenantControl:
    """Return what operators said of a tenant.

    Raises:
        InvalidRequestError: the overrides in the row are not valid.
    """
    control, _ = await _stated(db, tenant_id)
    return control


async def load_tenant(db: Executor, tenant_id: str, settings: Settings) -> Tenant:
    """Return a tenant with the settings that hold for it, given the deployment's *settings*.

    Raises:
        InvalidRequestError: the overrides in its row cannot be read.
    """
    control, duplicates = await _stated(db, tenant_id)
    return Tenant(tenant_id, settings.in_store(duplicates).for_tenant(control.overrides), control.paused)


async def pause_of(db: Executor, tenant_id: str) -> TenantControl | None:
    """Return what operators said of a tenant that is paused now, readable or not; None: it is not paused."""
    control, _ = await _row(db, tenant_id)
    return control if control.paused else None


async def _stated(db: Executor, tenant_id: str) -> tuple[TenantControl, str | None]:
    control, duplicates = await _row(db, tenant_id)
    if control.unreadable:
        raise InvalidRequestError(control.unreadable)
    return control, duplicates


async def _row(db: Executor, tenant_id: str) -> tuple[TenantControl, str | None]:
    """Return what operators said of a tenant, readable or not, and what the store does with duplicates by default."""
    [row] = await fetch(db, CONTROL, tenant_id)
    found = dict(row)
    duplicates = found.pop("duplicates")
    return _control(found), duplicates


def _control(row: dict[str, Any]) -> TenantControl:
    """Read a row; of a whole fleet, one that cannot be read must not hide the others."""
    overrides = read_overrides(row.pop("overrides"))
    if overrides is None:
        unreadable = f"the overrides of tenant {row['tenant_id']!r} cannot be read: set them again"
        return TenantControl(unreadable=unreadable, **row)
    return TenantControl(overrides=overrides, **row)


PAUSE: Final = """
-- tenants.PAUSE: a second pause changes who, why and until; it keeps since when. The same one again, as a
-- signal brings it after the command, is no second order.
--   $1 tenant_id  text
--   $2 by         text
--   $3 reason     text
--   $4 until      timestamptz   NULL: until resumed
WITH changed AS (
    INSERT INTO maintenance.tenants AS t (tenant_id, paused, paused_by, paused_reason, paused_since, paused_until)
    VALUES ($1, true, $2, $3, now(), $4)
    ON CONFLICT (tenant_id) DO UPDATE SET
        paused = true, paused_by = $2, paused_reason = $3, paused_until = $4,
        paused_since = CASE WHEN t.paused THEN t.paused_since ELSE now() END
    WHERE (t.paused, t.paused_by, t.paused_reason, t.paused_until) IS DISTINCT FROM (true, $2, $3, $4)
    RETURNING tenant_id
)
INSERT INTO maintenance.orders (tenant_id, action, ordered_by, reason, details)
SELECT tenant_id, 'pause', $2, $3, jsonb_strip_nulls(jsonb_build_object('until', $4)) FROM changed
"""

RESUME: Final = """
-- tenants.RESUME: twice is once.
--   $1 tenant_id  text
--   $2 by         text
--   $3 reason     text
WITH changed AS (
    UPDATE maintenance.tenants
    SET paused = false, paused_by = NULL, paused_reason = NULL, paused_since = NULL, paused_until = NULL
    WHERE tenant_id = $1 AND paused
    RETURNING tenant_id
)
INSERT INTO maintenance.orders (tenant_id, action, ordered_by, reason)
SELECT tenant_id, 'resume', $2, $3 FROM changed
"""


async def pause(
    db: Executor, tenant_id: str, *, by: str | None = None, reason: str | None = None, until: datetime | None = None
) -> None:
    """Keep every process from working for a tenant until it is resumed."""
    await execute(db, PAUSE, tenant_id, by, reason, until)


async def resume(db: Executor, tenant_id: str, *, by: str | None = None, reason: str | None = None) -> bool:
    """Let maintenance work for a tenant again; return whether it was paused."""
    return await execute(db, RESUME, tenant_id, by, reason) == 1


LIST: Final = """
-- tenants.LIST: every tenant, with what operators said.
WITH known AS (
    SELECT tenant_id FROM maintenance.tenant_ids() AS of_memories (tenant_id)
    UNION
    SELECT tenant_id FROM maintenance.tenants
)
SELECT k.tenant_id, maintenance.is_paused(t.paused, t.paused_until) AS paused,
       t.paused_by, t.paused_reason, t.paused_since, t.paused_until, coalesce(t.overrides, '{}')::text AS overrides
FROM known k LEFT JOIN maintenance.tenants t USING (tenant_id)
ORDER BY k.tenant_id
"""


OVERRIDDEN: Final = """
-- tenants.OVERRIDDEN: tenants whose row has overrides.
SELECT tenant_id, overrides::text AS overrides FROM maintenance.tenants WHERE overrides <> '{}'
"""


async def unreadable_tenants(db: Executor) -> list[str]:
    """Return the tenants whose overrides cannot be read."""
    return [row["tenant_id"] for row in await fetch(db, OVERRIDDEN) if read_overrides(row["overrides"]) is None]


async def all_tenants(db: Executor) -> list[TenantControl]:
    """Return every tenant that has memories or a control row, by id."""
    return [_control(dict(row)) for row in await fetch(db, LIST)]
