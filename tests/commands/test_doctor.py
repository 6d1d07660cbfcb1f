import json

from commands.doctor import made_checks
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import execute

NOWHERE = {"TEMPORAL_ADDRESS": "127.0.0.1:1", "RAE_LLM_BACKEND": "extractive"}


async def test_what_does_not_work_is_a_failure_and_everything_else_is_checked(cli):
    told = await cli("doctor", **NOWHERE)
    assert told.exit_code == 1
    assert "failure  temporal, reachable: Temporal does not answer" in told.stdout
    assert "ok       store, version: Postgres" in told.stdout
    assert told.stdout.splitlines()[-1].endswith("1 failure")


async def test_as_data_every_check_has_its_level_and_advice(cli, pool):
    await execute(pool, "DROP INDEX memories_maintenance_tenant_idx")
    told = json.loads((await cli("doctor", "--json", **NOWHERE)).stdout)
    assert not told["healthy"]
    assert [check["advice"] for check in told["checks"] if check["name"] == "indexes"] == ["python starter.py migrate"]


async def test_a_slip_in_a_name_is_found_in_the_environment(cli):
    told = await cli("doctor", **NOWHERE, MEMORY_DECAY_POLCY="bounded")
    assert (
        "warning  settings, name: MEMORY_DECAY_POLCY is set and nothing reads it → did you mean MEMORY_DECAY_POLICY?"
        in told.stdout
    )


async def test_without_postgres_the_rest_is_checked_all_the_same(cli):
    told = await cli("doctor", **NOWHERE, DATABASE_URL="postgresql://127.0.0.1:1/x")
    assert told.exit_code == 1
    assert "failure  store, reachable: 127.0.0.1:1/x does not answer" in told.stdout
    assert "model, writer" in told.stdout


async def test_a_table_that_is_gone_is_a_failure_with_what_to_do(cli, pool):
    await execute(pool, "DROP TABLE maintenance.lineage")
    told = (await cli("doctor", **NOWHERE)).stdout
    assert "failure  store, tables: missing: table maintenance.lineage → Restore it from a backup" in told


async def test_a_verdict_is_shown_before_the_next_server_is_asked(store_url, httpserver):
    httpserver.expect_request("/v1/models").respond_with_json({"object": "list", "data": []})
    endpoint = httpserver.url_for("/v1")
    chosen = Settings(_env_file=None, database_url=store_url, temporal_address="127.0.0.1:1", openai_base_url=endpoint)
    told: list[tuple[str, int]] = []
    await made_checks(chosen, ask=False, tell=lambda check: told.append((check.subject, len(httpserver.log))))
    assert ("temporal", 0) in told
    assert told[-1] == ("model", 1)
