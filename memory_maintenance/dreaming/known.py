"""The reflections that a project has already: which of them is on the theme of a new one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from memory_maintenance.dreaming.policy import is_same_theme
from memory_maintenance.dreaming.statements import REFLECTIONS, REFLECTIONS_FOR_UPDATE
from memory_maintenance.store.derived import text_hash
from memory_maintenance.store.pool import Executor, fetch, json_object


@dataclass(frozen=True, slots=True)
class KnownReflection:
    """A stored reflection; ``sources`` are all rows that it was ever made from, as lineage has them."""

    id: UUID
    content: str
    tags: tuple[str, ...]
    metadata: Mapping[str, Any]
    subject: str | None
    sources: frozenset[UUID]

    @property
    def keys(self) -> frozenset[str]:
        """Return what its theme is about; empty where it was stored without a theme, or with several."""
        themes: list[Mapping[str, Any]] = self.metadata.get("themes") or []
        return frozenset(themes[0].get("keys") or ()) if len(themes) == 1 else frozenset()

    @property
    def is_edited(self) -> bool:
        """Return whether its text was edited."""
        return self.metadata.get("text_sha256") != text_hash(self.content)

    @property
    def revision(self) -> int:
        """Return how often it has been written, 1 for a new one."""
        revision = self.metadata.get("revision")
        return revision if isinstance(revision, int) else 1

    def written_in(self, cycle: UUID) -> bool:
        """Return whether a run wrote it last."""
        return self.metadata.get("cycle_id") == str(cycle)


async def known_reflections(
    db: Executor,
    tenant_id: str,
    project: str,
    *,
    sources: Collection[UUID],
    subjects: Collection[str] = (),
    for_update: bool = False,
) -> list[KnownReflection]:
    """Return a project's reflections on any of these memories or themes, the oldest first."""
    statement = REFLECTIONS_FOR_UPDATE if for_update else REFLECTIONS
    rows = await fetch(db, statement, tenant_id, tenant_id, project, list(sources), list(subjects))
    return [
        KnownReflection(
            row["id"],
            row["content"],
            tuple(row["tags"] or ()),
            json_object(row["metadata"]),
            row["subject"],
            frozenset(row["sources"]),
        )
        for row in rows
    ]


def on_same_theme(
    known: Iterable[KnownReflection], keys: frozenset[str], sources: frozenset[UUID]
) -> KnownReflection | None:
    """Return the reflection on the same theme, that of the same words before one that shares memories."""
    same = [one for one in known if is_same_theme(keys, sources, one.keys, one.sources)]
    return min(same, key=lambda one: (one.keys != keys, -len(one.sources & sources)), default=None)


def matched(
    known: Sequence[KnownReflection], themes: Iterable[tuple[frozenset[str], frozenset[UUID]]]
) -> list[KnownReflection | None]:
    """Return for each theme, its keys and its memories, the reflection on it; each reflection is on one of them."""
    left, found = list(known), list[KnownReflection | None]()
    for keys, sources in themes:
        found.append(one := on_same_theme(left, keys, sources))
        if one is not None:
            left.remove(one)
    return found
