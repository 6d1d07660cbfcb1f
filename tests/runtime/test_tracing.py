"""A run as one trace, as a collector receives it: from the command to the page of SQL and the call of the model."""

import asyncio
import sys
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import structlog
from pytest_httpserver import HTTPServer
from structlog.testing import capture_logs
from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

pytest.importorskip("opentelemetry.sdk", reason="the extra `tracing` is not installed")

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from activities.failures import FailureInterceptor
from memory_maintenance.errors import SettingsError
from memory_maintenance.settings import Settings
from memory_maintenance.spans import trace_with
from memory_maintenance.store.pool import Pool
from runtime.client import connect
from runtime.runs import start_run
from runtime.tracing import provider
from runtime.workers import polling
from scripted_endpoint.server import ScriptedEndpoint
from tests.workflows.conftest import remember_session
from tests.workflows.test_model import QUICK, good
from workflows.messages import MaintenanceRequest

CANARY = "the blue tent is at Dana's"


class Collector:
    """An OTLP endpoint that keeps what it is sent."""

    def __init__(self, server: HTTPServer) -> None:
        self._server = server
        server.expect_request("/v1/traces", method="POST").respond_with_data("")
        self.endpoint = server.url_for("").rstrip("/")

    async def spans(self) -> list[Span]:
        assert await asyncio.to_thread(provider(self.endpoint).force_flush)
        found = []
        for request, _ in self._server.log:
            sent = ExportTraceServiceRequest.FromString(request.get_data())
            found += [span for one in sent.resource_spans for scope in one.scope_spans for span in scope.spans]
        return found


@pytest.fixture
def collector(httpserver: HTTPServer) -> Iterator[Collector]:
    yield Collector(httpserver)
    trace_with(None)
    provider.cache_clear()


@pytest.fixture
async def night(
    temporal: Client, pool: Pool, endpoint: ScriptedEndpoint, collector: Collector
) -> tuple[list[Span], list[Any]]:
    """The spans and the log lines of a cycle that was started by hand."""
    endpoint.otherwise = good
    model: dict[str, Any] = QUICK | {"openai_base_url": endpoint.base_url}
    settings = Settings(_env_file=None, otel_exporter_otlp_endpoint=collector.endpoint, **model)
    await remember_session(pool, "acme", events=12)
    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as lines:
        client = await connect(temporal.service_client.config.target_host, settings)
        async with polling(client, settings, pool):
            await (await start_run(client, MaintenanceRequest())).result()
    return await collector.spans(), lines


def _attributes(span: Span) -> dict[str, str]:
    return {one.key: one.value.string_value for one in span.attributes}


async def test_a_run_is_one_trace_from_its_start_to_the_page_of_sql_and_the_call_of_the_model(night):
    spans, _ = night
    [start] = [span for span in spans if span.name == "StartWorkflow:MaintenanceWorkflow"]
    of_the_run = [span for span in spans if span.trace_id == start.trace_id]
    by_id = {span.span_id: span for span in of_the_run}

    def path(name: str) -> list[str]:
        span = next(span for span in of_the_run if span.name == name)
        names = [span.name]
        while span.parent_span_id:
            span = by_id[span.parent_span_id]
            names.insert(0, span.name)
        return names

    tenant = [
        "StartWorkflow:MaintenanceWorkflow",
        "StartChildWorkflow:MaintenancePageWorkflow",
        "StartChildWorkflow:TenantMaintenanceWorkflow",
    ]
    batch = [*tenant, "StartActivity:decay_batch", "RunActivity:decay_batch"]
    assert path("decay.DECAY_PAGE") == [*batch, "decay.DECAY_PAGE"]
    [chat] = {span.name for span in of_the_run if span.name.startswith("chat ")}
    assert path(chat) == [*tenant, "StartActivity:summarize_session", "RunActivity:summarize_session", chat]


async def test_the_ids_of_a_span_are_those_of_its_log_lines(night):
    spans, lines = night
    [done] = [line for line in lines if line["event"] == "tenant_decay_completed"]
    [span] = [span for span in spans if span.span_id.hex() == done["span_id"]]
    assert span.name == "RunActivity:decay_batch"
    assert span.trace_id.hex() == done["trace_id"]
    for name in ("tenant_id", "cycle_id", "workflow_id", "run_id"):
        assert _attributes(span)[name] == done[name]


async def test_a_run_that_brings_no_trace_along_as_from_a_schedule_is_one_trace_too(temporal, pool, collector):
    await remember_session(pool, "acme", events=12)
    settings = Settings(_env_file=None, rae_llm_backend="extractive", otel_exporter_otlp_endpoint=collector.endpoint)
    client = await connect(temporal.service_client.config.target_host, settings)
    async with polling(client, settings, pool):
        run = await temporal.start_workflow("MaintenanceWorkflow", id="night", task_queue="memory-maintenance")
        await run.result()
    spans = [span for span in await collector.spans() if _attributes(span).get("cycle_id") or "Run" in span.name]
    assert {"RunWorkflow:MaintenanceWorkflow", "RunActivity:decay_batch"} <= {span.name for span in spans}
    assert run.first_execution_run_id
    assert {span.trace_id.hex() for span in spans} == {UUID(run.first_execution_run_id).hex}


async def test_without_an_endpoint_nothing_is_traced(temporal, pool):
    await remember_session(pool, "acme", events=12)
    settings = Settings(_env_file=None, rae_llm_backend="extractive")
    client = await connect(temporal.service_client.config.target_host, settings)
    async with polling(client, settings, pool):
        run = await start_run(client, MaintenanceRequest())
        await run.result()
    started = (await run.fetch_history()).events[0].workflow_execution_started_event_attributes
    assert dict(started.header.fields) == {}


@activity.defn(name="leak")
async def leak() -> None:
    raise ValueError(CANARY)


@workflow.defn(name="Leaking")
class Leaking:
    @workflow.run
    async def run(self) -> str:
        try:
            await workflow.execute_activity("leak", schedule_to_close_timeout=timedelta(seconds=1))
        except Exception as error:  # noqa: BLE001
            return type(error).__name__
        return "no error"


async def test_the_text_of_a_foreign_error_is_in_no_span(temporal, collector):
    settings = Settings(_env_file=None, otel_exporter_otlp_endpoint=collector.endpoint)
    client = await connect(temporal.service_client.config.target_host, settings)
    runner = UnsandboxedWorkflowRunner()  # pytest itself cannot be imported in the sandbox
    interceptors = [FailureInterceptor()]
    async with Worker(
        client,
        task_queue="q",
        workflows=[Leaking],
        activities=[leak],
        workflow_runner=runner,
        interceptors=interceptors,
    ):
        assert await client.execute_workflow("Leaking", id="leaking", task_queue="q") == "ActivityError"
    spans = await collector.spans()
    assert "RunActivity:leak" in {span.name for span in spans}
    assert CANARY not in str(spans)


async def test_without_the_packages_the_setting_is_refused(monkeypatch):
    monkeypatch.setitem(sys.modules, "runtime.traced_workflows", None)
    settings = Settings(_env_file=None, otel_exporter_otlp_endpoint="http://127.0.0.1:1")
    with pytest.raises(SettingsError, match=r"pip install '.\[tracing\]'"):
        await connect("127.0.0.1:1", settings)
