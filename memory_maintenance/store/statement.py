"""Putting a statement together from steps that several statements share."""

from __future__ import annotations


def composed(name: str, *steps: str, result: str) -> str:
    """Return a statement: its name and purpose as a comment, its steps (CTEs) in order, and what it returns.

    The name comes first, so that ``pg_stat_activity`` shows which statement runs.
    """
    ctes = ",\n".join(step.strip() for step in steps)
    return f"\n-- {name}\nWITH\n{ctes}\n{result.strip()}\n"
