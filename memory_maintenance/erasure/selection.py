"""What an order is about: which memories it means, and the strings that identify them and no other memory."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from memory_maintenance.erasure.strings import (
    MOST_STRINGS,
    Finder,
    figures_of,
    found_in_all,
    identifying_strings,
    texts_in,
    words_of,
)
from memory_maintenance.errors import InvalidRequestError
from memory_maintenance.store.pool import Pool, fetch, from_json, snapshot

_MEMORIES: Final = """
SELECT m.id, m.tenant_id::text AS tenant_id, m.created_at, m.content, maintenance.text_of(m.id, m.metadata) AS text,
       jsonb_build_array(m.content, m.tags, m.metadata)::text AS texts
FROM memories m
"""

CANDIDATES: Final = (
    """
-- erasure.CANDIDATES: memories that agents wrote, archived ones too, of one tenant or all, of one session or all.
--   $1 tenant_ids  array of the column's type; $2 all_tenants  boolean
--   $3 session_id  text      NULL: any
--   $4 ids         uuid[]    NULL: any; what is named is meant, also if maintenance wrote it
WITH chosen AS (
"""  # noqa: S608  constants of this module
    + _MEMORIES
    + """
    WHERE ($2::boolean OR m.tenant_id = ANY ($1))
          AND ($3::text IS NULL OR maintenance.session_of(m.session_id, m.metadata) = $3)
    UNION ALL
    SELECT a.memory_id, a.tenant_id, (a.memory->>'created_at')::timestamptz, a.memory->>'content',
           maintenance.text_of(a.memory_id, kept.metadata),
           jsonb_build_array(a.memory->>'content', a.memory->>'tags', kept.metadata)::text
    FROM maintenance.archive a CROSS JOIN LATERAL (SELECT (a.memory->>'metadata')::jsonb AS metadata) AS kept
    WHERE ($2 OR a.tenant_id = ANY ($1::text[]))
          AND ($3 IS NULL OR maintenance.session_of(a.memory->>'session_id', kept.metadata) = $3)
)
SELECT * FROM chosen c
WHERE CASE
          WHEN $4::uuid[] IS NOT NULL THEN c.id = ANY ($4)
          ELSE NOT EXISTS (
              SELECT FROM maintenance.lineage l WHERE l.tenant_id = c.tenant_id AND l.derived_id = c.id
          )
      END
ORDER BY c.tenant_id, c.created_at, c.id
"""
)

PARTS: Final = (
    """
-- erasure.PARTS: the other parts of texts that RAE's engine stored in parts.
--   $1 tenant_ids  array of the column's type
--   $2 texts       text[]
--   $3 ids         uuid[]   that are known
"""
    + _MEMORIES
    + """
WHERE m.tenant_id = ANY ($1) AND m.metadata->>'is_chunk' = 'true'
      AND maintenance.text_of(m.id, m.metadata) = ANY ($2::text[]) AND m.id <> ALL ($3::uuid[])
"""
)

GONE: Final = """
-- erasure.GONE: what derived memories were made from and is no memory any more. What expiry took away is retired or in
-- the archive: no agent has deleted it.
--   $1 tenant_id  text   NULL: of any tenant
SELECT l.tenant_id, l.source_id AS id
FROM maintenance.lineage l LEFT JOIN memories s ON s.id = l.source_id AND s.tenant_id::text = l.tenant_id
WHERE s.id IS NULL AND NOT l.retired AND ($1::text IS NULL OR l.tenant_id = $1)
      AND NOT EXISTS (
          SELECT FROM maintenance.archive a WHERE a.tenant_id = l.tenant_id AND a.memory_id = l.source_id
      )
UNION
SELECT r.tenant_id, r.read_id
FROM maintenance.lineage_read r LEFT JOIN memories s ON s.id = r.read_id AND s.tenant_id::text = r.tenant_id
WHERE s.id IS NULL AND NOT r.retired AND ($1 IS NULL OR r.tenant_id = $1)
      AND NOT EXISTS (SELECT FROM maintenance.archive a WHERE a.tenant_id = r.tenant_id AND a.memory_id = r.read_id)
"""


@dataclass(frozen=True, slots=True)
class Selector:
    """What to forget: one of the fields after ``tenant_id`` or, without any, all of the tenant's memories.

    ``repair`` means what others have deleted; with a ``subject`` that is what is searched for at the end.
    """

    tenant_id: str | None = None
    ids: tuple[UUID, ...] = ()
    session_id: str | None = None
    subject: str | None = None
    pattern: str | None = None
    repair: bool = False

    @property
    def selected_by(self) -> str:
        """Return by what, as the certificate names it."""
        kinds = {
            "repair": self.repair,
            "ids": self.ids,
            "session": self.session_id,
            "subject": self.subject,
            "pattern": self.pattern,
        }
        return next((kind for kind, given in kinds.items() if given), "tenant")

    def check(self) -> None:
        """Raise where the order says too little or too much.

        Raises:
            InvalidRequestError: it names nothing, two things, or no regular expression.
        """
        named = [bool(self.ids), self.session_id is not None, self.subject is not None, self.pattern is not None]
        if sum(named) > 1 or (self.repair and (self.ids or self.session_id is not None or self.pattern is not None)):
            raise InvalidRequestError("say what to forget by one of ids, a session, a subject or a pattern")
        if not any(named) and not self.repair and self.tenant_id is None:
            raise InvalidRequestError("say what to forget: ids, a tenant, a session, a subject or a pattern")
        if self.session_id is not None and self.tenant_id is None:
            raise InvalidRequestError("a session belongs to a tenant: name the tenant, too")
        if self.subject is not None and not words_of(self.subject):
            raise InvalidRequestError("the subject has neither a letter nor a digit")
        try:
            re.compile(self.pattern or "")
        except re.error:
            raise InvalidRequestError("the pattern is no regular expression") from None

    def means(self, texts: Sequence[str]) -> bool:
        """Return whether a memory with these *texts* is meant, as far as the subject or the pattern says."""
        if self.subject is not None:
            return bool(found_in_all(Finder(frozenset(subject_strings(self.subject))), texts))
        if self.pattern is not None:
            return any(re.search(self.pattern, text, re.IGNORECASE) for text in texts)
        return True


def subject_strings(subject: str) -> set[str]:
    """Return what is searched for of a subject: its digits where it is a figure, else its words."""
    return figures_of(subject) or {" ".join(words_of(subject))}


@dataclass(frozen=True, slots=True)
class Hit:
    """A memory that an order means."""

    id: UUID
    tenant_id: str
    created_at: datetime | None
    content: str
    texts: tuple[str, ...]


async def hits_of(pool: Pool, selector: Selector) -> list[Hit]:
    """Return the memories that *selector* means, with the other parts of their texts.

    Raises:
        InvalidRequestError: it names nothing, two things, or no regular expression.
    """
    selector.check()
    if selector.repair:
        return []
    tenants = [selector.tenant_id] if selector.tenant_id is not None else []
    ids = list(selector.ids) or None
    found, texts_meant = list[Hit](), set[str]()
    async with snapshot(pool) as db:
        arguments = (tenants, selector.tenant_id is None, selector.session_id, ids)
        async for row in db.cursor(CANDIDATES, *arguments, prefetch=500):
            hit = _hit(row)
            if selector.means(hit.texts):
                found.append(hit)
                texts_meant.add(row["text"])
    of = list(dict.fromkeys(hit.tenant_id for hit in found))
    parts = await fetch(pool, PARTS, of, list(texts_meant), [hit.id for hit in found]) if found else []
    return [*found, *map(_hit, parts)]


def _hit(row: Any) -> Hit:
    return Hit(row["id"], row["tenant_id"], row["created_at"], row["content"], tuple(texts_in(from_json(row["texts"]))))


def own_strings(selector: Selector, hits: Sequence[Hit]) -> set[str]:
    """Return the subject as it is searched for, or what the pattern matches; nothing where neither is given."""
    if selector.subject is not None:
        return subject_strings(selector.subject)
    texts = [text for hit in hits for text in hit.texts] if selector.pattern else []
    matched = (one[0] for text in texts for one in re.finditer(selector.pattern or "", text, re.IGNORECASE))
    return {one for text in matched if words_of(text) for one in subject_strings(text)}


async def strings_of(pool: Pool, selector: Selector, hits: Sequence[Hit]) -> list[str]:
    """Return the strings that identify *hits*: the subject, and what no memory that stays has. At most 5,000."""
    own = own_strings(selector, hits)
    texts = [text for hit in hits for text in hit.texts]
    strings = {one for text in texts for one in identifying_strings(text)} | own
    left, gone = set(sorted(strings, key=lambda one: (one not in own, one))[:MOST_STRINGS]), {hit.id for hit in hits}
    finder = Finder(frozenset(left))
    async with snapshot(pool) as db:
        tenants = list({hit.tenant_id for hit in hits})
        async for row in db.cursor(CANDIDATES, tenants, False, None, None, prefetch=500):
            if row["id"] not in gone:
                left -= found_in_all(finder, texts_in(from_json(row["texts"])))
    return sorted(left | own if selector.repair else left)


async def gone_sources(pool: Pool, tenant_id: str | None) -> list[tuple[str, UUID]]:
    """Return tenants and ids of what others deleted while something is made from it."""
    return [(row["tenant_id"], row["id"]) for row in await fetch(pool, GONE, tenant_id)]
