"""Dreams as activities."""

from dataclasses import dataclass

from temporalio import activity

from activities.messages import (
    DueDreamsRequest,
    DueDreamsResult,
    GenerateReflectionRequest,
    GenerateReflectionResult,
)
from memory_maintenance.dreaming.due import due_projects
from memory_maintenance.dreaming.worker import DreamingWorker
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Pool


@dataclass(frozen=True, slots=True)
class DreamingActivities:
    """Which projects can dream, and the dream of one."""

    pool: Pool
    settings: Settings
    dreaming: DreamingWorker

    @activity.defn(name="due_dreams")
    async def due_dreams(self, request: DueDreamsRequest) -> DueDreamsResult:
        """Find the next projects of a tenant with something to dream about. Reads only."""
        projects = await due_projects(
            self.pool,
            request.tenant_id,
            settings=self.settings,
            as_of=request.as_of,
            after=request.after,
            limit=request.limit,
        )
        return DueDreamsResult(projects=tuple(projects))

    @activity.defn(name="generate_reflection")
    async def generate_reflection(self, request: GenerateReflectionRequest) -> GenerateReflectionResult:
        """Reflect on a project's recent important memories and store it.

        Safe to retry: the sample decides the ids, and what a model answered is in the ledger.
        A dry run asks and stores nothing.
        """
        done = await self.dreaming.dream(
            request.tenant_id,
            request.project,
            as_of=request.as_of,
            round=str(request.cycle_id),
            cycle_id=request.cycle_id,
            dry_run=request.dry_run,
        )
        return GenerateReflectionResult.of(done)
