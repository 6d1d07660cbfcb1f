"""What is found after a run: in the store, in Temporal, in the logs and among the processes."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final
from uuid import UUID

import asyncpg
from temporalio.client import Client, WorkflowExecution, WorkflowExecutionStatus, WorkflowFailureError

from chaos.answers import CANARY
from chaos.checks.decay import ObservedRun, Row
from chaos.checks.derived import Derived, LastDream, Place
from chaos.checks.surroundings import Closed, Ledger

ROWS: Final = """
-- chaos.ROWS: the agents' memories.
SELECT id, importance, usage_count, content, tags, created_at, last_accessed_at, base_importance, base_importance_at
FROM memories WHERE source = 'agent'
"""

DERIVED: Final = """
-- chaos.DERIVED: everything else.
SELECT id, tenant_id, project, session_id, source, content, importance, tags, metadata::text, created_at,
       ARRAY (
           SELECT l.source_id FROM maintenance.lineage l WHERE l.tenant_id = m.tenant_id AND l.derived_id = m.id
       ) AS sources
FROM memories m WHERE source IS DISTINCT FROM 'agent'
"""

COVERED: Final = """
-- chaos.COVERED: which event is in which summary.
SELECT source_id, derived_id FROM maintenance.lineage WHERE task = 'summarization'
"""

RUNS: Final = """
-- chaos.RUNS: for each cycle with decay and each tenant, whether its memories may have met it, and whether all have.
-- A cycle that completed without a word about a tenant had nothing to do for it, and one that a newer one superseded
-- left it the rest.
SELECT t.tenant_id, c.as_of,
       coalesce(bool_or(r.status = 'completed' AND (r.counts->'decay'->>'seen')::int > 0
                        AND (r.counts->'decay'->>'busy')::int = 0
                        AND NOT coalesce(r.counts->'decay'->'reasons', '{}') ? 'superseded'), false) AS whole
FROM maintenance.cycles c
     CROSS JOIN (SELECT DISTINCT tenant_id FROM memories) t
     LEFT JOIN maintenance.tenant_runs r ON r.cycle_id = c.cycle_id AND r.tenant_id = t.tenant_id
WHERE c.config->'tasks' ? 'decay'
GROUP BY t.tenant_id, c.as_of, c.status
HAVING (count(r.status) = 0 AND c.status <> 'completed') OR bool_or(r.status <> 'already_running')
ORDER BY t.tenant_id, c.as_of
"""

LEDGER: Final = """
-- chaos.LEDGER: the budgets twice over, and what the calls add up to.
SELECT coalesce((SELECT sum(tokens) FROM maintenance.model_budgets WHERE scope = ''), 0)::bigint AS charged,
       coalesce((SELECT sum(tokens) FROM maintenance.model_budgets WHERE scope <> ''), 0)::bigint AS tenants,
       coalesce(sum(reserved_tokens + forfeited_tokens + coalesce(input_tokens, 0) + coalesce(output_tokens, 0)),
                0)::bigint AS calls,
       count(*) FILTER (WHERE forfeited_tokens > 0 AND state <> 'lost') AS forfeited
FROM maintenance.model_calls
"""

OUTCOMES: Final = """
-- chaos.OUTCOMES: how tenants' runs ended.
SELECT status, error_type, count(*) AS number FROM maintenance.tenant_runs GROUP BY status, error_type
"""

CONNECTIONS: Final = """
-- chaos.CONNECTIONS: of the application.
SELECT count(*) FROM pg_stat_activity WHERE application_name = 'memory-maintenance'
"""

ALARMS: Final = ("Failed activation", "TMPRL1100", "Traceback", "activity_raised", "panicked")
_CANARY: Final = re.compile(rb"%b(?:[bdgkmnprtv][aou]){5}" % CANARY.encode())


@dataclass(frozen=True, slots=True)
class Found:
    """The store after a run."""

    rows: Mapping[UUID, Row]
    derived: Sequence[Derived]
    covered: Mapping[UUID, UUID]
    dreams: Mapping[Place, LastDream]
    runs: Mapping[str, Sequence[ObservedRun]]
    adopted_at: datetime
    ledger: Ledger
    outcomes: Mapping[tuple[str, str | None], int]


async def in_the_store(dsn: str) -> Found:
    """Read all that the checks need."""
    db = await asyncpg.connect(dsn)
    try:
        return Found(
            rows={row["id"]: _row(row) for row in await db.fetch(ROWS)},
            derived=[_derived(row) for row in await db.fetch(DERIVED)],
            covered=dict(map(tuple, await db.fetch(COVERED))),
            dreams={
                (row["tenant_id"], row["project"]): LastDream(row["dreamt_until"], frozenset(row["sample"]))
                for row in await db.fetch("SELECT * FROM maintenance.dreams")
            },
            runs=_runs(await db.fetch(RUNS)),
            adopted_at=await db.fetchval("SELECT adopted_at FROM maintenance.store"),
            ledger=await _ledger(db),
            outcomes={(row["status"], row["error_type"]): row["number"] for row in await db.fetch(OUTCOMES)},
        )
    finally:
        await db.close()


async def connections(dsn: str) -> int:
    """Return how many connections the application has."""
    db = await asyncpg.connect(dsn)
    try:
        return int(await db.fetchval(CONNECTIONS))
    finally:
        await db.close()


def _row(row: asyncpg.Record) -> Row:
    tags = tuple(row["tags"] or ())
    times = row["created_at"], row["last_accessed_at"]
    bases = row["base_importance"], row["base_importance_at"]
    return Row(row["importance"], row["usage_count"], row["content"], tags, *times, *bases)


def _derived(row: asyncpg.Record) -> Derived:
    said = {**dict(row), "tags": tuple(row["tags"] or ()), "metadata": json.loads(row["metadata"] or "{}")}
    return Derived(**said | {"sources": frozenset(row["sources"])})


def _runs(rows: Iterable[asyncpg.Record]) -> dict[str, list[ObservedRun]]:
    found: dict[str, list[ObservedRun]] = defaultdict(list)
    for row in rows:
        found[row["tenant_id"]].append(ObservedRun(row["as_of"], row["whole"]))
    return found


async def _ledger(db: asyncpg.Connection) -> Ledger:
    states = await db.fetch("SELECT state, count(*) FROM maintenance.model_calls GROUP BY state")
    sums = await db.fetchrow(LEDGER)
    assert sums is not None  # noqa: S101  an aggregate returns a row
    return Ledger(dict(map(tuple, states)), sums["charged"], sums["tenants"], sums["calls"], sums["forfeited"])


async def workflows(client: Client) -> list[Closed]:
    """Return every workflow there was, with its status."""
    return [
        Closed(
            found.id,
            found.workflow_type,
            found.status.name if found.status else "UNKNOWN",
            await _why(client, found) if found.status == WorkflowExecutionStatus.FAILED else "",
        )
        async for found in client.list_workflows()
    ]


async def _why(client: Client, failed: WorkflowExecution) -> str:
    try:
        await client.get_workflow_handle(failed.id, run_id=failed.run_id).result()
    except WorkflowFailureError as error:
        why: BaseException = error
        while why.__cause__:
            why = why.__cause__
        return str(why)
    return ""


def alarms(logs: Iterable[Path]) -> tuple[dict[str, int], int]:
    """Return how often each alarming word is in *logs*, and how many lines they have."""
    found, lines = dict.fromkeys(ALARMS, 0), 0
    for log in logs:
        for line in log.read_text(errors="replace").splitlines():
            lines += 1
            for word in ALARMS:
                found[word] += word in line
    return found, lines


def texts_of_memories(files: Iterable[Path]) -> tuple[dict[str, int], int]:
    """Return how many markers of memories each file has, and how many bytes were searched."""
    found, size = {}, 0
    for path in files:
        data = path.read_bytes()
        found[path.name], size = len(_CANARY.findall(data)), size + len(data)
    return found, size


def processes_of(home: Path) -> list[str]:
    """Return the processes whose arguments or environment name *home*. Linux only: elsewhere none is found."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            said = (process / "cmdline").read_bytes() + b"\0" + (process / "environ").read_bytes()
        except OSError:  # it has ended, or is somebody else's
            continue
        if str(home).encode() in said:
            found.append(said.replace(b"\0", b" ")[:80].decode(errors="replace"))
    return found
