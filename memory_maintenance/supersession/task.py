"""The task of supersession: what is new is compared with what was said before, and demotes or is proposed to."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from memory_maintenance.changes.candidates import holding
from memory_maintenance.changes.change import Replacement
from memory_maintenance.changes.comparing import Batch, ComparingTask
from memory_maintenance.settings import Settings
from memory_maintenance.supersession.policy import LONGEST, Statement, supersessions, words_needed
from memory_maintenance.work import TaskSpec


class SupersessionTask(ComparingTask):
    """Demotes memories that a later one replaces."""

    spec = TaskSpec(
        name="supersession",
        activity="supersede_memories",
        unit="supersession",
        units="supersessions",
        results="memories superseded",
        done=("superseded", "proposed", "reinstated"),
        first={},
        chain=True,
        opt_in=True,
    )

    def off(self, settings: Settings) -> str | None:
        """It is off until MEMORY_SUPERSESSION says propose or apply."""
        return "disabled_by_config" if settings.memory_supersession == "off" else None

    async def compare(self, batch: Batch) -> Sequence[tuple[Replacement, bool]]:
        """New memories are compared with the recent ones; only one that quotes the old value needs no person."""
        statements = await _statements(batch)
        applies = batch.tenant.settings.memory_supersession == "apply"
        return [
            (
                Replacement(
                    tenant_id=batch.tenant.tenant_id,
                    task=self.spec.name,
                    kind="superseded",
                    memory_id=found.earlier.id,
                    other_id=found.later.id,
                    reason=found.reason,
                    fingerprints=(found.earlier.fingerprint, found.later.fingerprint),
                    notes={
                        "superseded_by": str(found.later.id),
                        "valid_until": found.later.created_at.isoformat(),
                    },
                    cycle_id=batch.run.cycle_id,
                ),
                applies and found.reason == "old_value_quoted",
            )
            for found in await asyncio.to_thread(supersessions, statements, batch.new)
        ]


async def _statements(batch: Batch) -> list[Statement]:
    """Return the new memories and those recent ones that they may replace; of the others only the text is read."""
    new = [_statement(row) for row in await batch.memories(batch.new)]
    wanted = await asyncio.to_thread(lambda: {words for one in new for words in words_needed(one)})
    if not wanted:
        return []
    recent = await batch.texts(longest=LONGEST)
    texts = {one: text for one, text in recent.items() if text is not None and one not in batch.new}
    found = map(_statement, await batch.memories(await asyncio.to_thread(holding, texts, wanted)))
    return [*(one for one in new if one.id in recent), *found]


def _statement(row: Any) -> Statement:
    return Statement(
        id=row["id"],
        text=row["content"],
        scope=(row["project"], row["class"], row["role"]),
        created_at=row["created_at"],
        fingerprint=row["fingerprint"],
        session=row["session"],
        protected=row["protected"],
    )


TASK: Final = SupersessionTask
