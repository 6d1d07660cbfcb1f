"""Whether the store is what maintenance needs: the server, its schema, and what it contains."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Final

from memory_maintenance.inspection import decay_health, schema_health, server_health, webhook_health
from memory_maintenance.inspection.figures import left_undone, newest_totals
from memory_maintenance.inspection.findable import count_findable
from memory_maintenance.inspection.health import Check, in_order
from memory_maintenance.inspection.stale import count_stale
from memory_maintenance.preflight.check import PreflightCheck, Surroundings
from memory_maintenance.preflight.checks import CHECKS, made
from memory_maintenance.settings import Settings
from memory_maintenance.store.inheritance import OPTIONAL_COLUMNS
from memory_maintenance.store.pool import Pool, fetch_row
from memory_maintenance.tasks import TASKS
from memory_maintenance.tenants.control import all_tenants, settings_in_store

_store = partial(Check, "store")

ADVICE: Final = {
    "wrong_dimension": "set EMBEDDING_MODEL to the model that the agents' vectors are of",
    "not_taken": "make the column of the vectors one that takes those of EMBEDDING_MODEL",
    "budget_exhausted": "raise MODEL_DAILY_TOKENS or MODEL_DAILY_TOKENS_PER_TENANT, or wait for the next day",
    "credentials": "check OPENAI_API_KEY and OPENAI_BASE_URL",
    "unknown_model": "check EMBEDDING_MODEL and OPENAI_BASE_URL",
}
"""What mends a reason for which memories were not embedded."""


LOAD_QDRANT: Final = "load what starter.py memories export-derived prints into Qdrant"


async def store_checks(pool: Pool, settings: Settings) -> list[Check]:
    """Return the verdicts on the store; a check that cannot be made is a failure, and the others are made."""
    steps = {
        "version": server_health.version,
        "rights": server_health.rights,
        "migration": schema_health.migration,
        "tables": schema_health.tables,
        "columns": schema_health.columns,
        "indexes": schema_health.indexes,
        "updates": schema_health.updates,
        "overrides": _overrides,
        "accesses": decay_health.accesses,
        "derived": _derived,
        "last cycle": _last_cycle,
    }
    of_pool = {name: partial(step, pool) for name, step in steps.items()}
    by_settings = {
        "decay": decay_health.share,
        "duplicates": _duplicates,
        "classes": _classes,
        "vectors": _vectors,
        "webhooks": webhook_health.deliveries,
    }
    around = Surroundings(settings)
    return await in_order(
        "store",
        of_pool
        | {_name(check): partial(_of_preflight, check, pool, around) for check in CHECKS}
        | {name: partial(step, pool, settings) for name, step in by_settings.items()},
    )


async def _of_preflight(check: PreflightCheck, pool: Pool, around: Surroundings) -> Check:
    finding = await made(check, pool, around)
    if finding is None:
        return _store(_name(check), "ok", check.fine)
    return _store(_name(check), "failure" if finding.severity == "stop" else "warning", finding.found, finding.advice)


def _name(check: PreflightCheck) -> str:
    return check.name.replace("_", " ")


async def _overrides(pool: Pool) -> Check:
    broken = [tenant.tenant_id for tenant in await all_tenants(pool) if tenant.unreadable]
    if broken:
        found = f"the overrides of {len(broken)} tenants cannot be read, so nothing is done for them: {broken[0]}"
        return _store("overrides", "failure", found, f"starter.py tenants unset {broken[0]} --all, then set them again")
    return _store("overrides", "ok", "every tenant's can be read")


async def _duplicates(pool: Pool, settings: Settings) -> Check:
    exact = (await settings_in_store(pool, settings)).memory_duplicates or "off"
    origin = "MEMORY_DUPLICATES" if settings.memory_duplicates else "this store's default"
    return _store("duplicates", "ok", f"memories with the same text: {exact} ({origin})")


async def _derived(pool: Pool) -> Check:
    counts = await count_stale(pool)
    if not counts.stale and not counts.deleted:
        return _store("derived", "ok", "every summary and reflection agrees with its sources")
    why = {"gone": counts.gone, "expired": counts.expired, "edited": counts.edited}
    found = f"{counts.stale:,} summaries and reflections are stale: sources {_said(why).strip(' ()')}"
    if counts.deleted:
        found = f"{found}; lineage names {counts.deleted:,} that are gone"
    if counts.edited_by_hand:
        found = f"{found}; {counts.edited_by_hand:,} of them were edited by hand and stay as they are"
        return _store("derived", "warning", found, "edit or delete those; the next daily run writes the others again")
    return _store("derived", "note", found, "the next daily run writes them again or removes them")


async def _last_cycle(pool: Pool) -> Check:
    totals = await newest_totals(pool)
    if totals is None:
        return _store("last cycle", "ok", "no daily cycle over the whole fleet has completed yet")
    undone = {unit: count for unit, count in left_undone(totals).items() if count}
    if not undone:
        return _store("last cycle", "ok", "the last daily cycle left nothing undone")
    reasons = {task.spec.unit: totals.of(task.spec.name).reasons for task in TASKS}
    found = "; ".join(f"{count:,} {unit}{_said(reasons.get(unit, {}))}" for unit, count in undone.items())
    return _store("last cycle", "warning", f"the last daily cycle left undone: {found}", "starter.py cycles show")


def _said(reasons: Mapping[str, int]) -> str:
    return f" ({', '.join(f'{reason} {count:,}' for reason, count in reasons.items())})" if reasons else ""


async def _classes(pool: Pool, settings: Settings) -> Check:
    names = ("model_excluded_classes", "derivation_excluded_classes")
    chosen = [name.upper() for name in names if getattr(settings, name)]
    columns = await fetch_row(pool, OPTIONAL_COLUMNS)
    if not chosen or (columns and columns["classes"]):
        return _store("classes", "ok", f"{' and '.join(chosen)} go by info_class" if chosen else "no class is excluded")
    found = f"memories has no column info_class: {' and '.join(chosen)} find a class in metadata->>'info_class' only"
    return _store("classes", "warning", found, "add the column as RAE has it, or write the class into the metadata")


async def _vectors(pool: Pool, settings: Settings) -> Check:
    counts = await count_findable(pool, settings)
    if counts.table is None or counts.derived == 0:
        found = "this store keeps no vectors" if counts.table is None else "no summary or reflection needs a vector yet"
        return _store("vectors", "ok", found)
    of_rae = counts.table == "memory_embeddings"
    if counts.not_found == 0:
        found = f"all {counts.derived:,} summaries and reflections have a vector in {counts.table}"
        if not of_rae:
            return _store("vectors", "ok", found)
        return _store("vectors", "note", f"{found}; RAE's engine does not search there but in Qdrant", LOAD_QDRANT)
    found = f"{counts.not_found:,} of {counts.derived:,} summaries and reflections have no vector in {counts.table}"
    if not counts.embeds:
        own = "set EMBEDDING_MODEL to the agents' own"
        return _store(
            "vectors", "warning", found, f"{own}; where RAE's engine searches: {LOAD_QDRANT}" if of_rae else own
        )
    totals = await newest_totals(pool)
    if totals and (reasons := totals.of("embedding").reasons):
        advice = ADVICE.get(next(iter(reasons)), "starter.py cycles show")
        return _store(
            "vectors", "warning", f"{found}; the last daily cycle could not embed them{_said(reasons)}", advice
        )
    return _store("vectors", "note", found, "the next daily run embeds them")
