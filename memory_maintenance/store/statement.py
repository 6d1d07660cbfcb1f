"""Putting a statement together from steps that several statements share."""

from __future__ import annotations


def composed(name: str, *steps: str, result: str) -> str:
    """Return a statement: its name and purpose as a comment, its steps (CTEs) in order if any, and what it returns.

    The name comes first, so that ``pg_stat_activity`` shows which statement runs.
    """
    ctes = "WITH\n" + ",\n".join(step.strip() for step in steps) + "\n" if steps else ""
    return f"\n-- {name}\n{ctes}{result.strip()}\n"


def name_of(sql: str) -> str:
    """Return a statement's name, as its first line has it: ``decay.DECAY_PAGE``."""
    return sql.lstrip("\n -").partition("\n")[0].partition(":")[0]
