"""Metrics of cycles: counted when a cycle or one of its pages is written down, so that a retry counts nothing twice."""

from typing import Final

from prometheus_client import Counter, Histogram

CYCLES: Final = Counter(
    "memory_maintenance_cycles",
    "Cycles that were closed; kind: daily, hourly; status: completed, failed, cancelled",
    ["kind", "status"],
)
CYCLE_SECONDS: Final = Histogram(
    "memory_maintenance_cycle_seconds",
    "Seconds from the opening of a cycle to its end",
    ["kind"],
    # An hourly run has three quarters of an hour, a daily one twenty hours.
    buckets=(10, 60, 300, 900, 1800, 2700, 7200, 14_400, 28_800, 72_000),
)
TENANT_OUTCOMES: Final = (
    "completed", "failed", "paused", "cancelled", "out_of_time", "already_running", "page_failed"
)  # fmt: skip

UNITS: Final = Counter("memory_maintenance_units", "What cycles had to do, by what became of it", ["unit", "outcome"])
REASONS: Final = Counter(
    "memory_maintenance_unit_reasons",
    "Why units were skipped, failed or got a fallback; of tenants, the type of the error",
    ["unit", "reason"],
)
TENANT_SECONDS: Final = Histogram(
    "memory_maintenance_tenant_seconds",
    "Seconds of one tenant in one cycle",
    # A batch of decay ends after some 20 seconds, a question to a model after two minutes.
    buckets=(0.1, 0.5, 2, 10, 20, 60, 120, 600, 3600, 14_400),
)

# A series that begins with its first failure hides it: Prometheus sees no increase. So all of them begin at 0.
for _kind in ("daily", "hourly"):
    for _status in ("completed", "failed", "cancelled"):
        CYCLES.labels(kind=_kind, status=_status)
for _outcome in TENANT_OUTCOMES:
    UNITS.labels(unit="tenant", outcome=_outcome)
