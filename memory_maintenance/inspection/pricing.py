"""A tenant's memories read once, priced by the statement of decay for every instant that is asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from memory_maintenance.decay.policy import DecayRule, DecayRun
from memory_maintenance.decay.statements import priced_page
from memory_maintenance.inspection.distribution import Floats
from memory_maintenance.store.identity import FIRST_ID, id_after
from memory_maintenance.store.pool import Executor

_PAGE_ROWS: Final = 10_000


@dataclass(frozen=True, slots=True)
class PricedRows:
    """Memories of a page, those with an invalid importance left out."""

    stored: Floats
    left: Floats
    """Importance at each instant, of shape (instants, memories); what is stored where a run leaves a row alone."""
    is_known: NDArray[np.bool_]
    """Whether it decays from a base that an earlier run recorded."""


@dataclass(slots=True)
class Census:
    """How many rows a run finds in each case, and how many it would write."""

    verdicts: Counter[str]
    to_write: int = 0


async def priced_rows(
    db: Executor,
    tenant_id: str,
    run: DecayRun,
    rule: DecayRule,
    tolerance: float,
    later: Sequence[tuple[datetime, DecayRule]],
    census: Census,
) -> AsyncIterator[PricedRows]:
    """Yield a tenant's memories page by page, priced as by a run; nothing is written.

    Args:
        db: a snapshot of the store.
        tenant_id: as stored.
        run: when, and what it finds.
        rule: by which *run* decides what it would write.
        tolerance: as in the settings; it decides which rows would be written.
        later: when to price, and by which rule.
        census: counts every row.
    """
    first_id: UUID | None = FIRST_ID
    while first_id is not None:
        rows = await priced_page(
            db, tenant_id, first_id=first_id, size=_PAGE_ROWS, run=run, rule=rule, tolerance=tolerance, later=later
        )
        census.verdicts.update(row["verdict"] for row in rows)
        census.to_write += sum(row["moves"] for row in rows)
        valid = [row for row in rows if row["verdict"] != "invalid"]
        yield PricedRows(
            stored=np.array([row["stored"] for row in valid], dtype=np.float64),
            left=np.array([row["left"] or [row["stored"]] * len(later) for row in valid]).reshape(-1, len(later)).T,
            is_known=np.array([row["verdict"] == "known" for row in valid], dtype=np.bool_),
        )
        first_id = id_after(rows[-1]["id"]) if len(rows) == _PAGE_ROWS else None
