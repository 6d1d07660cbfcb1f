"""Real servers for the tests: Postgres (embedded, or TEST_DATABASE_URL), one fresh store per test."""

import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg
import pytest
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from embedded.postgres import running_postgres
from embedded.temporal import temporal_program
from memory_maintenance.store.migrate import migrate
from memory_maintenance.store.pool import Pool, open_pool
from scripted_endpoint.server import ScriptedEndpoint
from tests.agents import json_codec

RAE_TABLE = (Path(__file__).parent / "store" / "rae_memories.sql").read_text()

NIGHTS_OF_THE_PAST = "UPDATE maintenance.store SET earliest_adoption = '-infinity'"
"""Most tests reckon from a night that is long ago: only a store that allows it adopts it (decay/test_adoption.py)."""

FOLDS_NOTHING = "UPDATE maintenance.store SET duplicates = 'off'"
"""Most tests count what a night does to memories of any text: only some begin with a new store's own default
(duplicates/test_default.py, counts/store.py)."""


@pytest.fixture(scope="session")
async def postgres_url() -> AsyncIterator[str]:
    """A Postgres server for the whole session."""
    if url := os.environ.get("TEST_DATABASE_URL"):
        yield url
        return
    # Not pytest's own folder: as root, Postgres runs as a user who could not enter it.
    folder = Path(tempfile.mkdtemp(prefix="memory-maintenance-tests-", dir=_in_memory()))
    folder.chmod(0o711)
    options = ("-c", "fsync=off", "-c", "max_connections=200", "-c", "max_wal_size=256MB")
    async with running_postgres(folder / "data", log=folder / "postgres.log", options=options) as server:
        yield server.address
    shutil.rmtree(folder, ignore_errors=True)


def _in_memory() -> Path | None:
    """A folder in memory where there is room: a database for each test takes a quarter of the processor time there."""
    folder = Path("/dev/shm")
    return folder if folder.is_dir() and shutil.disk_usage(folder).free > 4 << 30 else None


def database_url(server: str, name: str) -> str:
    """Return *server*'s address with the database *name*."""
    return urlunsplit(urlsplit(server)._replace(path=f"/{name}"))


async def _run_on_server(server: str, sql: str) -> None:
    connection = await asyncpg.connect(server)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


@pytest.fixture(scope="session")
async def templates(postgres_url: str) -> AsyncIterator[dict[str, str]]:
    """Migrated databases to copy from: ``small`` (our own table) and ``rae`` (RAE's real one)."""
    names = {kind: f"template_{kind}_{uuid4().hex[:8]}" for kind in ("small", "rae")}
    for kind, name in names.items():
        await _run_on_server(postgres_url, f"CREATE DATABASE {name}")
        url = database_url(postgres_url, name)
        if kind == "rae":
            await _run_on_server(url, RAE_TABLE)
        await migrate(url)
        await _run_on_server(url, f"{NIGHTS_OF_THE_PAST}; {FOLDS_NOTHING}")
    yield names
    for name in names.values():
        await _run_on_server(postgres_url, f"DROP DATABASE {name} WITH (FORCE)")


@asynccontextmanager
async def a_database(server: str, template: str = "template1") -> AsyncIterator[str]:
    """Lend a copy of *template* by its address: by default an empty database."""
    name = f"test_{uuid4().hex[:12]}"
    await _run_on_server(server, f"CREATE DATABASE {name} TEMPLATE {template}")
    try:
        yield database_url(server, name)
    finally:
        await _run_on_server(server, f"DROP DATABASE {name} WITH (FORCE)")


@asynccontextmanager
async def a_pool(url: str, *, size: int = 10) -> AsyncIterator[Pool]:
    """Lend a pool on the store at *url*."""
    pool = await open_pool(url, size=size, timeout_seconds=30, init=json_codec)
    try:
        yield pool
    finally:
        await pool.close()


@pytest.fixture
async def empty_url(postgres_url: str) -> AsyncIterator[str]:
    """The address of a database without anything in it."""
    async with a_database(postgres_url) as url:
        yield url


@pytest.fixture
def tenant() -> str:
    """A tenant that no other test has; its id fits both tables."""
    return str(uuid4())


@pytest.fixture
async def store_url(postgres_url: str, templates: dict[str, str]) -> AsyncIterator[str]:
    """The address of a fresh migrated store with our own table (``tenant_id text``)."""
    async with a_database(postgres_url, templates["small"]) as url:
        yield url


@pytest.fixture
async def pool(store_url: str) -> AsyncIterator[Pool]:
    """A pool on a fresh migrated store with our own table."""
    async with a_pool(store_url) as pool:
        yield pool


@pytest.fixture
async def rae_url(postgres_url: str, templates: dict[str, str]) -> AsyncIterator[str]:
    """The address of a fresh migrated store with RAE's real table (``tenant_id uuid``)."""
    async with a_database(postgres_url, templates["rae"]) as url:
        yield url


@pytest.fixture
async def rae_pool(rae_url: str) -> AsyncIterator[Pool]:
    """A pool on a fresh migrated store with RAE's real table."""
    async with a_pool(rae_url) as pool:
        yield pool


@pytest.fixture(params=["small", "rae"])
async def any_pool(request: pytest.FixtureRequest, postgres_url: str, templates: dict[str, str]) -> AsyncIterator[Pool]:
    """The test once on our own table and once on RAE's."""
    async with a_database(postgres_url, templates[request.param]) as url, a_pool(url) as pool:
        yield pool


@pytest.fixture
async def temporal() -> AsyncIterator[Client]:
    """A client of a real Temporal server of its own: it starts in a fifth of a second and keeps all in memory."""
    async with _temporal() as client:
        yield client


@pytest.fixture
async def hasty_temporal() -> AsyncIterator[Client]:
    """The same, but the server finds a history of 50 events long enough to continue as new."""
    async with _temporal("limit.historyCount.suggestContinueAsNew=50") as client:
        yield client


@asynccontextmanager
async def _temporal(*more: str) -> AsyncIterator[Client]:
    # The second value: else every timer, retry and query of a test takes a second.
    values = ("matching.enableFairness=true", 'history.timerProcessorMaxTimeShift="10ms"', *more)
    environment = await WorkflowEnvironment.start_local(
        dev_server_existing_path=str(temporal_program()),
        data_converter=pydantic_data_converter,
        dev_server_extra_args=[part for value in values for part in ("--dynamic-config-value", value)],
    )
    async with environment:
        yield environment.client


@pytest.fixture
async def endpoint() -> AsyncIterator[ScriptedEndpoint]:
    """A scripted endpoint of the test's own."""
    async with ScriptedEndpoint() as server:
        yield server
