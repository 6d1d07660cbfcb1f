"""The SQL of planning: tenants in order, with what operators said and how far decay is."""

from __future__ import annotations

from typing import Final

NEXT_TENANTS: Final = """
-- cycles.NEXT_TENANTS: the next tenants that have memories, by id.
--   $1 how_many  bigint
--   $2 after     the last tenant seen (its own type); NULL: from the first on
SELECT k.tenant_id,
       maintenance.is_paused(t.paused, t.paused_until) AS paused,
       t.decay_completed_as_of,
       coalesce(t.overrides, '{}')::text AS overrides
FROM maintenance.tenant_ids($2, $1) WITH ORDINALITY AS k (tenant_id, n)
     LEFT JOIN maintenance.tenants t USING (tenant_id)
ORDER BY k.n
"""

CHOSEN_TENANTS: Final = """
-- cycles.CHOSEN_TENANTS: the same columns for named tenants.
--   $1 tenant_ids  text[]
SELECT k.tenant_id,
       maintenance.is_paused(t.paused, t.paused_until) AS paused,
       t.decay_completed_as_of,
       coalesce(t.overrides, '{}')::text AS overrides
FROM unnest($1::text[]) AS k (tenant_id) LEFT JOIN maintenance.tenants t USING (tenant_id)
ORDER BY k.tenant_id
"""
