"""What a cycle takes of Temporal Cloud: Actions, storage and money, reckoned from what is planned.

Actions are counted as the Web UI estimates them; tests compare both counts with recorded histories. Left out is what
no plan tells: queries and orders, retries, and heartbeats, of which a step that takes longer sends one every 3 seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from memory_maintenance.settings import Settings
from memory_maintenance.work import TaskSpec, TenantPlan
from workflows.options import BULK, DUE_AT_ONCE, PAGE_SIZE

CHILD: Final = 3
"""Actions of a child workflow's start: two of the parent's command, one of the child's start."""
SCHEDULED: Final = 3
"""Actions of a start by a Schedule."""
CYCLE: Final = 4
"""Opening and closing a cycle, and two updates of its search attributes."""

HOURS_OPEN: Final = 1
"""Hours for which a history is reckoned among those of open workflows: a night's end is not known before."""

# Bytes of history, fitted to recorded runs; `tests/runtime/test_cloud_cost.py` holds them to a quarter.
_CYCLE_BYTES: Final = 5_300
_PAGE_BYTES: Final = 5_800
_TENANT_BYTES: Final = 156
_BULK_BYTES: Final = 620
_CHILD_BYTES: Final = 3_900
_ACTIVITY_BYTES: Final = 1_270


@dataclass(frozen=True, slots=True)
class CloudUse:
    """What a cycle takes, as far as it is planned."""

    tenants_with_workflow: int = 0
    tenants_in_bulk: int = 0
    actions_of_cycle: int = SCHEDULED + CYCLE
    """The cycle's own, and those of its pages."""
    actions_of_workflows: int = 0
    """Those of tenants that have workflows of their own."""
    actions_of_bulk: int = 0
    """Those of steps that do many tenants."""
    history_bytes: int = _CYCLE_BYTES

    @property
    def actions(self) -> int:
        """Return all Actions of the cycle."""
        return self.actions_of_cycle + self.actions_of_workflows + self.actions_of_bulk


@dataclass(frozen=True, slots=True)
class CloudMoney:
    """What that costs, in the currency of the prices."""

    actions: Decimal
    active_storage: Decimal
    retained_storage: Decimal

    @property
    def total(self) -> Decimal:
        """Return the sum."""
        return self.actions + self.active_storage + self.retained_storage


def with_plan(use: CloudUse, plans: Sequence[TenantPlan], specs: Sequence[TaskSpec], *, bulk: bool) -> CloudUse:
    """Return *use* with the next tenants that were planned; *bulk*: small ones have no workflows of their own."""
    use = replace(use, actions_of_cycle=use.actions_of_cycle + 1)  # plan_page
    for first in range(0, len(plans), PAGE_SIZE):
        use = _with_page(use, plans[first : first + PAGE_SIZE], specs, bulk=bulk)
    return use


def _with_page(use: CloudUse, plans: Sequence[TenantPlan], specs: Sequence[TaskSpec], *, bulk: bool) -> CloudUse:
    small = sum(plan.bulk for plan in plans) if bulk else 0
    own = [plan for plan in plans if not (bulk and plan.bulk)]
    steps = [1 if bulk and plan.one_step else sum(_steps(spec, plan, specs) for spec in specs) for plan in own]
    children = len(steps)
    return CloudUse(
        tenants_with_workflow=use.tenants_with_workflow + children,
        tenants_in_bulk=use.tenants_in_bulk + small,
        actions_of_cycle=use.actions_of_cycle + CHILD + 1,  # record_page
        actions_of_workflows=use.actions_of_workflows + children * CHILD + sum(steps),
        actions_of_bulk=use.actions_of_bulk + -(-small // BULK),
        history_bytes=use.history_bytes
        + _PAGE_BYTES
        + len(plans) * _TENANT_BYTES
        + small * _BULK_BYTES
        + children * _CHILD_BYTES
        + sum(steps) * _ACTIVITY_BYTES,
    )


def _steps(spec: TaskSpec, plan: TenantPlan, specs: Sequence[TaskSpec]) -> int:
    """Return how many activities a task takes in a tenant's workflow."""
    followed = sum(plan.units.get(one.name, 0) for one in specs if one.name in spec.follows)
    units = plan.units.get(spec.name, 0)
    if not units + followed:
        return 0
    if spec.chain:  # one batch; of a large tenant there are more, each of some 20 seconds
        return 1 if spec.first is not None else 2
    listed = spec.name in plan.due and not spec.follows
    return units if listed else units + units // DUE_AT_ONCE + 1


def money(use: CloudUse, settings: Settings) -> CloudMoney:
    """Return what a cycle costs at the prices of *settings*, its history's storage until it is deleted with it."""
    gigabytes = Decimal(use.history_bytes) / 10**9
    retained_hours = 24 * settings.temporal_cloud_retention_days
    return CloudMoney(
        actions=use.actions * settings.temporal_cloud_price_actions / 10**6,
        active_storage=gigabytes * HOURS_OPEN * settings.temporal_cloud_price_active_storage,
        retained_storage=gigabytes * retained_hours * settings.temporal_cloud_price_retained_storage,
    )
