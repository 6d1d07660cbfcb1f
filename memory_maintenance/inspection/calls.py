"""What cycles asked a model, and what that cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final
from uuid import UUID

from memory_maintenance.store.pool import Executor, fetch

CYCLE_CALLS: Final = """
-- inspection.CYCLE_CALLS: the questions that a cycle asked a model, by purpose and end.
--   $1 cycle_id  text
SELECT purpose, state, count(*)::integer AS calls, coalesce(sum(input_tokens), 0)::bigint AS input_tokens,
       coalesce(sum(output_tokens), 0)::bigint AS output_tokens, coalesce(sum(cost), 0) AS cost
FROM maintenance.model_calls
WHERE round = $1
GROUP BY purpose, state
ORDER BY purpose, state
"""

CYCLE_COSTS: Final = """
-- inspection.CYCLE_COSTS: what the questions of some cycles cost.
--   $1 cycle_ids  text[]
SELECT round, sum(cost) AS cost FROM maintenance.model_calls WHERE round = ANY ($1) GROUP BY round
"""


@dataclass(frozen=True, slots=True)
class CallCount:
    """Questions of one purpose that ended one way."""

    purpose: str
    state: str
    calls: int
    input_tokens: int
    output_tokens: int
    cost: Decimal


async def cycle_costs(db: Executor, cycle_ids: Sequence[UUID]) -> dict[UUID, Decimal]:
    """Return what the questions of each of some cycles cost, in the currency of the prices."""
    costs = {row["round"]: row["cost"] for row in await fetch(db, CYCLE_COSTS, [str(each) for each in cycle_ids])}
    return {each: costs.get(str(each)) or Decimal(0) for each in cycle_ids}


async def cycle_calls(db: Executor, cycle_id: UUID) -> tuple[CallCount, ...]:
    """Return the questions that a cycle asked a model, by purpose and end."""
    return tuple(CallCount(**dict(row)) for row in await fetch(db, CYCLE_CALLS, str(cycle_id)))
