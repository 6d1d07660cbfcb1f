"""Orders to forget, as rows: what was meant is fixed with the order, so that any process can finish it."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

from memory_maintenance.erasure.selection import Selector, gone_sources, hits_of, own_strings, strings_of
from memory_maintenance.erasure.strings import Finder
from memory_maintenance.errors import InvalidRequestError
from memory_maintenance.store.pool import Executor, Pool, execute, fetch, fetch_row, from_json, to_json, transaction

ORDER: Final = """
-- erasure.ORDER
--   $1 order_id, $2 selected_by, $3 selector, $4 strings text, JSON; $5 salt, $6 subject_hash, $7 by, $8 reason
INSERT INTO maintenance.erasure_orders
    (order_id, selected_by, selector, strings, salt, subject_hash, ordered_by, reason)
VALUES ($1, $2, $3::text::jsonb, $4::text::jsonb, $5, $6, $7, $8)
"""

TARGETS: Final = """
-- erasure.TARGETS: the memories that an order is about, and what was made from them.
--   $1 order_id, $2 tenant_ids text[], $3 memory_ids uuid[]
INSERT INTO maintenance.erasure_targets (order_id, tenant_id, memory_id, role)
SELECT $1::uuid, tenant_id, memory_id, 'memory' FROM unnest($2::text[], $3::uuid[]) AS t (tenant_id, memory_id)
UNION
SELECT $1::uuid, l.tenant_id, l.derived_id, 'derived'
FROM unnest($2::text[], $3::uuid[]) AS t (tenant_id, memory_id)
     JOIN maintenance.lineage l ON l.tenant_id = t.tenant_id AND l.source_id = t.memory_id
WHERE l.derived_id <> ALL ($3)
UNION
SELECT $1::uuid, r.tenant_id, r.derived_id, 'derived'
FROM unnest($2::text[], $3::uuid[]) AS t (tenant_id, memory_id)
     JOIN maintenance.lineage_read r ON r.tenant_id = t.tenant_id AND r.read_id = t.memory_id
WHERE r.derived_id <> ALL ($3)
ON CONFLICT DO NOTHING
"""

AN_ORDER: Final = """
-- erasure.AN_ORDER
--   $1 order_id  uuid
SELECT o.order_id, o.selected_by, o.strings::text AS strings, encode(o.salt, 'hex') AS salt, o.subject_hash,
       o.ordered_by, o.reason, o.ordered_at, o.steps_done, o.counts::text AS counts, o.completed_at,
       o.certificate::text AS certificate,
       ARRAY (SELECT DISTINCT tenant_id FROM maintenance.erasure_targets t WHERE t.order_id = o.order_id) AS tenants
FROM maintenance.erasure_orders o WHERE o.order_id = $1
"""

OPEN_ORDERS: Final = """
-- erasure.OPEN_ORDERS: those that are not done, the oldest first.
SELECT order_id FROM maintenance.erasure_orders WHERE completed_at IS NULL ORDER BY ordered_at, order_id
"""


@dataclass(frozen=True, slots=True)
class ErasureOrder:
    """One order. ``strings`` are empty once it is done; ``tenants`` are those whose memories it is about."""

    order_id: UUID
    selected_by: str
    strings: tuple[str, ...]
    salt: str
    subject_hash: str | None
    ordered_by: str | None
    reason: str | None
    ordered_at: datetime
    steps_done: int
    counts: dict[str, int]
    tenants: tuple[str, ...]
    completed_at: datetime | None
    certificate: dict[str, Any] | None


async def order_erasure(pool: Pool, selector: Selector, *, by: str | None, reason: str | None) -> UUID:
    """Write an order to forget what *selector* means now, and return its id; nothing else happens yet.

    Raises:
        InvalidRequestError: it names nothing, two things or no memory, or the reason names what is to be forgotten.
    """
    hits = await hits_of(pool, selector)
    pairs = (
        await gone_sources(pool, selector.tenant_id) if selector.repair else [(hit.tenant_id, hit.id) for hit in hits]
    )
    if not pairs:
        raise InvalidRequestError("there is nothing to forget: no memory is meant")
    strings = await strings_of(pool, selector, hits)
    names = own_strings(selector, hits) or {one for one in strings if " " in one or one.isdigit()}
    if reason and Finder(frozenset(names)).found_in(reason):
        raise InvalidRequestError("the reason names what is to be forgotten: it is kept, so say it otherwise")
    order_id, salt = uuid4(), secrets.token_bytes(16)
    subject = selector.subject if selector.subject is not None else selector.pattern
    hashed = None if subject is None else hashlib.sha256(salt + subject.encode()).hexdigest()
    kept = json.dumps(asdict(selector), default=str)
    async with transaction(pool) as db:
        await execute(db, ORDER, order_id, selector.selected_by, kept, to_json(strings), salt, hashed, by, reason)
        await execute(db, TARGETS, order_id, [tenant for tenant, _ in pairs], [memory for _, memory in pairs])
    return order_id


async def erasure_order(db: Executor, order_id: UUID) -> ErasureOrder:
    """Return an order.

    Raises:
        InvalidRequestError: no order has this id.
    """
    row = await fetch_row(db, AN_ORDER, order_id)
    if row is None:
        raise InvalidRequestError(f"no order to forget has the id {order_id}")
    kept = dict(row)
    return ErasureOrder(
        **kept
        | {
            "strings": tuple(from_json(kept["strings"]) or ()),
            "counts": from_json(kept["counts"]),
            "certificate": from_json(kept["certificate"]),
            "tenants": tuple(sorted(kept["tenants"])),
        }
    )


async def open_orders(db: Executor) -> Sequence[UUID]:
    """Return the orders that are not done, the oldest first."""
    return [row["order_id"] for row in await fetch(db, OPEN_ORDERS)]
