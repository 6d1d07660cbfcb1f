"""The task of duplicates: what is new is compared with what is there, and folded or proposed."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence, Set
from typing import Any, Final, Literal
from uuid import UUID

from memory_maintenance.changes.candidates import holding
from memory_maintenance.changes.change import Replacement
from memory_maintenance.changes.comparing import Batch, ComparingTask
from memory_maintenance.duplicates.nearest import near_any, neighbours
from memory_maintenance.duplicates.policy import LEAST_COSINE, LONGEST, LONGEST_REPHRASED, Wording, folds, rephrasings
from memory_maintenance.duplicates.statements import SAME
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import fetch
from memory_maintenance.store.vectors import Vector, vectors_of
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
        """Both kinds are off where neither a setting nor the store's default says propose or apply."""
        modes = {settings.memory_duplicates or "off", settings.memory_duplicates_near}
        return "disabled_by_config" if modes == {"off"} else None

    async def compare(self, batch: Batch) -> Sequence[tuple[Replacement, bool]]:
        """Exact duplicates are looked for among all memories of the tenant, others among the recent ones.

        What only vectors find is proposed and never applied: they do not tell a contradiction from a paraphrase.
        """
        tenant, run, settings = batch.tenant, batch.run, batch.tenant.settings
        exact, near = settings.memory_duplicates or "off", settings.memory_duplicates_near
        ids = list(batch.new)
        same = await fetch(batch.pool, SAME, tenant.tenant_id, batch.protected_tags, ids, run.as_of)
        recent, vectors = ([], {}) if near == "off" else await _candidates(batch)
        modes = {"same_text": exact, "same_words": near, "near_vectors": "off" if near == "off" else "propose"}
        return [
            (
                Replacement(
                    tenant_id=tenant.tenant_id,
                    task=self.spec.name,
                    kind="exact" if reason == "same_text" else "near",
                    memory_id=loser.id,
                    other_id=winner.id,
                    reason=reason,
                    fingerprints=(loser.fingerprint, winner.fingerprint),
                    notes={"duplicate_of": str(winner.id)},
                    takes_use=True,
                    cycle_id=run.cycle_id,
                ),
                modes[reason] == "apply",
            )
            for reason, loser, winner in await asyncio.to_thread(
                _found, map(_wording, same), recent, vectors, batch.new
            )
            if modes[reason] != "off"
        ]


Reason = Literal["same_text", "same_words", "near_vectors"]


async def _candidates(batch: Batch) -> tuple[Sequence[Wording], Mapping[UUID, Vector]]:
    """Return the new memories and those recent ones that may say the same, the newest first, and the vectors of both.

    Of the other recent ones only the text is read.
    """
    new = [_wording(row) for row in await batch.memories(batch.new)]
    wanted = await asyncio.to_thread(lambda: {one.words_needed for one in new if one.near_key is not None})
    embedded = await _vectors(batch, [one.id for one in new if len(one.text) <= LONGEST_REPHRASED])
    if not wanted and not embedded:
        return [], {}
    texts = await batch.texts(longest=LONGEST)
    others = {one: text for one, text in texts.items() if text is not None and one not in batch.new}
    vectors: Mapping[UUID, Vector] = {}
    if embedded:
        short = [one for one, text in texts.items() if text is not None and len(text) <= LONGEST_REPHRASED]
        vectors = await asyncio.to_thread(near_any, await _vectors(batch, short), batch.new, least=LEAST_COSINE)
    ids = await asyncio.to_thread(holding, others, wanted) | (vectors.keys() - batch.new)
    found = {one.id: one for one in (*new, *map(_wording, await batch.memories(ids)))}
    return [found[one] for one in texts if one in found], vectors


async def _vectors(batch: Batch, ids: Sequence[UUID]) -> Mapping[UUID, Vector]:
    name = batch.tenant.settings.stored_embedding_name
    return await vectors_of(batch.pool, batch.tenant.tenant_id, ids, name=name)


def _found(
    same: Iterable[Wording], recent: Iterable[Wording], vectors: Mapping[UUID, Vector], new: Set[UUID]
) -> list[tuple[Reason, Wording, Wording]]:
    """Return what is folded into what, exact duplicates first; of the others those with a new memory."""
    found: list[tuple[Reason, Wording, Wording]] = [
        ("same_text", *pair)
        for group in _groups(same, lambda one: (one.scope, one.normalized))
        for pair in folds(group, "exact")
    ]
    gone = {loser.id for _, loser, _ in found}
    left = [one for one in recent if one.id not in gone]
    found += [
        ("same_words", *pair)
        for group in _groups(left, lambda one: one.near_key)
        for pair in folds(group, "near")
        if pair[0].id in new or pair[1].id in new
    ]
    gone |= {loser.id for _, loser, _ in found}
    for group in _groups((one for one in left if one.id not in gone and one.id in vectors), lambda one: one.scope):
        by_id = {one.id: one for one in group}
        near = neighbours({one: vectors[one] for one in by_id}, new, least=LEAST_COSINE)
        pairs = rephrasings((by_id[one], by_id[other]) for one, other, _ in near)
        found += [("near_vectors", *pair) for pair in pairs]
    return found


def _groups(wordings: Iterable[Wording], key: Callable[[Wording], Hashable]) -> list[list[Wording]]:
    groups = defaultdict[Hashable, list[Wording]](list)
    for one in wordings:
        if (shared := key(one)) is not None:
            groups[shared].append(one)
    return [group for group in groups.values() if len(group) > 1]


def _wording(row: Any) -> Wording:
    return Wording(
        id=row["id"],
        text=row["content"],
        scope=(row["project"], row["class"]),
        importance=row["importance"],
        created_at=row["created_at"],
        fingerprint=row["fingerprint"],
        protected=row["protected"],
    )


TASK: Final = Duplicates
