"""The demo, as somebody who has just cloned the project runs it."""

import json
import tempfile
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from embedded.stack import running_stack
from memory_maintenance.inspection.derived import WrittenMemory, written_memories
from memory_maintenance.store.pool import Pool, open_pool
from memory_maintenance.writers.extractive.phrases import without_counts
from memory_maintenance.writers.language.relative_dates import with_dates
from memory_maintenance.writers.language.words import tokens
from tests.grounded import unsupported
from tests.processes.conftest import ROOT, run_script
from tests.usual_port import usual_port

TENANTS = tuple(json.loads((ROOT / "samples" / "tenants.json").read_text()))
FRAME = ("Key Topics:", "Sentiment: positive neutral negative mixed", "user: assistant: tool:")
"""What a stored summary says besides what its sources say: the roles are those of their metadata."""


@pytest.fixture(scope="module")
async def shown():
    """The demo's statistics, those of the same demo again, and a pool on the store it left."""
    with tempfile.TemporaryDirectory(prefix="mm-demo-") as folder:
        home = Path(folder)
        home.chmod(0o711)
        async with AsyncExitStack() as started:
            with usual_port():
                embedded = running_stack(home=home, database_url=None, temporal_address=None)
                stack = await started.enter_async_context(embedded)
            first = await run_script("starter.py", "demo", "--json", MEMORY_MAINTENANCE_HOME=folder)
            as_of = json.loads(first.out)["as_of"]
            again = await run_script("starter.py", "demo", "--json", "--as-of", as_of, MEMORY_MAINTENANCE_HOME=folder)
            pool = await open_pool(stack.database_url, size=2, timeout_seconds=30)
            yield json.loads(first.out), json.loads(again.out), pool
            await pool.close()


async def _written(pool: Pool) -> list[WrittenMemory]:
    return await written_memories(pool, TENANTS, ["summarization_worker", "reflection_engine_v2"])


async def test_it_decays_summarizes_every_due_session_and_reflects(shown):
    stats, _, pool = shown
    assert stats["decay"]["total_tenants"] == 5
    assert stats["decay"]["total_updated"] > 1000
    assert (stats["summarization"]["stored"], stats["summarization"]["failed"]) == (26, 0)
    assert stats["dreaming"]["reflections_generated"] >= 1
    assert all(memory.sources for memory in await _written(pool))


async def test_the_same_instant_again_moves_nothing_and_writes_nothing(shown):
    _, again, _ = shown
    assert again["decay"]["total_updated"] == 0
    assert again["summarization"]["stored"] + again["summarization"]["updated"] == 0
    assert again["dreaming"]["reflections_generated"] == 0


async def test_every_word_number_and_date_of_what_it_wrote_is_in_the_sources(shown):
    *_, pool = shown
    for memory in await _written(pool):
        days = {f"{source.created_at:%Y-%m-%d}" for source in memory.sources}
        said = [with_dates(source.content, source.created_at) for source in memory.sources]
        assert unsupported(without_counts(memory.content), [*said, *days, *FRAME]) == frozenset()


async def test_the_summary_of_the_longest_session_is_not_its_beginning(shown):
    *_, pool = shown
    longest = max(await _written(pool), key=lambda memory: len(memory.sources))
    assert len(longest.sources) > 120
    early = {token for source in longest.sources[: len(longest.sources) // 5] for token in tokens(source.content)}
    late = {token for source in longest.sources[len(longest.sources) // 5 :] for token in tokens(source.content)}
    words = tokens(longest.content.partition("\n\nKey Topics")[0])
    assert len([word for word in words if word in early - late]) <= len(words) / 5


async def test_the_samples_hold_what_the_demo_promises(shown):
    *_, pool = shown
    oldest = await pool.fetchval("SELECT now() - min(created_at) FROM memories")
    assert oldest > timedelta(weeks=5)
    assert {UUID(tenant) for tenant in TENANTS} == {UUID(t) for t in await _tenants(pool)}


async def _tenants(pool: Pool) -> list[str]:
    return [row["tenant_id"] for row in await pool.fetch("SELECT DISTINCT tenant_id FROM memories")]
