"""What one row of the memories table is to the rest of the library."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from memory_maintenance.store.classes import UNCLASSIFIED

KNOWN_SINCE: Final = datetime(2001, 1, 2, tzinfo=UTC)
"""A time before this is unknown: it is the zero of a clock (1970, 1980, 2000, 2001) or of a type (year 1, 1601, 1900),
in whatever time zone. Taken for true it would make a memory decades stale in its first night."""


def known_time(instant: datetime | None) -> datetime | None:
    """Return *instant*, None where it is unknown; in SQL: ``maintenance.known_time``."""
    return instant if instant is not None and instant >= KNOWN_SINCE else None


class Source(NamedTuple):
    """A row that something is derived from; ``hash`` tells its text as it was read, None: it was not."""

    id: UUID
    hash: bytes | None = None


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
    info_class: str = UNCLASSIFIED
    rows: tuple[Source, ...] = ()
    """The rows that hold it: several where RAE's engine stored a long text in parts; ``id`` is the first one's."""


def rows_of(memories: Iterable[Memory]) -> tuple[Source, ...]:
    """Return the rows that hold *memories*; none of what a caller of the library made up."""
    return tuple(row for memory in memories for row in memory.rows)
