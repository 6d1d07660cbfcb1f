"""Who ordered what of a tenant or a Schedule, when and why; of a tenant in the transaction that does it. Kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from memory_maintenance.store.pool import Executor, execute, fetch, fetch_value, from_json, to_json

Action = Literal["pause", "resume", "cancel", "set", "unset", "restore", "trigger", "backfill", "delete"]

RECORD_ORDER: Final = """
-- tenants.RECORD_ORDER: one order; details are names, numbers, times and ids, never the text of a memory.
--   $1 tenant_id  text     NULL: of a Schedule, whose kind is among the details
--   $2 action     text
--   $3 by         text
--   $4 reason     text
--   $5 details    text     JSON
INSERT INTO maintenance.orders (tenant_id, action, ordered_by, reason, details) VALUES ($1, $2, $3, $4, $5::text::jsonb)
RETURNING order_id
"""

ADD_TO_ORDER: Final = """
-- tenants.ADD_TO_ORDER: one more page of what an order did.
--   $1 order_id  bigint
--   $2 name      text     a number among the details
--   $3 more      integer
UPDATE maintenance.orders
SET details = jsonb_set(details, ARRAY[$2::text], to_jsonb(coalesce((details->>$2)::bigint, 0) + $3::integer))
WHERE order_id = $1
"""

LATEST_ORDERS: Final = """
-- tenants.LATEST_ORDERS: the newest first.
--   $1 tenant_id  text     NULL: those of the Schedules
--   $2 most       bigint
SELECT ordered_at, action, ordered_by, reason, details::text AS details FROM maintenance.orders
WHERE tenant_id = $1 OR ($1 IS NULL AND tenant_id IS NULL) ORDER BY order_id DESC LIMIT $2
"""


@dataclass(frozen=True, slots=True)
class Order:
    """One order about a tenant or a Schedule. ``details`` depend on the action: what was set, how many rows."""

    ordered_at: datetime
    action: Action
    ordered_by: str | None
    reason: str | None
    details: Mapping[str, Any]


async def record_order(
    db: Executor, tenant_id: str | None, action: Action, *, by: str | None, reason: str | None = None, **details: Any
) -> int:
    """Write an order down, in the transaction of *db*, and return its number; without a tenant, one of a Schedule."""
    return int(await fetch_value(db, RECORD_ORDER, tenant_id, action, by, reason, to_json(details)))


async def add_to_order(db: Executor, order_id: int, name: str, more: int) -> None:
    """Count *more* under *name* among an order's details, in the transaction of *db*."""
    await execute(db, ADD_TO_ORDER, order_id, name, more)


async def latest_orders(db: Executor, tenant_id: str | None, most: int) -> list[Order]:
    """Return what was ordered of a tenant last, or without one of the Schedules; the newest first."""
    rows = await fetch(db, LATEST_ORDERS, tenant_id, most)
    return [Order(**dict(row) | {"details": from_json(row["details"])}) for row in rows]
