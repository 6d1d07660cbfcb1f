"""Memories that maintenance writes: summaries, reflections, strategies. What each was made from: ``lineage.py``.

What makes a memory a derived one is its lineage, not its id: an id that another memory has is passed over, and
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
from memory_maintenance.store.lineage import link, unlink
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
    """Return *wanted*, or if a memory of any tenant has it, the next of its ids that none has."""
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
    await link(db, memory)
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
    await link(db, memory)
    await inherit(db, m.id, m.tenant_id, m.read, rewritten=True)
    await keep_revision(db, m.tenant_id, m.id, m.task, before)
    return True


async def forget_vectors(db: Executor, tenant_id: str, memory_id: UUID) -> None:
    """Delete the vectors of a memory that says something else by now; the task of embeddings stores new ones."""
    extras = await fetch_row(db, EXTRAS)
    if extras and extras["vector"]:
        await execute(db, FORGET_VECTOR, memory_id, tenant_id)
    if extras and extras["vectors"]:
        await execute(db, DELETE_VECTORS, tenant_id, [memory_id])


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
