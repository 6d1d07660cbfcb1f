"""How many derived memories no longer agree with what they were made from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from memory_maintenance.store.pool import Executor, fetch, fetch_row

ALL_TENANTS: Final = """
-- inspection.ALL_TENANTS: every tenant that has memories.
SELECT tenant_id FROM maintenance.tenant_ids() AS found (tenant_id)
"""

STALE: Final = """
-- inspection.STALE: derived memories with a source that is gone, has expired or was edited, by what was found; those
-- that were edited are not written again; and derived memories that are gone while lineage still names them.
--   $1 tenant_ids  array of the column's type
WITH asked AS (
    SELECT tenant_id FROM unnest(coalesce($1, ARRAY (SELECT tenant_id FROM memories WHERE false))) AS k (tenant_id)
),
found AS (
    SELECT k.tenant_id, s.derived_id, s.reason
    FROM asked k CROSS JOIN (VALUES ('summarization'), ('dreaming')) AS t (task)
         CROSS JOIN LATERAL maintenance.stale_sources(k.tenant_id, t.task, now()) s
)
SELECT count(DISTINCT f.derived_id) AS stale,
       count(DISTINCT f.derived_id) FILTER (
           WHERE maintenance.text_hash(d.content) IS DISTINCT FROM d.metadata->>'text_sha256'
       ) AS edited_by_hand,
       count(*) FILTER (WHERE f.reason = 'gone') AS gone,
       count(*) FILTER (WHERE f.reason = 'expired') AS expired,
       count(*) FILTER (WHERE f.reason = 'edited') AS edited,
       (
           SELECT count(DISTINCT l.derived_id) FROM maintenance.lineage l
           WHERE NOT EXISTS (SELECT FROM memories m WHERE m.id = l.derived_id AND m.tenant_id::text = l.tenant_id)
       ) AS deleted
FROM found f JOIN memories d ON d.tenant_id = f.tenant_id AND d.id = f.derived_id
"""


@dataclass(frozen=True, slots=True)
class StaleCounts:
    """Derived memories that are ``stale``, the sources that are ``gone``, ``expired`` or ``edited``, and more.

    ``edited_by_hand`` of the stale ones are not written again; ``deleted`` ones are still named by lineage.
    """

    stale: int
    edited_by_hand: int
    gone: int
    expired: int
    edited: int
    deleted: int


async def count_stale(db: Executor) -> StaleCounts:
    """Return the counts over all tenants. It reads every source of a derived memory."""
    tenants = [row["tenant_id"] for row in await fetch(db, ALL_TENANTS)]
    row = await fetch_row(db, STALE, tenants)
    assert row is not None  # noqa: S101  an aggregate returns its row
    return StaleCounts(**dict(row))
