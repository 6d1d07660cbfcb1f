"""The picture of a trace, of a small night on real servers: python -m benchmarks.trace_picture."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import matplotlib as mpl
from matplotlib.figure import Figure
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from benchmarks.folders import passable_folder
from benchmarks.speed.servers import database, servers
from benchmarks.speed.store import Fleet, fill_nights, night
from chaos.answers import good_answer
from memory_maintenance.settings import Settings
from memory_maintenance.spans import trace_with
from memory_maintenance.store.pool import open_pool
from runtime.runs import start_run
from runtime.traced_workflows import CycleTracing
from runtime.workers import polling
from scripted_endpoint.limits import Limited
from scripted_endpoint.replies import answer
from scripted_endpoint.server import ScriptedEndpoint
from workflows.messages import MaintenanceRequest

PICTURES: Final = Path(__file__).resolve().parents[1] / "docs" / "pictures"
COLOURS: Final = {"Activity": "#4477aa", "Workflow": "#aaaaaa", "chat": "#ee6677", "": "#228833"}
"""By what is in a span's name: an activity, a workflow, a model call, and else a statement."""

Tree = Mapping[int | None, Sequence[ReadableSpan]]
"""Spans in the order of their starts, by the id of the span above."""


async def traced_night(home: Path) -> Sequence[ReadableSpan]:
    """Run a night of two tenants, of which one has a session for a model of 0.2 s, and return the spans."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("memory-maintenance")
    trace_with(tracer)
    model = Limited(lambda request: answer(good_answer(request)), 100, 0.2)
    async with ScriptedEndpoint(model) as endpoint, servers(home) as running, database(running) as url:
        await fill_nights(url, Fleet(2, 1_000, busy=1))
        settings = Settings(_env_file=None, openai_base_url=endpoint.base_url, openai_api_key="none")
        pool = await open_pool(url, size=10, timeout_seconds=60)
        client = await Client.connect(
            running.temporal_address, data_converter=pydantic_data_converter, interceptors=[CycleTracing(tracer)]
        )
        async with polling(client, settings, pool):
            request = MaintenanceRequest(tasks=("decay", "summarization"), as_of=night(1))
            await (await start_run(client, request)).result()
        await pool.close()
    spans: Sequence[ReadableSpan] = exporter.get_finished_spans()
    return spans


def below(tree: Tree, parent: int | None, depth: int = 0) -> Iterator[tuple[ReadableSpan, int]]:
    """Yield the spans below one and how deep they are, each above those that it contains."""
    for span in tree.get(parent, ()):
        yield span, depth
        yield from below(tree, span.context.span_id, depth + 1)


def waterfall(spans: Sequence[ReadableSpan]) -> Figure:
    """Draw a row for each span of the run's trace: a bar, or a mark where the span is a moment."""
    [root] = [span for span in spans if span.name == "StartWorkflow:MaintenanceWorkflow"]
    tree: dict[int | None, list[ReadableSpan]] = {}
    for span in sorted(spans, key=lambda span: span.start_time or 0):
        if span.context.trace_id == root.context.trace_id:
            tree.setdefault(span.parent and span.parent.span_id, []).append(span)
    rows = list(below(tree, None))
    figure = Figure(figsize=(10, 0.6 + 0.14 * len(rows)), layout="constrained")
    axes = figure.subplots()
    for row, (span, _) in enumerate(rows):
        colour = next(colour for word, colour in COLOURS.items() if word in span.name)
        start, end = (((moment or 0) - (root.start_time or 0)) / 1e6 for moment in (span.start_time, span.end_time))
        axes.barh(row, end - start, left=start, color=colour)
        axes.plot(start, row, marker="|", color=colour)
    axes.set_yticks(
        range(len(rows)), ["\u00a0\u00a0" * depth + span.name for span, depth in rows], fontsize=6, ha="left"
    )
    axes.tick_params(axis="y", pad=210, length=0)
    axes.tick_params(axis="x", labelsize=8)
    axes.invert_yaxis()
    axes.margins(y=0.01)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel("ms since the start of the run", fontsize=8)
    return figure


if __name__ == "__main__":
    mpl.rcParams.update({"svg.hashsalt": "trace", "svg.fonttype": "none"})
    with passable_folder() as home:
        found = asyncio.run(traced_night(home))
    folder = Path(sys.argv[1]) if sys.argv[1:] else PICTURES
    waterfall(found).savefig(folder / "trace-night.svg", metadata={"Date": None})
