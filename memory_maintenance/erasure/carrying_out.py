"""Carrying an order out, in steps that are safe to repeat: whoever finds it open goes on where it was left."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import structlog

from memory_maintenance.erasure.certificate import certificate_of
from memory_maintenance.erasure.orders import ErasureOrder, erasure_order, open_orders
from memory_maintenance.erasure.places import PLACES
from memory_maintenance.erasure.residue import derived_with, search
from memory_maintenance.errors import InvalidRequestError, MaintenanceError
from memory_maintenance.settings import Settings
from memory_maintenance.store.clock import checked_as_of
from memory_maintenance.store.derived import delete_memories, remove_derived
from memory_maintenance.store.pool import Executor, Pool, execute, fetch, to_json, transaction
from memory_maintenance.task import Tools
from memory_maintenance.tasks import tasks_with
from memory_maintenance.tenants.control import Tenant, load_tenant
from memory_maintenance.work import Run

logger = structlog.get_logger(__name__)

_AT_ONCE: Final = 500
_NIGHTLY_SECONDS: Final = 45
"""How long a cycle goes on with open orders before its own work; the next cycle continues."""

LEFT: Final = """
-- erasure.LEFT: the next memories of an order that are still there.
--   $1 order_id  uuid
--   $2 limit
SELECT m.tenant_id::text AS tenant_id, array_agg(m.id) AS ids
FROM (
    SELECT m.tenant_id, m.id
    FROM maintenance.erasure_targets t JOIN memories m ON m.id = t.memory_id AND m.tenant_id::text = t.tenant_id
    WHERE t.order_id = $1 AND t.role = 'memory'
    LIMIT $2
) m
GROUP BY m.tenant_id
"""

COUNT: Final = """
-- erasure.COUNT: more of what an order did, in the transaction that did it.
--   $1 order_id, $2 what text, $3 how_many integer
UPDATE maintenance.erasure_orders
SET counts = counts || jsonb_build_object($2::text, coalesce((counts->>$2)::integer, 0) + $3::integer)
WHERE order_id = $1 AND completed_at IS NULL
"""

STEP_DONE: Final = """
-- erasure.STEP_DONE
--   $1 order_id, $2 steps_done
UPDATE maintenance.erasure_orders SET steps_done = greatest(steps_done, $2::integer) WHERE order_id = $1
"""

STILL_FROM: Final = """
-- erasure.STILL_FROM: what was made from the order's memories and is not written again: it was edited, or
-- stored by a caller of the library.
--   $1 order_id  uuid
--   $2 tenant_id its own type
SELECT DISTINCT m.id
FROM maintenance.erasure_targets t
     JOIN (
         SELECT tenant_id, derived_id, source_id FROM maintenance.lineage
         UNION ALL
         SELECT tenant_id, derived_id, read_id FROM maintenance.lineage_read
     ) l ON l.tenant_id = t.tenant_id AND l.source_id = t.memory_id
     JOIN memories m ON m.tenant_id = $2 AND m.id = l.derived_id
WHERE t.order_id = $1 AND t.role = 'memory' AND t.tenant_id = m.tenant_id::text
"""

IDS: Final = """
-- erasure.IDS: the ids of an order, of a tenant.
--   $1 order_id, $2 tenant_id text
SELECT memory_id FROM maintenance.erasure_targets WHERE order_id = $1 AND tenant_id = $2
"""

FINISH: Final = """
-- erasure.FINISH: what was asked for, and the strings that were searched for, go.
--   $1 order_id, $2 certificate text, JSON
UPDATE maintenance.erasure_orders
SET selector = NULL, strings = NULL, completed_at = now(),
    certificate = $2::text::jsonb || jsonb_build_object('completed_at', now())
WHERE order_id = $1 AND completed_at IS NULL
"""


@dataclass(frozen=True, slots=True)
class Erasure:
    """Carries out orders. ``after`` is called with a step's name after each commit; ``files`` are searched, too."""

    pool: Pool
    settings: Settings
    files: Sequence[Path] = ()
    after: Callable[[str], None] = lambda _: None

    async def carry_out(self, order_id: UUID) -> dict[str, Any]:
        """Do what is left of an order; return its certificate. Twice is once, and two at once are one.

        Raises:
            InvalidRequestError: there is no such order.
            StoreError: the order stays open; the next cycle, or another call, goes on.
        """
        order = await erasure_order(self.pool, order_id)
        steps = (self._memories, self._repair, self._derived, self._traces, self._certify)
        for number, step in enumerate(steps, start=1):
            if order.completed_at is None and order.steps_done < number:
                await step(order)
                await execute(self.pool, STEP_DONE, order_id, number)
                self.after(step.__name__.strip("_"))
        order = await erasure_order(self.pool, order_id)
        assert order.certificate is not None  # noqa: S101  the last step writes it
        return order.certificate

    async def _memories(self, order: ErasureOrder) -> None:
        while rows := await fetch(self.pool, LEFT, order.order_id, _AT_ONCE):
            for row in rows:
                async with transaction(self.pool) as db:
                    await self._count(db, order, "memories", await delete_memories(db, row["tenant_id"], row["ids"]))
                self.after("memories")

    async def _repair(self, order: ErasureOrder) -> None:
        """Write what was made from them again from what is left; without a model, so that nothing waits for one."""
        run = Run(cycle_id=order.order_id, as_of=await checked_as_of(self.pool, None))
        for tenant_id in order.tenants:
            tenant = await self._tenant(tenant_id)
            for task in tasks_with(Tools(self.pool, self.settings)):
                await task.repair(tenant, run)
                self.after(f"repair {task.spec.name}")

    async def _tenant(self, tenant_id: str) -> Tenant:
        try:
            return await load_tenant(self.pool, tenant_id, self.settings)
        except InvalidRequestError:  # overrides that cannot be read do not keep a text alive
            return Tenant(tenant_id, self.settings)

    async def _derived(self, order: ErasureOrder) -> None:
        """Remove what could not be written again, and any other derived text with one of the strings."""
        for tenant_id in order.tenants:
            ids = {row["id"] for row in await fetch(self.pool, STILL_FROM, order.order_id, tenant_id)}
            ids.update(await derived_with(self.pool, tenant_id, order.strings))
            async with transaction(self.pool) as db:
                await self._count(db, order, "derived_deleted", await remove_derived(db, tenant_id, list(ids)))
            self.after("derived")

    async def _traces(self, order: ErasureOrder) -> None:
        for tenant_id in order.tenants:
            ids = [row["memory_id"] for row in await fetch(self.pool, IDS, order.order_id, tenant_id)]
            for place in PLACES:
                async with transaction(self.pool) as db:
                    await self._count(db, order, place.name, await execute(db, place.statement, tenant_id, ids))
                self.after(f"traces {place.name}")

    async def _certify(self, order: ErasureOrder) -> None:
        residue = await search(self.pool, order.strings, order.tenants, self.files)
        self.after("search")
        certificate = await certificate_of(self.pool, await erasure_order(self.pool, order.order_id), residue)
        await execute(self.pool, FINISH, order.order_id, to_json(certificate))
        logger.info("erasure_order_completed", order_id=str(order.order_id), residue=residue.score)

    async def _count(self, db: Executor, order: ErasureOrder, what: str, how_many: int) -> None:
        if how_many:
            await execute(db, COUNT, order.order_id, what, how_many)


async def finish_orders(pool: Pool, settings: Settings) -> int:
    """Go on with the orders that are open, for a while; return how many are done now. One that fails stays open."""
    until, done = time.monotonic() + _NIGHTLY_SECONDS, 0
    for order_id in await open_orders(pool):
        if time.monotonic() > until:
            break
        try:
            await Erasure(pool, settings).carry_out(order_id)
        except MaintenanceError as error:
            logger.warning("erasure_order_failed", order_id=str(order_id), error_type=type(error).__name__)
        else:
            done += 1
    return done
