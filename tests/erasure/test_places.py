"""Every table of the schema maintenance is a place that forgetting goes through, or holds nothing of a memory."""

from memory_maintenance.erasure.places import PLACES
from memory_maintenance.store.pool import fetch

HOLD_NOTHING = {
    "cycles": "configuration, counts and findings of the preflight",
    "expiry_batches": "ids, counts, who and why: every memory that expiry took away is named for good",
    "erasure_orders": "what was asked for is taken out when an order is done",
    "erasure_targets": "the ids that the certificate names",
    "migrations": "names of migrations",
    "model_breaker": "endpoints",
    "model_budgets": "days, tenants, tokens",
    "orders": "words from closed sets, names of settings, who and why",
    "passes": "how far a tenant's memories were compared",
    "schedule_groups": "cron expressions and time zones",
    "set_aside_memories": "goes with its row of set_aside",
    "store": "when it was adopted; the columns of memories",
    "tenant_runs": "counts",
    "tenant_successes": "times of runs",
    "tenants": "what operators decided",
    "webhook_events": "ids of cycles, words from closed sets, numbers and times",
}


async def test_every_table_is_a_place_or_holds_nothing(pool):
    found = await fetch(pool, "SELECT tablename FROM pg_tables WHERE schemaname = 'maintenance'")
    places = {place.name for place in PLACES}
    assert {row["tablename"] for row in found} == places | HOLD_NOTHING.keys()
    assert places.isdisjoint(HOLD_NOTHING)
