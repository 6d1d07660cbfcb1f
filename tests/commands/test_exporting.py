"""The export of derived texts for an index outside the store."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from memory_maintenance.cycles.run import run_maintenance
from memory_maintenance.inspection.export import derived_since
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Pool, execute, fetch_value
from memory_maintenance.summarization.policy import SessionKey
from tests.agents import AS_OF, talk, write
from tests.fake_model import FakeModel
from tests.steps import Dreamer, Summarizing

LATER = datetime(2100, 1, 1, tzinfo=UTC)
A_LITTLE = timedelta(microseconds=1)


def settings(backend: str = "extractive") -> Settings:
    return Settings.model_validate({"rae_llm_backend": backend, "dreaming_enabled": True, "_env_file": None})


async def summarize(pool: Pool, tenant: str, session: str = "s") -> UUID:
    summarized = await Summarizing(pool, settings()).summarize(SessionKey(tenant, None, session), as_of=AS_OF)
    assert summarized.summary_id is not None
    return summarized.summary_id


async def exported(pool: Pool, since: datetime | None = None, **asked: Any) -> list[dict[str, Any]]:
    return [line async for line in derived_since(pool, since, **asked)]


async def last_written(pool: Pool) -> datetime:
    found: datetime = await fetch_value(pool, "SELECT max(derived_at) FROM maintenance.lineage")
    return found


async def test_a_line_has_what_raes_index_filters_by_and_the_text(rae_pool, tenant):
    ids = await write(rae_pool, tenant, talk(12), session="s", project=None, importance=0.9)
    columns = "UPDATE memories SET agent_id = 'ana', info_class = 'confidential' WHERE id = ANY ($1)"
    await execute(rae_pool, columns, ids)
    summary = await summarize(rae_pool, tenant)
    [line] = await exported(rae_pool)
    row = await rae_pool.fetchrow("SELECT content, importance, created_at FROM memories WHERE id = $1", summary)
    assert json.loads(json.dumps(line)) == {
        "id": str(summary),
        "tenant_id": tenant,
        "project": "default",
        "agent_id": "ana",
        "session_id": "s",
        "layer": "episodic",
        "source": "summarization_worker",
        "tags": ["session_summary", "auto_generated"],
        "importance": row["importance"],
        "info_class": "confidential",
        "created_at": row["created_at"].isoformat(),
        "derived_at": (await last_written(rae_pool)).isoformat(),
        "content": row["content"],
    }


async def test_every_derived_text_is_exported_once_whatever_the_page(any_pool, tenant):
    tenants = sorted([tenant, str(uuid4()), str(uuid4())])
    for one in tenants:
        await write(any_pool, one, talk(12), session="s", project=None, importance=0.9)
        await write(any_pool, one, talk(12, first=50), session="t", project=None)
        for session in ("s", "t"):
            await summarize(any_pool, one, session)
        await Dreamer(any_pool, settings("openai"), FakeModel()).dream(one, None, as_of=AS_OF)
    whole = await exported(any_pool)
    assert [line["tenant_id"] for line in whole] == [one for one in tenants for _ in range(4)]
    assert len({line["id"] for line in whole}) == 12
    for page in (1, 4, 5, 12):
        assert await exported(any_pool, page=page) == whole
    assert await exported(any_pool, tenant_id=tenant) == [line for line in whole if line["tenant_id"] == tenant]
    await execute(any_pool, "DELETE FROM memories WHERE id = $1", UUID(whole[3]["id"]))
    assert await exported(any_pool, page=4) == whole[:3] + whole[4:]


async def test_what_is_new_since_an_instant_is_what_was_stored_or_rewritten_since(any_pool, tenant):
    await write(any_pool, tenant, talk(12), session="s", project=None)
    await write(any_pool, tenant, talk(12, first=50), session="t", project=None)
    first, second = await summarize(any_pool, tenant, "s"), await summarize(any_pool, tenant, "t")
    since = await last_written(any_pool) + A_LITTLE
    assert await exported(any_pool, since) == []
    await write(any_pool, tenant, talk(12, first=90), session="s", project=None, start=AS_OF - timedelta(hours=2))
    assert await summarize(any_pool, tenant, "s") == first
    assert [line["id"] for line in await exported(any_pool, since)] == [str(first)]
    since = await last_written(any_pool) + A_LITTLE
    better = Summarizing(any_pool, settings("openai"), FakeModel())  # of the same events
    assert (await better.summarize(SessionKey(tenant, None, "t"), as_of=AS_OF)).status == "updated"
    assert [line["id"] for line in await exported(any_pool, since)] == [str(second)]
    assert await exported(any_pool, LATER) == []


async def test_the_command_prints_lines_and_says_how_to_go_on(cli, pool):
    await write(pool, "acme", talk(12), session="s", project="shop")
    await run_maintenance(pool, settings(), as_of=AS_OF)
    cycle = await fetch_value(pool, "SELECT cycle_id FROM maintenance.cycles")
    told = await cli("memories", "export-derived")
    [line] = map(json.loads, told.stdout.splitlines())
    assert (line["tenant_id"], line["project"], line["agent_id"]) == ("acme", "shop", "default")
    assert "Mara" in line["content"]
    assert told.stderr.splitlines()[1].startswith("1 texts; for what is written from now on: --since 20")
    assert (await cli("memories", "export-derived", "--since-cycle", str(cycle)[:8])).stdout == told.stdout
    assert (await cli("memories", "export-derived", "--since", "2100-01-01")).stdout == ""
    assert (await cli("memories", "export-derived", "--tenant", "acme")).stdout == told.stdout
    assert (await cli("memories", "export-derived", "--tenant", "nobody")).exit_code == 1
    both = await cli("memories", "export-derived", "--since", "2100-01-01", "--since-cycle", "x")
    assert (both.exit_code, "give one of" in both.stderr) == (2, True)
