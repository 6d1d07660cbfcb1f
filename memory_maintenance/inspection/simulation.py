"""What a rule would make of the store: today against a day to come, before anything is switched.

Nothing is written: the rows are read in one transaction that could not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import numpy as np

from memory_maintenance.decay.policy import DecayRule
from memory_maintenance.decay.progress import preview_instants
from memory_maintenance.decay.rule import decay_rule
from memory_maintenance.inspection.distribution import Floats, Tally, UniformSample
from memory_maintenance.inspection.ordering import OrderChange, order_change
from memory_maintenance.inspection.pricing import Census, PricedRows, priced_rows
from memory_maintenance.inspection.scenario import Repricing, Scenario, Simulation, Stop
from memory_maintenance.settings import Settings
from memory_maintenance.store.clock import checked_as_of
from memory_maintenance.store.pool import Executor, Pool, snapshot
from memory_maintenance.tenants.control import TenantControl, all_tenants, control_of
from memory_maintenance.tenants.known import ensure_known

MOST_COMPARED: Final = 1_000_000
"""Memories of one tenant whose pairs are counted; of more, a sample of so many."""

_STOPS: Final = 12
_COURSE_LEVELS: Final = (0.1, 0.5, 0.9)


async def simulate(
    pool: Pool,
    settings: Settings,
    scenario: Scenario,
    *,
    tenant_id: str | None = None,
    as_of: datetime | None = None,
    progress: Callable[[int], object] = lambda _: None,
) -> Simulation:
    """Return what *scenario* would make of the store, or of one tenant, in its days from *as_of* on.

    Args:
        pool: connections to the store.
        settings: those of the deployment, for what the scenario leaves open.
        scenario: the rule to try, and for how long.
        tenant_id: None: all.
        as_of: when the run that switches is; None: the database's clock.
        progress: called with the number of memories read so far.

    Raises:
        TenantNotFoundError: there is no such tenant.
        AsOfInFutureError: *as_of* is more than five minutes ahead of the database's clock.
    """
    async with snapshot(pool) as db:
        as_of = await checked_as_of(db, as_of)
        controls = await _controls(db, tenant_id)
        gathering = _Gathering(settings, scenario, as_of, progress)
        for control in controls:
            await gathering.read(db, control)
    return gathering.simulation(len(controls))


async def _controls(db: Executor, tenant_id: str | None) -> list[TenantControl]:
    if tenant_id is None:
        return await all_tenants(db)
    await ensure_known(db, tenant_id)
    return [await control_of(db, tenant_id)]


@dataclass(slots=True)
class _Gathering:
    settings: Settings
    scenario: Scenario
    as_of: datetime
    progress: Callable[[int], object]
    census: Census = field(default_factory=lambda: Census(Counter()))
    today: Tally = field(init=False)
    tried: list[Tally] = field(init=False)
    present: list[Tally] = field(init=False)
    order: OrderChange = field(default_factory=OrderChange)
    order_by_present_rule: OrderChange = field(default_factory=OrderChange)
    repricing: Repricing = field(default_factory=Repricing)
    switched_off: int = 0
    sampled: int = 0
    random: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))

    def __post_init__(self) -> None:
        floor = DecayRule().floor
        self.today = Tally(floor)
        self.tried, self.present = ([Tally(floor) for _ in range(_STOPS + 1)] for _ in range(2))

    async def read(self, db: Executor, control: TenantControl) -> None:
        """Take in one tenant's memories."""
        is_on = self.settings.for_tenant(control.overrides).memory_importance_decay_enabled
        self.switched_off += not is_on
        run = await preview_instants(db, control.tenant_id, self.as_of)
        own = decay_rule(self.settings.for_tenant(control.overrides)).for_run(run)
        rule = self.scenario.applied_to(own, self.settings)
        days = timedelta(days=self.scenario.days) / _STOPS
        instants = [self.as_of + number * days for number in range(_STOPS + 1)]
        later = [(instant, by) for by in ((rule, own) if is_on else (rule,)) for instant in instants]
        sample = UniformSample(MOST_COMPARED, self.random)
        tolerance = self.settings.memory_decay_tolerance
        async for rows in priced_rows(db, control.tenant_id, run, rule, tolerance, later, self.census):
            tried = rows.left[: len(instants)]
            present = rows.left[len(instants) :] if is_on else np.tile(rows.stored, (len(instants), 1))
            sample.add(rows.stored, tried[-1], present[-1])
            self._add(rows, tried, present)
            self.progress(self.census.verdicts.total())
        self._compare(sample)

    def _add(self, rows: PricedRows, tried: Floats, present: Floats) -> None:
        self.today.add(rows.stored)
        for tallies, priced in ((self.tried, tried), (self.present, present)):
            for tally, importances in zip(tallies, priced, strict=True):
                tally.add(importances)
        self.repricing = _repriced(self.repricing, (tried[0] - present[0])[rows.is_known])

    def _compare(self, sample: UniformSample) -> None:
        today, tried, present = sample.columns()
        self.order += order_change(today, tried)
        self.order_by_present_rule += order_change(today, present)
        self.sampled += sample.seen > sample.limit

    def simulation(self, tenants: int) -> Simulation:
        """Return what was gathered."""
        asked = self.scenario
        return Simulation(
            as_of=self.as_of,
            days=asked.days,
            policy=asked.policy,
            rate=None if asked.rate is None else self.settings.bounded_decay_rate(asked.rate),
            retained=asked.retained,
            tenants=tenants,
            switched_off=self.switched_off,
            verdicts=dict(self.census.verdicts.most_common()),
            to_write=self.census.to_write,
            today=self.today.distribution(),
            tonight=self.tried[0].distribution(),
            later=self.tried[-1].distribution(),
            later_by_present_rule=self.present[-1].distribution(),
            order=self.order,
            order_by_present_rule=self.order_by_present_rule,
            sampled=self.sampled,
            repricing=self.repricing,
            course=tuple(self._stops()),
        )

    def _stops(self) -> list[Stop]:
        tallies = enumerate(zip(self.tried, self.present, strict=True))
        return [
            Stop(
                day=number * self.scenario.days / _STOPS,
                tried=tuple(map(tried.quantile, _COURSE_LEVELS)),
                present=tuple(map(present.quantile, _COURSE_LEVELS)),
            )
            for number, (tried, present) in tallies
        ]


def _repriced(so_far: Repricing, moves: Floats) -> Repricing:
    noise = 1e-9
    return Repricing(
        known=so_far.known + len(moves),
        raised=so_far.raised + int((moves > noise).sum()),
        lowered=so_far.lowered + int((moves < -noise).sum()),
        largest_rise=max(so_far.largest_rise, float(moves.max(initial=0.0))),
        largest_fall=max(so_far.largest_fall, float(-moves.min(initial=0.0))),
    )
