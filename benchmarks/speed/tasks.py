"""A night of every task beside a night of decay alone, over a store of which agents changed one percent since."""

from __future__ import annotations

from typing import Final

from benchmarks.speed.results import Bench, Target
from benchmarks.speed.servers import Servers, command, database, settle
from benchmarks.speed.store import Fleet, fill_nights, night
from benchmarks.speed.workers import Cycle, workers
from workflows.messages import MaintenanceRequest

ALONE: Final = "A later night: decay alone"
EVERY: Final = "A later night: every task"
EXPIRED: Final = "Memories that it archives"

CHANGED: Final = """
-- speed.CHANGED: what agents did since the last night, to one memory in a hundred: half of these have their importance
-- set, and a tenth of those an end; the other half they have only written since, in whole sessions, whose texts are
-- their own but for one in ten.
--   $1 at  timestamptz
UPDATE memories
SET importance = 0.6, last_accessed_at = $1,
    expires_at = CASE WHEN NOT written AND hashtext(id::text) % 2000 = 0 THEN $1::timestamptz END,
    created_at = CASE WHEN written THEN $1::timestamptz ELSE created_at END,
    content = CASE WHEN written AND hashtext(id::text) % 10 <> 0 THEN content || ' ' || left(id::text, 8)
                   ELSE content END
FROM (
    SELECT id AS changed_id, coalesce(hashtext(tenant_id || session_id) % 200 = 0, false) AS written FROM memories
) AS drawn
WHERE id = changed_id AND (written OR hashtext(id::text) % 200 = 0)
"""

COMPARED: Final = """
-- speed.COMPARED: duplicates and supersession have compared every memory. The texts are drawn from a thousand: to fold
-- a third of a million memories one by one would take most of the measurement.
--   $1 at  timestamptz
INSERT INTO maintenance.passes (tenant_id, task, examined_until)
SELECT tenant_id::text, task, $1::timestamptz
FROM maintenance.tenant_ids() AS of_memories (tenant_id) CROSS JOIN unnest(ARRAY['duplicates', 'supersession']) AS task
"""

COMPARING: Final = ("MEMORY_DUPLICATES", "MEMORY_DUPLICATES_NEAR", "MEMORY_SUPERSESSION")

NO_BACKFILL: Final = {"SUMMARIZATION_BACKFILL_DAYS": "0"}
"""Old sessions are not due, as in a store that has had its summaries: 22 a tenant would take half an hour to write."""

FIRST: Final = NO_BACKFILL | dict.fromkeys(COMPARING, "off")
"""Of the first night, which is not measured."""

SETTINGS: Final = NO_BACKFILL | dict.fromkeys(COMPARING, "apply") | {"MEMORY_EXPIRY": "archive"}
"""Of the later night: each task that is off by default is on."""


async def measure_tasks(bench: Bench, servers: Servers) -> None:
    """Measure the second night of a store: as decay alone and as a whole, each on a copy of what the first left."""
    fleet = Fleet(bench.size(1_000, 20), bench.size(1_000, 500))
    size = f"{fleet.tenants * fleet.memories_each:,} memories of {fleet.tenants:,} tenants, 1 % changed"
    async with database(servers) as template:
        await fill_nights(template, fleet)
        async with workers(servers, template, settings=FIRST) as ours:
            await ours.run(MaintenanceRequest(as_of=night(1)))
        await command(template, COMPARED, night(0))
        await command(template, CHANGED, night(1))
        for _ in range(bench.repetitions):
            alone = await _night(servers, template, ("decay",))
            every = await _night(servers, template, None)
            bench.take(ALONE, alone.seconds, note=size)
            bench.take(EVERY, every.seconds, note=size)
            bench.take(EXPIRED, every.stats["expiry"]["archived"], "memories")
    bench.judge(Target("A night of every task", bench.ratio(EVERY, ALONE), 1.3, how="by decay alone"))


async def _night(servers: Servers, template: str, tasks: tuple[str, ...] | None) -> Cycle:
    async with database(servers, template=template) as url:
        await settle(url)
        async with workers(servers, url, settings=SETTINGS) as ours:
            return await ours.run(MaintenanceRequest(tasks=tasks, as_of=night(2)))
