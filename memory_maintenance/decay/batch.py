"""One batch: pages of a tenant's memories, each committed, then a second look at rows that were locked."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import ClassVar, Final, Literal
from uuid import UUID

from memory_maintenance.database.pool import Pool, transaction
from memory_maintenance.decay.policy import DecayRule, Run
from memory_maintenance.decay.progress import Halt, foreseen_gate, gate, keep, keep_end
from memory_maintenance.decay.statements import Page, decay_locked, decay_page, foreseen_page

Status = Literal["done", "more", "paused", "superseded", "disabled"]
Beat = Callable[[str | None], object]
_WritePage = Callable[..., Awaitable[Page]]

_FIRST_ID: Final = UUID(int=0)
_LAST_ID: Final = UUID(int=2**128 - 1)
_NAMED_IDS: Final = 10


@dataclass(frozen=True, slots=True)
class DecayBatch:
    """What a batch came to; after ``more`` the next one goes on behind ``cursor``, the last id seen.

    The numbers are rows.
    """

    cursor: UUID | None
    """None: done, or nothing was seen."""
    status: Status
    seen: int = 0
    updated: int = 0
    """Written: importance, base or both."""
    first_seen: int = 0
    rebased: int = 0
    """Written because the agent had set them, or because decay had been off."""
    invalid: int = 0
    negligible: int = 0
    """Left alone because their base is not above the floor."""
    protected: int = 0
    busy: int = 0
    """Held by other transactions both times they were looked at; they catch up next time."""
    invalid_ids: tuple[UUID, ...] = ()
    """The first ten of the invalid ones."""


@dataclass(slots=True)
class BatchInProgress:
    """The pages of one tenant from *cursor* on, as far as they are written."""

    pool: Pool
    tenant_id: str
    as_of: datetime
    rule: DecayRule
    page_size: int
    tolerance: float
    cursor: UUID | None
    run_id: UUID | None = None
    """With one, what was done is kept with each page, and counts are those of the whole run."""
    counts: Counter[str] = field(default_factory=Counter)
    invalid_ids: list[UUID] = field(default_factory=list)
    locked_ids: list[UUID] = field(default_factory=list)
    write_page: ClassVar[_WritePage] = staticmethod(decay_page)

    async def run(self, seconds: float, beat: Beat) -> DecayBatch:
        """Write pages until none is left, the time is up or the tenant's row says to stop."""
        deadline = time.monotonic() + seconds
        status = await self._next_page(beat)
        while status == "more" and time.monotonic() < deadline:
            status = await self._next_page(beat)
        halted = await self._look_again(beat) if status in {"more", "done"} else None
        self.counts["busy"] += len(self.locked_ids)
        status = halted or status
        if status == "done":
            self.cursor = _LAST_ID
        if self.run_id:
            await keep_end(self.pool, self.tenant_id, self.run_id, self.cursor, dict(self.counts))
        return self._result(status)

    async def _next_page(self, beat: Beat) -> Status:
        if self.cursor == _LAST_ID:
            return "done"
        first_id = UUID(int=self.cursor.int + 1) if self.cursor else _FIRST_ID
        page = await self._write(partial(self.write_page, first_id=first_id, size=self.page_size))
        if not isinstance(page, Page):
            return page
        self.locked_ids += page.locked_ids
        beat(str(self.cursor) if self.cursor else None)
        return "more" if page.seen == self.page_size else "done"

    async def _look_again(self, beat: Beat) -> Halt | None:
        locked, self.locked_ids = self.locked_ids, []
        for first in range(0, len(locked), self.page_size):
            ids = locked[first : first + self.page_size]
            page = await self._write(partial(decay_locked, ids=ids), again=True)
            if not isinstance(page, Page):
                self.locked_ids += locked[first:]
                return page
            self.locked_ids += page.locked_ids
            beat(str(self.cursor))
        return None

    async def _write(self, write: _WritePage, *, again: bool = False) -> Page | Halt:
        async with transaction(self.pool) as db:
            run = await gate(db, self.tenant_id, self.as_of)
            if not isinstance(run, Run):
                return run
            page = await write(db, self.tenant_id, run=run, rule=self.rule, tolerance=self.tolerance)
            self._count(page, again=again)
            if self.run_id:
                await keep(db, self.tenant_id, self.run_id, self.cursor, dict(self.counts))
            return page

    def _count(self, page: Page, *, again: bool) -> None:
        if not again:
            self.counts["seen"] += page.seen
            self.cursor = page.last_id or self.cursor
        for name in ("updated", "first_seen", "rebased", "invalid", "negligible", "protected"):
            self.counts[name] += getattr(page, name)
        self.invalid_ids += page.invalid_ids

    def _result(self, status: Status) -> DecayBatch:
        return DecayBatch(
            cursor=None if status == "done" else self.cursor,
            status=status,
            invalid_ids=tuple(self.invalid_ids[:_NAMED_IDS]),
            **self.counts,
        )


@dataclass(slots=True)
class ForeseenBatch(BatchInProgress):
    """The same pages, priced and counted: nothing is written, locked or announced."""

    write_page: ClassVar[_WritePage] = staticmethod(foreseen_page)

    async def _write(self, write: _WritePage, *, again: bool = False) -> Page | Halt:
        run = await foreseen_gate(self.pool, self.tenant_id, self.as_of)
        if not isinstance(run, Run):
            return run
        page = await write(self.pool, self.tenant_id, run=run, rule=self.rule, tolerance=self.tolerance)
        self._count(page, again=again)
        return page
