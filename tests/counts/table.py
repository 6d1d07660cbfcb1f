"""The table of counts that are held: a section for each cycle and kind of count, a line for each number."""

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

FILE: Final = Path(__file__).with_name("counts.toml")

Counts = dict[tuple[str, str, str], int]
"""How much there was, by cycle, kind and name."""

HEAD: Final = """\
# What cycles over a small fixed store take, where that does not depend on the machine.
# Written by `make counts`; docs/contributing.md says when.
"""


def recorded(*, model: bool) -> Counts:
    """Return the table as it stands: the cycles with a model, or the others."""
    table = tomllib.loads(FILE.read_text()) if FILE.exists() else {}
    return {
        (cycle, kind, name): count
        for cycle, sections in table.items()
        if cycle.startswith("model") == model
        for kind, counts in sections.items()
        for name, count in counts.items()
    }


def as_toml(counts: Counts) -> str:
    """Return *counts* as the file holds them: cycles in their order, the rest sorted."""
    return HEAD + "".join(_lines(counts))


def _lines(counts: Counts) -> Iterator[str]:
    for cycle in dict.fromkeys(cycle for cycle, _, _ in counts):
        for kind in sorted({kind for one, kind, _ in counts if one == cycle}):
            yield f"\n[{_key(cycle)}.{_key(kind)}]\n"
            here = {_key(name): count for (*where, name), count in counts.items() if where == [cycle, kind]}
            width = max(map(len, here))
            yield from (f"{name:{width}} = {count}\n" for name, count in sorted(here.items()))


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name)


def differences(counts: Counts, held: Counts) -> str:
    """Return a line for each number of *counts* that is not the one that is *held*; nothing where all agree."""
    changed = [key for key in sorted(counts.keys() | held.keys()) if counts.get(key) != held.get(key)]
    lines = [f"{' / '.join(key)}: {held.get(key, 0)} in {FILE.name}, now {counts.get(key, 0)}" for key in changed]
    return "\n".join([*lines, "if you meant it: make counts"] if lines else [])
