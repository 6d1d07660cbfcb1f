"""Why a memory has the importance it has: the whole calculation, in numbers and in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from memory_maintenance.decay.policy import (
    DecayRule,
    DecayRun,
    Segment,
    decayed,
    demoted,
    exposure_days,
    factor,
    multiplier,
    segments,
)
from memory_maintenance.decay.progress import preview_instants
from memory_maintenance.decay.rule import decay_rule
from memory_maintenance.decay.statements import DIGITS
from memory_maintenance.decay.verdict import REBASED, Outcome, RowState, judge
from memory_maintenance.errors import MemoryNotFoundError
from memory_maintenance.settings import SETTING_OF, Settings, TenantOverrides
from memory_maintenance.store.clock import checked_as_of
from memory_maintenance.store.pool import Executor, fetch
from memory_maintenance.store.statement import composed
from memory_maintenance.tenants.control import TenantControl, control_of

ROWS: Final = composed(
    "inspection.ROWS: what decay reads of some memories. Times out of the calendar are brought to its ends.",
    DIGITS,
    result="""
--   $1 memory_ids  uuid[]
SELECT id, tenant_id::text AS tenant_id, importance::float8, base_importance, decayed_importance::float8,
       demotion, scale,
       CASE WHEN created_at < '9999-12-31 00:00Z' THEN maintenance.known_time(created_at)
            WHEN created_at IS NOT NULL THEN '9999-12-31 00:00Z' END AS created_at,
       CASE WHEN last_accessed_at < '9999-12-31 00:00Z' THEN maintenance.known_time(last_accessed_at)
            WHEN last_accessed_at IS NOT NULL THEN '9999-12-31 00:00Z' END AS last_accessed_at,
       CASE WHEN base_importance_at < '0001-01-02 00:00Z' THEN '0001-01-01 00:00Z'
            WHEN base_importance_at >= '9999-12-31 00:00Z' THEN '9999-12-31 00:00Z'
            ELSE base_importance_at END AS base_importance_at,
       layer, coalesce(tags, '{}') AS tags
FROM memories CROSS JOIN digits
WHERE id = ANY ($1)
""",
)

MILESTONES: Final = (0.5, 0.1)
"""Importances whose day is shown, beside the floor's."""

_HORIZON: Final = timedelta(days=365 * 200)
_SAME: Final = 1e-7
"""Importances nearer to each other than this are one: a ``real`` column keeps seven digits, a numeric maybe fewer."""

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
class RuleOrigin:
    """Where a tenant's rule comes from: ``override``, or the name of a setting."""

    policy: str
    rate: str
    rate_bound: str | None
    """The setting that brought the rate within its bounds, if one had to."""
    protected_tags: str
    retained: str
    """Of the share that stays for good; ``store``: no setting says, so it is what the store began with."""


@dataclass(frozen=True, slots=True)
class DecayExplanation:
    """The calculation of one memory's importance at ``as_of``."""

    memory_id: UUID
    tenant_id: str
    as_of: datetime
    stored: float | None
    """The importance in the table now."""
    rule: DecayRule
    origin: RuleOrigin
    enabled: bool
    """Whether decay is on for the tenant."""
    paused: bool
    """Whether an operator has paused the tenant: no run writes until it is resumed."""
    tolerance: float
    same: float
    """Importances as near to each other as this are one in the column."""
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

    @property
    def importance(self) -> float | None:
        """Return what the importance is at ``as_of`` by the rule; where decay leaves the row alone, what is stored."""
        return self.stored if self.outcome.importance is None or not self.enabled else self.outcome.importance

    @property
    def agrees(self) -> bool:
        """Whether the stored importance is the calculated one, to the digits that the column keeps."""
        if self.stored is None or self.importance is None:
            return True
        # What is not a number agrees with itself.
        return not abs(self.stored - self.importance) > self.same

    @property
    def is_due(self) -> bool:
        """Whether a run at ``as_of`` would write the row; a change below the digits of the column does not count."""
        o = self.outcome
        if not self.enabled or self.paused or o.importance is None or self.stored is None:
            return False
        return o.verdict in REBASED or (not self.agrees and abs(self.stored - o.importance) >= self.tolerance)

    @property
    def milestones(self) -> tuple[float, ...]:
        """Return the importances whose day is shown."""
        return (*MILESTONES, self.rule.floor)

    def reaches(self, importance: float) -> datetime | None:
        """Return when the memory falls to *importance* if no agent touches it, to the minute.

        None: not within 200 years, or it is there already.
        """
        o = self.outcome
        if o.base is None or o.base_at is None or o.last_access is None or o.importance is None:
            return None
        if importance >= o.importance or not self.enabled:
            return None
        low, high = self.as_of, self.as_of + _HORIZON
        if self.left_at(high) > importance:
            return None
        while high - low > timedelta(minutes=1):
            middle = low + (high - low) / 2
            low, high = (middle, high) if self.left_at(middle) > importance else (low, middle)
        return high

    def left_at(self, instant: datetime) -> float:
        """Return the importance at *instant* by the rule, if no agent touches the memory; only where it has a base."""
        o = self.outcome
        assert o.base is not None and o.base_at is not None and o.last_access is not None  # noqa: S101, PT018
        left = decayed(o.base, o.base_at, o.last_access, instant, self.rule, self.row.layer)
        return demoted(left, self.row.demotion)

    def in_words(self) -> str:
        """Return the reason in one sentence."""
        if self.outcome.base is None:
            return WORDS[self.outcome.verdict]
        spent = ", ".join(
            f"{part.length / timedelta(days=1):.1f} d {part.stage} x{float(part.multiplier):.2g}" for part in self.parts
        )
        demotion = "" if self.row.demotion is None else f", demoted x {self.row.demotion:g}"
        return f"base {self.outcome.base:.3f}, {spent or 'no time has passed'}: x {self.factor:.5f}{demotion}"


async def explain_decay(
    db: Executor, settings: Settings, memory_ids: Sequence[UUID], *, as_of: datetime | None = None
) -> list[DecayExplanation]:
    """Return how each memory comes to its importance at *as_of*, in the order asked.

    Raises:
        MemoryNotFoundError: there is no memory with one of the ids.
        AsOfInFutureError: *as_of* is more than five minutes ahead of the database's clock.
    """
    as_of = await checked_as_of(db, as_of)
    rows = {row["id"]: row for row in await fetch(db, ROWS, list(memory_ids))}
    for memory_id in memory_ids:
        if memory_id not in rows:
            raise MemoryNotFoundError(memory_id)
    tenants = {row["tenant_id"] for row in rows.values()}
    known = {tenant: (await control_of(db, tenant), await preview_instants(db, tenant, as_of)) for tenant in tenants}
    found = (rows[memory_id] for memory_id in memory_ids)
    return [_explanation(row, *known[row["tenant_id"]], settings) for row in found]


def _explanation(row: Any, control: TenantControl, run: DecayRun, settings: Settings) -> DecayExplanation:
    overrides, as_of = control.overrides, run.as_of
    own, state = settings.for_tenant(overrides), _state(row)
    rule = decay_rule(own).for_run(run)
    outcome = judge(state, run, rule)
    parts: tuple[Segment, ...] = ()
    if outcome.base_at is not None and outcome.last_access is not None:
        parts = segments(outcome.base_at, outcome.last_access, as_of, rule)
    return DecayExplanation(
        memory_id=row["id"],
        tenant_id=row["tenant_id"],
        as_of=as_of,
        stored=row["importance"],
        rule=rule,
        origin=rule_origin(settings, overrides),
        enabled=own.memory_importance_decay_enabled,
        paused=control.paused,
        tolerance=settings.memory_decay_tolerance,
        same=_SAME if row["scale"] is None else max(_SAME, 0.5 * 10.0 ** -row["scale"] + _SAME),
        row=state,
        outcome=outcome,
        parts=parts,
    )


def rule_origin(settings: Settings, overrides: TenantOverrides) -> RuleOrigin:
    """Return where the parts of a tenant's rule come from."""

    def named(override: str) -> str:
        return SETTING_OF[override].upper() if getattr(overrides, override) is None else "override"

    own = settings.for_tenant(overrides)
    rate = own.memory_base_decay_rate
    bound = "MEMORY_MIN_DECAY_RATE" if rate < settings.memory_min_decay_rate else "MEMORY_MAX_DECAY_RATE"
    return RuleOrigin(
        policy=named("decay_policy"),
        rate=named("decay_rate"),
        rate_bound=None if settings.bounded_decay_rate(rate) == rate else bound,
        protected_tags=named("protected_tags"),
        retained=named("decay_retained") if own.memory_decay_retained is not None else "store",
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
        demotion=row["demotion"],
    )
