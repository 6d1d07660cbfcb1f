"""The SQL of embeddings, once for RAE's table and once for the column that older stores have.

A text is known by its hash: vectors are stored for whatever derived memory has that text now,
and never for one that was rewritten meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from memory_maintenance.store.vectors import Table

_WITHOUT: Final[Mapping[Table, str]] = {
    "memory_embeddings": """NOT EXISTS (
          SELECT FROM memory_embeddings e WHERE e.memory_id = m.id AND ($2::text IS NULL OR e.model_name = $2)
      )""",
    # The column does not say which model a vector is of, so that $2 changes nothing.
    "memories": "m.embedding IS NULL AND ($2::text IS NULL OR true)",
}
"""Which memories have no vector. $2 is what the store calls the model; NULL: any."""

DUE: Final[Mapping[Table, str]] = {
    table: f"""
-- embedding.DUE[{table}]: a tenant's next derived memories without a vector.
--   $1 tenant_id (its own type)
--   $2 name       text   what the store calls the model; NULL: any
--   $3 after      uuid   the last one seen
--   $4 how_many   bigint
--   $5 excluded   text[] classes that no model is sent
SELECT m.id FROM memories m
WHERE m.tenant_id = $1 AND maintenance.is_searchable(m.source, m.content) AND ($3::uuid IS NULL OR m.id > $3)
      AND {without}
      AND NOT maintenance.is_excluded(maintenance.info_class_of(m.tenant_id, m.id), to_jsonb($5::text[]))
ORDER BY m.id
LIMIT $4
"""  # noqa: S608  constants of this module
    for table, without in _WITHOUT.items()
}

COUNTS: Final[Mapping[Table, str]] = {
    table: f"""
-- embedding.COUNTS[{table}]: how many of them each of these tenants has.
--   $1 tenant_ids (array of the column's type), $2 name
--   $3 excluded  text[]  classes that no model is sent, of tenants without an override
SELECT m.tenant_id::text AS tenant_id, count(*) AS memories
FROM memories m LEFT JOIN maintenance.tenants t ON t.tenant_id = m.tenant_id::text
WHERE m.tenant_id = ANY ($1) AND maintenance.is_searchable(m.source, m.content)
      AND {without}
      AND NOT maintenance.is_excluded(
          maintenance.info_class_of(m.tenant_id, m.id),
          maintenance.setting(t.overrides, 'model_excluded_classes', to_jsonb($3::text[])))
GROUP BY m.tenant_id
"""  # noqa: S608  constants of this module
    for table, without in _WITHOUT.items()
}

TOTALS: Final[Mapping[Table, str]] = {
    table: f"""
-- embedding.TOTALS[{table}]: derived memories of the whole store, and those without a vector.
--   $1 tenant_id (its own type)   NULL: every tenant
--   $2 name
SELECT count(*) AS derived, count(*) FILTER (
           WHERE {without}
       ) AS missing
FROM memories m
WHERE (m.tenant_id = $1 OR $1 IS NULL) AND maintenance.is_searchable(m.source, m.content)
"""  # noqa: S608  constants of this module
    for table, without in _WITHOUT.items()
}

DERIVED_ONLY: Final = """
-- embedding.DERIVED_ONLY: the same where the store keeps no vectors.
SELECT count(*) AS derived, count(*) AS missing
FROM memories m WHERE (m.tenant_id = $1 OR $1 IS NULL) AND maintenance.is_searchable(m.source, m.content)
"""

TEXTS: Final[Mapping[Table, str]] = {
    table: f"""
-- embedding.TEXTS[{table}]: the texts of those among these memories that still have no vector.
--   $1 tenant_id (its own type), $2 name
--   $3 ids       uuid[]
--   $4 longest   integer   characters
--   $5 excluded  text[]    classes that no model is sent
SELECT maintenance.text_hash(m.content) AS name, left(m.content, $4) AS text, count(*) AS memories FROM memories m
WHERE m.tenant_id = $1 AND m.id = ANY ($3) AND maintenance.is_searchable(m.source, m.content)
      AND {without}
      AND NOT maintenance.is_excluded(maintenance.info_class_of(m.tenant_id, m.id), to_jsonb($5::text[]))
GROUP BY 1, 2
ORDER BY 1
"""  # noqa: S608  constants of this module
    for table, without in _WITHOUT.items()
}

_STORE: Final[Mapping[Table, str]] = {
    "memory_embeddings": """
INSERT INTO memory_embeddings (memory_id, model_name, embedding)
SELECT l.id, $2, g.vector FROM locked l JOIN given g USING (name)
ON CONFLICT DO NOTHING
""",
    "memories": """
UPDATE memories m SET embedding = g.vector FROM locked l JOIN given g USING (name)
WHERE m.id = l.id AND m.tenant_id = $1
""",
}

STORE: Final[Mapping[Table, str]] = {
    table: f"""
-- embedding.STORE[{table}]: a vector for each derived memory with one of these texts and none yet.
--   $1 tenant_id (its own type), $2 name
--   $3 hashes   text[]
--   $4 vectors  text[]   each an array literal: assigned to the column's own type, whatever it is
-- A rewrite waits for us, and then takes the old vector away; or we wait for it, and find another text.
WITH given AS (
    SELECT name, vector::real[] AS vector FROM unnest($3::text[], $4::text[]) AS g (name, vector)
),
locked AS (
    SELECT m.id, maintenance.text_hash(m.content) AS name FROM memories m
    WHERE m.tenant_id = $1 AND maintenance.is_searchable(m.source, m.content)
          AND maintenance.text_hash(m.content) = ANY ($3)
          AND {without}
    ORDER BY m.id
    FOR NO KEY UPDATE
){_STORE[table]}"""  # noqa: S608  constants of this module
    for table, without in _WITHOUT.items()
}

DIMENSION: Final[Mapping[Table, str]] = {
    "memory_embeddings": """
-- embedding.DIMENSION[memory_embeddings]: that of a vector which the tenant has already, where the column takes any.
--   $1 tenant_id (its own type), $2 name
SELECT array_length(e.embedding::real[], 1)
FROM memories m JOIN memory_embeddings e ON e.memory_id = m.id
WHERE m.tenant_id = $1 AND e.model_name = $2 AND e.embedding IS NOT NULL
LIMIT 1
""",
    "memories": """
-- embedding.DIMENSION[memories]: the same in the column, whichever model it is of: a search fails on a mixture.
SELECT array_length(m.embedding::real[], 1) FROM memories m
WHERE m.tenant_id = $1 AND $2::text IS NOT NULL AND m.embedding IS NOT NULL
LIMIT 1
""",
}
