import json

from tests.agents import talk, write


async def test_memories_findable_counts_what_vectors_cannot_find(cli, pool):
    await write(pool, "acme", talk(2), source="summarization_worker")
    assert "keeps no vectors: its 2 derived memories" in (await cli("memories", "findable")).stdout
    told = json.loads((await cli("memories", "findable", "--tenant", "acme", "--json")).stdout)
    assert told == {"derived": 2, "not_found": 2, "table": None, "model": None, "embeds": False}
