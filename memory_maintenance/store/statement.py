"""Putting a statement together from steps that several statements share."""

from __future__ import annotations


def composed(name: str, *steps: str, result: str) -> str:
    """Return a statement: its name and purpose as a comment, its steps (CTEs) in order if any, and what it returns.

    The name comes first, so that ``pg_stat_activity`` shows which statement runs.
    """
    ctes = "WITH\n" + ",\n".join(step.strip() for step in steps) + "\n" if steps else ""
    return f"\n-- {name}\n{ctes}{result.strip()}\n"
