"""Memories that maintenance writes, summaries, reflections, strategies, and what each was made from.

What makes a memory a derived one is its lineage, not its id: an id that somebody else has taken is passed over, and
every statement names the tenant. Only columns that every store has are written here; ``inheritance.py`` fills those
that RAE's table has besides, and vectors of an old text (``embedding``, ``memory_embeddings``) are taken away.
Every function runs in the caller's transaction.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid5

import structlog

from memory_maintenance.store.inheritance import inherit
from memory_maintenance.store.memory import Memory, Source
from memory_maintenance.store.pool import Executor, execute, fetch_row, fetch_value, to_json
from memory_maintenance.store.revisions import earlier, keep_revision

logger = structlog.get_logger(__name__)

_LONGEST_COLUMN: Final = 255


@dataclass(frozen=True, slots=True)
class DerivedMemory:
    """A memory about others, its ``sources``; ``importance`` is in [0, 1].

    ``task`` derives it, about ``subject``: a session's id, a theme's key. It is stored with *importance*, or with
    ``rank`` × the mean of what its sources have by then where that is less: it never outranks them. ``created_at``
    None means now.
    """

    id: UUID
    tenant_id: str
    task: str
    subject: str | None
    content: str
    source: str
    importance: float
    layer: str
    tags: tuple[str, ...]
    project: str | None
    session_id: str | None
    metadata: Mapping[str, Any]
    sources: tuple[Source, ...]
    read: tuple[UUID, ...] = ()
    """What its writer read besides: their class counts, for a text may tell of more than it names."""
    created_at: datetime | None = None
    rank: float = 1.0

    @property
    def session_column(self) -> str | None:
        """Return the session id where it fits the column: agents may keep any text in the metadata."""
        return self.session_id if self.session_id and len(self.session_id) <= _LONGEST_COLUMN else None

    @property
    def source_ids(self) -> list[UUID]:
        """Return the rows that it is made from."""
        return [source.id for source in self.sources]

    @property
    def full_metadata(self) -> dict[str, Any]:
        """Return the metadata with the session id, where RAE's older versions look for it, and the text's hash."""
        session = {} if self.session_id is None else {"session_id": self.session_id}
        return {**self.metadata, **session, "text_sha256": text_hash(self.content)}


def text_hash(text: str) -> str:
    """Return the SHA-256 of *text* in hex, as Postgres computes it of a ``text`` in UTF-8."""
    return hashlib.sha256(text.encode()).hexdigest()


def project_of(sources: Sequence[Memory]) -> str | None:
    """Return the project to write for what is derived from *sources* of one project: NULL stays NULL."""
    return next((source.project for source in sources if source.project is not None), None)


def reflective_layer(episodic: str | None) -> str:
    """Return the reflective layer in the spelling of an episodic one."""
    return "rm" if episodic == "em" else "reflective"


LOCK: Final = """
-- store.LOCK: held to the end of the transaction; two that store the same derived memory go one after the other.
--   $1 name  text
SELECT pg_advisory_xact_lock(hashtextextended($1, 0))
"""


async def lock(db: Executor, key: UUID) -> None:
    """Wait until no other transaction stores the derived memory of *key*."""
    await fetch_value(db, LOCK, str(key))


IN_USE: Final = """
-- store.IN_USE: whether any tenant's memory has this id.
--   $1 id  uuid
SELECT EXISTS (SELECT FROM memories WHERE id = $1)
"""

INSERT_DERIVED: Final = """
-- store.INSERT_DERIVED: twice is once, because the id comes from what the memory is about.
-- It does not outrank its sources. It has no last access: the column's default, now(), would protect it from decay.
--   $1 id, $2 tenant_id, $3 content, $4 source, $5 importance, $6 layer, $7 tags
--   $8 project, $9 session_id, $10 metadata text, JSON; $11 created_at, NULL: now; $12 source_ids uuid[]; $13 rank
INSERT INTO memories (
    id, tenant_id, content, source, importance, layer, tags, project, session_id, metadata, created_at, last_accessed_at
)
VALUES ($1, $2, $3, $4, least($5::float8, $13::float8 * (
            SELECT avg(maintenance.known_importance(s.importance))
            FROM memories s WHERE s.tenant_id = $2 AND s.id = ANY ($12::uuid[]) AND s.id <> $1
        )), $6, $7, $8, $9, $10::text::jsonb, coalesce($11::timestamptz, now()), NULL)
ON CONFLICT DO NOTHING
"""

REWRITE_DERIVED: Final = """
-- store.REWRITE_DERIVED: a new text in place, in the project that its sources are in now. What others put into the
-- metadata stays. Its rank is that of all its sources, the earlier ones too.
--   $1 id, $2 tenant_id, $3 content, $4 importance, $5 tags, $6 metadata text, JSON; $7 project, $8 source_ids uuid[]
--   $9 rank
UPDATE memories AS m
SET content = $3, tags = $5, metadata = coalesce(m.metadata, '{}') || $6::text::jsonb, project = $7,
    importance = least($4::float8, $9::float8 * (
        SELECT avg(maintenance.known_importance(s.importance))
        FROM memories s
        WHERE s.tenant_id = $2 AND s.id <> $1 AND s.id IN (
            SELECT unnest($8::uuid[])
            UNION
            SELECT l.source_id FROM maintenance.lineage l WHERE l.tenant_id = m.tenant_id::text AND l.derived_id = $1
        )
    ))
WHERE m.id = $1 AND m.tenant_id = $2
"""

LINK: Final = """
-- store.LINK: what a derived memory is made from. A source that was read again counts as it says now, and derived_at is
-- when the text was last written.
-- Itself, where it was made from nothing that is a memory: lineage names every derived memory.
--   $1 tenant_id (its own type), $2 derived_id uuid
--   $3 source_ids  uuid[]
--   $4 hashes      bytea[]
--   $5 task, $6 subject  text
INSERT INTO maintenance.lineage (tenant_id, derived_id, source_id, task, subject, source_hash)
SELECT m.tenant_id::text, m.id, s.id, $5, $6, s.hash
FROM memories m CROSS JOIN unnest($3::uuid[], $4::bytea[]) AS s (id, hash)
WHERE m.tenant_id = $1 AND m.id = $2
ON CONFLICT (tenant_id, derived_id, source_id) DO UPDATE
SET source_hash = excluded.source_hash, derived_at = excluded.derived_at
"""

LINK_READ: Final = """
-- store.LINK_READ: what the writer of a derived memory read besides its sources.
--   $1 tenant_id (its own type), $2 derived_id uuid, $3 read_ids uuid[]
INSERT INTO maintenance.lineage_read (tenant_id, derived_id, read_id)
SELECT m.tenant_id::text, m.id, r.id
FROM memories m CROSS JOIN unnest($3::uuid[]) AS r (id)
WHERE m.tenant_id = $1 AND m.id = $2
      AND NOT EXISTS (
          SELECT FROM maintenance.lineage l
          WHERE l.tenant_id = m.tenant_id::text AND l.derived_id = m.id AND l.source_id = r.id
      )
ON CONFLICT DO NOTHING
"""

UNLINK: Final = """
-- store.UNLINK: what these derived memories were made from, away: their sources are in no summary any more. Their
-- earlier texts go, too: nothing leads to these any more.
--   $1 tenant_id    text
--   $2 derived_ids  uuid[]
WITH read AS (DELETE FROM maintenance.lineage_read WHERE tenant_id = $1 AND derived_id = ANY ($2::uuid[])),
texts AS (
    UPDATE maintenance.changes SET before = NULL, after = NULL
    WHERE tenant_id = $1 AND memory_id = ANY ($2::uuid[]) AND kind = 'rewritten' AND before IS NOT NULL
)
DELETE FROM maintenance.lineage WHERE tenant_id = $1 AND derived_id = ANY ($2::uuid[])
"""

_DELETED: Final = """
    SELECT l.tenant_id, l.derived_id
    FROM unnest(coalesce($1, ARRAY (SELECT tenant_id FROM memories WHERE false))) AS k (tenant_id)
         CROSS JOIN LATERAL (
             SELECT DISTINCT l.tenant_id, l.derived_id FROM maintenance.lineage l WHERE l.tenant_id = k.tenant_id::text
         ) l
    WHERE (SELECT true FROM memories m WHERE m.tenant_id = k.tenant_id AND m.id = l.derived_id LIMIT 1) IS NULL
"""

_EDITED: Final = """
    SELECT c.tenant_id, c.memory_id
    FROM unnest(coalesce($1, ARRAY (SELECT tenant_id FROM memories WHERE false))) AS k (tenant_id)
         JOIN maintenance.changes c ON c.tenant_id = k.tenant_id::text
         JOIN memories m ON m.tenant_id = k.tenant_id AND m.id = c.memory_id
    WHERE c.kind = 'rewritten' AND c.before IS NOT NULL
          AND encode(sha256(convert_to(m.content, 'UTF8')), 'hex') IS DISTINCT FROM m.metadata->>'text_sha256'
"""

ANY_DELETED: Final = f"""
-- store.ANY_DELETED: whether a derived memory of these tenants was deleted by others, or one with earlier texts edited.
--   $1 tenant_ids  array of the column's type
SELECT EXISTS ({_DELETED}) OR EXISTS ({_EDITED})
"""

FREE_SOURCES: Final = f"""
-- store.FREE_SOURCES: the lineage of derived memories that somebody deleted, away: what they covered is new again.
-- Their earlier texts go, and those of what somebody edited, which nothing would put back or write again.
--   $1 tenant_ids  array of the column's type
WITH deleted AS ({_DELETED}),
read AS (
    DELETE FROM maintenance.lineage_read r USING deleted d
    WHERE r.tenant_id = d.tenant_id AND r.derived_id = d.derived_id
),
texts AS (
    UPDATE maintenance.changes c SET before = NULL, after = NULL
    FROM (SELECT * FROM deleted UNION {_EDITED}) AS d (tenant_id, memory_id)
    WHERE c.tenant_id = d.tenant_id AND c.memory_id = d.memory_id AND c.kind = 'rewritten' AND c.before IS NOT NULL
)
DELETE FROM maintenance.lineage l USING deleted d WHERE l.tenant_id = d.tenant_id AND l.derived_id = d.derived_id
"""  # noqa: S608  constants of this module

DELETE_MEMORIES: Final = """
-- store.DELETE_MEMORIES
--   $1 tenant_id  its own type
--   $2 ids        uuid[]
DELETE FROM memories WHERE tenant_id = $1 AND id = ANY ($2::uuid[])
"""

DELETE_VECTORS: Final = """
-- store.DELETE_VECTORS: those of memories of a tenant, where RAE keeps one per model.
--   $1 tenant_id  its own type
--   $2 ids        uuid[]
DELETE FROM memory_embeddings e USING memories m
WHERE e.memory_id = m.id AND m.tenant_id = $1 AND m.id = ANY ($2::uuid[])
"""

FORGET_VECTOR: Final = """
-- store.FORGET_VECTOR: an embedding of the old text would find the memory by what it no longer says.
--   $1 id         uuid
--   $2 tenant_id  its own type
UPDATE memories SET embedding = NULL WHERE id = $1 AND tenant_id = $2 AND embedding IS NOT NULL
"""

FORGET_VECTORS: Final = """
-- store.FORGET_VECTORS: the same where RAE keeps one per model.
--   $1 id         uuid
--   $2 tenant_id  its own type
DELETE FROM memory_embeddings e USING memories m WHERE e.memory_id = m.id AND m.id = $1 AND m.tenant_id = $2
"""

EXTRAS: Final = """
-- store.EXTRAS: where this store keeps vectors: in the column, in RAE's table, or nowhere.
SELECT bool_or(attname = 'embedding') AS vector,
       to_regclass('memory_embeddings') IS NOT NULL AS vectors
FROM pg_attribute WHERE attrelid = 'memories'::regclass AND attnum > 0 AND NOT attisdropped
"""


def ids_after(wanted: UUID) -> Iterator[UUID]:
    """Yield *wanted* and, without end, the ids that are taken in its place one after the other."""
    while True:
        yield wanted
        wanted = uuid5(wanted, "taken")


async def free_id(db: Executor, wanted: UUID) -> UUID:
    """Return *wanted*, or where some memory has it, whosever, the next of its ids that none has."""
    for found in ids_after(wanted):
        if not await fetch_value(db, IN_USE, found):
            break
    if found != wanted:
        logger.warning("derived_id_taken", wanted=str(wanted), stored_as=str(found))
    return found


async def insert_derived(db: Executor, memory: DerivedMemory) -> bool:
    """Store *memory* with its lineage unless its id is taken; return whether it was stored."""
    m = memory
    head = (m.id, m.tenant_id, m.content, m.source, m.importance, m.layer, list(m.tags))
    tail = (m.project, m.session_column, to_json(m.full_metadata), m.created_at, m.source_ids, m.rank)
    if not await execute(db, INSERT_DERIVED, *head, *tail):
        return False
    await _link(db, memory)
    await inherit(db, m.id, m.tenant_id, m.read, rewritten=False)
    return True


async def rewrite_derived(db: Executor, memory: DerivedMemory, *, keeps_earlier: bool = True) -> bool:
    """Give a stored memory the text of *memory*, made from these sources too; return whether it is still there.

    The earlier text is kept as a revision, unless it was unlinked or *keeps_earlier* says otherwise: it may tell of
    what lineage no longer names.
    """
    m = memory
    before = await earlier(db, m.tenant_id, m.id) if keeps_earlier else None
    text = (m.content, m.importance, list(m.tags), to_json(m.full_metadata))
    if not await execute(db, REWRITE_DERIVED, m.id, m.tenant_id, *text, m.project, m.source_ids, m.rank):
        return False
    await forget_vectors(db, m.tenant_id, m.id)
    await _link(db, memory)
    await inherit(db, m.id, m.tenant_id, m.read, rewritten=True)
    await keep_revision(db, m.tenant_id, m.id, m.task, before)
    return True


async def forget_vectors(db: Executor, tenant_id: str, memory_id: UUID) -> None:
    """Delete the vectors of a memory that says something else by now; the task of embeddings stores new ones."""
    extras = await fetch_row(db, EXTRAS)
    if extras and extras["vector"]:
        await execute(db, FORGET_VECTOR, memory_id, tenant_id)
    if extras and extras["vectors"]:
        await execute(db, FORGET_VECTORS, memory_id, tenant_id)


async def unlink(db: Executor, tenant_id: str, derived_ids: Sequence[UUID]) -> None:
    """Forget what some derived memories were made from: a text that is written from what is left names that alone."""
    await execute(db, UNLINK, tenant_id, list(derived_ids))


async def free_sources(db: Executor, tenant_ids: Sequence[str]) -> int:
    """Free what deleted derived memories covered, so that it is summarized again; return how many rows that were."""
    # Asked first: planning writes only where there is something to write.
    if not tenant_ids or not await fetch_value(db, ANY_DELETED, list(tenant_ids)):
        return 0
    return await execute(db, FREE_SOURCES, list(tenant_ids))


async def delete_memories(db: Executor, tenant_id: str, ids: Sequence[UUID]) -> int:
    """Delete memories of a tenant with their vectors; return how many there were."""
    extras = await fetch_row(db, EXTRAS)
    if extras and extras["vectors"]:
        await execute(db, DELETE_VECTORS, tenant_id, list(ids))
    return await execute(db, DELETE_MEMORIES, tenant_id, list(ids))


async def remove_derived(db: Executor, tenant_id: str, ids: Sequence[UUID]) -> int:
    """Delete derived memories with their vectors and their lineage, which frees what they covered."""
    await unlink(db, tenant_id, ids)
    return await delete_memories(db, tenant_id, ids)


async def _link(db: Executor, memory: DerivedMemory) -> None:
    sources = memory.sources or (Source(memory.id),)
    ids, hashes = [source.id for source in sources], [source.hash for source in sources]
    await execute(db, LINK, memory.tenant_id, memory.id, ids, hashes, memory.task, memory.subject)
    if memory.read:
        await execute(db, LINK_READ, memory.tenant_id, memory.id, list(memory.read))
