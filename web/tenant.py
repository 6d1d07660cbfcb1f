"""*Tenant*: its runs, waiting sessions and why, budget, overrides, orders."""

from __future__ import annotations

from starlette.datastructures import QueryParams

from memory_maintenance.cycles.outcomes import TenantOutcome
from memory_maintenance.inspection.task_words import columns_of, left_in_words, specs
from memory_maintenance.inspection.tenant import tenant_report
from memory_maintenance.writers.model.budget import daily_limits, tenant_scope, used
from web.page import Filled
from web.sources import Sources


async def read(sources: Sources, query: QueryParams) -> Filled:
    """Return the page of the tenant ``id``.

    Raises:
        TenantNotFoundError: neither a memory nor an operator ever named it.
        InvalidRequestError: its overrides cannot be read.
    """
    pool, tenant_id = await sources.pool(), query.get("id", "")
    report = await tenant_report(pool, sources.settings, tenant_id)
    overrides = report.control.overrides
    tokens, cost = await used(pool, tenant_scope(tenant_id))
    return Filled(
        "tenant.html.j2",
        {
            "title": report.control.tenant_id,
            "report": report,
            "control": report.control,
            "tokens": tokens,
            "cost": cost,
            "limits": daily_limits(sources.settings.for_tenant(overrides)),
            "overrides": list(overrides.model_dump(mode="json", exclude_none=True).items()),
            "tasks": columns_of(run.outcome for run in report.runs),
            "left": _left,
        },
    )


def _left(outcome: TenantOutcome) -> str:
    return ", ".join(filter(None, (left_in_words(spec, outcome.of(spec.name)) for spec in specs())))
