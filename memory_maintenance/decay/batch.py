"""One batch: pages of a tenant's memories, each committed, then a second look at rows that were locked."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal
from uuid import UUID

import structlog

from memory_maintenance.decay.policy import DecayRule, DecayRun
from memory_maintenance.decay.progress import DecayProgress, Halt, gate, keep, keep_end, preview_gate, start
from memory_maintenance.decay.statements import DECAY_LOCKED, DECAY_PAGE, NOTHING, PREVIEW_PAGE, Page, write_page
from memory_maintenance.errors import StatementTimeoutError
from memory_maintenance.store.identity import FIRST_ID, LAST_ID, id_after
from memory_maintenance.store.pool import Executor, Pool, transaction
from memory_maintenance.work import Run

logger = structlog.get_logger(__name__)

Status = Literal["done", "more", "paused", "superseded"]

_NAMED_IDS: Final = 10
_SMALLEST_PAGE: Final = 10
"""Rows; a page of so few that a time-out cancels is not cut further."""
_COUNTED: Final = ("updated", "first_seen", "rebased", "saved_back", "altered", "invalid", "negligible", "protected")


@dataclass(frozen=True, slots=True)
class DecayBatch:
    """What a run did to a tenant's memories up to the end of a batch; of a dry run, what this batch would do."""

    cursor: UUID | None
    """The last id seen; None: done, or nothing was seen."""
    status: Status
    counts: Counter[str]
    """Rows ``seen``. Written (importance, base or both): ``updated``, of these ``first_seen``, ``rebased`` where the
    agent had set a value or decay had been off, of those ``saved_back`` where it is hardly above what decay had
    written, and ``altered`` where a trigger stored something else. Left alone:
    ``invalid``, ``protected``, ``negligible`` (the base is not above the floor), ``busy`` (held by other transactions
    both times; they catch up next time)."""
    written: int
    """Rows that this batch wrote."""
    invalid_ids: tuple[UUID, ...] = ()
    """The first ten of the invalid ones."""


@dataclass(slots=True)
class BatchInProgress:
    """The pages of one tenant, as far as they are written.

    What a run did is kept in the tenant's row with each page: a batch goes on where the last committed page of
    its run ended, whoever wrote it. A dry run writes, locks and keeps nothing, and goes on behind *cursor*.
    """

    pool: Pool
    tenant_id: str
    run: Run
    rule: DecayRule
    page_size: int
    tolerance: float
    cursor: UUID | None = None
    counts: Counter[str] = field(default_factory=Counter)
    invalid_ids: list[UUID] = field(default_factory=list)
    locked_ids: list[UUID] = field(default_factory=list)
    started: bool = False
    already: int = 0
    """Rows that the run had written before this batch."""

    async def write(self, seconds: float) -> DecayBatch:
        """Write pages until none is left, *seconds* are over or the tenant's row says to stop; at least one."""
        deadline = time.monotonic() + seconds
        status = await self._next_page()
        while status == "more" and time.monotonic() < deadline:
            status = await self._next_page()
        if self.locked_ids:
            status = await self._second_look(status)
        return DecayBatch(
            cursor=None if status == "done" else self.cursor,
            status=status,
            counts=self.counts,
            written=self.counts["updated"] - self.already,
            invalid_ids=tuple(self.invalid_ids[:_NAMED_IDS]),
        )

    async def _next_page(self) -> Status:
        while True:
            started = self.started
            try:
                page = await self._page()
            except StatementTimeoutError:
                # Nothing of the page was written. A shorter one may fit into the time that a DBA allows.
                if self.page_size <= _SMALLEST_PAGE:
                    raise
                self.started, self.page_size = started, self.page_size // 2
                logger.warning("decay_page_halved", tenant_id=self.tenant_id, page_size=self.page_size)
            else:
                return page if not isinstance(page, Page) else "more" if page.more else "done"

    async def _second_look(self, status: Status) -> Status:
        """Write what other transactions held, if the run may go on; what they still hold is busy."""
        locked, self.locked_ids = self.locked_ids, []
        while locked and status in {"more", "done"}:
            page = await self._page(locked[: self.page_size])
            if isinstance(page, Page):
                locked = locked[self.page_size :]
            else:
                status = page
        self.counts["busy"] += len(self.locked_ids) + len(locked)
        self.locked_ids = []
        await keep_end(self.pool, self.tenant_id, self.run.cycle_id, self._progress(done=status == "done"))
        return status

    async def _page(self, ids: Sequence[UUID] | None = None) -> Page | Halt:
        """Write and keep, in one transaction, the page at the cursor, or the memories *ids* that were locked."""
        if self.run.dry_run:
            decay_run = await preview_gate(self.pool, self.tenant_id, self.run.as_of)
            return await self._written(self.pool, PREVIEW_PAGE, decay_run, None)
        async with transaction(self.pool) as db:
            decay_run = await self._allowed(db)
            page = await self._written(db, DECAY_LOCKED if ids else DECAY_PAGE, decay_run, ids)
            if isinstance(page, Page):
                last = not page.more and not ids and not self.locked_ids
                await keep(db, self.tenant_id, self.run.cycle_id, self._progress(done=last))
            return page

    async def _written(
        self, db: Executor, statement: str, decay_run: DecayRun | Halt, ids: Sequence[UUID] | None
    ) -> Page | Halt:
        if not isinstance(decay_run, DecayRun):
            return decay_run
        which = ids or (id_after(self.cursor) if self.cursor else FIRST_ID)
        if which is None:
            return NOTHING
        page = await write_page(
            db,
            statement,
            self.tenant_id,
            which,
            size=len(ids) if ids else self.page_size,
            run=decay_run,
            rule=self.rule,
            tolerance=self.tolerance,
        )
        if ids is None:
            self.counts["seen"] += page.seen
            self.cursor = page.last_id or self.cursor
        self.locked_ids += page.locked_ids
        self.counts.update({name: getattr(page, name) for name in _COUNTED})
        self.invalid_ids += page.invalid_ids
        return page

    async def _allowed(self, db: Executor) -> DecayRun | Halt:
        if self.started:
            return await gate(db, self.tenant_id, self.run.as_of)
        self.started = True
        begun = await start(db, self.tenant_id, self.run.as_of, self.run.cycle_id)
        self.cursor = begun.cursor or self.cursor
        self.counts = Counter(begun.counts or self.counts)
        self.already = self.counts["updated"]
        return begun.run

    def _progress(self, *, done: bool) -> DecayProgress:
        # Until a second look has written them, locked rows are busy: after a crash nothing looks at them again.
        counts = dict(self.counts) | {"busy": self.counts["busy"] + len(self.locked_ids)}
        if done:
            return DecayProgress(LAST_ID, counts, self.run.as_of)
        return DecayProgress(self.cursor, counts, None)
