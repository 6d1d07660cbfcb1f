"""How the language model fares: its breaker, what of today's budgets is used, how calls ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from memory_maintenance.inspection.model_answers import Answers, newest_answers
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Pool, fetch, fetch_value, snapshot
from memory_maintenance.summarization.takeover import failed_night
from memory_maintenance.writers.model.backend import Backend, deployment_backend

BREAKERS: Final = """
-- inspection.BREAKERS: endpoints that failed; an open breaker whose time has come lets the next call try.
SELECT endpoint, reason, opened_at, opened_until, opened_until > now() AS open
FROM maintenance.model_breaker ORDER BY endpoint
"""

BUDGETS: Final = """
-- inspection.BUDGETS: what each tenant and, without a tenant, the deployment has used or reserved today; most first.
--   $1 tokens, $2 cost  numeric   limits of a tenant without an override
--   $3 tokens, $4 cost  numeric   limits of the deployment
--   $5 most             bigint    tenants
SELECT used.tenant_id, coalesce(b.tokens, 0) AS tokens, coalesce(b.cost, 0) AS cost,
       CASE
           WHEN used.tenant_id IS NULL THEN $3::numeric
           WHEN jsonb_typeof(t.overrides->'daily_tokens') = 'number' THEN (t.overrides->>'daily_tokens')::numeric
           ELSE $1::numeric
       END AS token_limit,
       CASE
           WHEN used.tenant_id IS NULL THEN $4::numeric
           WHEN jsonb_typeof(t.overrides->'daily_cost') = 'number' THEN (t.overrides->>'daily_cost')::numeric
           ELSE $2::numeric
       END AS cost_limit
FROM (
    SELECT NULL AS tenant_id, '' AS scope
    UNION ALL
    (SELECT substr(scope, 8), scope FROM maintenance.model_budgets
     WHERE day = (now() AT TIME ZONE 'UTC')::date AND scope LIKE 'tenant/%'
     ORDER BY tokens DESC, scope LIMIT $5)
) used
LEFT JOIN maintenance.model_budgets b ON b.scope = used.scope AND b.day = (now() AT TIME ZONE 'UTC')::date
LEFT JOIN maintenance.tenants t ON t.tenant_id = used.tenant_id
ORDER BY used.tenant_id IS NOT NULL, b.tokens DESC, used.tenant_id
"""

TODAY: Final = """
-- inspection.TODAY: the day that budgets count, in UTC.
SELECT (now() AT TIME ZONE 'UTC')::date
"""

MODEL_CALLS: Final = """
-- inspection.MODEL_CALLS: the attempts of the last 24 hours, by how they stand.
SELECT purpose, state, reason, count(*)::integer AS calls,
       coalesce(sum(input_tokens + output_tokens), 0)::bigint AS tokens, coalesce(sum(cost), 0) AS cost
FROM maintenance.model_calls
WHERE claimed_at > now() - interval '1 day'
GROUP BY purpose, state, reason
ORDER BY calls DESC, purpose, state, reason
"""

SHOWN_TENANTS: Final = 50
"""Tenants whose use of today is listed: those who used most."""


@dataclass(frozen=True, slots=True)
class BreakerState:
    """One endpoint that failed: until ``opened_until`` every call fails at once, then the next one tries."""

    endpoint: str
    reason: str
    opened_at: datetime
    opened_until: datetime
    open: bool


@dataclass(frozen=True, slots=True)
class BudgetUse:
    """What was used or reserved today; ``tenant_id`` None is the whole deployment."""

    tenant_id: str | None
    tokens: int
    cost: Decimal
    token_limit: int
    cost_limit: Decimal


@dataclass(frozen=True, slots=True)
class CallCount:
    """Attempts that ended, or stand, the same way."""

    purpose: str
    state: str
    reason: str | None
    calls: int
    tokens: int
    cost: Decimal


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """The model as of now; ``day`` is the UTC day of the budgets."""

    backend: Backend
    model: str | None
    """RAE_LLM_MODEL_DEFAULT; None: no model is asked."""
    models: tuple[str, ...]
    """Those that write summaries and reflections where a tenant names none."""
    day: date
    breakers: tuple[BreakerState, ...]
    budgets: tuple[BudgetUse, ...]
    calls: tuple[CallCount, ...]
    answers: Answers
    """How the newest of them ended."""
    fallback_takeover_since: datetime | None
    """When the night began after which the extractive writer writes the fallbacks; None: it does not."""

    @property
    def lost(self) -> int:
        """Return how many claims of the last 24 hours were lost: each may have been paid for nothing."""
        return sum(one.calls for one in self.calls if one.state == "lost")


async def model_status(pool: Pool, settings: Settings) -> ModelStatus:
    """Return how the model fares, all as of one instant."""
    backend = deployment_backend(settings)
    limits = (
        *(settings.model_daily_tokens_per_tenant, settings.model_daily_cost_per_tenant),
        *(settings.model_daily_tokens, settings.model_daily_cost),
    )
    async with snapshot(pool) as db:
        return ModelStatus(
            backend=backend,
            model=settings.rae_llm_model_default if backend == "openai" else None,
            models=settings.writing_models if backend == "openai" else (),
            day=await fetch_value(db, TODAY),
            breakers=tuple(BreakerState(**dict(row)) for row in await fetch(db, BREAKERS)),
            budgets=tuple(_use(dict(row)) for row in await fetch(db, BUDGETS, *limits, SHOWN_TENANTS)),
            calls=tuple(CallCount(**dict(row)) for row in await fetch(db, MODEL_CALLS)),
            answers=await newest_answers(db),
            fallback_takeover_since=await failed_night(db, settings),
        )


def _use(row: dict[str, Any]) -> BudgetUse:
    return BudgetUse(**row | {"token_limit": int(row["token_limit"])})
