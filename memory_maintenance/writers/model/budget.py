"""Daily budgets in tokens and money: reserved before a call, settled after it.

A budget is a row per (UTC day, scope); the deployment's scope is the empty string. A reservation
is one conditional upsert of both rows in the transaction that claims the attempt, so that any
number of workers never reserve more than there is. Rows are locked tenant first, deployment
last, everywhere: no deadlock, and the row that all share is held for the shortest time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from memory_maintenance.errors import BudgetExhaustedError
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Executor, fetch, fetch_row
from memory_maintenance.writers.model.context import estimated_tokens

DEPLOYMENT: Final = ""

_FRAME_TOKENS: Final = 64
"""Roles and separators around the texts of a request."""
_MILLION: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Prices:
    """Money for a million tokens."""

    input: Decimal
    output: Decimal

    def cost(self, input_tokens: int, output_tokens: int) -> Decimal:
        """Return what a call costs."""
        return (input_tokens * self.input + output_tokens * self.output) / _MILLION


@dataclass(frozen=True, slots=True)
class DailyLimits:
    """The most that may be used in a UTC day, by a tenant without an override and by all of them."""

    tenant_tokens: int
    tenant_cost: Decimal
    tokens: int
    cost: Decimal


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a call takes at most."""

    input_tokens: int
    output_tokens: int
    cost: Decimal

    @property
    def tokens(self) -> int:
        """Return the tokens of both directions."""
        return self.input_tokens + self.output_tokens


def prices(settings: Settings, model: str) -> Prices:
    """Return the prices of *model*: its own, else those of any model."""
    of_any = (settings.model_price_input, settings.model_price_output)
    return Prices(*settings.model_prices.get(model, of_any))


def daily_limits(settings: Settings) -> DailyLimits:
    """Return the configured budgets."""
    return DailyLimits(
        tenant_tokens=settings.model_daily_tokens_per_tenant,
        tenant_cost=settings.model_daily_cost_per_tenant,
        tokens=settings.model_daily_tokens,
        cost=settings.model_daily_cost,
    )


def estimate(*texts: str, answer_tokens: int, at: Prices) -> Estimate:
    """Return what a call with *texts* takes at most, its answer being bounded; settling corrects it downwards."""
    tokens = _FRAME_TOKENS + sum(map(estimated_tokens, texts))
    return Estimate(tokens, answer_tokens, at.cost(tokens, answer_tokens))


def tenant_scope(tenant_id: str) -> str:
    """Return the scope of a tenant's budget; no tenant id can collide with the deployment's."""
    return f"tenant/{tenant_id}"


RESERVE: Final = """
-- model.RESERVE: adds to the day's use of a tenant and of the deployment where both limits of the row allow it.
--   $1 scope         text     the tenant's
--   $2 tokens        bigint
--   $3 cost          numeric
--   $4 tenant_tokens bigint   $5 tenant_cost numeric   limits of a tenant that has no override
--   $6 all_tokens    bigint   $7 all_cost    numeric   limits of the deployment
--   $8 tenant_id     text
-- Returns the scopes that had room. Fewer than two: the caller rolls back.
WITH own AS (
    SELECT coalesce((t.overrides->>'daily_tokens')::bigint, $4::bigint) AS tokens,
           coalesce((t.overrides->>'daily_cost')::numeric, $5::numeric) AS cost
    FROM (SELECT) AS always LEFT JOIN maintenance.tenants t ON t.tenant_id = $8
)
INSERT INTO maintenance.model_budgets AS b (day, scope, tokens, cost)
SELECT (now() AT TIME ZONE 'UTC')::date, wanted.scope, $2::bigint, $3::numeric
FROM own CROSS JOIN LATERAL (VALUES (1, $1::text, own.tokens, own.cost), (2, '', $6::bigint, $7::numeric))
     AS wanted (place, scope, tokens, cost)
WHERE $2::bigint <= wanted.tokens AND $3::numeric <= wanted.cost
ORDER BY wanted.place
ON CONFLICT (day, scope) DO UPDATE SET tokens = b.tokens + EXCLUDED.tokens, cost = b.cost + EXCLUDED.cost
WHERE b.tokens + EXCLUDED.tokens <= CASE b.scope WHEN '' THEN $6::bigint ELSE (SELECT tokens FROM own) END
  AND b.cost + EXCLUDED.cost <= CASE b.scope WHEN '' THEN $7::numeric ELSE (SELECT cost FROM own) END
RETURNING b.scope
"""


async def reserve(db: Executor, tenant_id: str, wanted: Estimate, limits: DailyLimits) -> None:
    """Reserve *wanted* for today; to be called in a transaction that ends with the error.

    Raises:
        BudgetExhaustedError: the tenant's or the deployment's day has no room for it.
    """
    rows = await fetch(
        db, RESERVE, tenant_scope(tenant_id), wanted.tokens, wanted.cost,
        limits.tenant_tokens, limits.tenant_cost, limits.tokens, limits.cost, tenant_id,
    )  # fmt: skip
    granted = {row["scope"] for row in rows}
    if tenant_scope(tenant_id) not in granted:
        raise _exhausted("this tenant", "MODEL_DAILY_TOKENS_PER_TENANT, MODEL_DAILY_COST_PER_TENANT, or its override")
    if DEPLOYMENT not in granted:
        raise _exhausted("the deployment", "MODEL_DAILY_TOKENS, MODEL_DAILY_COST")


def _exhausted(whose: str, settings: str) -> BudgetExhaustedError:
    message = f"today's model budget of {whose} has no room for this ({settings}): due again tomorrow, UTC"
    return BudgetExhaustedError("budget_exhausted", message)


USED: Final = """
-- model.USED: what a day's reservations and settled calls come to.
--   $1 day    date   NULL: today
--   $2 scope  text
SELECT tokens, cost FROM maintenance.model_budgets
WHERE day = coalesce($1, (now() AT TIME ZONE 'UTC')::date) AND scope = $2
"""


async def used(db: Executor, scope: str, day: date | None = None) -> tuple[int, Decimal]:
    """Return the tokens and the money that a scope has used, or reserved, on a UTC day (today)."""
    row = await fetch_row(db, USED, day, scope)
    return (row["tokens"], row["cost"]) if row else (0, Decimal(0))
