"""What a run returns: RAE's statistics, with what RAE did not count beside them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from memory_maintenance.cycles.outcomes import CycleTotals
from memory_maintenance.preflight.finding import Finding
from memory_maintenance.work import Counts, Run

_TOKENS: Final = ("input_tokens", "output_tokens")

_SHAPES: Final = {
    "decay": ("seen", "invalid", "busy"),
    "summarization": ("stored", "updated", "fallbacks", "skipped", "failed", "reasons", *_TOKENS),
    "dreaming": ("updated", "strategies", "skipped", "failed", "reasons", *_TOKENS),
    "embedding": ("embedded", "skipped", "failed", "reasons", "input_tokens"),
}
"""The counts that are there also where they are 0."""


def statistics(
    totals: CycleTotals,
    run: Run,
    *,
    started_at: datetime,
    completed_at: datetime,
    config: dict[str, Any],
    findings: Sequence[Finding] = (),
) -> dict[str, Any]:
    """Return the statistics of a maintenance run, in the shape of RAE's ``run_daily_maintenance``."""
    tasks = {name: _counts(totals.of(name), shape) for name, shape in _SHAPES.items()}
    others = {name: counts.model_dump() for name, counts in totals.by_task.items() if name not in _SHAPES}
    decay, dreams = totals.of("decay"), totals.of("dreaming")
    # RAE counts every tenant that a worker was asked for, also where there was nothing to do.
    asked = {name: totals.looked_at if name in config.get("tasks", ()) else 0 for name in ("decay", "dreaming")}
    tasks["decay"] = {
        "total_tenants": asked["decay"],
        "total_updated": decay.of("updated"),
        **tasks["decay"],
    }
    tasks["dreaming"] = {
        "tenants_processed": max(asked["dreaming"] - totals.left_paused, 0),
        "reflections_generated": dreams.of("reflections"),
        **tasks["dreaming"],
    }
    return {
        **tasks,
        **others,
        "tenants": {
            "looked_at": totals.looked_at,
            "left_paused": totals.left_paused,
            "with_work": totals.tenants,
            **totals.statuses,
        },
        "failed_tenants": list(totals.failures),
        "preflight": [finding.model_dump() for finding in findings],
        "started_at": started_at.isoformat(),
        "completed_at": completed_at.isoformat(),
        "config": config,
        "cycle_id": str(run.cycle_id),
        "as_of": run.as_of.isoformat(),
    }


def _counts(counts: Counts, shape: tuple[str, ...]) -> dict[str, Any]:
    dumped = counts.model_dump()
    return {name: dumped.get(name, 0) for name in shape}
