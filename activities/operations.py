"""What an operator's order asks of Postgres: how the tenant is, and the change of its row."""

from dataclasses import dataclass

import structlog
from temporalio import activity

from activities.messages import LookUpTenantRequest, TenantOrder, TenantState
from memory_maintenance.store.pool import Pool
from memory_maintenance.tenants.control import pause, pause_of, resume
from memory_maintenance.tenants.known import ensure_known

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class OperationActivities:
    """What operators order."""

    pool: Pool

    @activity.defn(name="look_up_tenant")
    async def look_up_tenant(self, request: LookUpTenantRequest) -> TenantState:
        """Say whether the tenant is paused, and by whom. Reads only.

        Raises:
            TenantNotFoundError: neither a memory nor an operator ever named it.
        """
        await ensure_known(self.pool, request.tenant_id)
        found = await pause_of(self.pool, request.tenant_id)
        if found is None:
            return TenantState(paused=False)
        return TenantState(
            paused=True,
            by=found.paused_by,
            reason=found.paused_reason,
            since=found.paused_since,
            until=found.paused_until,
        )

    @activity.defn(name="carry_out_order")
    async def carry_out_order(self, order: TenantOrder) -> None:
        """Pause or resume a tenant for every process. Twice is once."""
        if order.action == "pause":
            await pause(self.pool, order.tenant_id, by=order.by, reason=order.reason, until=order.until)
        else:
            await resume(self.pool, order.tenant_id, by=order.by, reason=order.reason)
        logger.info("tenant_order_carried_out", action=order.action, tenant_id=order.tenant_id)
