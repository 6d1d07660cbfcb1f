"""Task queues, time-outs and retries: every number that shapes a step, with its reason."""

from dataclasses import replace
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.common import Priority, RetryPolicy

with workflow.unsafe.imports_passed_through():
    from memory_maintenance.printable import in_one_line
    from workflows.tenant_ids import short_tenant_id

TASK_QUEUE = "memory-maintenance"
"""Workflows and SQL."""

MODEL_TASK_QUEUE = "memory-maintenance-llm"
"""Steps that may ask a model: their rate is limited by the server, for all workers together."""

HEARTBEAT = timedelta(seconds=15)

MOST_FAIRNESS_KEY_BYTES = 64

PATIENCE = timedelta(hours=3)
"""After its deadline a tenant's run has this long for what it has begun; a page twice as long. Then Temporal ends it,
so that a run that cannot go on (a deploy that does not replay) does not keep its tenant for ever."""

ALREADY_RUNNING = timedelta(seconds=30)
"""Before the first look whether another run still works on a tenant, or on a page of a root that was reset."""
ALREADY_RUNNING_AT_MOST = timedelta(minutes=15)
"""Between two looks, which take twice as long each time."""
ALREADY_RUNNING_LOOKS = 8
"""Together about an hour: an hourly run has 45 minutes."""

SENDING_AT_MOST = timedelta(minutes=3)
"""Long enough to replace a killed worker. After it the run ends, and the next cycle sends what is left."""

PAGE_SIZE = 200
"""Tenants of one page: its history stays below 1,800 events, its report below 200 kB."""

NAMED_AT_ONCE = 500
"""Tenants that are planned at a time where they were named."""
BULK = 25
"""Small tenants that one step does: some 0.04 Actions each, and an order to cancel waits for a tenant only."""
PAGES_AT_ONCE = 4
TENANTS_AT_ONCE = 50
"""Both where ``open_cycle`` says nothing else: a version that knew no such settings."""
UNITS_AT_ONCE = 4
"""Units of one tenant that are done side by side."""
DUE_AT_ONCE = 100
"""Due units that are listed at a time."""


def is_large(*, planned: int, more: bool, pages: int) -> bool:
    """Return whether a fleet has more work than one page.

    Args:
        planned: tenants with work that were planned now.
        more: whether the fleet goes on behind them.
        pages: how many pages were planned before.
    """
    return more or pages > 0 or planned > PAGE_SIZE


RETRY = RetryPolicy(
    initial_interval=timedelta(seconds=1), backoff_coefficient=2.0, maximum_interval=timedelta(minutes=1)
)
"""No limit on attempts: ``activities/failures.py`` knows which errors end a step, and
``schedule_to_close_timeout`` ends what would otherwise wait for ever."""


SUMMARY_BYTES = 390
"""Bytes of a summary, for the Web UI: the server takes at most 400."""


def summary(about: str) -> str:
    """Return what a step or a child is about as the Web UI shows it."""
    return in_one_line(about).encode()[:SUMMARY_BYTES].decode(errors="ignore")


def sql(until: datetime | None = None) -> workflow.ActivityConfig:
    """Return the options of a step that runs a few statements, retried through an outage until the deadline."""
    return {
        "task_queue": TASK_QUEUE,
        "start_to_close_timeout": timedelta(minutes=2),
        "schedule_to_close_timeout": _until(until, at_least=timedelta(minutes=5)),
        # Every step beats (activities/heartbeat.py): a killed worker is noticed after this, not after two minutes.
        "heartbeat_timeout": HEARTBEAT,
        "retry_policy": RETRY,
    }


def long_sql(until: datetime | None = None) -> workflow.ActivityConfig:
    """Return the options of a unit of some 20 seconds; one that is cancelled says what it had done."""
    return {
        **sql(until),
        "start_to_close_timeout": timedelta(minutes=5),
        "cancellation_type": workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    }


def bulk(until: datetime) -> workflow.ActivityConfig:
    """Return the options of a step for many small tenants.

    What makes it fail three times is an outage, or a tenant that kills the worker: then each gets a run of its own.
    """
    return {**long_sql(until), "retry_policy": replace(RETRY, maximum_attempts=3)}


def model(tenant_id: str) -> workflow.ActivityConfig:
    """Return the options of a step that may ask a model many times.

    The ladder of waits and attempts is the ledger's and ends by itself; two hours are the
    backstop. A killed worker is noticed after the heartbeat time-out: what was paid is in
    the ledger, so the next attempt goes on from there.
    """
    return {
        "task_queue": MODEL_TASK_QUEUE,
        "start_to_close_timeout": timedelta(minutes=30),
        "schedule_to_close_timeout": timedelta(hours=2),
        "heartbeat_timeout": HEARTBEAT,
        "retry_policy": RETRY,
        "priority": Priority(fairness_key=short_tenant_id(tenant_id, MOST_FAIRNESS_KEY_BYTES)),
        "cancellation_type": workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    }


def within(deadline: datetime, patience: timedelta) -> timedelta:
    """Return how long a child may run: until the deadline, and *patience* more."""
    return max(deadline - workflow.now(), timedelta(0)) + patience


def webhooks() -> workflow.ActivityConfig:
    """Return the options of sending events."""
    return {**sql(), "schedule_to_close_timeout": SENDING_AT_MOST}


def _until(deadline: datetime | None, *, at_least: timedelta) -> timedelta:
    if deadline is None:
        return timedelta(hours=1)
    return max(deadline - workflow.now(), at_least)
