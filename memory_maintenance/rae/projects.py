"""A project by either of RAE's names: ``project_id`` in its documents, ``project`` since 2026-03-25."""

from __future__ import annotations

from memory_maintenance.errors import InvalidRequestError


def chosen_project(project_id: str | None, project: str | None) -> str | None:
    """Return the project that a caller gave under either name; None: memories without one.

    Raises:
        InvalidRequestError: the two names say different things.
    """
    if project_id is not None and project is not None and project_id != project:
        raise InvalidRequestError(f"project_id is {project_id!r} and project is {project!r}: give one of them")
    return project if project_id is None else project_id
