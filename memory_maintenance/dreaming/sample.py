"""A project's sample: what a reflection is about, and the memories that it is stored as."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from memory_maintenance.dreaming.policy import reflection_id
from memory_maintenance.dreaming.reflecting import Reflection
from memory_maintenance.dreaming.storing import reflection_memories
from memory_maintenance.store.derived import DerivedMemory, project_of, reflective_layer
from memory_maintenance.store.memory import Memory
from memory_maintenance.work import Run
from memory_maintenance.writers.model.set_aside import Unit as SetAsideUnit

ABOUT: Final[Mapping[str, str]] = {
    "Task": "Analyzing patterns in recent high-importance memories",
    "Goal": "Identify recurring themes, potential strategies, and meta-insights",
    "Outcome": "partial",
}
"""What a model is told besides the memories: RAE's words."""


@dataclass(frozen=True, slots=True)
class Dream:
    """One project's sample, in the order of its numbers, and what the project dreamt last."""

    tenant_id: str
    project: str
    since: datetime
    """The instant after which memories were looked at."""
    sample: Sequence[Memory]
    last: Sequence[UUID]

    @property
    def ids(self) -> list[UUID]:
        """Return the memories of the sample."""
        return [memory.id for memory in self.sample]

    @property
    def unit(self) -> SetAsideUnit:
        """Return what failures at it are counted by."""
        return SetAsideUnit("dream", self.tenant_id, self.project)

    @property
    def reflection_id(self) -> UUID:
        """Return the id of the reflection on it, unless somebody else has taken that."""
        return reflection_id(self.tenant_id, self.project, self.ids)

    def memories(self, reflection: Reflection, run: Run, ids: Sequence[UUID]) -> list[DerivedMemory]:
        """Return what *reflection* is stored as: itself, then its strategy if it has one, with these *ids*."""
        evidence = [memory for memory in self.sample if memory.id in reflection.sources]
        times = [memory.created_at for memory in evidence]
        return reflection_memories(
            reflection,
            tenant_id=self.tenant_id,
            project=project_of(self.sample),
            session_id=None,
            layer=reflective_layer(max(self.sample, key=lambda memory: memory.created_at).layer),
            ids=ids,
            sources=[row for memory in evidence for row in memory.rows],
            read=self.ids if reflection.metadata.get("backend") == "openai" else (),
            metadata={
                "outcome": ABOUT["Outcome"],
                "event_count": len(self.sample),
                "first_event_at": min(times).isoformat(),
                "last_event_at": max(times).isoformat(),
                "cycle_id": str(run.cycle_id),
            },
            created_at=run.as_of,
        )
