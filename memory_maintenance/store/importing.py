"""Memories from JSON lines into the store: streamed, safe to repeat, and no bad line stops the others."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, NamedTuple

from memory_maintenance.errors import InvalidRequestError, StoreError
from memory_maintenance.store.import_line import read_line
from memory_maintenance.store.pool import Pool, fetch_value
from memory_maintenance.store.table import MemoryTable, memory_table

BATCH_ROWS: Final = 500
BATCH_CHARACTERS: Final = 4_000_000
"""A statement takes so many rows, or so much text where memories are long."""

BAD_LINES_KEPT: Final = 1000


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line, counted from 1, that was not stored. ``reason`` holds nothing of what the line says."""

    number: int
    reason: str


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of the lines: ``read`` = ``added`` + ``already_there`` + ``bad_count``; blank ones do not count.

    ``bad`` has the first 1,000 of the ``bad_count`` bad lines.
    """

    read: int
    added: int
    already_there: int
    bad: tuple[BadLine, ...]
    bad_count: int


async def import_memories(
    pool: Pool,
    lines: Iterable[str | bytes] | AsyncIterable[str | bytes],
    *,
    now: datetime | None = None,
    progress: Callable[[int], object] = lambda _: None,
) -> ImportReport:
    """Store the memories that *lines* say, one JSON object a line, fields as in ``MemoryLine``.

    Batches commit one by one. Safe to repeat, also after it broke off: an id that is in
    the store is left as it is, and a line without an id has the one its text gives.
    Embeddings, content hashes and the columns of decay are not taken over.
    Memory use: one batch, and some 100 bytes a line to know an id again.

    Args:
        pool: of the store.
        lines: for instance a file opened with "rb"; bytes are UTF-8.
        now: what durations count from, and the time of a memory that has none; default: this moment, naive is UTC.
        progress: called after each batch and at the end, with the number of lines read so far.

    Raises:
        StoreError: the store does not answer, refuses the user, or has no memories table.
    """
    table, tally = await memory_table(pool), _Tally()
    now = now or datetime.now(UTC)
    rows = _rows(lines, table, now if now.tzinfo else now.replace(tzinfo=UTC), tally)
    async for batch in _batches(rows):
        await _store(pool, table.insert, batch, tally)
        progress(tally.read)
    progress(tally.read)
    return tally.report()


class _Row(NamedTuple):
    number: int
    json: str


@dataclass(slots=True)
class _Tally:
    read: int = 0
    added: int = 0
    already_there: int = 0
    bad: list[BadLine] = field(default_factory=list)
    bad_count: int = 0

    def refuse(self, number: int, reason: str) -> None:
        self.bad_count += 1
        if len(self.bad) < BAD_LINES_KEPT:
            self.bad.append(BadLine(number, reason))

    def report(self) -> ImportReport:
        bad = tuple(sorted(self.bad, key=lambda line: line.number))
        return ImportReport(self.read, self.added, self.already_there, bad, self.bad_count)


async def _rows(
    lines: Iterable[str | bytes] | AsyncIterable[str | bytes], table: MemoryTable, now: datetime, tally: _Tally
) -> AsyncIterator[_Row]:
    seen: set[bytes] = set()
    async for number, line in _numbered(lines):
        if not line.strip():
            continue
        tally.read += 1
        try:
            row = _row(number, line, table, now, seen)
        except InvalidRequestError as error:
            tally.refuse(number, str(error))
        else:
            yield row


async def _numbered(
    lines: Iterable[str | bytes] | AsyncIterable[str | bytes],
) -> AsyncIterator[tuple[int, str | bytes]]:
    if isinstance(lines, AsyncIterable):
        number = 0
        async for line in lines:
            number += 1
            yield number, line
    else:
        for numbered in enumerate(lines, start=1):
            yield numbered


def _row(number: int, line: str | bytes, table: MemoryTable, now: datetime, seen: set[bytes]) -> _Row:
    try:
        memory = read_line(line, now)
        row = _Row(number, table.row(memory, now))
    except RecursionError:
        raise InvalidRequestError("nested too deeply") from None
    if memory.id.bytes in seen:
        raise InvalidRequestError("an earlier line has the same id, or neither has one and both say the same")
    seen.add(memory.id.bytes)
    return row


async def _batches(rows: AsyncIterator[_Row]) -> AsyncIterator[Sequence[_Row]]:
    batch: list[_Row] = []
    characters = 0
    async for row in rows:
        batch.append(row)
        characters += len(row.json)
        if len(batch) >= BATCH_ROWS or characters >= BATCH_CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


async def _store(pool: Pool, statement: str, rows: Sequence[_Row], tally: _Tally) -> None:
    """Store *rows*; where Postgres refuses, each half on its own, down to the row that it refuses."""
    try:
        added = int(await fetch_value(pool, statement, f"[{','.join(row.json for row in rows)}]"))
    except (InvalidRequestError, StoreError) as error:
        if isinstance(error, StoreError) and type(error) is not StoreError:
            raise  # the server's or the user's trouble, not a row's
        if len(rows) == 1:
            tally.refuse(rows[0].number, str(error))
            return
        middle = len(rows) // 2
        await _store(pool, statement, rows[:middle], tally)
        await _store(pool, statement, rows[middle:], tally)
    else:
        tally.added += added
        tally.already_there += len(rows) - added
