"""What a rule of decay costs: evidence recall after a year, as ``benchmarks.decay_recall`` measures it.

A test of the benchmark holds these numbers to what it measures; docs/decay.md has the whole table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from memory_maintenance.decay.policy import RETAINED, DecayRule, PolicyName


@dataclass(frozen=True, slots=True)
class MeasuredCost:
    """What one rule changes in a year, in points: the mean of five stores. Less is found where it is negative."""

    policy: PolicyName
    rate: float
    retained_share: float
    recall: float
    """Of recall@10 over all questions."""
    recall_of_old: float
    """Of recall@10 over questions whose evidence is older than 90 days."""
    newest_first: float
    """Of the share of superseded facts whose newest version comes first."""

    @property
    def name(self) -> str:
        """Return the rule in a few words."""
        return "bounded" if self.policy == "bounded" else f"staged keeping {self.retained_share:g}"

    def in_words(self) -> str:
        """Return what changes."""
        return f"{self.recall:+.1f} points of recall, {self.recall_of_old:+.1f} where evidence is older than 90 days"


MEASURED: Final = (
    MeasuredCost("staged", 0.001, RETAINED, 0.0, -3.2, +3.4),
    MeasuredCost("staged", 0.001, 0.0, -3.1, -15.2, +10.6),
    MeasuredCost("bounded", 0.001, RETAINED, -1.5, -5.0, +3.4),
)


def costs_in_words() -> str:
    """Return what the rules that were measured cost, in one line."""
    costs = "; ".join(f"{cost.name}: {cost.in_words()}" for cost in MEASURED)
    return f"Measured after a year on a synthetic store (docs/decay.md): {costs}."


def cost_of(rule: DecayRule) -> str:
    """Return what *rule* costs, or that it has not been measured."""
    cost = next((one for one in MEASURED if (one.policy, one.retained_share) == (rule.policy, rule.retained)), None)
    if cost is None or not rule.use_access or (rule.policy == "staged" and rule.rate != cost.rate):
        return "not measured: docs/decay.md has what others cost"
    return f"{cost.in_words()}, after a year on a synthetic store"
