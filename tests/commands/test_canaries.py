"""No command shows a secret; the text of memories only those show that are there to show it."""

import base64
from datetime import UTC, datetime, timedelta

import pytest

from memory_maintenance.cycles.run import run_maintenance
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import execute, fetch, fetch_value
from tests.agents import write
from tests.commands.test_every_command import ARGUMENTS, COMMANDS, NAMES

TEXT, SECRET = "zqtextcanary", "zqsecretcanary"

SHOW_TEXT = {"memories explain", "memories export-derived", "memories forget"}
"""Commands that are there to show it: the last before it deletes what a person named, so that somebody looks first."""

LEFT_OUT = {"demo", "memories import", "backup"}
"""One starts servers of its own; the next reads the file that it is given; a backup is all of the store."""

SECRETS = {
    "OPENAI_API_KEY": SECRET,
    "OPENAI_BASE_URL": f"http://ana:{SECRET}@127.0.0.1:1/v1?key={SECRET}",
    "MODEL_PROXY": f"http://ana:{SECRET}@127.0.0.1:1",
    "WEBHOOK_URLS": f"http://ana:{SECRET}@127.0.0.1:1/{SECRET}?key={SECRET}",
    "WEBHOOK_SECRET": f"whsec_{base64.b64encode(f'{SECRET}{SECRET}'.encode()).decode()}",
    "WEBHOOK_PROXY": f"http://ana:{SECRET}@127.0.0.1:1",
    "MODEL_PRICES": f"{SECRET}=1/2",
    "TEMPORAL_ADDRESS": "127.0.0.1:1",
    "TEMPORAL_API_KEY": SECRET,
    "TEMPORAL_PATIENCE_SECONDS": "0",
    "POSTGRES_PASSWORD": SECRET,
    "RAE_LLM_BACKEND": "extractive",
}
TEXTS = """
SELECT attname FROM pg_attribute
WHERE attrelid = 'memories'::regclass AND attnum > 0 AND NOT attisdropped AND atttypid IN ('text'::regtype, 'varchar'::regtype)
      AND (atttypmod = -1 OR atttypmod > 80)
      AND attname NOT IN ('tenant_id', 'project', 'session_id', 'layer', 'source')
"""
ANSWERED = """
INSERT INTO maintenance.model_calls
    (question, attempt, round, purpose, tenant_id, model, prompt_version, state, caller, claimed_at, lease_until,
     reserved_on, response, answered_at)
VALUES ('q', 1, 'r', 'summary', 'acme', 'm', 'v', 'accepted', gen_random_uuid(), now(), now(), now(), $1, now())
"""


@pytest.fixture
async def store(rae_url, rae_pool):
    """A store of RAE's with a canary in every column of text that is no name, in metadata, and in an answer."""
    start = datetime.now(UTC) - timedelta(hours=9)
    said = [f"Ana ordered {number} {TEXT} tents for the shop in Gent." for number in range(12)]
    tenant = "0a000000-0000-4000-8000-00000000000a"
    await write(rae_pool, tenant, said, session="s", start=start, importance=0.9)
    columns = [row["attname"] for row in await fetch(rae_pool, TEXTS)]
    assert "content" in columns
    for column in columns:
        await execute(rae_pool, f"UPDATE memories SET {column} = concat_ws(' ', {column}, $1::text, id)", TEXT)  # noqa: S608
    await execute(rae_pool, "UPDATE memories SET metadata = metadata || jsonb_build_object('note', $1::text)", TEXT)
    await run_maintenance(rae_pool, Settings(_env_file=None, rae_llm_backend="extractive"))
    await execute(rae_pool, ANSWERED, f'{{"summary": "{TEXT}"}}')
    assert await fetch_value(rae_pool, "SELECT count(*) FROM memories WHERE source = 'summarization_worker'") == 1
    address = rae_url.replace("postgres:@", f"postgres:{SECRET}@")  # on a socket Postgres asks for none
    assert SECRET in address
    return address, rae_pool, tenant


@pytest.mark.slow  # seconds: some seventy commands
async def test_no_command_shows_a_secret_and_only_some_show_the_text_of_memories(cli, store, tmp_path, monkeypatch):
    address, pool, tenant = store
    monkeypatch.chdir(tmp_path)
    memory = await fetch_value(pool, "SELECT id FROM memories WHERE source = 'summarization_worker'")
    cycle = await fetch_value(pool, "SELECT cycle_id FROM maintenance.cycles")
    known = ARGUMENTS | {"memories explain": [memory], "cycles show": [cycle]}
    secret, text = set(), set()
    for name in sorted(set(NAMES) - LEFT_OUT):
        words = [tenant if word == "acme" else word for word in known.get(name, [])]
        forms = [[], ["--json"]] if any("--json" in one.opts for one in COMMANDS[name].params) else [[]]
        for form in forms:
            shown = await cli(*name.split(), *words, *form, DATABASE_URL=address, **SECRETS)
            output = shown.output + repr(shown.exception)
            secret |= {name} if SECRET in output else set()
            text |= {name} if TEXT in output else set()
    written = [file for file in tmp_path.iterdir() if file.is_file()]
    assert [file.name for file in written] == ["report.html"]
    assert TEXT not in written[0].read_text()
    assert SECRET not in written[0].read_text()
    assert secret == set()
    assert text == SHOW_TEXT
