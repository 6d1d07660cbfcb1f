"""An agent's log is what the store has, also where its connections are cut in the middle of a write."""

import asyncio
import random
from collections import Counter
from datetime import UTC, datetime

import asyncpg

from chaos.agent import Agent
from chaos.checks.decay import check_writes
from chaos.clock import Clock
from chaos.evidence import in_the_store
from chaos.faults import CUT
from chaos.tenants import Newborn, fill, tenant_names
from memory_maintenance.store.pool import Pool, execute

BEGINS = datetime(2026, 1, 1, tzinfo=UTC)


async def test_what_an_agent_logs_is_what_is_kept_whatever_happens_to_its_connections(pool: Pool, store_url: str):
    tenants = tenant_names(3)
    await execute(pool, "UPDATE maintenance.store SET adopted_at = now()")
    newborn = Newborn(random.Random(1))
    record = await fill(store_url, tenants, newborn, BEGINS)
    agent = Agent(store_url, tenants, record, Clock(BEGINS, 10), random.Random(2), newborn, pause_seconds=0.001)
    stop = asyncio.Event()
    living = asyncio.create_task(agent.live(stop))
    admin = await asyncpg.connect(store_url)
    while record.in_doubt < 5 or record.written < 200:
        await admin.execute(CUT, 1.0)
        await asyncio.sleep(0.02)
    stop.set()
    await living
    await admin.close()
    found = await in_the_store(store_url)
    assert check_writes(record.memories, found.rows, len(found.rows)).violations == []
    assert record.in_doubt >= record.given_up > 0
    assert Counter(memory.tenant_id for memory in record.memories.values()).keys() == set(tenants)
