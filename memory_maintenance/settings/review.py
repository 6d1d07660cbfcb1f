"""Changes of memories that agents wrote: what is proposed, what is applied."""

from __future__ import annotations

from typing import Literal

from memory_maintenance.settings.kinds import SettingsGroup


class ReviewSettings(SettingsGroup):
    """Changes of memories that agents wrote: what is proposed, what is applied."""

    memory_duplicates: Literal["off", "propose", "apply"] | None = None
    """Memories with the same text in one project: off (not looked for), propose (`starter.py review list`), or apply:
    all but one are demoted, none is deleted, and `starter.py undo` takes it back. Unset: apply in a store that
    began empty, off in one that held memories when this version was installed."""
    memory_duplicates_near: Literal["off", "propose", "apply"] = "off"
    """The same for memories that differ in articles, courtesies, punctuation, the form of a time or where a part of the
    sentence is. What only the store's vectors find is proposed, also with apply."""
    memory_supersession: Literal["off", "propose", "apply"] = "off"
    """A memory that a later one says otherwise: off (not looked for), propose (`starter.py review list`), or apply:
    where the later one quotes the old value ("instead of") the older is demoted, never deleted; what is less sure is
    proposed."""
