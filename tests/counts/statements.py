"""The statements that a pool sends, by name."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from asyncpg.connection import LoggedQuery

from memory_maintenance.store.pool import Pool, open_pool

_NAME = re.compile(r"\s*-- (\w+\.[A-Z_]+)")
_SHOWN = 60
_ONCE_FOR_EACH_CONNECTION = re.compile(r"WITH RECURSIVE typeinfo_tree|set_config\('jit'")


def name_of(sql: str) -> str:
    """Return the name that a statement gives itself in its first line; without one, its first words."""
    if named := _NAME.match(sql):
        return named[1]
    return " ".join(sql.split())[:_SHOWN].rstrip(";")


@asynccontextmanager
async def watched_pool(url: str) -> AsyncIterator[tuple[Pool, Counter[str]]]:
    """Yield a pool of the application's own making, and how often it has sent which statement.

    BEGIN and COMMIT are among them. What asyncpg asks
    about types, once for each connection, is not: how many connections there are depends on the machine.
    """
    sent: Counter[str] = Counter()

    def note(query: LoggedQuery) -> None:
        if not _ONCE_FOR_EACH_CONNECTION.search(query.query):
            sent[name_of(query.query)] += 1

    async def watch(connection: asyncpg.Connection) -> None:
        connection.add_query_logger(note)

    pool = await open_pool(url, size=10, timeout_seconds=30, init=watch)
    await asyncio.sleep(0)
    sent.clear()  # what it takes to open it: whether a pooler answers
    yield pool, sent
    await pool.close()
    await asyncio.sleep(0)  # asyncpg tells a logger one turn of the loop later


ROWS = """
-- counts.ROWS: how many rows were ever inserted, updated and deleted.
SELECT schemaname || '.' || relname AS name, n_tup_ins AS inserted, n_tup_upd AS updated, n_tup_del AS deleted
FROM pg_stat_user_tables WHERE relname <> 'model_budgets'
"""

END_SESSIONS = """
-- counts.END_SESSIONS: ends everybody else's connection to this database, and waits until its process is gone.
SELECT count(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
"""


async def rows_written(url: str) -> Counter[str]:
    """Return how many rows of each table were ever inserted, updated and deleted, in a store that is not in use now.

    A process tells Postgres' statistics at the latest when it ends.
    """
    connection = await asyncpg.connect(url)
    await connection.execute(END_SESSIONS)
    found: list[Any] = await connection.fetch(ROWS)
    await connection.close()
    return Counter({f"{row['name']} {how}": row[how] for row in found for how in ("inserted", "updated", "deleted")})
