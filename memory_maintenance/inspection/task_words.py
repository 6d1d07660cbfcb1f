"""What a task did, in the words of tables and lines; every surface loops over the tasks with these."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from memory_maintenance import tasks
from memory_maintenance.cycles.outcomes import ByTask
from memory_maintenance.work import Counts, TaskSpec


def specs() -> list[TaskSpec]:
    """Return what there is to know of every task, in order."""
    return [task.spec for task in tasks.TASKS]


def columns_of(done: Iterable[ByTask | None]) -> list[TaskSpec]:
    """Return the tasks that have a column in a table of these: an opt-in task only where it did something."""
    active = {name for one in done if one for name, counts in one.by_task.items() if counts}
    return [spec for spec in specs() if not spec.opt_in or spec.name in active]


def done_in_words(spec: TaskSpec, counts: Counts) -> str:
    """Return what a task did: ``3 stored, 1 updated, 0 fallbacks``, of how many where it counts that."""
    done = ", ".join(f"{counts.of(name):,} {name}" for name in (*spec.done, *spec.also_written))
    return f"{done} of {counts.of('seen'):,} {spec.units}" if counts.of("seen") else done


def left_in_words(spec: TaskSpec, counts: Counts) -> str:
    """Return what a task left undone and why: ``2 skipped (insufficient_events 2)``; empty where nothing is left."""
    left = ", ".join(f"{counts.of(name):,} {name}" for name in spec.left if counts.of(name))
    reasons = ", ".join(f"{reason} {number:,}" for reason, number in counts.reasons.items())
    return f"{left} ({reasons})" if left and reasons else left or reasons


def results_in_words(done: ByTask) -> str:
    """Return what all tasks did, for a line: ``5 memories decayed, 2 summaries, 1 reflections``."""
    shown = [spec for spec in specs() if done.of(spec.name) or spec.always_shown]
    return ", ".join(f"{done.of(spec.name).of(*spec.done):,} {spec.results}" for spec in shown)


def counts_of(stats: dict[str, Any], task: str) -> Counts:
    """Return what a task did, out of a run's statistics."""
    renamed = {"total_updated": "updated", "reflections_generated": "reflections"}
    of_run = ("total_tenants", "tenants_processed")
    found = {renamed.get(name, name): value for name, value in stats.get(task, {}).items() if name not in of_run}
    return Counts.model_validate(found)
