"""What a process opens, and what it leaves alone."""

import shutil

import pytest
from structlog.testing import capture_logs

from embedded.stack import Stack
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import fetch_value
from runtime.wiring import running_store, warn_of_another_port
from tests.embedded.test_embedded import eventually, passable_folder, processes


async def test_a_store_is_embedded_and_migrated_without_temporal():
    home = passable_folder()
    settings = Settings(_env_file=None, database_url=None, postgres_host=None, memory_maintenance_home=home)
    async with running_store(settings) as pool:
        assert await fetch_value(pool, "SELECT count(*) FROM maintenance.store") == 1
        assert (home / "postgres.lock").exists()
        assert not list(home.glob("temporal*"))
    await eventually(lambda: not processes(home))
    shutil.rmtree(home)


@pytest.mark.parametrize(
    ("address", "ui_url", "warnings"),
    [
        pytest.param("127.0.0.1:7233", "http://127.0.0.1:8233", [], id="embedded at the usual port"),
        pytest.param("127.0.0.1:4711", "http://127.0.0.1:5711", ["temporal_port_taken"], id="embedded at another"),
        pytest.param("temporal.example:4711", None, [], id="configured"),
    ],
)
def test_only_an_embedded_server_at_another_port_is_warned_of(address: str, ui_url: str | None, warnings: list[str]):
    with capture_logs() as logs:
        warn_of_another_port(Stack("postgresql://a/b", address, ui_url))
    assert [each["event"] for each in logs] == warnings
