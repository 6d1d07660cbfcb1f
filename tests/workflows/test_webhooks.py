"""A cycle of Temporal's sends its events: retried, without text of a memory, and without waiting for ever."""

from datetime import timedelta

import pytest
from google.protobuf.json_format import MessageToJson
from temporalio.client import WorkflowFailureError

from memory_maintenance.store.pool import execute, fetch_value
from tests.webhooks.conftest import receiver
from tests.workflows.conftest import remember_session
from workflows.options import TASK_QUEUE

__all__ = ["receiver"]

CANARY = "zqmemorycanary"
UNDELIVERED = "SELECT count(*) FROM maintenance.webhook_events WHERE status = 'waiting'"


async def start(temporal, name="cycle"):
    return await temporal.start_workflow("MaintenanceWorkflow", id=name, task_queue=TASK_QUEUE)


async def activities(temporal, name="cycle"):
    """Return the activities of a workflow, and all of its history as text."""
    history = await temporal.get_workflow_handle(name).fetch_history()
    scheduled = [event.activity_task_scheduled_event_attributes.activity_type.name for event in history.events]
    return [one for one in scheduled if one], "".join(map(MessageToJson, history.events))


async def test_events_are_retried_and_delivered_and_hold_no_text_of_a_memory(temporal, pool, working, receiver):
    await remember_session(pool, "acme", events=12)
    await execute(pool, "UPDATE memories SET content = content || ' ' || $1::text", CANARY)
    receiver.reply(503)
    async with working(**receiver.settings):
        stats = await (await start(temporal)).result()
    assert receiver.types[-1] == "cycle.finished"
    assert receiver.requests[0].body == receiver.requests[1].body
    event = receiver.events[-1]
    assert (event["subject"], event["data"]["tasks"]["summarization"]["stored"]) == (stats["cycle_id"], 1)
    assert CANARY not in repr(receiver.requests)
    called, history = await activities(temporal)
    assert called[-2:] == ["close_cycle", "deliver_events"]
    assert "cycle.finished" not in history
    assert await fetch_value(pool, UNDELIVERED) == 0


async def test_without_webhooks_no_step_is_added(temporal, working):
    async with working():
        await (await start(temporal)).result()
    assert (await activities(temporal))[0][-1] == "close_cycle"


async def test_a_receiver_that_is_away_does_not_hold_the_run_and_the_next_cycle_sends(
    temporal, pool, working, receiver, monkeypatch
):
    monkeypatch.setattr("workflows.options.SENDING_AT_MOST", timedelta(seconds=1))
    receiver.reply(*[503] * 20)
    async with working(**receiver.settings):
        first = await (await start(temporal)).result()
        assert await fetch_value(pool, UNDELIVERED) == 2  # an empty store is reported, too
        receiver.replies.clear()
        second = await (await start(temporal, "next")).result()
    assert {first["cycle_id"], second["cycle_id"]} <= {event["subject"] for event in receiver.events}
    assert await fetch_value(pool, UNDELIVERED) == 0


async def test_who_cancels_a_run_that_only_sends_finds_it_completed(temporal, pool, working, receiver):
    receiver.may_answer.clear()
    async with working(**receiver.settings):
        run = await start(temporal)
        await receiver.arrived(1)
        await run.cancel()
        stats = await run.result()
        receiver.may_answer.set()
    assert "status" not in stats
    assert await fetch_value(pool, "SELECT status FROM maintenance.cycles") == "completed"


async def test_a_run_that_its_preflight_stops_is_reported(temporal, pool, working, receiver):
    ahead = "INSERT INTO maintenance.cycles (cycle_id, kind, as_of, config, started_at) VALUES"
    await execute(pool, f"{ahead} (gen_random_uuid(), 'daily', now(), '{{}}', now() + interval '1 day')")
    async with working(**receiver.settings):
        with pytest.raises(WorkflowFailureError):
            await (await start(temporal)).result()
    assert receiver.types == ["cycle.failed"]
