"""What a tenant's other sessions speak of, as production reads it."""

from datetime import timedelta
from uuid import uuid4

from memory_maintenance.settings import Settings
from memory_maintenance.summarization.policy import SessionKey
from memory_maintenance.writers.extractive.background import MOST_EVENTS, tenant_background
from tests.agents import AS_OF, derived, talk, write
from tests.steps import Summarizing


async def test_words_are_counted_once_for_each_of_the_tenants_other_sessions(any_pool, tenant):
    await write(any_pool, tenant, ["The kettle leaks.", "The kettle was replaced."], session="a")
    await write(any_pool, tenant, ["A kettle for the office."], session="b", project="other")
    await write(any_pool, tenant, ["The printer jams."], session=None)
    await write(any_pool, tenant, ["The lamp is broken."], session="own")
    await write(any_pool, tenant, ["A summary of the lamp."], session="a", tags=["session_summary"])
    await write(any_pool, tenant, ["A lamp of tomorrow."], session="c", start=AS_OF + timedelta(hours=1))
    await write(any_pool, str(uuid4()), ["Another tenant's lamp."], session="a")
    found = await tenant_background(any_pool, tenant, AS_OF, without_session="own")
    assert (found.sessions, found.frequency["kettl"], found.frequency["printer"]) == (3, 2, 1)
    assert "lamp" not in found.frequency


async def test_a_sample_of_the_latest_events_is_read(pool, tenant):
    await write(pool, tenant, ["An old harpsichord."], session="old", start=AS_OF - timedelta(days=9))
    await write(pool, tenant, [f"Parcel {n}." for n in range(MOST_EVENTS)], session="new")
    found = await tenant_background(pool, tenant, AS_OF)
    assert (found.sessions, set(found.frequency)) == (1, {"parcel"})


async def test_topics_of_a_summary_are_what_the_tenants_other_sessions_do_not_speak_of(pool, tenant):
    for n in range(10):
        lines = [f"Order {n}{at} of the warehouse was packed." for at in range(3)]
        await write(pool, tenant, lines, session=f"s{n}", start=AS_OF - timedelta(days=1))
    own = [f"The warehouse packed the {kind} of the lighthouse." for kind in ("lens", "lamp", "ladder", "rail", "door")]
    await write(pool, tenant, [*own, *talk(7)], session="own")
    one = Summarizing(pool, Settings.model_validate({"rae_llm_backend": "extractive"}))
    await one.summarize(SessionKey(tenant, "shop", "own"), as_of=AS_OF)
    (row,) = await derived(pool, tenant)
    topics = row["content"].partition("Key Topics: ")[2].partition("\n")[0].split(", ")
    assert "lighthouse" in topics
    assert not {"warehouse", "orders", "order"} & set(topics)
