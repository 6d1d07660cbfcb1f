"""Decay: its rule and what it leaves alone."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from annotated_types import Ge, Le, Lt
from pydantic import Field, model_validator

from memory_maintenance.settings.kinds import (
    LayerSpeeds,
    Rate,
    SettingsGroup,
    Share,
    Tags,
)


class DecaySettings(SettingsGroup):
    """Decay: its rule and what it leaves alone."""

    memory_importance_decay_enabled: bool = True
    """Whether importance decays at all."""
    memory_base_decay_rate: Rate = 0.001
    """Share of its importance that a memory loses per DAY at multiplier 1, clamped to the two bounds below."""
    memory_min_decay_rate: Rate = 0.0001
    """Lower bound of every tenant's rate, per day."""
    memory_max_decay_rate: Rate = 0.01
    """Upper bound of every tenant's rate, per day."""
    memory_access_count_boost: bool = True
    """Whether the days since the last access change the speed of decay."""
    memory_decay_tolerance: Annotated[float, Ge(0), Lt(0.5)] = 0.0
    """Importance may stay this far from its exact value before a row is written."""
    memory_decay_page_size: Annotated[int, Ge(1), Le(10_000)] = 1000
    """Memories locked and written in one transaction."""
    memory_decay_policy: Literal["staged", "bounded"] = "staged"
    """staged: RAE's stages, faster the longer a memory was not accessed; bounded: half of the way every 90 days."""
    memory_decay_retained: Share | None = None
    """Share of what the agent said that staged leaves for good; unset: 0.7, or 0 where a store decayed without it."""
    memory_decay_protected_tags: Tags = ("pinned",)
    """Memories with one of these tags, separated by commas, never decay; a comma alone: none."""
    memory_decay_layers: LayerSpeeds = Field(default_factory=dict)
    """How fast layers decay, as semantic=0.5,episodic=1, each from 0 (not at all) to 100; 1 where unnamed."""
    memory_decay_rate: float | None = None
    """RAE's legacy rate per hour. Never used; set, it is warned about."""

    @model_validator(mode="after")
    def _bounds_of_the_rate_are_ordered(self) -> Self:
        if self.memory_min_decay_rate > self.memory_max_decay_rate:
            raise ValueError("MEMORY_MIN_DECAY_RATE is above MEMORY_MAX_DECAY_RATE")
        return self

    @property
    def base_decay_rate(self) -> float:
        """Return the deployment's decay rate per day, within its bounds."""
        return self.bounded_decay_rate(self.memory_base_decay_rate)

    def bounded_decay_rate(self, rate: float) -> float:
        """Return *rate*, per day, brought within the deployment's bounds."""
        return min(max(rate, self.memory_min_decay_rate), self.memory_max_decay_rate)
