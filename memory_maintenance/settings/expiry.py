"""Expiry: what leaves the store, when, and whether it can come back."""

from __future__ import annotations

from typing import Annotated, Literal

from annotated_types import Ge, Le
from pydantic import Field

from memory_maintenance.settings.kinds import MOST_KEPT, Days, LayerDays, SettingsGroup, TagDays


class ExpirySettings(SettingsGroup):
    """Expiry: what leaves the store, when, and whether it can come back."""

    memory_expiry: Literal["off", "archive", "delete"] = "off"
    """What happens to a memory whose expires_at has passed: off (it stays, and nothing is derived from it), archive (it
    moves to maintenance.archive in the next daily run), delete (it is deleted after MEMORY_EXPIRY_GRACE_DAYS)."""
    memory_expiry_grace_days: Days = 30
    """Days after expires_at before MEMORY_EXPIRY=delete deletes a memory."""
    memory_expiry_retention_days: Days = 0
    """Days after its creation that a memory is kept; 0: for good."""
    memory_expiry_retention_layers: LayerDays = Field(default_factory=dict)
    """The same by layer, in place of MEMORY_EXPIRY_RETENTION_DAYS, as working=30,episodic=365; 0: for good."""
    memory_expiry_retention_tags: TagDays = Field(default_factory=dict)
    """The same by tag, in place of both, as chatter=7,legal=0; of several tags the longest holds; 0: for good."""
    memory_expiry_keep_per_project: Annotated[int, Ge(0), Le(MOST_KEPT)] = 0
    """Memories that each project keeps, the most important ones; 0: all."""
    memory_expiry_retention_action: Literal["archive", "delete"] = "archive"
    """What happens to a memory past its retention or beyond MEMORY_EXPIRY_KEEP_PER_PROJECT."""
    memory_expiry_archive_days: Days = 90
    """Days that maintenance.archive keeps a memory before it is purged; 0: until it is restored."""
