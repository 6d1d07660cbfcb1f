"""Putting vectors where a store keeps them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from memory_maintenance.embedding.statements import DIMENSION, STORE
from memory_maintenance.errors import InvalidRequestError, VectorColumnError
from memory_maintenance.store.pool import Executor, execute, fetch_value
from memory_maintenance.store.vectors import Place


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
