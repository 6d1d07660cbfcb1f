"""The SQL of duplicates: which memories may say the same."""

from __future__ import annotations

from typing import Final

from memory_maintenance.changes.pass_statements import COMPARED

SAME: Final = f"""
-- duplicates.SAME: a tenant's memories with the text of one of these, by the index of texts.
--   $1 tenant_id (its own type)
--   $2 protected_tags  text[]
--   $3 ids             uuid[]
--   $4 as_of           timestamptz
WITH texts AS MATERIALIZED (
    SELECT array_agg(DISTINCT maintenance.text_key(m.content)) AS keys FROM memories m
    WHERE m.tenant_id = $1 AND m.id = ANY ($3::uuid[])
          AND maintenance.is_foldable(m.source, m.tags, m.metadata, m.demotion)
          AND maintenance.is_live(m.expires_at, $4)
)
SELECT found.* FROM (SELECT NULL::text AS info_class) AS absent CROSS JOIN LATERAL (
    SELECT {COMPARED}
    FROM memories m
    WHERE m.tenant_id = $1 AND maintenance.text_key(m.content) = ANY ((SELECT keys FROM texts)::bigint[])
          AND maintenance.is_foldable(m.source, m.tags, m.metadata, m.demotion)
          AND maintenance.is_live(m.expires_at, $4)
) AS found
"""  # noqa: S608  constants of this package
