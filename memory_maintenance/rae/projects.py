"""Arguments by either of RAE's names: ``project_id`` in its documents is ``project`` since 2026-03-25."""

from __future__ import annotations

from memory_maintenance.errors import InvalidRequestError


def chosen_project(project_id: str | None, project: str | None) -> str | None:
    """Return the project that a caller gave under either name; None: memories without one.

    Raises:
        InvalidRequestError: the two names say different things.
    """
    return _either("project_id", project_id, "project", project)


def chosen_query(query_text: str | None, query: str | None) -> str | None:
    """Return the words that a caller looks for, under either name; None: none.

    Raises:
        InvalidRequestError: the two names say different things.
    """
    return _either("query_text", query_text, "query", query)


def _either(older: str, old: str | None, newer: str, new: str | None) -> str | None:
    if old is not None and new is not None and old != new:
        raise InvalidRequestError(f"{older} is {old!r} and {newer} is {new!r}: give one of them")
    return new if old is None else old
