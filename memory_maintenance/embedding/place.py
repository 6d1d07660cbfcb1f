"""Where a store keeps vectors, and putting them there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from memory_maintenance.embedding.statements import DIMENSION, PLACE, STORE, Table
from memory_maintenance.errors import InvalidRequestError, VectorColumnError
from memory_maintenance.store.pool import Executor, execute, fetch_row, fetch_value


@dataclass(frozen=True, slots=True)
class Place:
    """A table with a column ``embedding``; ``dimension`` where the column's type fixes one."""

    table: Table
    dimension: int | None


async def place_of(db: Executor) -> Place | None:
    """Return where this store keeps vectors; None: it keeps none, and has no vector search."""
    row = await fetch_row(db, PLACE)
    return Place(row["table_name"], row["dimension"]) if row else None


async def store_vectors(
    db: Executor, place: Place, tenant_id: str, name: str, vectors: Mapping[str, Sequence[float]]
) -> int:
    """Give a tenant's derived memories that lack one their vectors; return how many got one. Twice is once.

    Args:
        db: where; a transaction that ends with the error.
        place: the table.
        tenant_id: whose.
        name: what the store calls the model.
        vectors: by the SHA-256 of the text they are of.

    Raises:
        VectorColumnError: the column takes no such vectors.
    """
    if not vectors:
        return 0
    await _ensure_it_fits(db, place, tenant_id, name, {len(vector) for vector in vectors.values()})
    literals = [f"{{{','.join(map(repr, vector))}}}" for vector in vectors.values()]
    try:
        return await execute(db, STORE[place.table], tenant_id, name, list(vectors), literals)
    except InvalidRequestError as error:
        raise VectorColumnError("not_taken", f"{place.table}.embedding does not take the vectors: {error}") from None


async def _ensure_it_fits(db: Executor, place: Place, tenant_id: str, name: str, given: set[int]) -> None:
    wanted = place.dimension or await fetch_value(db, DIMENSION[place.table], tenant_id, name)
    if wanted and given != {wanted}:
        raise VectorColumnError(
            "wrong_dimension",
            f"{place.table}.embedding holds vectors of {wanted} numbers, EMBEDDING_MODEL makes {sorted(given)}: "
            "set it to the model that the agents embed with",
        )
