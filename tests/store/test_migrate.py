import asyncio
from functools import partial
from uuid import uuid4

import asyncpg
import pytest
from structlog.testing import capture_logs

from memory_maintenance.errors import (
    DatabaseBusyError,
    DatabaseRefusedError,
    DatabaseUnavailableError,
    MaintenanceError,
    NotMigratedError,
    StoreShapeError,
)
from memory_maintenance.store import migrate as migrating
from memory_maintenance.store.building import Build, watch_builds
from memory_maintenance.store.migrate import migrate
from memory_maintenance.store.pool import Pool, execute, fetch, fetch_value, open_pool
from memory_maintenance.store.schema import ADDED, INDEXES, PRESENT, TABLE, expected, migrations
from memory_maintenance.tenants.orders import latest_orders, record_order
from tests.conftest import RAE_TABLE, _run_on_server, database_url

COLUMNS = """
SELECT column_name, udt_name FROM information_schema.columns
WHERE table_name = 'memories' AND column_name = ANY ($1)
"""


async def _columns(url: str, *names: str) -> dict[str, str]:
    connection = await asyncpg.connect(url)
    try:
        return {row["column_name"]: row["udt_name"] for row in await connection.fetch(COLUMNS, names)}
    finally:
        await connection.close()


async def test_ten_migrations_at_once_leave_one_store(empty_url):
    await asyncio.gather(*(migrate(empty_url) for _ in range(10)))
    assert await _columns(empty_url, "base_importance", "decayed_importance") == {
        "base_importance": "float8",
        "decayed_importance": "float8",
    }


OF_ALEMBIC = """
CREATE TABLE maintenance.alembic_version (version_num varchar(32) CONSTRAINT alembic_version_pkc PRIMARY KEY);
"""


async def _left_by_alembic(url: str, revision: str) -> None:
    """Make a store as the versions did that migrated by Alembic; revision 0000: it was killed before the first."""
    done = [sql for name, sql in migrations().items() if name[:4] <= revision]
    version = f"INSERT INTO maintenance.alembic_version VALUES ('{revision}');" if done else ""  # noqa: S608  from here
    columns = ", ".join(f"ADD IF NOT EXISTS {name} {kind or 'float8'}" for name, kind in ADDED.items())
    ours = f"{TABLE}; ALTER TABLE memories {columns}; CREATE SCHEMA maintenance; {OF_ALEMBIC}"
    await _run_on_server(url, ours + version + "".join(done))


@pytest.mark.parametrize("revision", ["0000", "0001", "0002", "0003"])
async def test_a_store_that_alembic_migrated_goes_on_from_there(empty_url, revision):
    await _left_by_alembic(empty_url, revision)
    await migrate(empty_url)
    connection = await asyncpg.connect(empty_url)
    assert [row[0] for row in await connection.fetch("SELECT name FROM maintenance.migrations")] == list(migrations())
    assert await connection.fetchval("SELECT to_regclass('maintenance.alembic_version') IS NULL")
    await connection.close()


async def test_a_store_of_the_first_revision_keeps_its_orders_and_takes_those_of_schedules(empty_url):
    await _left_by_alembic(empty_url, "0001")
    pool = await open_pool(empty_url, size=1, timeout_seconds=30)
    try:
        await record_order(pool, "acme", "pause", by="ana")
        with pytest.raises(MaintenanceError):
            await record_order(pool, None, "delete", by="ana", schedule="daily")
        await migrate(empty_url)
        await record_order(pool, None, "delete", by="ana", schedule="daily")
        assert [[one.action for one in await latest_orders(pool, of, 9)] for of in ("acme", None)] == [
            ["pause"],
            ["delete"],
        ]
    finally:
        await pool.close()


OF_THE_SECOND_REVISION = """
CREATE INDEX memories_maintenance_events_idx ON memories (tenant_id, created_at) WHERE layer IN ('episodic', 'em');
INSERT INTO memories (id, tenant_id, content) VALUES ('00000000-0000-4000-8000-000000000001', 'acme', 'x');
INSERT INTO maintenance.covered_events (event_id, summary_id) VALUES
    ('00000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000002'),
    ('00000000-0000-4000-8000-000000000003', '00000000-0000-4000-8000-000000000002')
"""

COVERED = "SELECT tenant_id, source_id, derived_id FROM maintenance.lineage WHERE task = 'summarization'"
INDEX_NAMES = "SELECT indexname FROM pg_indexes WHERE tablename = 'memories' ORDER BY 1"


async def test_events_that_were_covered_stay_so_and_get_their_tenant(empty_url):
    await _left_by_alembic(empty_url, "0002")
    await _run_on_server(empty_url, OF_THE_SECOND_REVISION)
    await migrate(empty_url)
    connection = await asyncpg.connect(empty_url)
    covered = [tuple(map(str, row)) for row in await connection.fetch(COVERED)]
    indexes = [row[0] for row in await connection.fetch(INDEX_NAMES)]
    await connection.close()
    assert covered == [("acme", "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002")]
    assert indexes == sorted([*INDEXES, "memories_pkey"])


OUR_COLUMNS = """
ALTER TABLE memories ADD base_importance float8, ADD base_importance_at timestamptz, ADD decayed_importance float8,
    ADD demotion float8;
INSERT INTO memories (id, tenant_id, content) VALUES (gen_random_uuid(), gen_random_uuid(), 'x')
"""

KILL_BUILDERS = "SELECT pg_terminate_backend(pid) FROM pg_stat_progress_create_index"


async def test_a_migration_that_was_killed_while_it_built_an_index_is_finished_by_the_next(empty_url):
    await _run_on_server(empty_url, RAE_TABLE + OUR_COLUMNS)
    agent, operator = await asyncpg.connect(empty_url), await asyncpg.connect(empty_url)
    writing = agent.transaction()
    await writing.start()
    await agent.execute("UPDATE memories SET content = 'y'")  # the build waits for its end
    killed = asyncio.create_task(migrate(empty_url))
    while not await operator.fetch(KILL_BUILDERS):
        await asyncio.sleep(0.01)
    with pytest.raises(MaintenanceError):
        await killed
    await writing.rollback()
    await migrate(empty_url)
    assert await operator.fetchval("SELECT count(*) FROM pg_index WHERE NOT indisvalid") == 0
    await agent.close()
    await operator.close()


MANY = """
INSERT INTO memories (id, tenant_id, content, importance, layer)
SELECT gen_random_uuid(), md5((n % 9)::text)::uuid, 'x', 0.5, 'episodic' FROM generate_series(1, 200000) n
"""


async def test_progress_of_the_indexes_is_shown_while_they_are_built(empty_url):
    await _run_on_server(empty_url, RAE_TABLE + MANY)
    told: list[Build] = []
    watching = asyncio.create_task(watch_builds(empty_url, told.append, every_seconds=0.002))
    await migrate(empty_url)
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    assert any(one.index.startswith("memories_maintenance_") and 0 < one.done <= one.total for one in told)


async def test_what_decay_wrote_has_the_type_of_importance(empty_url):
    await _run_on_server(empty_url, RAE_TABLE + "ALTER TABLE memories ALTER importance TYPE real;")
    await migrate(empty_url)
    assert await _columns(empty_url, "decayed_importance") == {"decayed_importance": "float4"}


async def test_a_table_without_a_needed_column_is_named(empty_url):
    await _run_on_server(empty_url, RAE_TABLE + "ALTER TABLE memories DROP tags, DROP project;")
    with pytest.raises(StoreShapeError, match="lacks project, tags"):
        await migrate(empty_url)
    assert await _columns(empty_url, "base_importance") == {}


IN_PARTS = "DROP TABLE memories CASCADE; CREATE TABLE memories (tenant_id uuid, id uuid, created_at timestamptz) "


@pytest.mark.parametrize(
    ("shape", "refusal"),
    [
        ("ALTER TABLE memories RENAME TO kept; CREATE VIEW memories AS SELECT * FROM kept", "not a table but a view"),
        (
            IN_PARTS + "PARTITION BY RANGE (created_at)",
            r"partitioned by RANGE \(created_at\): partition it by tenant_id",
        ),
        (IN_PARTS + "PARTITION BY HASH (tenant_id, id)", r"partitioned by HASH \(tenant_id, id\)"),
        (IN_PARTS + "PARTITION BY LIST ((tenant_id::text))", "partitioned by LIST"),
        (
            IN_PARTS + "PARTITION BY HASH (tenant_id); CREATE TABLE part PARTITION OF memories "
            "FOR VALUES WITH (MODULUS 1, REMAINDER 0) PARTITION BY RANGE (created_at)",
            r"partitioned by RANGE \(created_at\)",
        ),
        (IN_PARTS + "PARTITION BY HASH (tenant_id)", r"ADD PRIMARY KEY \(tenant_id, id\)"),
    ],
)
async def test_a_table_of_another_shape_is_refused_untouched(empty_url, shape, refusal):
    await _run_on_server(empty_url, RAE_TABLE + shape)
    with pytest.raises(StoreShapeError, match=refusal):
        await migrate(empty_url)
    assert await _columns(empty_url, "base_importance") == {}


async def test_a_long_reader_of_the_table_delays_a_migration_and_does_not_break_it(empty_url):
    await _run_on_server(empty_url, RAE_TABLE)
    reader = await asyncpg.connect(empty_url)
    reading = reader.transaction()
    await reading.start()
    await reader.fetch("SELECT * FROM memories")
    running = asyncio.create_task(migrate(empty_url))
    done, _ = await asyncio.wait({running}, timeout=2.5)  # longer than the migration waits for its lock
    assert not done
    await reading.rollback()
    await running
    await reader.close()
    assert len(await _columns(empty_url, "base_importance", "base_importance_at")) == 2


async def test_an_unmigrated_store_says_so(empty_url):
    await _run_on_server(empty_url, RAE_TABLE)
    pool = await open_pool(empty_url, size=2, timeout_seconds=5)
    with pytest.raises(NotMigratedError, match=r"starter\.py migrate"):
        await fetch_value(pool, "SELECT base_importance FROM memories")
    await pool.close()


async def test_a_store_that_lacks_a_function_of_the_schema_says_so(store_url):
    await _run_on_server(store_url, "DROP FUNCTION maintenance.microseconds")
    pool = await open_pool(store_url, size=2, timeout_seconds=5)
    with pytest.raises(NotMigratedError, match=r"starter\.py migrate"):
        await fetch_value(pool, "SELECT maintenance.microseconds(now())")
    await pool.close()


@pytest.mark.parametrize(
    ("dsn", "error"),
    [
        pytest.param("postgresql://localhost:1/x", DatabaseUnavailableError, id="nothing listens"),
        pytest.param("nonsense://x", DatabaseRefusedError, id="not a Postgres address"),
    ],
)
async def test_a_wrong_address_is_one_line(dsn, error):
    with pytest.raises(error) as caught:
        await open_pool(dsn, size=2, timeout_seconds=5)
    assert "\n" not in str(caught.value)


VERIFYING = "postgresql://user:secret@localhost:1/x?sslmode=verify-full"
SET = "set sslrootcert=FILE in DATABASE_URL or PGSSLROOTCERT=FILE"
READ = "DATABASE_URL cannot be read"


@pytest.mark.parametrize(
    ("dsn", "says"),
    [
        pytest.param(VERIFYING, SET, id="no root certificate"),
        pytest.param(f"{VERIFYING}&sslrootcert=/nowhere.pem", SET, id="one that is not there"),
        pytest.param(f"{VERIFYING}&sslrootcert={__file__}", SET, id="not a table"),
        pytest.param("postgresql://user:secret@localhost:1/x?sslmode=perhaps", READ, id="no sslmode of that name"),
    ],
)
@pytest.mark.parametrize(
    "connecting", [migrate, partial(open_pool, size=1, timeout_seconds=5)], ids=["migrate", "pool"]
)
async def test_a_missing_certificate_says_in_a_line_what_to_set(monkeypatch, tmp_path, dsn, says, connecting):
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(DatabaseRefusedError, match=says) as caught:
        await connecting(dsn)
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)


async def test_a_missing_database_is_refused(postgres_url):
    with pytest.raises(DatabaseRefusedError, match="InvalidCatalogName"):
        await open_pool(database_url(postgres_url, "nobody_made_this"), size=2, timeout_seconds=5)


async def test_an_error_of_postgres_never_carries_a_rows_text(pool: Pool):
    canary = "canary-7f3a"
    insert = "INSERT INTO memories (id, tenant_id, content) VALUES ($1, 't', $2)"
    same = uuid4()
    await execute(pool, insert, same, canary)
    with pytest.raises(Exception, match="UniqueViolation") as caught:
        await execute(pool, insert, same, canary)
    assert canary not in repr(caught.value)
    assert caught.value.__cause__ is None
    assert len(await fetch(pool, "SELECT 1 FROM memories")) == 1


async def test_what_is_expected_in_the_schema_is_what_the_migrations_leave(pool):
    assert {row["name"] for row in await fetch(pool, PRESENT)} == set(expected())


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("DROP TABLE maintenance.orders", "missing: table maintenance.orders"),
        ("ALTER TABLE maintenance.cycles DROP totals", r"missing: column maintenance\.cycles\.totals"),
        (
            "DELETE FROM maintenance.migrations WHERE name >= '0004'",
            "migration 0004_lineage misses a table or column that was dropped",
        ),
    ],
)
async def test_what_was_dropped_since_is_named_and_a_new_schema_mends_it(store_url, change, says):
    await _run_on_server(store_url, change)
    with pytest.raises(StoreShapeError, match=says):
        await migrate(store_url)
    await _run_on_server(store_url, "DROP SCHEMA maintenance CASCADE")
    await migrate(store_url)


async def test_a_function_that_was_dropped_says_to_migrate_and_is_made_again(pool, store_url):
    await execute(pool, "DROP FUNCTION maintenance.project_of")
    with pytest.raises(NotMigratedError):
        await fetch(pool, "SELECT maintenance.project_of('shop')")
    await migrate(store_url)
    assert await fetch_value(pool, "SELECT maintenance.project_of(NULL)") == "default"


async def test_an_index_or_a_column_of_memories_that_was_dropped_since_is_made_again(store_url):
    await _run_on_server(store_url, f"DROP INDEX {', '.join(INDEXES)}; ALTER TABLE memories DROP base_importance")
    await migrate(store_url)
    connection = await asyncpg.connect(store_url)
    assert [row[0] for row in await connection.fetch(INDEX_NAMES)] == sorted([*INDEXES, "memories_pkey"])
    await connection.close()
    assert await _columns(store_url, "base_importance") == {"base_importance": "float8"}


async def test_a_table_that_became_a_view_is_refused_also_when_every_migration_is_done(store_url):
    await _run_on_server(store_url, "ALTER TABLE memories RENAME TO kept; CREATE VIEW memories AS SELECT * FROM kept")
    with pytest.raises(StoreShapeError, match="not a table but a view"):
        await migrate(store_url)


async def test_migrating_again_changes_nothing(store_url):
    connection = await asyncpg.connect(store_url)
    state = "SELECT xmin::text, m FROM maintenance.migrations m ORDER BY name"
    before = await connection.fetch(state)
    await migrate(store_url)
    assert await connection.fetch(state) == before
    await connection.close()


async def test_a_process_that_waits_too_long_for_another_migration_gives_up(store_url, monkeypatch):
    monkeypatch.setattr(migrating, "_LONGEST_WAIT_SECONDS", 0.1)
    connection = await asyncpg.connect(store_url)
    async with connection.transaction():
        await connection.fetchval("SELECT pg_advisory_xact_lock(7295118402318874113)")
        with pytest.raises(DatabaseBusyError, match="another process has been migrating"):
            await migrate(store_url)
    await connection.close()


async def test_a_process_that_waits_for_another_migration_says_so(store_url):
    connection = await asyncpg.connect(store_url)
    guard = connection.transaction()
    await guard.start()
    await connection.fetchval("SELECT pg_advisory_xact_lock(7295118402318874113)")
    with capture_logs() as logged:
        waiting = asyncio.create_task(migrate(store_url))
        while not logged:
            await asyncio.sleep(0.01)
        await guard.rollback()
        await waiting
    assert [line["event"] for line in logged] == ["migration_waiting"]
    await connection.close()
