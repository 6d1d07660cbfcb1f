"""Pools that let a test act, or fail, between two transactions: right after one was committed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

import asyncpg

from memory_maintenance.store.pool import Pool


class DiedError(Exception):
    """The process is gone: nothing that was not committed has happened."""


@dataclass(frozen=True)
class _Watched:
    pool: "asyncpg.Pool[Any]"
    committed: Callable[[], Awaitable[object]]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.pool, name)

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Any]:
        sent: list[str] = []
        async with self.pool.acquire() as connection:
            with connection.query_logger(lambda query: sent.append(query.query)):
                yield connection
            await asyncio.sleep(0)  # asyncpg tells a logger one turn of the loop later
        if "COMMIT" in sent:
            await self.committed()


def watched(pool: Pool, committed: Callable[[], Awaitable[object]]) -> Pool:
    """Return *pool* with *committed* awaited after each transaction; what it raises ends the work."""
    return cast(Pool, _Watched(cast("asyncpg.Pool[Any]", pool), committed))


def dying(pool: Pool, *, after: int) -> Pool:
    """Return *pool* as a process has it that dies after so many transactions."""
    left = iter(range(after - 1))

    async def die() -> None:
        if next(left, None) is None:
            raise DiedError

    return watched(pool, die)
