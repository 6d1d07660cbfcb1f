"""Traces by OpenTelemetry, where OTEL_EXPORTER_OTLP_ENDPOINT says where to send them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from temporalio.client import Interceptor

from memory_maintenance.errors import SettingsError
from memory_maintenance.settings import Settings
from memory_maintenance.spans import trace_with

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

SERVICE = "memory-maintenance"


def tracing_interceptors(settings: Settings) -> Sequence[Interceptor]:
    """Return what a client, and the workers that use it, need so that a run is one trace; nothing where traces are off.

    Raises:
        SettingsError: the packages for it are not installed.
    """
    endpoint = settings.otel_exporter_otlp_endpoint
    if endpoint is None:
        return []
    try:
        from runtime.traced_workflows import CycleTracing  # noqa: PLC0415  needs the extra

        tracer = provider(endpoint).get_tracer(SERVICE)
    except ImportError:
        raise SettingsError("OTEL_EXPORTER_OTLP_ENDPOINT: traces need packages: pip install '.[tracing]'") from None
    trace_with(tracer)
    return [CycleTracing(tracer)]


@cache
def provider(endpoint: str) -> TracerProvider:
    """Return what sends this process's spans to *endpoint*, in batches, the rest at its end; one for all clients."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    made = TracerProvider(resource=Resource.create({"service.name": os.environ.get("OTEL_SERVICE_NAME", SERVICE)}))
    made.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")))
    return made
