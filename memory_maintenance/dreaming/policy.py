"""What a dream is about: which memories, since when, and under which ids it is kept."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, TypeVar
from uuid import UUID

from memory_maintenance.store.identity import derived_id

if TYPE_CHECKING:  # a policy loads no settings
    from memory_maintenance.settings import Settings

SOURCE: Final = "reflection_engine_v2"
STRATEGY_TAG: Final = "strategy"

FEWEST_MEMORIES: Final = 3
LONGEST_LOOKBACK: Final = timedelta(days=7)
"""How far back a dream after missed nights reaches."""

_Memory = TypeVar("_Memory")

_RESERVED_TAGS: Final = frozenset({STRATEGY_TAG, "session_summary", "auto_generated", "pinned"})
"""Tags that mean something to this application: an answer, which memories may have led, cannot set them."""

_SAME: Final = 0.5
"""Share of the smaller theme's memories above which two are one."""

_TAG_CHARACTERS: Final = 60
_MOST_TAGS: Final = 8


@dataclass(frozen=True, slots=True)
class DreamRule:
    """Which memories a dream takes: importance is undecayed and in [0, 1]."""

    lookback: timedelta
    min_importance: float
    max_samples: int
    gate: timedelta = timedelta(0)
    """A tenant whose last event is younger does not dream."""

    @classmethod
    def of(cls, settings: Settings) -> DreamRule:
        """Return the rule that *settings* state."""
        return cls(
            timedelta(hours=settings.dreaming_lookback_hours),
            settings.dreaming_min_importance,
            settings.dreaming_max_samples,
            timedelta(minutes=settings.maintenance_idle_gate_minutes),
        )

    def since(self, as_of: datetime, dreamt_until: datetime | None) -> datetime:
        """Return the instant after which memories are dreamt about; ``dreaming.SAMPLE`` is the same in SQL.

        The lookback, or longer where the last dream ended before it, at most 7 days:
        a missed night is dreamt later.
        """
        start = as_of - self.lookback
        return start if dreamt_until is None else max(as_of - LONGEST_LOOKBACK, min(start, dreamt_until))


def is_same_theme(
    keys: AbstractSet[str], evidence: AbstractSet[_Memory], other_keys: AbstractSet[str], other: AbstractSet[_Memory]
) -> bool:
    """Return whether two themes are one: about the same words, or for the larger part about the same memories.

    Where they share a word, a quarter of the smaller one's memories is enough.
    """
    if keys and keys == other_keys:
        return True
    shared = len(evidence & other) / max(1, min(len(evidence), len(other)))
    return shared > (_SAME / 2 if keys & other_keys else _SAME)


def theme_subject(keys: Iterable[str]) -> str:
    """Return what lineage calls a theme with these *keys*, whatever its wording is."""
    return " ".join(sorted(keys))


def theme_id(tenant_id: str, project: str, subject: str) -> UUID:
    """Return the id of the reflection on a theme."""
    return derived_id("theme", tenant_id, project, subject)


def nothing_new(sample: Iterable[UUID], last: Iterable[UUID]) -> bool:
    """Return whether the last dream was about all of *sample* already."""
    return set(sample) <= set(last)


def reflection_id(tenant_id: str, project: str, sample: Iterable[UUID]) -> UUID:
    """Return the id of the reflection on *sample*, whatever its order: the same memories give one reflection."""
    return derived_id("reflection", tenant_id, project, *sorted(map(str, sample)))


def strategy_id(reflection: UUID) -> UUID:
    """Return the id of the strategy that belongs to a reflection."""
    return derived_id("strategy", reflection)


def strategy_importance(importance: float) -> float:
    """Return 1.1 × the reflection's importance, at most 1. Source: RAE's ReflectionEngineV2.

    Like the reflection's own, it is stored as the mean of the sources where that is less.
    """
    return min(1.0, 1.1 * importance)


def kept_tags(tags: Sequence[str]) -> tuple[str, ...]:
    """Return the tags that are stored: short, different, none of them reserved."""
    short = (" ".join(tag.split())[:_TAG_CHARACTERS].strip() for tag in tags)
    different = dict.fromkeys(tag for tag in short if tag and tag.casefold() not in _RESERVED_TAGS)
    return tuple(different)[:_MOST_TAGS]
