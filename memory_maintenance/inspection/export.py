"""What maintenance wrote lately, for indexes that live outside the store, such as RAE's Qdrant."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any, Final

from memory_maintenance.store.pool import Executor, fetch

WRITTEN_SINCE: Final = """
-- inspection.WRITTEN_SINCE: a page of derived memories whose text was written since an instant, by tenant and id.
--   $1 since         timestamptz   NULL: all of them
--   $2 tenant        text          NULL: of every tenant
--   $3 after_tenant, $4 after_id   the last one seen; NULL: from the start
--   $5 how_many      bigint
-- Lineage names every derived memory, so no more of memories is read than them.
-- absent: a store without these columns has the names from here, as in maintenance.info_class_of.
WITH page AS (
    SELECT l.tenant_id, l.derived_id, max(l.derived_at) AS derived_at
    FROM maintenance.lineage l
    WHERE ($2::text IS NULL OR l.tenant_id = $2)
          AND ($3::text IS NULL OR (l.tenant_id, l.derived_id) > ($3, $4::uuid))
    GROUP BY l.tenant_id, l.derived_id
    HAVING $1::timestamptz IS NULL OR max(l.derived_at) >= $1
    ORDER BY l.tenant_id, l.derived_id
    LIMIT $5
)
SELECT p.derived_id AS id, p.tenant_id, found.project, found.agent_id, found.session_id, found.layer, found.source,
       found.tags, found.importance, found.info_class, found.created_at, p.derived_at, found.content
FROM page p
     LEFT JOIN LATERAL (
         SELECT found.*
         FROM (SELECT NULL::text AS info_class, 'default' AS agent_id) AS absent CROSS JOIN LATERAL (
             SELECT maintenance.project_of(m.project) AS project, agent_id,
                    maintenance.session_of(m.session_id, m.metadata) AS session_id, m.layer, m.source, m.tags,
                    m.importance::float8 AS importance, maintenance.class_of(info_class, m.metadata) AS info_class,
                    m.created_at, m.content
             FROM memories m
             WHERE m.id = p.derived_id AND m.tenant_id::text = p.tenant_id
                   AND maintenance.is_searchable(m.source, m.content)
         ) AS found
     ) AS found ON true
ORDER BY p.tenant_id, p.derived_id
"""

PAGE: Final = 500


async def derived_since(
    db: Executor, since: datetime | None = None, *, tenant_id: str | None = None, page: int = PAGE
) -> AsyncIterator[dict[str, Any]]:
    """Yield derived memories whose text was written since an instant, as JSON's values; all where it is None.

    Read in pages, by tenant and id. A text that is written meanwhile may or may not be among them: the next export,
    from the instant at which this one began, has it.
    """
    after: tuple[Any, Any] = (None, None)
    while rows := await fetch(db, WRITTEN_SINCE, since, tenant_id, *after, page):
        for row in rows:
            if row["content"] is not None:  # else it was deleted, or says nothing
                yield _line(dict(row))
        after = (rows[-1]["tenant_id"], rows[-1]["id"])


def _line(row: dict[str, Any]) -> dict[str, Any]:
    times = {name: row[name].isoformat() if row[name] else None for name in ("created_at", "derived_at")}
    return {**row, **times, "id": str(row["id"]), "tags": row["tags"] or []}
