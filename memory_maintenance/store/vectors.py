"""Where a store keeps vectors, and reading those of some memories."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from memory_maintenance.store.pool import Executor, fetch, fetch_row

Vector = NDArray[np.float32]

_HEADER: Final = 20
"""Bytes before the first element of an array of one dimension, as Postgres sends it."""
_ELEMENT: Final = np.dtype([("size", ">i4"), ("number", ">f4")])

Table = Literal["memory_embeddings", "memories"]

VECTOR_PLACE: Final = """
-- store.VECTOR_PLACE: where this store keeps vectors: RAE's table, else the column; no row where there is neither.
-- dimension: what the column's type says, as vector(1536) does.
SELECT c.relname AS table_name,
       CASE WHEN t.typname IN ('vector', 'halfvec') AND a.atttypmod > 0 THEN a.atttypmod END AS dimension
FROM (VALUES (1, to_regclass('memory_embeddings')), (2, to_regclass('memories'))) AS place (rank, relation)
     JOIN pg_class c ON c.oid = place.relation
     JOIN pg_attribute a ON a.attrelid = place.relation AND a.attname = 'embedding' AND NOT a.attisdropped
     JOIN pg_type t ON t.oid = a.atttypid
ORDER BY place.rank
LIMIT 1
"""

VECTORS: Final[Mapping[Table, str]] = {
    "memory_embeddings": """
-- store.VECTORS[memory_embeddings]: the vectors of some memories, all of one model: that of this name, else the one
-- that most of them have a vector of.
--   $1 tenant_id (its own type)
--   $2 ids   uuid[]
--   $3 name  text    NULL: any
WITH found AS (
    SELECT e.memory_id, e.model_name, e.embedding
    FROM memory_embeddings e JOIN memories m ON m.id = e.memory_id
    WHERE m.tenant_id = $1 AND m.id = ANY ($2::uuid[]) AND ($3::text IS NULL OR e.model_name = $3)
)
SELECT memory_id AS id, array_send(embedding::real[]) AS vector FROM found
WHERE model_name = (SELECT model_name FROM found GROUP BY model_name ORDER BY count(*) DESC, model_name LIMIT 1)
""",
    "memories": """
-- store.VECTORS[memories]: the same in the column, which does not say which model a vector is of.
--   $1 tenant_id (its own type), $2 ids, $3 name
SELECT m.id, array_send(m.embedding::real[]) AS vector FROM memories m
WHERE m.tenant_id = $1 AND m.id = ANY ($2::uuid[]) AND m.embedding IS NOT NULL AND ($3::text IS NULL OR true)
""",
}


@dataclass(frozen=True, slots=True)
class Place:
    """A table with a column ``embedding``; ``dimension`` where the column's type fixes one."""

    table: Table
    dimension: int | None


async def place_of(db: Executor) -> Place | None:
    """Return where this store keeps vectors; None: it keeps none, and has no vector search."""
    row = await fetch_row(db, VECTOR_PLACE)
    return Place(row["table_name"], row["dimension"]) if row else None


async def vectors_of(db: Executor, tenant_id: str, ids: Sequence[UUID], *, name: str | None) -> dict[UUID, Vector]:
    """Return the vectors of those of a tenant's memories *ids* that have one, all of one model and dimension.

    *name* is what the store calls the model; None: the one that most of them have a vector of.
    """
    place = await place_of(db)
    if place is None or not ids:
        return {}
    by_dimension = defaultdict[int, dict[UUID, Vector]](dict)
    for row in await fetch(db, VECTORS[place.table], tenant_id, list(ids), name):
        # As numbers of Python the vectors of a window would take 200 MB.
        vector = np.frombuffer(row["vector"], _ELEMENT, offset=_HEADER)["number"].astype(np.float32)
        by_dimension[len(vector)][row["id"]] = vector
    return max(by_dimension.values(), key=len, default={})
