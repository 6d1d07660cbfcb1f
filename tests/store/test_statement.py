"""Every statement of the library introduces itself by its own name, once, and no two share one."""

import ast
import importlib
import inspect
import pkgutil
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pytest

import memory_maintenance
from memory_maintenance.store.statement import composed

_SQL = re.compile(r"(?m)^\s*(WITH|SELECT|INSERT INTO|UPDATE|DELETE FROM|LOCK|SHOW)\b(?!.*[.!?]$)")
_NAME = re.compile(r"-- (\w+\.[A-Z]\w*(?:\[\w+\])?)(?::|$)")
_PREFIX = "memory_maintenance."


@dataclass(frozen=True)
class Text:
    module: str
    constant: str
    sql: str

    @property
    def expected_name(self) -> str:
        package = self.module.removeprefix(_PREFIX).split(".")[-2]
        return f"{package}.{self.constant.lstrip('_')}"


def _modules() -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(memory_maintenance.__path__, _PREFIX):
        if not found.name.endswith("__main__") and ".migrations" not in found.name:
            yield importlib.import_module(found.name)


def _texts(module: ModuleType) -> Iterator[Text]:
    """Yield the texts of a module's constants; what a mapping names once more by its constant is yielded once."""
    seen: set[int] = set()
    for text in _constants(module):
        if id(text.sql) not in seen:
            seen.add(id(text.sql))
            yield text


def _constants(module: ModuleType) -> Iterator[Text]:
    for node in ast.parse(inspect.getsource(module)).body:
        targets = [node.target] if isinstance(node, ast.AnnAssign) else getattr(node, "targets", [])
        for target in targets:
            if isinstance(target, ast.Name):
                yield from _strings(module.__name__, target.id, getattr(module, target.id, None))


def _strings(module: str, name: str, value: Any) -> Iterator[Text]:
    if isinstance(value, str) and _SQL.search(value):
        yield Text(module, name, value)
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield from _strings(module, f"{name}[{key}]", one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _strings(module, name, one)


def _first_line(sql: str) -> str:
    return sql.strip().splitlines()[0]


def _is_fragment(text: Text, others: list[Text]) -> bool:
    """Whether *text* is a part of a statement that has a name."""
    return not _NAME.match(_first_line(text.sql)) and any(
        text.sql.strip() in other.sql and _NAME.match(_first_line(other.sql)) for other in others if other is not text
    )


TEXTS = [text for module in _modules() for text in _texts(module)]
STATEMENTS = [text for text in TEXTS if not _is_fragment(text, TEXTS)]


@pytest.mark.parametrize("text", STATEMENTS, ids=lambda text: f"{text.module.removeprefix(_PREFIX)}.{text.constant}")
def test_a_statement_begins_with_its_own_name(text):
    named = _NAME.match(_first_line(text.sql))
    assert named, f"no name: {_first_line(text.sql)}"
    assert named[1] == text.expected_name
    assert [line for line in text.sql.splitlines()[2:] if _NAME.match(line.strip())] == []


def test_no_two_statements_share_a_name():
    names = Counter(text.expected_name for text in STATEMENTS)
    assert [name for name, count in names.items() if count > 1] == []
    assert len(names) > 100


def _said_in_place(module: ModuleType) -> Iterator[str]:
    """Yield the statements that are handed to the store as a literal."""
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        name = getattr(getattr(node, "func", None), "id", None)
        if name in {"fetch", "fetch_row", "fetch_value", "execute", "execute_many"}:
            assert isinstance(node, ast.Call)
            yield from (str(one.value) for one in node.args[1:2] if isinstance(one, ast.Constant))


def test_no_statement_is_written_where_it_is_run():
    assert [sql for module in _modules() for sql in _said_in_place(module)] == []


def test_a_composed_statement_is_its_name_its_steps_and_its_result():
    sql = composed(
        "x.TWICE: two, twice.",
        "\none AS (SELECT 1 AS n)",
        "--   a note\ntwo AS (SELECT n + 1 AS n FROM one)",
        result="\nSELECT n * 2 FROM two\n",
    )
    assert sql == (
        "\n-- x.TWICE: two, twice.\nWITH\none AS (SELECT 1 AS n),\n--   a note\ntwo AS (SELECT n + 1 AS n FROM one)\n"
        "SELECT n * 2 FROM two\n"
    )


def test_without_steps_only_the_name_comes_before_the_result():
    assert composed("x.ONE: one.", result="SELECT 1") == "\n-- x.ONE: one.\nSELECT 1\n"
