"""Whether there is such a tenant or project, and how many memories it has."""

from __future__ import annotations

from typing import Final

from memory_maintenance.errors import InvalidRequestError, ProjectNotFoundError, TenantNotFoundError
from memory_maintenance.store.pool import Executor, fetch_value

EXISTS: Final = """
-- tenants.EXISTS: compared as text where the column is text, as uuid where it is uuid.
--   $1 tenant_id
SELECT EXISTS (SELECT 1 FROM memories WHERE tenant_id = $1)
"""

KNOWN: Final = """
-- tenants.KNOWN: a tenant without memories may still have been paused.
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
    except InvalidRequestError:  # the column is uuid and this text is not
        return False


PROJECT: Final = """
-- tenants.PROJECT: whether a tenant has a memory of the project.
--   $1 tenant_id  its own type
--   $2 project    text
SELECT EXISTS (SELECT 1 FROM memories WHERE tenant_id = $1 AND maintenance.project_of(project) = $2)
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


COUNT_MEMORIES: Final = """
-- tenants.COUNT_MEMORIES: memories of one tenant.
--   $1 tenant_id  its own type
SELECT count(*) FROM memories WHERE tenant_id = $1
"""

COUNT_ALL_MEMORIES: Final = """
-- tenants.COUNT_ALL_MEMORIES
SELECT count(*) FROM memories
"""


async def memories_of(db: Executor, tenant_id: str | None) -> int:
    """Return how many memories a tenant has; None: all tenants. It reads an index, or the table, from end to end."""
    found = await (
        fetch_value(db, COUNT_ALL_MEMORIES) if tenant_id is None else fetch_value(db, COUNT_MEMORIES, tenant_id)
    )
    return int(found)


FLEET: Final = """
-- tenants.FLEET: how many tenants have memories.
SELECT count(*) FROM maintenance.tenant_ids()
"""


async def fleet_size(db: Executor) -> int:
    """Return how many tenants have memories: those that planning walks."""
    return int(await fetch_value(db, FLEET))
