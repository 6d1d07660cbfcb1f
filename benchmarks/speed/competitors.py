"""What others do in place of a night of decay, tenant by tenant: bare UPDATEs, RAE's rule, and tasks of Celery."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import PIPE
from collections.abc import Sequence
from datetime import datetime
from importlib.util import find_spec
from shutil import which
from typing import Final, Literal
from uuid import UUID

from benchmarks.speed.servers import Servers, command, connected
from benchmarks.speed.workers import python
from chaos.processes import environment
from embedded.process import server_process

Statement = Literal["bare", "rae", "due", "fallback"]
"""A statement on one tenant; what Postgres says of it ends with a number of rows."""

RATE: Final = 0.01
"""RAE's default share lost per run."""

_DAYS: Final = "(extract(epoch FROM $2::timestamptz - coalesce(last_accessed_at, created_at))::float8 / 86400)"

WHOLE_TABLE: Final = """
-- speed.WHOLE_TABLE: the four columns of decay without its rule; every memory loses a thousandth.
--   $1 as_of  timestamptz
UPDATE memories
SET importance = importance * 0.999, decayed_importance = importance * 0.999,
    base_importance = coalesce(base_importance, importance), base_importance_at = coalesce(base_importance_at, $1)
"""

STATEMENTS: Final[dict[Statement, str]] = {
    "bare": """
-- speed.bare: the same for one tenant.
--   $1 tenant_id  uuid
--   $2 as_of      timestamptz
UPDATE memories
SET importance = importance * 0.999, decayed_importance = importance * 0.999,
    base_importance = coalesce(base_importance, importance), base_importance_at = coalesce(base_importance_at, $2)
WHERE tenant_id = $1
""",
    "rae": f"""
-- speed.rae: RAE's rule on one tenant's memories (decay_policies.rae_run). It keeps no base: a second run decays again.
--   $1 tenant_id  uuid
--   $2 as_of      timestamptz
UPDATE memories
SET importance = greatest(0.01, importance * (1 - {RATE}::float8 * CASE
        WHEN {_DAYS} < 7 THEN 0.5
        WHEN {_DAYS} > 30 THEN 1 + {_DAYS} / 30
        ELSE 1
    END))
WHERE tenant_id = $1 AND importance > 0.01
""",  # noqa: S608  (constants of this module)
    "due": """
-- speed.due: sessions of one tenant with ten events that are in no summary, the last of them half an hour old.
--   $1 tenant_id  uuid
--   $2 as_of      timestamptz
SELECT session_id FROM memories m
WHERE tenant_id = $1 AND layer IN ('episodic', 'em') AND source = 'agent' AND session_id IS NOT NULL
      AND NOT EXISTS (
          SELECT 1 FROM maintenance.lineage l
          WHERE l.tenant_id = m.tenant_id::text AND l.source_id = m.id AND l.task = 'summarization'
      )
GROUP BY session_id
HAVING count(*) >= 10 AND max(created_at) <= $2::timestamptz - interval '30 minutes'
""",
    "fallback": """
-- speed.fallback: RAE's summaries without a model of one tenant's sessions: the first five events, how many more.
--   $1 tenant_id  uuid
--   $2 as_of      timestamptz
INSERT INTO memories (tenant_id, project, session_id, content, source, importance, layer, tags, created_at)
SELECT tenant_id, project, session_id,
       format('Session summary (%s events): %s ... and %s more events', count(*),
              string_agg(content, ' | ' ORDER BY n) FILTER (WHERE n <= 5), count(*) - 5),
       'summarization_worker', least(1, 1.2 * avg(importance)), 'episodic', '{session_summary,auto_generated}', $2
FROM (
    SELECT *, row_number() OVER (PARTITION BY project, session_id ORDER BY created_at) AS n FROM memories
    WHERE tenant_id = $1 AND layer IN ('episodic', 'em') AND session_id IS NOT NULL
) AS events
GROUP BY tenant_id, project, session_id HAVING count(*) >= 10
""",
}


async def whole_table(url: str, as_of: datetime) -> int:
    """Write every memory with one statement; return how many rows."""
    return rows_of(await command(url, WHOLE_TABLE, as_of))


async def tenant_by_tenant(
    url: str, statement: Statement, as_of: datetime, tenants: Sequence[str], *, connections: int = 1
) -> int:
    """Run a statement for each tenant, in a transaction of its own; return how many rows."""
    waiting = list(reversed(tenants))

    async def work() -> int:
        rows = 0
        async with connected(url) as connection:
            while waiting:
                rows += rows_of(await connection.execute(STATEMENTS[statement], UUID(waiting.pop()), as_of))
        return rows

    return sum(await asyncio.gather(*(work() for _ in range(connections))))


def rows_of(tag: str) -> int:
    """Return the number of rows in what Postgres says of a statement."""
    return int(tag.rpartition(" ")[2])


def missing() -> str | None:
    """Return what has to be installed for Celery, or None."""
    if find_spec("celery") is None:
        return "Celery is not installed (dependency group bench)"
    return None if which("redis-server") else "redis-server is not on the PATH (Debian: apt-get install redis-server)"


async def by_celery(
    servers: Servers, url: str, statement: Statement, as_of: datetime, tenants: Sequence[str]
) -> tuple[int, float]:
    """Run a statement as a task for each tenant, on a Celery worker of two processes with Redis, started for it.

    Returns:
        The number of rows, and the seconds from the first task sent to the last result.
    """
    home, app = servers.home, "benchmarks.speed.celery_app"
    socket = home / "redis.sock"
    settings = {"SPEED_BROKER": f"redis+socket://{socket}", "DATABASE_URL": url}
    redis = [str(which("redis-server")), "--port", "0", "--unixsocket", str(socket), "--save", "", "--dir", str(home)]
    worker = ("-m", "celery", "-A", app, "worker", "--concurrency", "2", "--loglevel", "WARNING")
    question = {"statement": statement, "tenants": list(tenants), "as_of": as_of.isoformat()}
    async with server_process(redis, log=home / "redis.log"), python(servers, *worker, settings=settings):
        # A process of its own: Celery's client does not forgive that its Redis goes away before it does.
        client = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", app), env=environment(home, settings), cwd=home, stdin=PIPE, stdout=PIPE
        )
        answer, _ = await client.communicate(json.dumps(question).encode())
    rows, seconds = json.loads(answer)
    return int(rows), float(seconds)
