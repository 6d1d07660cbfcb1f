"""However a period is divided into runs, the table is the same in the end, to the last bit."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import execute, fetch
from memory_maintenance.tenants.control import pause, resume
from tests.decay.conftest import Lab, some
from tests.steps import Decaying

ADOPTION = datetime(2024, 1, 1, 2, tzinfo=UTC)
DAYS = 20
TENANTS = [str(UUID(int=n)) for n in range(1, 4)]
INSERT = (
    "INSERT INTO memories (tenant_id, content, importance, created_at, last_accessed_at) VALUES ($1, $2, $3, $4, $4)"
)
RECALL = "UPDATE memories SET last_accessed_at = $3 WHERE tenant_id = $1 AND content = $2"
TABLE = """
SELECT content, importance, base_importance, base_importance_at, decayed_importance
FROM memories WHERE tenant_id = $1 ORDER BY content
"""

moments = st.integers(1, DAYS * 86_400 - 1).map(lambda s: ADOPTION + timedelta(seconds=s))
schedules = st.lists(moments, max_size=12)


@dataclass(frozen=True)
class Life:
    """What the agent does in the period, the same for every tenant."""

    old: list[tuple[float, float]]
    """Importance, and age in days at adoption."""
    young: list[tuple[float, datetime]]
    recalls: list[tuple[int, datetime]]


lives = st.builds(
    Life,
    old=st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1000)), min_size=1, max_size=5),
    young=st.lists(st.tuples(st.floats(0, 1), moments), max_size=3),
    recalls=st.lists(st.tuples(st.integers(0, 7), moments), max_size=8),
)


@pytest.fixture(scope="module", params=["small", "rae"])
def lab(request, make_lab):
    return make_lab(request.param)


async def _live(lab: Lab, tenant: str, life: Life, runs: list[datetime], pauses: list[datetime]) -> None:
    """Let a tenant's period pass: what happens, in the order of its time."""
    worker = Decaying(lab.pool, Settings(_env_file=None, memory_decay_page_size=4, memory_base_decay_rate=0.01))
    old = [(tenant, str(n), value, ADOPTION - timedelta(days=age)) for n, (value, age) in enumerate(life.old)]
    await lab.pool.executemany(INSERT, old)
    events: list[tuple[datetime, int, Any]] = [(at, 2, None) for at in (ADOPTION, *runs, ADOPTION + DAYS * DAY)]
    events += [(at, 0, (INSERT, (tenant, f"young {n}", value, at))) for n, (value, at) in enumerate(life.young)]
    events += [(at, 1, (RECALL, (tenant, str(n), at))) for n, at in life.recalls]
    for at, _, deed in sorted(events, key=lambda event: event[:2]):
        if deed is None:
            await (pause if at in pauses else resume)(lab.pool, tenant)
            await worker.decay_batch(tenant, at)
        else:
            await execute(lab.pool, deed[0], *deed[1])


DAY = timedelta(days=1)
DAILY = [ADOPTION + n * DAY for n in range(1, DAYS)]


@given(life=lives, schedule=schedules, paused=st.sets(st.integers(0, DAYS - 2), max_size=10))
@some(6)
def test_the_schedule_leaves_no_trace_in_the_table(lab, life, schedule, paused):
    lab.run(execute(lab.pool, "TRUNCATE memories, maintenance.tenants CASCADE"))
    lab.run(execute(lab.pool, "UPDATE maintenance.store SET adopted_at = NULL"))
    with capture_logs():
        for tenant, runs in zip(TENANTS, [[], DAILY, schedule], strict=True):
            lab.run(_live(lab, tenant, life, runs, [DAILY[n] for n in paused]))
    once, daily, at_random = ([tuple(row) for row in lab.run(fetch(lab.pool, TABLE, tenant))] for tenant in TENANTS)
    assert once == daily == at_random
    assert not any(math.isnan(row[1]) for row in once)
