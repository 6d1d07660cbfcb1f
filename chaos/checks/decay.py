"""Importance: what every memory has to be, from the agents' log and the times of the runs alone."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from chaos.checks.verdict import Verdict
from chaos.decay_model import ADOPTED_AGE, left
from chaos.record import Remembered, Said
from chaos.tenants import PINNED

TOLERANCE: Final = 1e-9


@dataclass(frozen=True, slots=True)
class ObservedRun:
    """A run that a tenant's memories may have met. ``whole``: it certainly met every one of them."""

    as_of: datetime
    whole: bool


@dataclass(frozen=True, slots=True)
class Row:
    """A memory as the store has it at the end."""

    importance: float | None
    writes: int
    content: str
    tags: tuple[str, ...]
    created_at: datetime
    accessed_at: datetime | None
    base: float | None = None
    base_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Base:
    """An importance and the instant from which it decays."""

    value: float
    at: datetime


@dataclass(frozen=True, slots=True)
class DecayHistory:
    """What the checks know of all runs."""

    adopted_at: datetime
    last: datetime
    """The fixed instant of the last run, which met every memory."""
    runs: Mapping[str, Sequence[ObservedRun]]
    """Per tenant, in order of ``as_of``."""
    rate: float

    def bases(self, memory: Remembered) -> list[Base]:
        """Return what the memory may decay from: one base, several where a page was in flight when it was set.

        A memory that no run had seen yet decays from its creation, or from a day before adoption; one that
        was set later, from the ``as_of`` of the first run that saw the new value.
        """
        unseen_at = max(memory.created_at, self.adopted_at - ADOPTED_AGE)
        if not memory.said:
            return [Base(memory.values[0], unseen_at)]
        said = memory.said[-1]
        found = [Base(said.value, unseen_at)] if not self._surely_seen(memory, said) else []
        if self._maybe_seen(memory, said):
            found += [Base(said.value, as_of) for as_of in self._first_after(memory, said)]
        return list(dict.fromkeys(found))

    def _surely_seen(self, memory: Remembered, said: Said) -> bool:
        """Return whether a whole run that began when the memory was there was complete before it was set."""
        born, completed = memory.valid_since.after.started, said.around.before.completed
        return (
            memory.valid_since is not said.around
            and completed is not None
            and any(
                run.whole and memory.created_at <= run.as_of <= completed and (born is None or run.as_of > born)
                for run in self.runs[memory.tenant_id]
            )
        )

    def _maybe_seen(self, memory: Remembered, said: Said) -> bool:
        started = said.around.after.started
        if memory.valid_since is said.around or started is None:
            return False
        return started >= memory.created_at

    def _first_after(self, memory: Remembered, said: Said) -> Iterator[datetime]:
        """Yield every ``as_of`` whose run may have been the first to see the new value."""
        before, after = said.around.before, said.around.after
        for run in self.runs[memory.tenant_id]:
            earlier = before.started is not None and run.as_of <= before.started
            in_flight = before.under_way and run.as_of == before.started
            if run.as_of < memory.created_at or (earlier and not in_flight):
                continue
            yield run.as_of
            if run.whole and (after.started is None or run.as_of > after.started):
                return

    def expected(self, memory: Remembered) -> list[float]:
        """Return every importance that the memory may have after the last run."""
        access = memory.accessed_at or memory.created_at
        return [left(base.value, base.at, access, self.last, self.rate) for base in self.bases(memory)]


def check_importance(memories: Mapping[UUID, Remembered], rows: Mapping[UUID, Row], history: DecayHistory) -> Verdict:
    """Every memory has the importance that its log and the rule give it, within 1e-9."""
    wrong: list[str] = []
    ambiguous = 0
    for key, memory in memories.items():
        row = rows.get(key)
        if row is None:
            continue  # check_writes reports it
        allowed = _allowed(memory, history)
        ambiguous += len(allowed) > 1
        if not any(_equal(row.importance, value) for value in allowed):
            wrong.append(f"{memory.tenant_id} {key}: {row.importance} instead of {_listed(allowed)}")
    sets = sum(bool(memory.said) for memory in memories.values())
    note = f"{ambiguous} of {sets} last sets met a page in flight"
    return Verdict("importance is what the log of writes and accesses gives (1e-9)", len(memories), wrong, note)


def check_bases(memories: Mapping[UUID, Remembered], rows: Mapping[UUID, Row], history: DecayHistory) -> Verdict:
    """What decays has the base that its log gives, since when it gives it, and the importance of that very base."""
    wrong: list[str] = []
    for key, memory in memories.items():
        row = rows.get(key)
        if row is None:
            continue  # check_writes reports it
        if PINNED in memory.tags or not memory.valid:
            if (row.base, row.base_at) != (None, None):
                wrong.append(f"{memory.tenant_id} {key}: decays from {row.base}, and never should")
            continue
        access = memory.accessed_at or memory.created_at
        if not any(
            (row.base, row.base_at) == (base.value, base.at)
            and _equal(row.importance, left(base.value, base.at, access, history.last, history.rate))
            for base in history.bases(memory)
        ):
            wrong.append(f"{memory.tenant_id} {key}: {row.base} since {row.base_at}, not {history.bases(memory)}")
    return Verdict("base and importance are of one write that the log has", len(memories), wrong)


def _allowed(memory: Remembered, history: DecayHistory) -> list[float | None]:
    if PINNED in memory.tags or not memory.valid:
        return [memory.latest]
    return [*history.expected(memory)]


def _equal(found: float | None, expected: float | None) -> bool:
    if found is None or expected is None:
        return found is expected
    return abs(found - expected) <= TOLERANCE or (math.isnan(found) and math.isnan(expected))


def _listed(values: Sequence[float | None]) -> str:
    return " or ".join(map(str, values)) or "anything"


def check_writes(memories: Mapping[UUID, Remembered], rows: Mapping[UUID, Row], agents_rows: int) -> Verdict:
    """Every committed write of an agent is in the store, as often as it was made, and nothing else is."""
    wrong = [f"{key} is gone" for key in memories if key not in rows]
    for key, memory in memories.items():
        row = rows.get(key)
        said = (memory.writes, memory.content, memory.tags, memory.created_at, memory.accessed_at)
        if row and (row.writes, row.content, row.tags, row.created_at, row.accessed_at) != said:
            wrong.append(f"{memory.tenant_id} {key} differs from the log: {row.writes} writes, log {memory.writes}")
    if agents_rows != len(memories):
        wrong.append(f"{agents_rows} memories of agents in the store, {len(memories)} in the log")
    return Verdict("every write of the agents is kept, and nothing else moved", len(memories), wrong)
