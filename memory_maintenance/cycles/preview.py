"""What a dry run says besides its counts: what the texts would take of a model, and who would change most."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

from memory_maintenance.cycles.outcomes import CycleTotals


class PreviewCosts(BaseModel):
    """What a run takes of a model at most, if every answer is as long as it may be, against what today has left.

    Money is in the currency of the prices; a day is one of UTC.
    """

    model_config = ConfigDict(frozen=True)

    input_tokens: int = 0
    output_tokens: int = 0
    cost: float = 0
    tokens_left: int = 0
    """Of the deployment's budget."""
    cost_left: float = 0
    tenants_over_budget: tuple[str, ...] = ()
    """Those of the tenants named whose own budget may not suffice."""

    @property
    def within_budget(self) -> bool:
        """Return whether the deployment's budget suffices."""
        return self.input_tokens + self.output_tokens <= self.tokens_left and self.cost <= self.cost_left


def preview_stats(totals: CycleTotals, costs: PreviewCosts) -> dict[str, Any]:
    """Return what the statistics of a dry run have besides those of a run."""
    return {
        "dry_run": True,
        "estimate": {**costs.model_dump(mode="json"), "within_budget": costs.within_budget},
        "largest_tenants": [outcome.model_dump(mode="json", exclude={"seconds"}) for outcome in totals.foreseen],
    }
