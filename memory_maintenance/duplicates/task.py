"""The task of duplicates: what is new is compared with what is there, and folded or proposed."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence, Set
from typing import Any, Final
from uuid import UUID

from memory_maintenance.changes.change import Replacement
from memory_maintenance.changes.comparing import Batch, ComparingTask
from memory_maintenance.duplicates.policy import Likeness, Wording, folds
from memory_maintenance.duplicates.statements import SAME
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import fetch
from memory_maintenance.work import TaskSpec


class Duplicates(ComparingTask):
    """Folds memories that say the same."""

    spec = TaskSpec(
        name="duplicates",
        activity="fold_duplicates",
        unit="duplicate",
        units="duplicates",
        results="duplicates folded",
        done=("folded", "proposed", "unfolded"),
        first={},
        chain=True,
        opt_in=True,
    )

    def off(self, settings: Settings) -> str | None:
        """Both kinds are off until MEMORY_DUPLICATES or MEMORY_DUPLICATES_NEAR says propose or apply."""
        modes = {settings.memory_duplicates, settings.memory_duplicates_near}
        return "disabled_by_config" if modes == {"off"} else None

    async def compare(self, batch: Batch) -> Sequence[tuple[Replacement, bool]]:
        """Exact duplicates are looked for among all memories of the tenant, near ones among the recent ones."""
        tenant, run, settings = batch.tenant, batch.run, batch.tenant.settings
        same = await fetch(batch.pool, SAME, tenant.tenant_id, batch.protected_tags, list(batch.new), run.as_of)
        recent = await batch.recent() if settings.memory_duplicates_near != "off" else ()
        modes = {"exact": settings.memory_duplicates, "near": settings.memory_duplicates_near}
        return [
            (
                Replacement(
                    tenant_id=tenant.tenant_id,
                    task=self.spec.name,
                    kind=like,
                    memory_id=loser.id,
                    other_id=winner.id,
                    reason="same_text" if like == "exact" else "same_words",
                    fingerprints=(loser.fingerprint, winner.fingerprint),
                    notes={"duplicate_of": str(winner.id)},
                    takes_use=True,
                    cycle_id=run.cycle_id,
                ),
                modes[like] == "apply",
            )
            for like, loser, winner in await asyncio.to_thread(_pairs, same, recent, batch.new)
            if modes[like] != "off"
        ]


def _pairs(same: Iterable[Any], recent: Iterable[Any], new: Set[UUID]) -> list[tuple[Likeness, Wording, Wording]]:
    """Return what is folded into what, exact duplicates first; of near ones those with a new memory."""
    exact: list[tuple[Likeness, Wording, Wording]] = [
        ("exact", *pair)
        for group in _groups(same, lambda one: (one.scope, one.normalized))
        for pair in folds(group, "exact")
    ]
    gone = {loser.id for _, loser, _ in exact}
    left = [row for row in recent if row["id"] not in gone]
    near: list[tuple[Likeness, Wording, Wording]] = [
        ("near", *pair)
        for group in _groups(left, lambda one: one.near_key)
        for pair in folds(group, "near")
        if pair[0].id in new or pair[1].id in new
    ]
    return exact + near


def _groups(rows: Iterable[Any], key: Callable[[Wording], Hashable]) -> list[list[Wording]]:
    groups = defaultdict[Hashable, list[Wording]](list)
    for row in rows:
        one = Wording(
            id=row["id"],
            text=row["content"],
            scope=(row["project"], row["class"]),
            importance=row["importance"],
            created_at=row["created_at"],
            fingerprint=row["fingerprint"],
            protected=row["protected"],
        )
        if (shared := key(one)) is not None:
            groups[shared].append(one)
    return [group for group in groups.values() if len(group) > 1]


TASK: Final = Duplicates
