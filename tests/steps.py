"""Single steps of the tasks, as tests call them: with a tenant's id, and a run named only where that matters."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid4, uuid5

from memory_maintenance.cycles.step import do_unit
from memory_maintenance.decay.rule import decay_rule
from memory_maintenance.decay.task import BATCH_SECONDS, Decay
from memory_maintenance.dreaming.due import due_projects, planned_dreams
from memory_maintenance.dreaming.outcome import DreamOutcome
from memory_maintenance.dreaming.policy import DreamRule
from memory_maintenance.dreaming.task import Dreaming, DreamUnit
from memory_maintenance.embedding.task import Embedding, EmbeddingUnit
from memory_maintenance.rae.decay import DecayWorker
from memory_maintenance.rae.dreaming import DreamingWorker
from memory_maintenance.rae.summarization import SummarizationWorker
from memory_maintenance.settings import Settings
from memory_maintenance.store.clock import checked_as_of
from memory_maintenance.store.pool import Pool
from memory_maintenance.summarization.due import due_session_counts, due_sessions
from memory_maintenance.summarization.outcome import SummaryOutcome
from memory_maintenance.summarization.policy import SessionKey
from memory_maintenance.summarization.task import SessionUnit, Summarization
from memory_maintenance.task import AnyTask, Tools
from memory_maintenance.tenants.control import Tenant, load_tenant
from memory_maintenance.tenants.known import ensure_known
from memory_maintenance.work import Done, Kind, Run, as_json
from memory_maintenance.writers.model.embedder import Embedder
from memory_maintenance.writers.model.question import LanguageModel


async def a_run(pool: Pool, as_of: datetime | None = None, cycle: UUID | str | None = None, **more: Any) -> Run:
    """Return a run as of *as_of* (the database's clock), with the id *cycle* (a new one)."""
    return Run(cycle_id=cycle or uuid4(), as_of=await checked_as_of(pool, as_of), **more)


async def tenant_with(task: AnyTask, tenant_id: str) -> Tenant:
    """Return the tenant with the settings that hold for it, given those of the task's tools."""
    return await load_tenant(task.tools.pool, tenant_id, task.tools.settings)


@dataclass(frozen=True)
class Batch:
    """What became of a batch of decay: rows by name, as counted by the run up to here."""

    cursor: UUID | None
    status: str
    seen: int = 0
    updated: int = 0
    first_seen: int = 0
    rebased: int = 0
    saved_back: int = 0
    altered: int = 0
    invalid: int = 0
    negligible: int = 0
    protected: int = 0
    busy: int = 0
    invalid_ids: tuple[UUID, ...] = ()


class Decaying(DecayWorker):
    """RAE's worker, and single batches."""

    def __init__(self, pool: Pool, settings: Settings | None = None) -> None:
        super().__init__(pool, settings)
        self.task: Decay = self._task

    async def decay_batch(
        self,
        tenant_id: str,
        as_of: datetime,
        *,
        run_id: UUID | None = None,
        after: UUID | None = None,
        seconds: float = BATCH_SECONDS,
        dry_run: bool = False,
    ) -> Batch:
        run = await a_run(self.task.tools.pool, as_of, run_id, dry_run=dry_run)
        await ensure_known(self.task.tools.pool, tenant_id)
        tenant = await tenant_with(self.task, tenant_id)
        if self.task.off(tenant.settings):
            if not dry_run:
                await self.task.note_off([tenant], run)
            return Batch(after, "disabled")
        batch = await self.task.decay(tenant, run, decay_rule(tenant.settings), after=after, seconds=seconds)
        return Batch(batch.cursor, batch.status, invalid_ids=batch.invalid_ids, **batch.counts)

    async def foresee_batch(
        self, tenant_id: str, as_of: datetime, *, after: UUID | None = None, seconds: float = BATCH_SECONDS
    ) -> Batch:
        return await self.decay_batch(tenant_id, as_of, after=after, seconds=seconds, dry_run=True)


class Summarizing(SummarizationWorker):
    """RAE's worker, and single sessions as a cycle summarizes them."""

    def __init__(self, pool: Pool, settings: Settings | None = None, model: LanguageModel | None = None) -> None:
        super().__init__(pool, settings, model)
        self.task: Summarization = self._task

    async def do(self, session: SessionKey, *, as_of: datetime | None = None) -> Done:
        """Do the step of a run: unless the tenant is paused, or has no summaries."""
        unit = SessionUnit(project=session.project, session_id=session.session_id)
        return await do_unit(self.task, session.tenant_id, as_json(unit), await a_run(self.task.tools.pool, as_of))

    async def summarize(
        self,
        session: SessionKey,
        *,
        as_of: datetime | None = None,
        cycle_id: UUID | None = None,
        min_events: int | None = None,
        dry_run: bool = False,
    ) -> SummaryOutcome:
        run = await a_run(self.task.tools.pool, as_of, cycle_id, min_events=min_events, dry_run=dry_run)
        return await self.task.summarize(await tenant_with(self.task, session.tenant_id), session, run)


class Dreamer(DreamingWorker):
    """RAE's worker, and single dreams as a cycle dreams them."""

    def __init__(self, pool: Pool, settings: Settings | None = None, model: LanguageModel | None = None) -> None:
        super().__init__(pool, settings, model)
        self.task: Dreaming = self._task

    async def do(self, tenant_id: str, project: str, *, as_of: datetime | None = None) -> Done:
        """Do the step of a run: unless the tenant is paused, or does not dream."""
        unit = as_json(DreamUnit(project=project))
        return await do_unit(self.task, tenant_id, unit, await a_run(self.task.tools.pool, as_of))

    async def dream(
        self,
        tenant_id: str,
        project: str | None,
        *,
        as_of: datetime | None = None,
        cycle_id: UUID | None = None,
        rule: DreamRule | None = None,
        dry_run: bool = False,
    ) -> DreamOutcome:
        run = await a_run(self.task.tools.pool, as_of, cycle_id, dry_run=dry_run)
        return await self.task.dream(await tenant_with(self.task, tenant_id), project, run, rule=rule)


@dataclass(frozen=True)
class Embedded:
    """What became of a batch of embeddings; the numbers are memories."""

    embedded: int
    skipped: int
    failed: int
    reasons: dict[str, int]
    input_tokens: int
    paused: bool


@dataclass(frozen=True)
class Embeds:
    """Single batches of embeddings, as a cycle takes them."""

    pool: Pool
    settings: Settings
    embedder: Embedder | None

    async def embed(
        self, tenant_id: str, memory_ids: Sequence[UUID], *, cycle: str = "cycle", dry_run: bool = False
    ) -> Embedded:
        task = Embedding(Tools(self.pool, self.settings, embedder=self.embedder))
        run = await a_run(self.pool, cycle=uuid5(NAMESPACE_OID, cycle), dry_run=dry_run)
        unit = as_json(EmbeddingUnit(memories=tuple(memory_ids)))
        done = await do_unit(task, tenant_id, unit, run)
        counts = done.counts
        return Embedded(
            embedded=counts.of("embedded"),
            skipped=counts.of("skipped"),
            failed=counts.of("failed"),
            reasons=counts.reasons,
            input_tokens=counts.input_tokens,
            paused=done.paused,
        )


async def sessions_due(
    pool: Pool,
    tenant_id: str,
    *,
    as_of: datetime,
    settings: Settings,
    daily: bool = True,
    project: str | None = None,
    backfill_days: int | None = None,
    **page: Any,
) -> list[SessionKey]:
    """Return a tenant's due sessions."""
    kind: Kind = "daily" if daily else "hourly"
    run = await a_run(pool, as_of, kind=kind, project=project, backfill_days=backfill_days)
    return await due_sessions(pool, tenant_id, run, settings, **page)


async def dreams_due(pool: Pool, tenant_id: str, *, as_of: datetime, settings: Settings) -> list[str]:
    """Return a tenant's projects that can dream, by both statements."""
    projects = await due_projects(pool, tenant_id, as_of=as_of, settings=settings)
    counts = await planned_dreams(pool, [tenant_id], as_of, settings=settings, few=0)
    assert counts == ({tenant_id: len(projects)} if projects else {})
    return projects


async def session_counts_due(
    pool: Pool,
    tenant_ids: Sequence[str],
    as_of: datetime,
    daily: bool = True,
    *,
    settings: Settings,
    backfill_days: int | None = None,
) -> dict[str, int]:
    """Return how many sessions of each tenant are due."""
    kind: Kind = "daily" if daily else "hourly"
    run = await a_run(pool, as_of, kind=kind, backfill_days=backfill_days)
    return await due_session_counts(pool, tenant_ids, run, settings)
