"""Temporal's tracing interceptor; a run that brings no trace along, as from a Schedule, has that of its cycle.

Imported only where traces are on: it needs the extra ``tracing``.
"""

from __future__ import annotations

from uuid import UUID

from temporalio import workflow
from temporalio.contrib.opentelemetry import TracingInterceptor, TracingWorkflowInboundInterceptor
from temporalio.worker import WorkflowInterceptorClassInput


class CycleTracing(TracingInterceptor):
    """Lets the workflows of a worker begin the trace of their cycle."""

    def workflow_interceptor_class(
        self,
        input: WorkflowInterceptorClassInput,  # noqa: A002
    ) -> type[TracingWorkflowInboundInterceptor]:
        """Return the interceptor of workflows."""
        super().workflow_interceptor_class(input)
        return _TracedWorkflow


class _TracedWorkflow(TracingWorkflowInboundInterceptor):
    def _load_workflow_context_carrier(self) -> dict[str, str] | None:
        """Return the trace that the start brought along, else one with the cycle's id: the same in a replay."""
        if (given := super()._load_workflow_context_carrier()) is None:
            cycle = UUID(workflow.info().first_execution_run_id).hex
            self._workflow_context_carrier = given = {"traceparent": f"00-{cycle}-{cycle[16:]}-01"}
        return given
