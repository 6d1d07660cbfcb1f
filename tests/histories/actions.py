"""How many Actions of Temporal Cloud a history stands for, as the Web UI estimates them: ``python -m tests.histories.actions``.

Queries and heartbeats are in no history, and not counted.
"""

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from temporalio.api.enums.v1 import EventType, WorkflowTaskFailedCause
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import WorkflowHistory

FOLDER: Final = Path(__file__).parent

_ONE: Final = frozenset(
    {
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED,
        EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED,
        EventType.EVENT_TYPE_TIMER_STARTED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED,
        EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_OPTIONS_UPDATED,
    }
)


def actions_of(event: HistoryEvent) -> int:
    """Return how many Actions one event stands for."""
    if event.event_type in _ONE:
        return 1
    match event.event_type:
        case EventType.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED:
            return 2  # besides the one of the child's own start
        case EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED:
            return event.activity_task_started_event_attributes.attempt - 1
        case EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED:
            cause = event.workflow_task_failed_event_attributes.cause
            return int(cause == WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_RESET_WORKFLOW)
        case _:
            return 0


def actions(events: Iterable[HistoryEvent]) -> int:
    """Return how many Actions a history stands for."""
    return sum(map(actions_of, events))


def recorded(name: str, folder: Path = FOLDER) -> Iterator[tuple[str, WorkflowHistory]]:
    """Yield the histories that were recorded under a name, each with the name of its workflow."""
    for path in sorted(folder.glob(f"{name}--*.json")):
        text = path.read_text()
        started = json.loads(text)["events"][0]["workflowExecutionStartedEventAttributes"]
        yield path.stem.partition("--")[2], WorkflowHistory.from_json(started["workflowId"], text)


def _table(folder: Path) -> Iterator[str]:
    for name in sorted({path.name.partition("--")[0] for path in folder.glob("*.json")}):
        for workflow, history in recorded(name, folder):
            # A parent pays for starting its child: two Actions, which are shown with the child.
            child = "tenant" in workflow or "page" in workflow
            children = sum(2 for event in history.events if actions_of(event) == 2)
            size = sum(event.ByteSize() for event in history.events)
            count = actions(history.events) - children + 2 * child
            yield f"{name:20} {workflow:45} {count:4} Actions {len(history.events):5} events {size:8} bytes"


if __name__ == "__main__":
    print("\n".join(_table(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)))  # noqa: T201
