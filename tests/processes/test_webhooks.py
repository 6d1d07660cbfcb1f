"""A worker that is killed while it sends: the event arrives all the same, once, or again with the same id."""

import pytest

from memory_maintenance.store.pool import fetch_value
from tests.webhooks.conftest import receiver
from workflows.options import TASK_QUEUE

__all__ = ["receiver"]


@pytest.mark.slow  # half a minute: two workers, and the heartbeat that the killed one leaves
async def test_events_survive_a_worker_that_is_killed_while_it_sends(temporal, pool, servers, start_worker, receiver):
    chosen = {**servers, **{name.upper(): value for name, value in receiver.settings.items()}}
    worker = await start_worker(**chosen)
    receiver.may_answer.clear()
    run = await temporal.start_workflow("MaintenanceWorkflow", id="cycle", task_queue=TASK_QUEUE)
    await receiver.arrived(1)
    await worker.kill()
    receiver.may_answer.set()
    await start_worker(**chosen)
    stats = await run.result()
    finished = [event for event in receiver.events if event["type"] == "memory_maintenance.cycle.finished"]
    assert {event["data"]["cycle_id"] for event in finished} == {stats["cycle_id"]}
    first, *again = receiver.requests
    assert first.headers["webhook-id"] in {request.headers["webhook-id"] for request in again}
    ids = [request.headers["webhook-id"] for request in receiver.requests]
    assert len(ids) == len(set(ids)) + 1
    assert len({request.body for request in receiver.requests}) == len(set(ids))
    left = "SELECT count(*) FROM maintenance.webhook_events WHERE status <> 'delivered'"
    assert await fetch_value(pool, left) == 0
