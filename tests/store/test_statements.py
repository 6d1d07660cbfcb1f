"""What holds for every statement of the library, whichever module it stands in."""

import importlib
import pkgutil
import re
from collections.abc import Iterator, Mapping
from types import ModuleType

import asyncpg

import memory_maintenance
from memory_maintenance.store.pool import fetch, fetch_value

_NAMED = re.compile(r"^\s*-- (\w+\.[A-Z_]+)", re.MULTILINE)
_JSON = {"json", "jsonb"}
_INCOMPLETE = (asyncpg.PostgresSyntaxError, asyncpg.UndefinedColumnError, asyncpg.UndefinedTableError)
"""What Postgres says of a constant that is only part of a statement, or needs a table that this store lacks."""


def _modules() -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(memory_maintenance.__path__, f"{memory_maintenance.__name__}."):
        if ".migrations" not in found.name and not found.name.endswith("__main__"):
            yield importlib.import_module(found.name)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _texts(each)


def statements() -> Iterator[tuple[str, str]]:
    """Yield the constants of the library that hold a named statement, or part of one, with its name."""
    texts = {text for module in _modules() for value in vars(module).values() for text in _texts(value)}
    for text in texts:
        if named := _NAMED.search(text):
            yield named[1], text


_COMMANDS = {"store.BEGIN", "store.BEGIN_SNAPSHOT", "store.ADOPTED_FROM_ALEMBIC"}
"""Several in one text."""

_OF_PARTS = "memory_maintenance.decay."
"""Where constants are parts of statements, too."""


def _whole_statements() -> Iterator[tuple[str, str]]:
    """Yield the public constants that are statements, with the name in their first line."""
    for module in _modules():
        for constant, value in vars(module).items():
            if constant.isupper() and not constant.startswith("_") and not module.__name__.startswith(_OF_PARTS):
                yield from ((named[1], text) for text in _texts(value) if (named := _NAMED.match(text)))


HAS_CLASSES = """
SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'memories'::regclass AND attname = 'info_class')
"""


async def test_every_statement_can_be_prepared_and_so_be_pasted_into_psql(any_pool):
    refused: dict[str, str] = {}
    without_classes = not await fetch_value(any_pool, HAS_CLASSES)
    without_vectors = await fetch_value(any_pool, "SELECT to_regclass('memory_embeddings') IS NULL")
    async with any_pool.acquire() as connection:
        for name, text in set(_whole_statements()):
            if name in _COMMANDS or (without_vectors and "embedding" in text):
                continue  # a store without vectors is never asked for them
            if without_classes and name in ("store.SET_CLASS", "store.SET_GOVERNANCE"):
                continue  # nor one without these columns
            try:
                await connection.prepare(text)
            except asyncpg.PostgresError as error:
                refused[name] = str(error)
    assert refused == {}


def test_every_statement_has_a_name_of_its_own():
    texts: dict[str, set[str]] = {}
    for name, text in _whole_statements():
        texts.setdefault(name, set()).add(text)
    of_two_tables = {f"embedding.{name}" for name in ("DUE", "COUNTS", "TOTALS", "TEXTS", "STORE", "DIMENSION")}
    of_two_tables.add("store.VECTORS")
    assert {name for name, found in texts.items() if len(found) > 1} == of_two_tables
    assert len(texts) > 50


async def test_json_crosses_as_text_so_that_no_codec_of_the_callers_matters(any_pool):
    prepared, crossing = 0, []
    async with any_pool.acquire() as connection:
        for name, text in statements():
            try:
                statement = await connection.prepare(text)
            except _INCOMPLETE:
                continue
            prepared += 1
            kinds = {one.name for one in statement.get_parameters()}
            kinds |= {one.type.name for one in statement.get_attributes()}
            crossing += [name] if _JSON & kinds else []
    assert prepared > 100
    assert crossing == [], "write $n::text::jsonb and column::text, with to_json and from_json (store/pool.py)"


_BY_ID = re.compile(
    r"(?<![\w.$])(?:\w+\.)?(?:id|memory_id|derived_id|source_id) (?:= ANY|= \$|=\s*\w+\.\w+|IN)", re.IGNORECASE
)
_TABLES = re.compile(
    r"(?:FROM|JOIN|UPDATE|INTO|USING) (?:maintenance\.(?:lineage|set_aside_memories|covered_events)|memories)\b",
    re.IGNORECASE,
)
ASKED_BY_ID_ALONE = {
    "inspection.WRITTEN_ONE": "an operator names a memory; its tenant is shown",
    "store.IN_USE": "whether any tenant has the id is what is asked",
}
"""Statements that need not name the tenant, and why; none of them reads for a run."""


def test_what_reads_or_writes_by_id_also_names_the_tenant():
    by_id = {name: text for name, text in statements() if _TABLES.search(text) and _BY_ID.search(text)}
    assert len(by_id) > 20
    assert {name for name, text in by_id.items() if "tenant_id" not in text} - ASKED_BY_ID_ALONE.keys() == set()
    assert ASKED_BY_ID_ALONE.keys() <= by_id.keys()


KEYS = """
SELECT t.relname::text AS name, array_agg(a.attname::text) FILTER (WHERE a.attnum = ANY (i.indkey)) AS key
FROM pg_class t
     JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
     JOIN pg_index i ON i.indrelid = t.oid AND i.indisprimary
WHERE t.relnamespace = 'maintenance'::regnamespace
GROUP BY t.relname HAVING bool_or(a.attname = 'tenant_id')
"""
KEYED_WITHOUT_TENANT = {
    "changes": "a change's number is the table's own",
    "expiry_batches": "a batch's number is the table's own",
    "model_calls": "a question is a hash over its tenant, among others",
    "orders": "an order's number is the table's own",
}
"""Tables about tenants whose keys need not name one, and why."""


async def test_the_key_of_a_table_about_tenants_names_the_tenant(pool):
    keys = {row["name"]: row["key"] for row in await fetch(pool, KEYS)}
    assert len(keys) > 6
    assert {table for table, key in keys.items() if "tenant_id" not in key} == KEYED_WITHOUT_TENANT.keys()


def test_each_look_at_what_is_set_aside_names_the_tenant():
    looks = [
        look for _, text in statements() for look in re.findall(r"FROM maintenance\.set_aside_memories x[^)]*", text)
    ]
    assert len(looks) >= 3
    assert [look for look in looks if "x.tenant_id" not in look] == []
