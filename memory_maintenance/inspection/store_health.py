"""Whether the store is what maintenance needs: the server, its schema, and what stands in it."""

from __future__ import annotations

from functools import partial

from memory_maintenance.inspection import schema_health, server_health
from memory_maintenance.inspection.findable import count_findable
from memory_maintenance.inspection.health import Check, in_order
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Pool
from memory_maintenance.tenants.control import all_tenants

_store = partial(Check, "store")


async def store_checks(pool: Pool, settings: Settings) -> list[Check]:
    """Return the verdicts on the store; a check that cannot be made is a failure, and the others are made."""
    steps = {
        "version": server_health.version,
        "rights": server_health.rights,
        "migration": schema_health.migration,
        "tables": schema_health.tables,
        "columns": schema_health.columns,
        "indexes": schema_health.indexes,
        "row security": server_health.row_security,
        "updates": schema_health.updates,
        "clock": server_health.clock,
        "overrides": _overrides,
    }
    of_pool = {name: partial(step, pool) for name, step in steps.items()}
    return await in_order("store", of_pool | {"vectors": partial(_vectors, pool, settings)})


async def _overrides(pool: Pool) -> Check:
    broken = [tenant.tenant_id for tenant in await all_tenants(pool) if tenant.unreadable]
    if broken:
        found = f"the overrides of {len(broken)} tenants cannot be read, so nothing is done for them: {broken[0]}"
        return _store("overrides", "failure", found, f"starter.py tenants unset {broken[0]} --all, then set them anew")
    return _store("overrides", "ok", "every tenant's can be read")


async def _vectors(pool: Pool, settings: Settings) -> Check:
    counts = await count_findable(pool, settings)
    if counts.table is None or counts.not_found == 0:
        return _store("vectors", "ok", "vector search misses nothing that maintenance wrote")
    found = f"vector search cannot find {counts.not_found:,} of {counts.derived:,} summaries and reflections"
    advice = "the next daily run embeds them" if counts.embeds else "set EMBEDDING_MODEL to the agents' own"
    return _store("vectors", "note" if counts.embeds else "warning", found, advice)
