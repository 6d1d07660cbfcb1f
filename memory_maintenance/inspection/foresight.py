"""A tenant's memories read once, as arrays, and priced for any instant to come."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import Any, Final
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from memory_maintenance.decay.policy import PROTECTED_FOR, STALE_AFTER, DecayRule, Run
from memory_maintenance.decay.statements import priced_page
from memory_maintenance.inspection.distribution import Floats
from memory_maintenance.store.pool import Executor

Times = NDArray[np.int64]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_DAY: Final = timedelta(days=1) // _MICROSECOND
_PROTECTED: Final = PROTECTED_FOR // _MICROSECOND
_STALE: Final = STALE_AFTER // _MICROSECOND
_EXPONENT_LIMIT: Final = 700.0
_LAST_ID: Final = UUID(int=2**128 - 1)
_PAGE_ROWS: Final = 10_000
_FIELDS: Final = ("stored", "exact", "base", "speed", "base_at", "access")
_ROW: Final = np.dtype(
    [
        *((name, np.float64) for name in _FIELDS[:4]),
        *((name, np.int64) for name in _FIELDS[4:]),
        ("is_known", np.bool_),
    ]
)


@dataclass(frozen=True, slots=True)
class PricedRows:
    """Memories of a page, each array of the same length; those with an invalid importance are left out.

    Where a run leaves a row alone, ``base`` and ``exact`` are not a number.
    """

    stored: Floats
    exact: Floats
    """What a run at the reading's instant makes of it."""
    base: Floats
    speed: Floats
    """Multiplier of its layer."""
    base_at: Times
    """Microseconds since 1970, as ``access``."""
    access: Times
    is_known: NDArray[np.bool_]
    """Whether it decays from a base that an earlier run recorded."""

    def __len__(self) -> int:
        """Return how many memories these are."""
        return len(self.stored)

    def left_at(self, instant: datetime, rule: DecayRule) -> Floats:
        """Return the importances that *rule* leaves at *instant* if nobody touches them.

        ``policy.decayed``, for arrays.
        """
        stop = np.maximum(self.base_at, (instant - _EPOCH) // _MICROSECOND)
        exponent = np.minimum(rule.hazard * self._exposure_days(stop, rule) * self.speed, _EXPONENT_LIMIT)
        share = rule.retained + (1 - rule.retained) * np.exp(-exponent)
        left = np.minimum(self.base, np.maximum(rule.floor, self.base * share))
        return np.where(np.isnan(self.base), self.stored, left)

    def _exposure_days(self, stop: Times, rule: DecayRule) -> Floats:
        start, access = self.base_at, self.access
        if not rule.use_access:
            return (stop - start) / _DAY
        if rule.policy == "bounded":
            return (stop - np.clip(access, start, stop)) / _DAY
        regular, stale = np.clip(access + _PROTECTED, start, stop), np.clip(access + _STALE, start, stop)
        mean = 1 + ((stale - access) + (stop - access)) / (2 * _STALE)
        days: Floats = ((regular - start) * 0.5 + (stale - regular) + (stop - stale) * mean) / _DAY
        return days


@dataclass(slots=True)
class Census:
    """How many rows a run finds in each case, and how many it would write."""

    verdicts: Counter[str]
    to_write: int = 0


async def foresee(
    db: Executor, tenant_id: str, run: Run, rule: DecayRule, tolerance: float, census: Census
) -> AsyncIterator[PricedRows]:
    """Yield a tenant's memories page by page, priced as by a run; nothing is written.

    Args:
        db: a snapshot of the store.
        tenant_id: as stored.
        run: when, and what it finds.
        rule: the one to price by.
        tolerance: as in the settings; it decides which rows would be written.
        census: counts every row.
    """
    first_id = UUID(int=0)
    while True:
        rows = await priced_page(
            db, tenant_id, first_id=first_id, size=_PAGE_ROWS, run=run, rule=rule, tolerance=tolerance
        )
        census.verdicts.update(row["verdict"] for row in rows)
        census.to_write += sum(row["moves"] for row in rows)
        yield _arrays(rows)
        if len(rows) < _PAGE_ROWS or rows[-1]["id"] == _LAST_ID:
            return
        first_id = UUID(int=rows[-1]["id"].int + 1)


def _arrays(rows: list[Any]) -> PricedRows:
    values = itemgetter(*_FIELDS)
    valid = ((*values(row), row["verdict"] == "known") for row in rows if row["verdict"] != "invalid")
    table = np.fromiter(valid, dtype=_ROW)
    return PricedRows(**{name: table[name] for name in _ROW.names or ()})
