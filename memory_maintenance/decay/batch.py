"""One batch: pages of a tenant's memories, each committed, then a second look at rows that were locked."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import ClassVar, Final, Literal
from uuid import UUID

from memory_maintenance.decay.policy import DecayRule, Run
from memory_maintenance.decay.progress import Halt, Stand, complete, foreseen_gate, gate, keep, keep_end, start
from memory_maintenance.decay.statements import NOTHING, Page, decay_locked, decay_page, foreseen_page
from memory_maintenance.store.pool import Executor, Pool, transaction

Status = Literal["done", "more", "paused", "superseded", "disabled"]
Beat = Callable[[str | None], object]
_WritePage = Callable[..., Awaitable[Page]]
_Step = Callable[[Executor, Run], Awaitable[Page]]

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
    started: bool = False
    already: int = 0
    """Rows that the run had written before this batch."""
    write_page: ClassVar[_WritePage] = staticmethod(decay_page)

    async def run(self, seconds: float, beat: Beat) -> DecayBatch:
        """Write pages until none is left, the time is up or the tenant's row says to stop."""
        deadline = time.monotonic() + seconds
        status = await self._next_page(beat)
        while status == "more" and time.monotonic() < deadline:
            status = await self._next_page(beat)
        if self.locked_ids:
            status = await self._second_look(status, beat)
        elif status == "done" and not self.run_id:
            await self._complete()
        return self._result(status)

    async def _next_page(self, beat: Beat) -> Status:
        page = await self._write(self._page_at_cursor)
        if not isinstance(page, Page):
            return page
        beat(str(self.cursor) if self.cursor else None)
        return "more" if page.seen == self.page_size else "done"

    async def _page_at_cursor(self, db: Executor, run: Run) -> Page:
        if self.cursor == _LAST_ID:
            return NOTHING
        first_id = UUID(int=self.cursor.int + 1) if self.cursor else _FIRST_ID
        terms = {"run": run, "rule": self.rule, "tolerance": self.tolerance}
        return await self.write_page(db, self.tenant_id, first_id=first_id, size=self.page_size, **terms)

    async def _second_look(self, status: Status, beat: Beat) -> Status:
        """Write what other transactions held, if the run may go on; what they still hold is busy."""
        if status in {"more", "done"}:
            status = await self._look_again(beat) or status
        self.counts["busy"] += len(self.locked_ids)
        self.locked_ids = []
        done = status == "done"
        if self.run_id:
            await keep_end(self.pool, self.tenant_id, self.run_id, self._stand(done=done))
        elif done:
            await self._complete()
        return status

    async def _look_again(self, beat: Beat) -> Halt | None:
        locked, self.locked_ids = self.locked_ids, []
        for first in range(0, len(locked), self.page_size):
            page = await self._write(partial(self._page_of, locked[first : first + self.page_size]), again=True)
            if not isinstance(page, Page):
                self.locked_ids += locked[first:]
                return page
            beat(str(self.cursor))
        return None

    async def _page_of(self, ids: Sequence[UUID], db: Executor, run: Run) -> Page:
        return await decay_locked(db, self.tenant_id, ids=ids, run=run, rule=self.rule, tolerance=self.tolerance)

    async def _write(self, step: _Step, *, again: bool = False) -> Page | Halt:
        async with transaction(self.pool) as db:
            run = await self._allowed(db)
            if not isinstance(run, Run):
                return run
            page = await step(db, run)
            self._count(page, again=again)
            if self.run_id:
                last = page.seen < self.page_size and not again and not self.locked_ids
                await keep(db, self.tenant_id, self.run_id, self._stand(done=last))
            return page

    async def _allowed(self, db: Executor) -> Run | Halt:
        if self.started:
            return await gate(db, self.tenant_id, self.as_of)
        self.started = True
        begun = await start(db, self.tenant_id, self.as_of, self.run_id)
        self.cursor = begun.cursor or self.cursor
        self.counts.update(begun.counts)
        self.already = self.counts["updated"]
        return begun.run

    def _stand(self, *, done: bool) -> Stand:
        # Until a second look has written them, locked rows are busy: nobody looks again after a crash.
        counts = dict(self.counts) | {"busy": self.counts["busy"] + len(self.locked_ids)}
        return Stand(_LAST_ID, counts, self.as_of) if done else Stand(self.cursor, counts, None)

    async def _complete(self) -> None:
        await complete(self.pool, self.tenant_id, self.as_of)

    def _count(self, page: Page, *, again: bool) -> None:
        if not again:
            self.counts["seen"] += page.seen
            self.cursor = page.last_id or self.cursor
        self.locked_ids += page.locked_ids
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

    async def _write(self, step: _Step, *, again: bool = False) -> Page | Halt:
        run = await foreseen_gate(self.pool, self.tenant_id, self.as_of)
        if not isinstance(run, Run):
            return run
        page = await step(self.pool, run)
        self._count(page, again=again)
        return page

    async def _complete(self) -> None:
        """Do nothing: nothing was done."""
