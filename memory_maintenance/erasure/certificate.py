"""The certificate of an order: what was done, when, by whom, what a search still finds, and what is out of reach.

It holds ids, counts and times; a subject only as a salted hash.
"""

from __future__ import annotations

from typing import Any, Final

from memory_maintenance.erasure.orders import ErasureOrder
from memory_maintenance.erasure.residue import Residue
from memory_maintenance.store.pool import Pool, fetch_row

OUT_OF_REACH: Final = (
    "dead rows in the files of Postgres, until VACUUM FULL and a checkpoint",
    "the write-ahead log, its archive, replicas and backups",
    "logs and files of other programs, of the agents and of Postgres",
    "an index of vectors outside this database",
    "a provider of a model that keeps what it was sent",
)
"""What no statement of this application removes."""

AFFECTED: Final = """
-- erasure.AFFECTED: what became of the memories that were made from an order's.
--   $1 order_id  uuid
SELECT array_agg(t.memory_id ORDER BY t.memory_id) FILTER (WHERE t.role = 'memory') AS memories,
       array_agg(t.memory_id ORDER BY t.memory_id) FILTER (WHERE t.role = 'derived' AND m.id IS NOT NULL) AS rewritten,
       array_agg(t.memory_id ORDER BY t.memory_id) FILTER (WHERE t.role = 'derived' AND m.id IS NULL) AS removed
FROM maintenance.erasure_targets t LEFT JOIN memories m ON m.id = t.memory_id AND m.tenant_id::text = t.tenant_id
WHERE t.order_id = $1
"""


async def certificate_of(pool: Pool, order: ErasureOrder, residue: Residue) -> dict[str, Any]:
    """Return the certificate of an order that is about to be completed, as data; ``completed_at`` comes with it."""
    row = await fetch_row(pool, AFFECTED, order.order_id)
    assert row is not None  # noqa: S101  an aggregate returns its row
    ids = {what: [str(one) for one in found or ()] for what, found in dict(row).items()}
    return {
        "order_id": str(order.order_id),
        "ordered_by": order.ordered_by,
        "reason": order.reason,
        "ordered_at": order.ordered_at.isoformat(),
        "selected_by": order.selected_by,
        "subject": None if order.subject_hash is None else {"sha256": order.subject_hash, "salt": order.salt},
        "tenants": list(order.tenants),
        "memories": {"named": len(ids["memories"]), "deleted": order.counts.get("memories", 0), "ids": ids["memories"]},
        "derived": {"rewritten": ids["rewritten"], "removed": ids["removed"]},
        "traces": {what: count for what, count in sorted(order.counts.items()) if what != "memories"},
        "residue": {
            "score": residue.score,
            "strings": residue.strings,
            "found": len(residue.found),
            "places": residue.places,
            "columns_searched": residue.columns,
            "rows_searched": residue.rows,
            "files_searched": residue.files,
        },
        "out_of_reach": list(OUT_OF_REACH),
    }
