"""The SQL of planning: tenants in order, with what operators said and how far decay is."""

from __future__ import annotations

from typing import Final

_PAGE: Final = """
-- planning.{name}: the next tenants by id, by a loose index scan: one look-up a tenant, whatever it holds.
--   $1 how_many  bigint
--   $2 after     the last tenant seen (its own type: text or uuid)
WITH RECURSIVE found AS (
    (SELECT tenant_id, 1 AS n FROM memories {after} ORDER BY tenant_id LIMIT 1)
    UNION ALL
    SELECT next.tenant_id, f.n + 1
    FROM found f, LATERAL (
        SELECT m.tenant_id FROM memories m WHERE m.tenant_id > f.tenant_id ORDER BY m.tenant_id LIMIT 1
    ) next
    WHERE f.n < $1
)
SELECT f.tenant_id::text AS tenant_id,
       coalesce(t.paused AND coalesce(t.paused_until > now(), true), false) AS paused,
       t.decay_completed_as_of,
       coalesce(t.overrides, '{{}}')::text AS overrides
FROM found f LEFT JOIN maintenance.tenants t ON t.tenant_id = f.tenant_id::text
ORDER BY f.n
"""

FIRST_TENANTS: Final = _PAGE.format(name="FIRST_TENANTS", after="")
NEXT_TENANTS: Final = _PAGE.format(name="NEXT_TENANTS", after="WHERE tenant_id > $2")

CHOSEN_TENANTS: Final = """
-- planning.CHOSEN_TENANTS: the same columns for tenants that somebody named.
--   $1 tenant_ids  text[]
SELECT k.tenant_id,
       coalesce(t.paused AND coalesce(t.paused_until > now(), true), false) AS paused,
       t.decay_completed_as_of,
       coalesce(t.overrides, '{}')::text AS overrides
FROM unnest($1::text[]) AS k (tenant_id) LEFT JOIN maintenance.tenants t USING (tenant_id)
ORDER BY k.tenant_id
"""
