"""No text of a memory or an answer leaves the store: not by a log, a metric or Temporal, at any level, whatever fails."""

from __future__ import annotations

import base64
import binascii
import json
import logging
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.protobuf.json_format import MessageToJson
from prometheus_client import generate_latest
from temporalio.client import Client, WorkflowExecution, WorkflowFailureError

from memory_maintenance.observability.logs import configure_logs
from memory_maintenance.settings import Settings
from memory_maintenance.store import failures
from memory_maintenance.store.pool import Pool, execute, fetch_value
from memory_maintenance.summarization.task import Summarization
from scripted_endpoint.replies import Reply, answer, status
from scripted_endpoint.server import ScriptedEndpoint
from tests.restored_logs import restored_logs
from tests.visible import listed
from tests.workflows.conftest import TALK
from tests.workflows.test_model import QUICK
from workflows.options import TASK_QUEUE

__all__ = ["restored_logs"]

pytestmark = pytest.mark.usefixtures("restored_logs")

MEMORY, ANSWER = "zqmemorycanary", "zqanswercanary"
"""Is in what agents wrote, and in what the endpoint says. Letters only: no number that would be unsupported."""

INSERT = """
INSERT INTO memories (tenant_id, project, session_id, content, importance, layer, created_at, tags, metadata)
VALUES ($1, 'shop', 's1', $2, 0.8, 'episodic', $3, $4, $5)
"""

REFUSE_WHAT_IS_DERIVED = """
ALTER TABLE memories ADD CONSTRAINT nothing_derived
CHECK (tenant_id <> 'cedar' OR source IS NULL OR source NOT IN ('summarization_worker', 'reflection_engine_v2'))
"""
"""The error's detail then holds the whole row, in the words of Postgres."""

RAISE_THE_TEXT = """
CREATE FUNCTION say() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'refused: %', NEW.content USING ERRCODE = TG_ARGV[0]; END $$;
CREATE TRIGGER say_unforeseen BEFORE INSERT ON memories
    FOR EACH ROW WHEN (NEW.tenant_id = 'larch' AND NEW.source IS NOT NULL) EXECUTE FUNCTION say('P0001');
CREATE TRIGGER say_data BEFORE INSERT ON memories
    FOR EACH ROW WHEN (NEW.tenant_id = 'pine' AND NEW.source IS NOT NULL) EXECUTE FUNCTION say('22000');
CREATE TRIGGER say_undefined BEFORE INSERT ON memories
    FOR EACH ROW WHEN (NEW.tenant_id = 'yew' AND NEW.source IS NOT NULL) EXECUTE FUNCTION say('42P01');
"""

TENANTS = {
    "birch": "answered",
    "cedar": "refused by a constraint",
    "larch": "refused by a trigger",
    "pine": "refused as a value",
    "yew": "refused as a missing table",
    "aspen": "declined by the model",
    "maple": "an error of the endpoint",
    "alder": "an answer of another shape",
    "rowan": "a defect of the code",
}


def reply(request: dict[str, Any]) -> Reply:
    """Answer by the tenant whose name is in the prompt, the canary always among it."""
    asked = json.dumps(request["messages"])
    if "aspen" in asked:
        return answer(refusal=f"I cannot: {ANSWER}")
    if "maple" in asked:
        return status(400, message=ANSWER, param=ANSWER, error_code=ANSWER, error_type=ANSWER)
    if "alder" in asked:
        return answer({"summary": [ANSWER], ANSWER: 7})
    text = f"{ANSWER}: Ana prefers a replacement tent because the blue tent leaks at the seam; Marek approved a refund."
    if "evidence" in json.dumps(request["response_format"]):
        said = {"reflection": text, "strategy": text, "importance": 7, "confidence": 8, "evidence": [1, 2]}
        return answer({**said, "tags": [ANSWER, "refund"]})
    return answer({"summary": text, "key_topics": [ANSWER, "refund"], "sentiment": "negative"})


async def remember(pool: Pool, tenant: str) -> None:
    """Write a due session whose contents, tags and metadata hold the canary."""
    end = datetime.now(UTC) - timedelta(hours=1)
    metadata = {"note": MEMORY, MEMORY: [MEMORY], "role": "user"}
    texts = [f"{tenant} {MEMORY} {TALK[n % 4].format(n=n + 10)}" for n in range(12)]
    rows = [(tenant, text, end - timedelta(minutes=n), [MEMORY], metadata) for n, text in enumerate(texts)]
    await pool.executemany(INSERT, rows)


@pytest.fixture(autouse=True)
def defective(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Once, the summary of the tenant rowan raises an error that holds memory text; the list has its text then."""
    raised: list[str] = []
    working = Summarization.summarize

    async def summarize(task: Summarization, tenant: Any, session: Any, run: Any) -> Any:
        if session.tenant_id == "rowan" and not raised:
            raised.append(f"rowan {MEMORY}")
            raise ValueError(raised[0]) from KeyError(raised[0])
        return await working(task, tenant, session, run)

    monkeypatch.setattr(Summarization, "summarize", summarize)
    return raised


@pytest.fixture(params=["console", "json"])
def listen(request: pytest.FixtureRequest, capfd: pytest.CaptureFixture[str]) -> Callable[[], Callable[[], str]]:
    """Make the application's own logs as loud as they can be; what it returns, returns all that the process printed."""

    def loudest() -> Callable[[], str]:
        configure_logs(Settings(_env_file=None, log_level="debug", log_format=request.param))
        return lambda: "".join(capfd.readouterr())

    return loudest


# --- where text could stand --------------------------------------------------------------------------


async def everything_recorded(client: Client, logs: str) -> dict[str, str]:
    """Return all that left the store, by where it stands: each workflow's history, description and queries, too."""
    told = {"logs": logs, "metrics": generate_latest().decode()}
    for one in await listed(client, None, until=lambda found: all(run.close_time for run in found)):
        told |= {f"{part} of {one.id}": text async for part, text in _of_workflow(client, one)}
    return told


async def _of_workflow(client: Client, one: WorkflowExecution) -> AsyncIterator[tuple[str, str]]:
    handle = client.get_workflow_handle(one.id, run_id=one.run_id)
    yield "history", _readable((await handle.fetch_history()).to_json())
    yield "description", _readable(MessageToJson((await handle.describe()).raw_description))
    # The last of them has what the Web UI shows as current details.
    for query in ("status", "progress", "__stack_trace", "__temporal_workflow_metadata"):
        if query.startswith("__") or "/page-" not in one.id:
            yield query, json.dumps(await handle.query(query), default=str)


def _readable(text: str) -> str:
    """Return *text*, JSON of a protobuf message, with its payloads decoded."""
    return "\n".join(_strings(json.loads(text)))


def _strings(value: Any) -> Iterator[str]:
    match value:
        case dict():
            yield from value
            for one in value.values():
                yield from _strings(one)
        case list():
            for one in value:
                yield from _strings(one)
        case str():
            yield value
            with suppress(binascii.Error):
                yield base64.b64decode(value, validate=True).decode(errors="replace")


def places(told: dict[str, str], canary: str) -> list[str]:
    """Return where *canary* stands."""
    return [place for place, text in told.items() if canary in text.casefold()]


# --- a night in which much goes wrong ----------------------------------------------------------------


async def eventful_night(client: Client, pool: Pool, endpoint: ScriptedEndpoint) -> None:
    """Run a cycle over ``TENANTS``; it fails, because tenants of it do."""
    endpoint.otherwise = reply
    await execute(pool, REFUSE_WHAT_IS_DERIVED)
    await execute(pool, RAISE_THE_TEXT)
    for tenant in TENANTS:
        await remember(pool, tenant)
    with pytest.raises(WorkflowFailureError):
        await client.execute_workflow("MaintenanceWorkflow", id="night", task_queue=TASK_QUEUE)


FAILED = "SELECT array_agg(tenant_id ORDER BY tenant_id) FROM maintenance.tenant_runs WHERE status = 'failed'"
ERRORS = "SELECT array_agg(DISTINCT error_type ORDER BY error_type) FROM maintenance.tenant_runs WHERE error_type <> ''"
DERIVED = "SELECT string_agg(content, ' ') FROM memories WHERE source IS NOT NULL"


def at(endpoint: ScriptedEndpoint) -> dict[str, Any]:
    return {**QUICK, "model_timeout_seconds": 10, "openai_base_url": endpoint.base_url, "maintenance_fail_ratio": 0}


async def test_no_text_leaves_the_store_however_loud_the_logs_and_whatever_fails(
    temporal, pool, working, endpoint, listen, defective
):
    printed = listen()
    async with working(**at(endpoint)):
        await eventful_night(temporal, pool, endpoint)
        told = await everything_recorded(temporal, printed())
    assert places(told, MEMORY) == []
    assert places(told, ANSWER) == []
    # It could have left: all of this happened, and these are the places that were searched.
    assert sum(place.startswith("history of") for place in told) == 2 + len(TENANTS)
    assert all(any(tenant in json.dumps(request) for request in endpoint.requests) for tenant in TENANTS)
    assert await fetch_value(pool, FAILED) == ["cedar", "larch", "pine", "yew"]
    assert await fetch_value(pool, ERRORS) == ["InvalidRequestError", "StoreError"]
    assert {MEMORY, ANSWER} <= set(re.findall(r"\w+", await fetch_value(pool, DERIVED)))
    assert defective == [f"rowan {MEMORY}"]
    assert "activity_raised" in told["logs"]


# --- the search finds what is there ------------------------------------------------------------------


@pytest.mark.parametrize("listen", ["json"], indirect=True)
async def test_the_search_finds_a_tenants_name_wherever_it_may_stand(temporal, pool, working, listen):
    printed = listen()
    await remember(pool, "zqtenant")
    async with working(metrics_max_tenants=1_000_000):  # other tests of the process have many
        await temporal.execute_workflow("MaintenanceWorkflow", id="night", task_queue=TASK_QUEUE)
        found = places(await everything_recorded(temporal, printed()), "zqtenant")
    tenant = "tenant-maintenance/zqtenant"
    assert {"logs", "metrics", "history of night", f"history of {tenant}", f"description of {tenant}"} <= set(found)
    assert {f"progress of {tenant}", f"__temporal_workflow_metadata of {tenant}"} <= set(found)


@pytest.mark.parametrize("listen", ["console"], indirect=True)
async def test_the_search_finds_an_error_that_would_quote_the_row(
    temporal, pool, working, endpoint, listen, monkeypatch
):
    printed = listen()
    monkeypatch.setattr(failures, "_kind", str)
    async with working(**at(endpoint)):
        await eventful_night(temporal, pool, endpoint)
        found = places(await everything_recorded(temporal, printed()), ANSWER)
    assert {"logs", *(f"history of tenant-maintenance/{name}" for name in ("cedar", "larch", "pine"))} <= set(found)


async def test_the_search_finds_a_line_that_a_library_logs(temporal, listen):
    printed = listen()
    logging.getLogger("temporalio").debug("a memory: %s", MEMORY)
    assert places(await everything_recorded(temporal, printed()), MEMORY) == ["logs"]
