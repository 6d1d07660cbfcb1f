"""A project's sample: what a reflection is asked about, and the memories that it is stored as."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from memory_maintenance.dreaming.context import Event, EventType, OutcomeType, ReflectionContext, ReflectionResult
from memory_maintenance.dreaming.policy import reflection_id
from memory_maintenance.dreaming.storing import reflection_memories
from memory_maintenance.store.derived import DerivedMemory, project_of, reflective_layer
from memory_maintenance.store.memory import Memory
from memory_maintenance.writers.model.set_aside import Unit

TASK = "Analyzing patterns in recent high-importance memories"
GOAL = "Identify recurring themes, potential strategies, and meta-insights"


@dataclass(frozen=True, slots=True)
class Dream:
    """One project's sample, in the order of its numbers, and what the project dreamt last."""

    tenant_id: str
    project: str
    sample: Sequence[Memory]
    last: Sequence[UUID]

    @property
    def ids(self) -> list[UUID]:
        """Return the memories of the sample."""
        return [memory.id for memory in self.sample]

    @property
    def unit(self) -> Unit:
        """Return what failures at it are counted by."""
        return Unit("dream", self.tenant_id, self.project)

    @property
    def reflection_id(self) -> UUID:
        """Return the id of the reflection on it."""
        return reflection_id(self.tenant_id, self.project, self.ids)

    def context(self) -> ReflectionContext:
        """Return what the engine is given."""
        events = [
            Event(
                event_id=str(memory.id),
                event_type=EventType.SYSTEM_EVENT,
                timestamp=memory.created_at,
                content=memory.content,
                metadata={"importance": memory.importance, "tags": list(memory.tags)},
            )
            for memory in self.sample
        ]
        return ReflectionContext(
            events=tuple(events),
            outcome=OutcomeType.PARTIAL,
            tenant_id=self.tenant_id,
            project=self.project,
            task_description=TASK,
            task_goal=GOAL,
        )

    def memories(self, result: ReflectionResult, cycle_id: UUID | None) -> list[DerivedMemory]:
        """Return what *result* is stored as: the reflection, then its strategy if it has one."""
        memories = reflection_memories(
            result,
            tenant_id=self.tenant_id,
            project=project_of(self.sample),
            session_id=None,
            layer=reflective_layer(max(self.sample, key=lambda memory: memory.created_at).layer),
            id=self.reflection_id,
        )
        ids: dict[str, Any] = {"cycle_id": str(cycle_id) if cycle_id else None}
        if len(memories) > 1:
            ids["strategy_id"] = str(memories[1].id)
        return [replace(memory, metadata={**memory.metadata, **ids}) for memory in memories]
