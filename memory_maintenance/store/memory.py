"""What one row of the memories table is to the rest of the library."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

EPISODIC = frozenset({"episodic", "em"})
"""Both spellings of the layer that agents write events into: names since 2026-01, codes before."""

REFLECTIVE = frozenset({"reflective", "rm"})

DERIVED_SOURCES = frozenset({"summarization_worker", "reflection_engine_v2"})
"""``source`` of memories that maintenance wrote: never an event, never input of a dream."""


@dataclass(frozen=True, slots=True)
class Memory:
    """A memory as summaries and dreams read it.

    ``importance`` is the undecayed one (the base where decay has set one), in [0, 1].
    ``created_at`` is the event's time; text is whatever the agent wrote, untrusted.
    """

    id: UUID
    tenant_id: str
    content: str
    created_at: datetime
    importance: float = 0.5
    project: str | None = None
    session_id: str | None = None
    layer: str | None = None
    source: str | None = None
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
