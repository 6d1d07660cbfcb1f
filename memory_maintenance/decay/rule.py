"""Which rule a tenant's memories decay by: one for every caller."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from types import MappingProxyType

from memory_maintenance.decay.policy import DecayRule
from memory_maintenance.errors import InvalidRequestError
from memory_maintenance.settings import LAYER_SPELLINGS, Settings


def decay_rule(settings: Settings) -> DecayRule:
    """Return the rule that *settings* state, a tenant's own or the deployment's; the rate is within its bounds."""
    return DecayRule(
        policy=settings.memory_decay_policy,
        rate=settings.base_decay_rate,
        use_access=settings.memory_access_count_boost,
        retained_share=settings.memory_decay_retained,
        layers=_speeds(settings),
        protected_tags=frozenset(settings.memory_decay_protected_tags),
    )


def _speeds(settings: Settings) -> MappingProxyType[str, float]:
    named = settings.memory_decay_layers.items()
    return MappingProxyType({spelling: speed for name, speed in named for spelling in LAYER_SPELLINGS[name]})


@dataclass(frozen=True, slots=True)
class RuleArguments:
    """What a caller of one cycle gave explicitly; None leaves it to the tenant's rule.

    Raises:
        InvalidRequestError: a rate outside [0, 1), or an argument of another type.
    """

    decay_rate: float | None = None
    consider_access_stats: bool | None = None

    def __post_init__(self) -> None:
        rate, access = self.decay_rate, self.consider_access_stats
        if rate is not None and not (_is_number(rate) and math.isfinite(rate) and 0 <= rate < 1):
            raise InvalidRequestError(f"decay_rate={rate!r}: give the share lost per day, at least 0 and below 1")
        if not (access is None or isinstance(access, bool)):
            raise InvalidRequestError(f"consider_access_stats={access!r}: give True, False or None")

    def applied_to(self, rule: DecayRule) -> DecayRule:
        """Return *rule* with what was given in place of its own."""
        return replace(
            rule,
            rate=rule.rate if self.decay_rate is None else self.decay_rate,
            use_access=rule.use_access if self.consider_access_stats is None else self.consider_access_stats,
        )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
