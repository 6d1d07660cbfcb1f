"""What operators said about a tenant: the row of ``maintenance.tenants`` is the truth.

Each statement that changes it writes who, when and why into ``maintenance.orders``, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from annotated_types import Ge, Le, Lt
from pydantic import BaseModel, ConfigDict, PlainSerializer, ValidationError

from memory_maintenance.database.pool import Executor, execute, fetch, fetch_row, fetch_value
from memory_maintenance.errors import InvalidRequestError, ProjectNotFoundError, TenantNotFoundError
from memory_maintenance.settings import Tags

MOST_TOKENS: Final = 10**15
"""More than anybody can use in a day, and far from what Postgres can count."""

_AS_NUMBER: Final = PlainSerializer(float, return_type=float, when_used="json")


class TenantOverrides(BaseModel):
    """What differs for one tenant from the deployment's settings; None means no difference."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    decay_enabled: bool | None = None
    decay_rate: Annotated[float, Ge(0), Lt(1)] | None = None
    """Share of importance lost per day at multiplier 1, clamped like the deployment's rate."""
    decay_policy: Literal["staged", "bounded"] | None = None
    protected_tags: Tags | None = None
    """Tags whose memories never decay, in place of the deployment's."""
    summarization_enabled: bool | None = None
    dreaming_enabled: bool | None = None
    daily_tokens: Annotated[int, Ge(0), Le(MOST_TOKENS)] | None = None
    """Tokens the tenant may use in a UTC day; 0: its texts are written without a model."""
    daily_cost: Annotated[Decimal, Ge(0), Le(MOST_TOKENS), _AS_NUMBER] | None = None
    """Money the tenant may use in a UTC day; 0: its texts are written without a model."""


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
    """What is wrong with the overrides; work on this tenant fails until they are set anew."""


CONTROL: Final = """
-- operations.CONTROL: what operators said of one tenant; a pause whose end has come is over.
--   $1 tenant_id  text
SELECT tenant_id,
       paused AND coalesce(paused_until > now(), true) AS paused,
       paused_by, paused_reason, paused_since, paused_until, overrides
FROM maintenance.tenants
WHERE tenant_id = $1
"""


async def control_of(db: Executor, tenant_id: str) -> TenantControl:
    """Return what operators said of a tenant.

    Raises:
        InvalidRequestError: somebody wrote overrides into the row that are none.
    """
    return await _stated(db, tenant_id) or TenantControl(tenant_id)


async def known_control_of(db: Executor, tenant_id: str) -> TenantControl:
    """Return what operators said of a tenant that is known to exist.

    Raises:
        TenantNotFoundError: neither a memory nor an operator ever named it.
        InvalidRequestError: somebody wrote overrides into the row that are none.
    """
    control = await _stated(db, tenant_id)
    if control is None:
        await ensure_known(db, tenant_id)
    return control or TenantControl(tenant_id)


async def pause_of(db: Executor, tenant_id: str) -> TenantControl | None:
    """Return what operators said of a tenant that is paused now, readable or not; None: it is not paused."""
    row = await fetch_row(db, CONTROL, tenant_id)
    return _control(dict(row)) if row and row["paused"] else None


async def _stated(db: Executor, tenant_id: str) -> TenantControl | None:
    row = await fetch_row(db, CONTROL, tenant_id)
    control = _control(dict(row)) if row else None
    if control and control.unreadable:
        raise InvalidRequestError(control.unreadable)
    return control


def _control(row: dict[str, Any]) -> TenantControl:
    """Read a row; of a whole fleet, one that cannot be read must not hide the others."""
    overrides = read_overrides(row.pop("overrides"))
    if overrides is None:
        unreadable = f"the overrides of tenant {row['tenant_id']!r} cannot be read: set them anew"
        return TenantControl(unreadable=unreadable, **row)
    return TenantControl(overrides=overrides, **row)


def read_overrides(stored: Any) -> TenantOverrides | None:
    """Return the overrides of a row, or None where somebody wrote something else into it."""
    try:
        return _overrides(stored)
    except ValidationError:
        return None


def _overrides(stored: Any) -> TenantOverrides:
    # A pool that the caller opened, as RAE's does, hands out jsonb as text.
    read = TenantOverrides.model_validate_json if isinstance(stored, str) else TenantOverrides.model_validate
    return read(stored)


PAUSE: Final = """
-- operations.PAUSE: a second pause changes who, why and until; it keeps since when. The same one again, as a
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
-- operations.RESUME: twice is once.
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


OVERRIDE: Final = """
-- operations.OVERRIDE: sets what is given and keeps the rest; null takes a setting back. What changes nothing is
-- no order.
--   $1 tenant_id  text
--   $2 changes    jsonb
--   $3 by         text
--   $4 reason     text
WITH changed AS (
    INSERT INTO maintenance.tenants AS t (tenant_id, overrides)
    SELECT $1, jsonb_strip_nulls($2)
    WHERE jsonb_strip_nulls($2) <> '{}' OR EXISTS (SELECT FROM maintenance.tenants WHERE tenant_id = $1)
    ON CONFLICT (tenant_id) DO UPDATE SET overrides = jsonb_strip_nulls(t.overrides || $2)
    WHERE jsonb_strip_nulls(t.overrides || $2) <> t.overrides
    RETURNING tenant_id
)
INSERT INTO maintenance.orders (tenant_id, action, ordered_by, reason, details)
SELECT tenant_id, CASE jsonb_strip_nulls($2) WHEN '{}' THEN 'unset' ELSE 'set' END, $3, $4, $2 FROM changed
"""


async def override(
    db: Executor, tenant_id: str, changes: dict[str, Any], *, by: str | None = None, reason: str | None = None
) -> bool:
    """Set or, by None, take back settings of one tenant; return whether that changed any.

    Raises:
        InvalidRequestError: a name that is no override, or a value out of its range.
    """
    written = checked_overrides(changes).model_dump(mode="json", include=set(changes))
    return await execute(db, OVERRIDE, tenant_id, written, by, reason) == 1


def checked_overrides(changes: Mapping[str, Any]) -> TenantOverrides:
    """Return *changes* as overrides.

    Raises:
        InvalidRequestError: a name that is no override, or a value out of its range.
    """
    try:
        return TenantOverrides.model_validate(changes)
    except ValidationError as error:
        fault = error.errors()[0]
        raise InvalidRequestError(f"{fault['loc'][0]}: {fault['msg']}") from None


CLEAR: Final = """
-- operations.CLEAR: takes back every setting of a tenant, also what nobody can read.
--   $1 tenant_id  text
--   $2 by         text
--   $3 reason     text
WITH changed AS (
    UPDATE maintenance.tenants SET overrides = '{}' WHERE tenant_id = $1 AND overrides <> '{}' RETURNING tenant_id
)
INSERT INTO maintenance.orders (tenant_id, action, ordered_by, reason)
SELECT tenant_id, 'unset', $2, $3 FROM changed
"""


async def clear_overrides(db: Executor, tenant_id: str, *, by: str | None = None, reason: str | None = None) -> bool:
    """Take back every setting of one tenant; return whether there was any."""
    return await execute(db, CLEAR, tenant_id, by, reason) == 1


EXISTS: Final = """
-- operations.EXISTS: compared as text where the column is text, as uuid where it is uuid.
--   $1 tenant_id
SELECT EXISTS (SELECT 1 FROM memories WHERE tenant_id = $1)
"""

KNOWN: Final = """
-- operations.KNOWN: a tenant without memories may still have been paused.
--   $1 tenant_id  text
SELECT EXISTS (SELECT 1 FROM maintenance.tenants WHERE tenant_id = $1)
"""


async def ensure_known(db: Executor, tenant_id: str) -> None:
    """Raise TenantNotFoundError where neither a memory nor an operator ever named the tenant."""
    if not await fetch_value(db, KNOWN, tenant_id) and not await _has_memories(db, tenant_id):
        raise TenantNotFoundError(tenant_id)


async def _has_memories(db: Executor, tenant_id: str) -> bool:
    try:
        return bool(await fetch_value(db, EXISTS, tenant_id))
    except InvalidRequestError:  # the column is uuid and this is none
        return False


PROJECT: Final = """
-- operations.PROJECT: whether a tenant has a memory of the project.
--   $1 tenant_id  its own type
--   $2 project    text
SELECT EXISTS (SELECT 1 FROM memories WHERE tenant_id = $1 AND coalesce(project, 'default') = $2)
"""


async def ensure_project(db: Executor, tenant_id: str, project: str) -> None:
    """Raise where nothing is known of the tenant, or none of its memories has this project.

    Raises:
        TenantNotFoundError: neither a memory nor an operator ever named it.
        ProjectNotFoundError: it has no memory of the project.
    """
    await ensure_known(db, tenant_id)
    if not await _has_memories(db, tenant_id) or not await fetch_value(db, PROJECT, tenant_id, project):
        raise ProjectNotFoundError(tenant_id, project)


LIST: Final = """
-- operations.LIST: every tenant, by a loose index scan: one look-up a tenant, however many memories it has.
WITH RECURSIVE found AS (
    (SELECT tenant_id FROM memories ORDER BY tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT m.tenant_id FROM memories m WHERE m.tenant_id > f.tenant_id ORDER BY m.tenant_id LIMIT 1)
    FROM found f WHERE f.tenant_id IS NOT NULL
),
known AS (
    SELECT tenant_id::text FROM found WHERE tenant_id IS NOT NULL
    UNION
    SELECT tenant_id FROM maintenance.tenants
)
SELECT k.tenant_id, coalesce(t.paused AND coalesce(t.paused_until > now(), true), false) AS paused,
       t.paused_by, t.paused_reason, t.paused_since, t.paused_until, coalesce(t.overrides, '{}') AS overrides
FROM known k LEFT JOIN maintenance.tenants t USING (tenant_id)
ORDER BY k.tenant_id
"""


COUNT: Final = """
-- operations.COUNT_MEMORIES: memories of one tenant.
--   $1 tenant_id  its own type
SELECT count(*) FROM memories WHERE tenant_id = $1
"""

COUNT_ALL: Final = """
-- operations.COUNT_ALL_MEMORIES
SELECT count(*) FROM memories
"""


async def memories_of(db: Executor, tenant_id: str | None) -> int:
    """Return how many memories a tenant has; None: all tenants. It reads an index, or the table, from end to end."""
    found = await (fetch_value(db, COUNT_ALL) if tenant_id is None else fetch_value(db, COUNT, tenant_id))
    return int(found)


async def all_tenants(db: Executor) -> list[TenantControl]:
    """Return every tenant that has memories or a control row, by id."""
    return [_control(dict(row)) for row in await fetch(db, LIST)]
