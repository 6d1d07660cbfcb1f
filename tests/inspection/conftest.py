from datetime import UTC, datetime
from pathlib import Path

import pytest

from memory_maintenance.store.importing import import_memories
from memory_maintenance.store.pool import Pool

NIGHT = datetime(2026, 1, 1, 2, tzinfo=UTC)
SAMPLES = Path(__file__).parents[2] / "samples" / "memories.jsonl"


@pytest.fixture
async def sampled(any_pool: Pool) -> Pool:
    """A store with the sample memories, as they would have been imported on a night long ago."""
    with SAMPLES.open("rb") as lines:
        await import_memories(any_pool, lines, now=NIGHT)
    return any_pool
