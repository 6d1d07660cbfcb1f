"""A change: one memory that another one replaces, proposed, applied or taken back; or a text written again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from memory_maintenance.changes.statements import KNOWN, LATEST, ONE, PROPOSE, TEXTS
from memory_maintenance.errors import ChangeNotFoundError
from memory_maintenance.store.pool import Executor, fetch, fetch_row, fetch_value, from_json, to_json

Status = Literal["proposed", "rejected", "applied", "undone"]

DEMOTION: Final = 0.25
"""Factor of the importance of a memory that another one replaces: behind its replacement, and still found where
nothing else says it."""


@dataclass(frozen=True, slots=True)
class Replacement:
    """What a task says of two memories of one tenant: *other_id* says what *memory_id* says, or what holds now.

    ``reason`` is a word from a closed set. ``fingerprints`` are of the two texts, in this order, as they were judged.
    """

    tenant_id: str
    task: str
    kind: str
    memory_id: UUID
    other_id: UUID
    reason: str
    fingerprints: tuple[bytes, bytes]
    demotion: float = DEMOTION
    notes: Mapping[str, Any] = field(default_factory=dict)
    """Keys for the metadata of the demoted memory."""
    takes_use: bool = False
    """Whether the other one takes over use count and latest access."""
    cycle_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """A row of ``maintenance.changes``; ``before`` and ``after`` have the columns of each memory by its id."""

    change_id: int
    tenant_id: str
    task: str
    kind: str
    memory_id: UUID
    evidence: tuple[UUID, ...]
    status: Status
    reason: str
    demotion: float
    notes: Mapping[str, Any]
    takes_use: bool
    fingerprints: tuple[bytes, ...]
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    cycle_id: UUID | None
    changed_at: datetime
    decided_by: str | None
    decided_reason: str | None
    decided_at: datetime | None
    revision: int
    """Of a derived text that was written again: 1, 2, ...; 0: a change of another kind."""

    @property
    def memories(self) -> tuple[UUID, ...]:
        """Return the demoted memory and what replaces it, or the memory that was written again."""
        return (self.memory_id, *self.evidence)


def change_of(row: Any) -> Change:
    """Return a row as a change."""
    values = dict(row)
    for name in ("notes", "before", "after"):
        values[name] = from_json(values[name])
    return Change(**values | {name: tuple(values[name]) for name in ("evidence", "fingerprints")})


async def propose(db: Executor, pairs: Sequence[Replacement]) -> list[Change]:
    """Record proposals and return them in their order, but for pairs that are known, whatever became of them."""
    rows = [
        (
            *(p.tenant_id, p.task, p.kind, p.memory_id, p.other_id, p.reason, p.demotion, to_json(dict(p.notes))),
            *(p.takes_use, *p.fingerprints, p.cycle_id),
        )
        for p in pairs
    ]
    return [change_of(row) for row in await fetch(db, PROPOSE, *map(list, zip(*rows, strict=True)))]


async def is_known(db: Executor, pair: Replacement) -> bool:
    """Return whether the two were proposed before, in either direction, whatever became of it."""
    return bool(await fetch_value(db, KNOWN, pair.tenant_id, pair.memory_id, pair.other_id))


async def change(db: Executor, change_id: int) -> Change:
    """Return one change.

    Raises:
        ChangeNotFoundError: no change has this number.
    """
    row = await fetch_row(db, ONE, change_id)
    if row is None:
        raise ChangeNotFoundError(change_id)
    return change_of(row)


async def changes(
    db: Executor,
    *,
    tenant_id: str | None = None,
    task: str | None = None,
    status: Status | None = None,
    memory_id: UUID | None = None,
    cycle_id: UUID | None = None,
    most: int = 2**62,
) -> list[Change]:
    """Return changes, the newest first; without a *status* those that were made, taken back or not."""
    return [change_of(row) for row in await fetch(db, LATEST, tenant_id, task, status, memory_id, cycle_id, most)]


async def texts_of(db: Executor, tenant_id: str, ids: Sequence[UUID], *, most: int) -> dict[UUID, Any]:
    """Return content (its first *most* characters), creation, importance and demotion of those that are there."""
    return {row["id"]: row for row in await fetch(db, TEXTS, tenant_id, list(ids), most)}
