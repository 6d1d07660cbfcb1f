"""What a process opens, and what it leaves alone."""

import shutil

from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import fetch_value
from runtime.wiring import running_store
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
