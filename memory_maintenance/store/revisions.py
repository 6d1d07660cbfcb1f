"""Revisions of derived texts: what a derived memory was before it was written again, in ``maintenance.changes``.

A text is kept only while lineage names what it was made from: so ``forget`` reaches every text there is.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from memory_maintenance.store.inheritance import OPTIONAL_COLUMNS
from memory_maintenance.store.pool import Executor, execute, fetch_row, fetch_value

REWRITTEN: Final = "rewritten"
"""The kind of such a change."""


def _state(*, locked: bool) -> str:
    """Return SQL for the columns of memory $2 of tenant $1 that a rewriting changes, as JSON."""
    return f"""
SELECT kept.*
FROM (SELECT NULL::text AS agent_id, NULL::text AS info_class, NULL::jsonb AS governance) AS absent
     CROSS JOIN LATERAL (  -- absent: a store without one of these columns has the name from here
         SELECT m.id, m.tenant_id, jsonb_build_object(
                    'content', m.content, 'tags', m.tags, 'metadata', m.metadata, 'project', m.project,
                    'agent_id', agent_id, 'info_class', info_class, 'governance', governance,
                    'importance', m.importance::text, 'base_importance', m.base_importance::text,
                    'base_importance_at', m.base_importance_at, 'decayed_importance', m.decayed_importance::text
                ) AS state
         FROM memories m
         WHERE m.tenant_id = $1 AND m.id = $2
         {"FOR NO KEY UPDATE OF m" if locked else ""}
     ) AS kept
"""  # noqa: S608  the only part that differs is a constant


_HELD: Final = _state(locked=True)
_SEEN: Final = _state(locked=False)

EARLIER: Final = f"""
-- store.EARLIER: a derived memory that is about to be written again, held; none where lineage names no source of it.
--   $1 tenant_id  its own type
--   $2 id         uuid
SELECT d.state::text FROM ({_HELD}) AS d
WHERE EXISTS (SELECT FROM maintenance.lineage l WHERE l.tenant_id = d.tenant_id::text AND l.derived_id = d.id)
"""  # noqa: S608  constants of this module

KEEP: Final = f"""
-- store.KEEP: that a derived memory was written again: as it was and as it is, or that alone.
--   $1 tenant_id  its own type
--   $2 id         uuid
--   $3 task       text
--   $4 before     text   JSON; NULL: the earlier text may tell of what is gone
INSERT INTO maintenance.changes (
    tenant_id, task, kind, memory_id, evidence, status, reason, demotion, notes, takes_use, fingerprints, before, after,
    cycle_id, revision
)
SELECT d.tenant_id::text, $3, 'rewritten', d.id, '{{}}', 'applied',
       CASE WHEN b.state IS NULL THEN 'stale' ELSE 'updated' END, 1, '{{}}', false, '{{}}',
       CASE WHEN b.state IS NOT NULL THEN jsonb_build_object(d.id::text, b.state) END,
       CASE WHEN b.state IS NOT NULL THEN jsonb_build_object(d.id::text, d.state) END,
       (d.state->'metadata'->>'cycle_id')::uuid,
       1 + coalesce((
           SELECT max(c.revision) FROM maintenance.changes c
           WHERE c.tenant_id = d.tenant_id::text AND c.memory_id = d.id
       ), 0)
FROM ({_SEEN}) AS d CROSS JOIN (SELECT $4::text::jsonb AS state) AS b
"""  # noqa: S608  constants of this module

TEXT_NOW: Final = f"""
-- store.TEXT_NOW: a derived memory as it is, held to the end of the transaction, and whether it is stale.
--   $1 tenant_id  its own type
--   $2 id         uuid
--   $3 task       text
--   $4 as_of      timestamptz
SELECT d.state::text AS state,
       EXISTS (SELECT FROM maintenance.stale_sources($1, $3, $4) s WHERE s.derived_id = d.id) AS is_stale
FROM ({_HELD}) AS d
"""  # noqa: S608  constants of this module

OF_DECAY: Final = ("importance", "base_importance", "base_importance_at", "decayed_importance")
"""The columns that decay writes."""

_COLUMNS: Final = ("content", "tags", "metadata", "project", *OF_DECAY)
_OPTIONAL: Final = {"agents": "agent_id", "classes": "info_class", "governance": "governance"}


async def earlier(db: Executor, tenant_id: str, memory_id: UUID) -> str | None:
    """Return a derived memory as JSON before it is written again; None where nothing leads to its text any more."""
    found: str | None = await fetch_value(db, EARLIER, tenant_id, memory_id)
    return found


async def keep_revision(db: Executor, tenant_id: str, memory_id: UUID, task: str, before: str | None) -> None:
    """Record that a derived memory was written again, with its text *before* unless that must not be kept."""
    await execute(db, KEEP, tenant_id, memory_id, task, before)


async def put_back(db: Executor, tenant_id: str, memory_id: UUID, change_id: int, kept: str) -> None:
    """Write a derived memory as it was before a change, in the columns of this store; *kept*, JSON, goes first."""
    there = await fetch_row(db, OPTIONAL_COLUMNS)
    columns = [*_COLUMNS, *(column for name, column in _OPTIONAL.items() if there and there[name])]
    # The names are constants of this module. What was kept does not leave Postgres: numbers have more digits there.
    pairs = ", ".join(f"{column} = r.{column}" for column in columns)
    statement = (
        f"\n-- store.PUT_BACK: an earlier text of a derived memory.\nUPDATE memories AS m SET {pairs}\n"
        "FROM maintenance.changes c CROSS JOIN LATERAL\n"
        "     jsonb_populate_record(NULL::memories, c.before->$2::uuid::text || $4::text::jsonb) AS r\n"
        "WHERE m.tenant_id = $1 AND m.id = $2 AND c.change_id = $3 AND c.tenant_id = m.tenant_id::text"
    )
    await execute(db, statement, tenant_id, memory_id, change_id, kept)
