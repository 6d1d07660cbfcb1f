"""Why a memory has the importance it has: the whole calculation, in numbers and in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from memory_maintenance.database.pool import Executor, fetch
from memory_maintenance.decay.policy import (
    DecayRule,
    Outcome,
    RowState,
    Run,
    Segment,
    exposure_days,
    factor,
    judge,
    multiplier,
    segments,
)
from memory_maintenance.decay.rule import decay_is_on, tenant_rule
from memory_maintenance.errors import MemoryNotFoundError
from memory_maintenance.operations.cycles import checked_as_of
from memory_maintenance.operations.tenants import TenantOverrides
from memory_maintenance.settings import Settings

ROWS: Final = """
-- inspection.ROWS: what decay reads of some memories, and what it knows of their tenants.
--   $1 memory_ids  uuid[]
SELECT m.id, m.tenant_id::text AS tenant_id, m.importance, m.base_importance, m.base_importance_at,
       m.decayed_importance, m.created_at, m.last_accessed_at, m.layer, coalesce(m.tags, '{}') AS tags,
       s.adopted_at, t.decay_resumed_at, coalesce(t.overrides, '{}') AS overrides
FROM memories m
CROSS JOIN maintenance.store s
LEFT JOIN maintenance.tenants t ON t.tenant_id = m.tenant_id::text
WHERE m.id = ANY ($1)
"""

_HORIZON: Final = timedelta(days=365 * 200)

WORDS: Final = {
    "invalid": "its importance or a time is not valid: decay leaves it as it is",
    "future": "it was created after this instant",
    "protected": "it carries a protected tag: it is never decayed",
    "negligible": "its importance is not above the floor: there is nothing to decay",
    "first_sight": "the next run sees it for the first time and takes its importance as the base",
    "set_by_agent": "the agent has set it since the last run: that is the new base",
    "resumed": "decay was off for its tenant: the importance it has is the new base",
    "known": "it decays from its base",
}


@dataclass(frozen=True, slots=True)
class DecayExplanation:
    """The calculation of one memory's importance at ``as_of``."""

    memory_id: UUID
    tenant_id: str
    as_of: datetime
    stored: float | None
    """The importance in the table now."""
    rule: DecayRule
    enabled: bool
    row: RowState
    outcome: Outcome
    parts: tuple[Segment, ...]

    @property
    def exposure_days(self) -> float:
        """Return the days of exposure, weighted by stage and layer."""
        return exposure_days(self.parts) * self.rule.speed(self.row.layer)

    @property
    def factor(self) -> float:
        """Return the share of the base that is left, in [0, 1]."""
        return factor(self.exposure_days, self.rule)

    @property
    def speed(self) -> float | None:
        """Return the multiplier at ``as_of``."""
        access = self.outcome.last_access
        return None if access is None else multiplier(self.as_of - access, self.rule) * self.rule.speed(self.row.layer)

    def reaches(self, importance: float) -> datetime | None:
        """Return when the memory falls to *importance* if nobody touches it; None: never, or it is there already."""
        o = self.outcome
        if o.base is None or o.base_at is None or o.last_access is None or o.importance is None:
            return None
        if importance >= o.importance or not self.enabled:
            return None
        low, high = self.as_of, self.as_of + _HORIZON
        if self._left_at(high) > importance:
            return None
        while high - low > timedelta(minutes=1):
            middle = low + (high - low) / 2
            low, high = (middle, high) if self._left_at(middle) > importance else (low, middle)
        return high

    def _left_at(self, instant: datetime) -> float:
        o = self.outcome
        assert o.base is not None and o.base_at is not None and o.last_access is not None  # noqa: S101, PT018
        days = exposure_days(segments(o.base_at, o.last_access, instant, self.rule)) * self.rule.speed(self.row.layer)
        return max(self.rule.floor, o.base * factor(days, self.rule))

    def in_words(self) -> str:
        """Return the reason in one sentence."""
        if self.outcome.base is None:
            return WORDS[self.outcome.verdict]
        spent = ", ".join(
            f"{part.length / timedelta(days=1):.1f} d {part.stage} x{float(part.multiplier):.2g}" for part in self.parts
        )
        return f"base {self.outcome.base:.3f}, {spent or 'no time has passed'}: x {self.factor:.5f}"


async def explain_decay(
    db: Executor, settings: Settings, memory_ids: Sequence[UUID], *, as_of: datetime | None = None
) -> list[DecayExplanation]:
    """Return how each memory comes to its importance at *as_of*, in the order asked.

    Raises:
        MemoryNotFoundError: there is no memory with one of the ids.
    """
    as_of = await checked_as_of(db, as_of)
    rows = {row["id"]: row for row in await fetch(db, ROWS, list(memory_ids))}
    for memory_id in memory_ids:
        if memory_id not in rows:
            raise MemoryNotFoundError(memory_id)
    return [_explanation(rows[memory_id], settings, as_of) for memory_id in memory_ids]


def _explanation(row: Any, settings: Settings, as_of: datetime) -> DecayExplanation:
    overrides = TenantOverrides.model_validate(row["overrides"])
    rule, state = tenant_rule(settings, overrides), _state(row)
    outcome = judge(state, Run(as_of, row["adopted_at"] or as_of, row["decay_resumed_at"]), rule)
    parts: tuple[Segment, ...] = ()
    if outcome.base_at is not None and outcome.last_access is not None:
        parts = segments(outcome.base_at, outcome.last_access, as_of, rule)
    return DecayExplanation(
        memory_id=row["id"],
        tenant_id=row["tenant_id"],
        as_of=as_of,
        stored=row["importance"],
        rule=rule,
        enabled=decay_is_on(settings, overrides),
        row=state,
        outcome=outcome,
        parts=parts,
    )


def _state(row: Any) -> RowState:
    return RowState(
        importance=row["importance"],
        base=row["base_importance"],
        base_at=row["base_importance_at"],
        decayed=row["decayed_importance"],
        created_at=row["created_at"],
        last_accessed_at=row["last_accessed_at"],
        layer=row["layer"],
        tags=frozenset(tag for tag in row["tags"] if tag is not None),
    )
