"""A project's sample: what a reflection is about, and the memories that it is stored as."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from memory_maintenance.dreaming.known import KnownReflection
from memory_maintenance.dreaming.policy import DreamRule, reflection_id, theme_id, theme_subject
from memory_maintenance.dreaming.prompt import MEMORY_CHARACTERS
from memory_maintenance.dreaming.reflecting import Reflection
from memory_maintenance.dreaming.statements import EVIDENCE, LAST_DREAM, SAMPLE
from memory_maintenance.dreaming.storing import reflection_memories
from memory_maintenance.store.derived import DerivedMemory, project_of, reflective_layer
from memory_maintenance.store.memory import Memory, Source
from memory_maintenance.store.pool import Executor, fetch, fetch_row
from memory_maintenance.store.rows import LONGEST_CONTENT, memories_of
from memory_maintenance.tenants.control import Tenant
from memory_maintenance.work import Run
from memory_maintenance.writers.model.set_aside import Unit as SetAsideUnit

ABOUT: Final[Mapping[str, str]] = {
    "Task": "Analyzing patterns in recent high-importance memories",
    "Goal": "Identify recurring themes, potential strategies, and meta-insights",
    "Outcome": "partial",
}
"""What the prompt says besides the memories: RAE's words."""

MOST_EVIDENCE: Final = 400
"""Memories of the window that themes are looked for in."""


@dataclass(frozen=True, slots=True)
class Dream:
    """One project's sample, in the order of its numbers, and what the project dreamt last."""

    tenant_id: str
    project: str
    since: datetime
    """The instant after which memories were looked at."""
    sample: Sequence[Memory]
    last: Sequence[UUID]
    evidence: Sequence[Memory] = ()
    """What themes may stand on, the sample among it, oldest first."""

    @property
    def ids(self) -> list[UUID]:
        """Return the memories of the sample."""
        return [memory.id for memory in self.sample]

    @property
    def unit(self) -> SetAsideUnit:
        """Return what failures at it are counted by."""
        return SetAsideUnit("dream", self.tenant_id, self.project)

    @property
    def sample_id(self) -> UUID:
        """Return the id of a reflection on the sample that is on no theme."""
        return reflection_id(self.tenant_id, self.project, self.ids)

    def rows_of(self, reflection: Reflection) -> list[Source]:
        """Return the rows that the evidence of *reflection* is in."""
        return [row for memory in self._evidence_of(reflection) for row in memory.rows]

    def _evidence_of(self, reflection: Reflection) -> list[Memory]:
        supporting = set(reflection.sources)
        return [memory for memory in self.evidence if memory.id in supporting]

    def adds(self, reflection: Reflection, known: KnownReflection | None) -> bool:
        """Return whether *reflection* has evidence that the stored one on its theme has not, and may be written.

        An edited text is left as it is.
        """
        return known is None or not (
            known.is_edited or known.sources.issuperset(row.id for row in self.rows_of(reflection))
        )

    def subject(self, reflection: Reflection) -> str:
        """Return what lineage calls the theme of *reflection*; the project where it has none."""
        return theme_subject(reflection.keys) or self.project

    def wanted_id(self, reflection: Reflection) -> UUID:
        """Return the id of the reflection on a theme, or on this sample, unless another memory has it."""
        if reflection.keys:
            return theme_id(self.tenant_id, self.project, self.subject(reflection))
        return self.sample_id

    def memories(
        self, reflection: Reflection, run: Run, ids: Sequence[UUID], known: KnownReflection | None = None
    ) -> list[DerivedMemory]:
        """Return what *reflection* is stored as: itself, then its strategy if it has one, with these *ids*.

        Where its theme is *known*, its count and its first and last evidence go on from there. A text of a model's
        stays where no other takes its place.
        """
        evidence = self._evidence_of(reflection)
        rows = self.rows_of(reflection)
        times = [memory.created_at.isoformat() for memory in evidence]
        before = known.metadata if known else {}
        sources = {row.id for row in rows} | (known.sources if known else set())
        if known and before.get("backend") == "openai" and reflection.metadata["backend"] != "openai":
            reflection = replace(reflection, text=known.content, tags=known.tags, metadata={})
        return reflection_memories(
            reflection,
            tenant_id=self.tenant_id,
            project=project_of(self.evidence),
            session_id=None,
            subject=(known.subject if known else None) or self.subject(reflection),
            layer=reflective_layer(max(self.evidence, key=lambda memory: memory.created_at).layer),
            ids=ids,
            sources=rows,
            read=self.ids if reflection.metadata.get("backend") == "openai" else (),
            metadata={
                "outcome": ABOUT["Outcome"],
                "event_count": len(self.sample),
                "evidence_count": len(sources),
                "first_event_at": min([*times, before.get("first_event_at") or times[0]]),
                "last_event_at": max([*times, before.get("last_event_at") or times[0]]),
                "cycle_id": str(run.cycle_id),
                "revision": known.revision + 1 if known else 1,
                "strategy_written": reflection.strategy is not None,
            },
            created_at=run.as_of,
        )


async def sampled(db: Executor, tenant: Tenant, project: str, as_of: datetime, rule: DreamRule) -> Dream:
    """Return what *project* can dream about: by *rule* its most important memories that are new."""
    last = await fetch_row(db, LAST_DREAM, tenant.tenant_id, project)
    since = rule.since(as_of, last["dreamt_until"] if last else None)
    chosen = (tenant.tenant_id, project, as_of, since, rule.min_importance, rule.max_samples, LONGEST_CONTENT)
    rows = await fetch(db, SAMPLE, *chosen, list(tenant.settings.derivation_excluded_classes))
    return Dream(tenant.tenant_id, project, since, memories_of(rows), last["sample"] if last else ())


async def with_evidence(db: Executor, tenant: Tenant, dream: Dream, as_of: datetime, rule: DreamRule) -> Dream:
    """Return *dream* with what its themes may stand on: the sample, and what the window holds besides."""
    since = as_of - timedelta(days=tenant.settings.dreaming_theme_window_days)
    chosen = (dream.tenant_id, dream.project, as_of, since, rule.min_importance, MOST_EVIDENCE, MEMORY_CHARACTERS)
    rows = await fetch(db, EVIDENCE, *chosen, list(tenant.settings.derivation_excluded_classes))
    found = {memory.id: memory for memory in [*memories_of(rows), *dream.sample]}
    return replace(dream, evidence=sorted(found.values(), key=lambda memory: (memory.created_at, memory.id)))
