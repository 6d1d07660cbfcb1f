"""The activity that writes an operator's order into the tenant's row."""

from dataclasses import dataclass

import structlog
from temporalio import activity

from activities.messages import TenantOrder
from memory_maintenance.store.pool import Pool
from memory_maintenance.tenants.control import pause, resume

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class OperationActivities:
    """What operators order."""

    pool: Pool

    @activity.defn(name="carry_out_order")
    async def carry_out_order(self, order: TenantOrder) -> None:
        """Pause or resume a tenant for every process. Twice is once."""
        if order.action == "pause":
            await pause(self.pool, order.tenant_id, by=order.by, reason=order.reason, until=order.until)
        else:
            await resume(self.pool, order.tenant_id, by=order.by, reason=order.reason)
        logger.info("tenant_order_carried_out", action=order.action, tenant_id=order.tenant_id)
