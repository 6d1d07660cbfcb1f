"""Another build's workflows: each commands an activity more at its beginning, so it replays no history of this one."""

from typing import Any

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.messages import ForeseeCostsRequest
    from activities.planning import PlanningActivities
    from memory_maintenance.cycles.outcomes import CycleTotals, TenantOutcome
    from workflows.maintenance import MaintenanceWorkflow
    from workflows.messages import PageRequest, TenantRequest
    from workflows.options import sql
    from workflows.page import MaintenancePageWorkflow
    from workflows.tenant import TenantMaintenanceWorkflow


async def _one_more() -> None:
    await workflow.execute_activity_method(
        PlanningActivities.foresee_costs, ForeseeCostsRequest(totals=CycleTotals()), **sql()
    )


@workflow.defn(name="MaintenanceWorkflow", failure_exception_types=[TypeError])
class ChangedRoot(MaintenanceWorkflow):
    @workflow.init
    def __init__(self, request: Any = None) -> None:
        super().__init__(request)

    @workflow.run
    async def run(self, request: Any = None) -> dict[str, Any]:
        await _one_more()
        return await super().run(request)


@workflow.defn(name="MaintenancePageWorkflow")
class ChangedPage(MaintenancePageWorkflow):
    @workflow.init
    def __init__(self, request: PageRequest) -> None:
        super().__init__(request)

    @workflow.run
    async def run(self, request: PageRequest) -> CycleTotals:
        await _one_more()
        return await super().run(request)


@workflow.defn(name="TenantMaintenanceWorkflow")
class ChangedTenant(TenantMaintenanceWorkflow):
    @workflow.init
    def __init__(self, request: TenantRequest) -> None:
        super().__init__(request)

    @workflow.run
    async def run(self, request: TenantRequest) -> TenantOutcome:
        await _one_more()
        return await super().run(request)


CHANGED = (ChangedRoot, ChangedPage, ChangedTenant)
