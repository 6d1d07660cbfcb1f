"""The SQL of docs/uninstalling.md removes what `migrate` added, and nothing else."""

import re
from pathlib import Path

import asyncpg

from memory_maintenance.store.migrate import migrate
from tests.conftest import RAE_TABLE, _run_on_server

PAGE = (Path(__file__).parent.parent.parent / "docs" / "uninstalling.md").read_text()
OBJECTS = """
SELECT 'column', table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = 'public'
UNION ALL SELECT 'index', tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL SELECT 'schema', nspname, '', '' FROM pg_namespace
UNION ALL SELECT 'function', proname, '', '' FROM pg_proc WHERE pronamespace = 'public'::regnamespace
UNION ALL SELECT 'trigger', tgname, '', '' FROM pg_trigger
UNION ALL SELECT 'constraint', conname, '', '' FROM pg_constraint WHERE connamespace = 'public'::regnamespace
ORDER BY 1, 2, 3, 4
"""


async def test_the_sql_of_the_page_leaves_the_database_as_it_was_before_migrate(empty_url):
    [sql] = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)
    await _run_on_server(empty_url, RAE_TABLE)
    connection = await asyncpg.connect(empty_url)
    before = await connection.fetch(OBJECTS)
    await migrate(empty_url)
    assert await connection.fetch(OBJECTS) != before
    await connection.execute(sql)
    assert await connection.fetch(OBJECTS) == before
    await connection.close()
