"""What Temporal keeps of a cycle: its workflows, their events, and the bytes of what went in and came out."""

import json
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator

from temporalio.api.common.v1 import Payloads
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client

_WORKFLOW_TASKS = {value for name, value in EventType.items() if "_WORKFLOW_TASK_" in name}
"""How many there are depends on which completions arrive together: on the machine."""


async def histories(client: Client, workflow_id: str, run_id: str | None = None) -> AsyncIterator[list[HistoryEvent]]:
    """Yield the histories of a run and of all that it started."""
    events = list((await client.get_workflow_handle(workflow_id, run_id=run_id).fetch_history()).events)
    yield events
    for event in events:
        if event.HasField("child_workflow_execution_started_event_attributes"):
            child = event.child_workflow_execution_started_event_attributes.workflow_execution
            async for history in histories(client, child.workflow_id, child.run_id):
                yield history


def counted(history: Iterable[HistoryEvent]) -> Counter[str]:
    """Return the events of a run, without workflow tasks, and the activities that it scheduled."""
    counts: Counter[str] = Counter()
    name = "?"
    for event in history:
        if event.HasField("workflow_execution_started_event_attributes"):
            name = event.workflow_execution_started_event_attributes.workflow_type.name
            counts[f"runs {name}"] += 1
        if event.HasField("activity_task_scheduled_event_attributes"):
            counts[f"activities {event.activity_task_scheduled_event_attributes.activity_type.name}"] += 1
        counts[f"events {name}"] += event.event_type not in _WORKFLOW_TASKS
    return counts


def payloads(history: Iterable[HistoryEvent]) -> Iterator[tuple[str, int]]:
    """Yield what went into a run and its activities and came out of them, with its bytes."""
    names: dict[int, str] = {}
    workflow = "?"
    for event in history:
        started, completed = (
            event.workflow_execution_started_event_attributes,
            event.workflow_execution_completed_event_attributes,
        )
        scheduled, done = event.activity_task_scheduled_event_attributes, event.activity_task_completed_event_attributes
        match event.WhichOneof("attributes"):
            case "workflow_execution_started_event_attributes":
                workflow = started.workflow_type.name
                yield f"{workflow} input", _size(started.input)
            case "workflow_execution_completed_event_attributes":
                yield f"{workflow} result", _size(completed.result)
            case "activity_task_scheduled_event_attributes":
                names[event.event_id] = scheduled.activity_type.name
                yield f"{scheduled.activity_type.name} input", _size(scheduled.input)
            case "activity_task_completed_event_attributes":
                yield f"{names[done.scheduled_event_id]} result", _size(done.result)


def _size(given: Payloads) -> int:
    """Return the bytes of *given* as compact JSON, where 0 stands for every fraction: a duration is never the same."""
    values = [json.loads(payload.data, parse_float=lambda _: 0) for payload in given.payloads if payload.data]
    return sum(len(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()) for value in values)
