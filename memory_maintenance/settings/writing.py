"""Summaries and dreams: when they are due and of what."""

from __future__ import annotations

from typing import Annotated, Literal

from annotated_types import Ge, Le

from memory_maintenance.settings.kinds import (
    Classes,
    Count,
    GateMinutes,
    SettingsGroup,
    Share,
)


class WritingSettings(SettingsGroup):
    """Summaries and dreams: when they are due and of what."""

    summarization_enabled: bool = True
    """Whether sessions are summarized."""
    summarization_min_events: Count = 10
    """Fewest new events that make an idle session due."""
    summarization_event_threshold: Count = 100
    """New events that make a session due in the daily run even while it goes on."""
    summarization_idle_minutes: Annotated[int, Ge(0)] = 30
    """A session whose last event is older than this many minutes is idle."""
    maintenance_idle_gate_minutes: GateMinutes = 0
    """Write nothing in the middle of a conversation: a session is summarized, and a tenant dreams, only once its last
    event is this many minutes old; at most 1440. 0: no gate."""
    summarization_backfill_days: Annotated[int, Ge(0)] = 7
    """Sessions that ended more days than this before adoption are left alone."""
    summarization_fallback: Literal["rae", "extractive"] = "rae"
    """What is stored until a failing model answers again: rae (the first five events), or chosen sentences."""
    summarization_fallback_takeover: bool = True
    """After a daily cycle without one usable answer of the model, store chosen sentences in place of RAE's fallback,
    until the model gives a usable answer; off: always as SUMMARIZATION_FALLBACK says."""

    model_excluded_classes: Classes = ()
    """Values of `info_class` whose memories are never sent to a model, as confidential,restricted: their summaries and
    reflections are written without one and not embedded. A class unknown to RAE counts as restricted."""
    derivation_excluded_classes: Classes = ()
    """Values of `info_class` whose memories are neither summarized nor reflected on."""

    reflective_memory_enabled: bool = True
    """Whether reflections are generated at all."""
    reflective_memory_mode: Literal["full", "lite"] = "full"
    """RAE's mode; lite switches dreaming off unless DREAMING_ENABLED says otherwise."""
    dreaming_enabled: bool | None = None
    """Whether reflections are generated; unset: as REFLECTIVE_MEMORY_MODE says."""
    dreaming_lookback_hours: Annotated[int, Ge(1), Le(168)] = 24
    """How far back a dream looks; longer, to at most 7 days, when nights were missed."""
    dreaming_min_importance: Share = 0.6
    """Least undecayed importance of a memory that is dreamt about."""
    dreaming_max_samples: Annotated[int, Ge(3), Le(200)] = 20
    """Most memories in one dream."""
    dreaming_theme_window_days: Annotated[int, Ge(1), Le(365)] = 45
    """How far back the evidence of a theme may lie; a theme needs it from two sessions or days."""

    @property
    def dreaming(self) -> bool:
        """Return whether dreams are on; a set DREAMING_ENABLED is never overridden by the mode."""
        chosen = self.reflective_memory_mode == "full" if self.dreaming_enabled is None else self.dreaming_enabled
        return self.reflective_memory_enabled and chosen
