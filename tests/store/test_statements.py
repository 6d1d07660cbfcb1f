"""What holds for every statement of the library, whichever module it stands in."""

import importlib
import pkgutil
import re
from collections.abc import Iterator, Mapping
from types import ModuleType

import asyncpg

import memory_maintenance

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
