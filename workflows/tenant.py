"""TenantMaintenanceWorkflow: one tenant, one task after the other."""

import asyncio
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from pydantic import ValidationError

    from activities.bulk import BulkActivities
    from activities.messages import BulkRequest, DueRequest, DueResult, TenantOrder, UnitRequest
    from memory_maintenance.cycles.outcomes import TenantOutcome, TenantStatus
    from memory_maintenance.printable import in_one_line
    from memory_maintenance.work import Counts, Done, TaskSpec, UnitJson
    from workflows.failures import error_type, reason, was_cancelled
    from workflows.messages import TenantProgress, TenantRequest
    from workflows.options import DUE_AT_ONCE, UNITS_AT_ONCE, bulk, long_sql, model, sql, summary
    from workflows.orders import OrderQueue, understood_order
    from workflows.search_attributes import show_status
    from workflows.waiting import all_of, result_of


@workflow.defn(failure_exception_types=[ValidationError, TypeError])
class TenantMaintenanceWorkflow:
    """Do one tenant's maintenance tasks in order: the units that are due, one after the other or a few at once.

    Signals: ``pause`` and ``resume``, both idempotent, and ``cancel``; all take any input or
    none. Updates of the same names answer. The batch in flight always finishes. Queries: ``status`` and ``progress``.
    """

    @workflow.init
    def __init__(self, request: TenantRequest) -> None:
        self._request = request
        self._scope, self._run = request.scope, request.scope.run
        self._tenant_id = request.plan.tenant_id
        self._orders = OrderQueue(self._note_order, dry_run=self._run.dry_run)
        self._told_to_stop: TenantStatus | None = None
        self._stopped: TenantStatus | None = None
        self._progress = request.progress or TenantProgress(
            outcome=TenantOutcome(tenant_id=self._tenant_id), started_at=workflow.now()
        )
        self._outcome = self._progress.outcome
        self._task: str | None = None

    @workflow.signal
    def pause(self, *args: Any) -> None:
        """Stop after the batch in flight; later cycles leave the tenant out until it is resumed."""
        self._orders.receive("pause", args, tenant_id=self._tenant_id)

    @workflow.signal
    def resume(self, *args: Any) -> None:
        """Take a pause back; a run that has stopped already is not revived: the next one goes on."""
        self._orders.receive("resume", args, tenant_id=self._tenant_id)

    @workflow.signal
    def cancel(self, *args: Any) -> None:
        """End this run after the batch in flight; the next cycle goes on."""
        self._orders.receive("cancel", args, tenant_id=self._tenant_id)

    @workflow.update(name="pause")
    async def update_pause(self, *args: Any) -> str:
        """Pause a tenant and say how it was."""
        return await self._orders.answer("pause", args, tenant_id=self._tenant_id)

    @update_pause.validator
    def check_pause(self, *args: Any) -> None:
        """Refuse what is no order."""
        understood_order("pause", args, tenant_id=self._tenant_id)

    @workflow.update(name="resume")
    async def update_resume(self, *args: Any) -> str:
        """Resume a tenant and say how it was paused."""
        return await self._orders.answer("resume", args, tenant_id=self._tenant_id)

    @update_resume.validator
    def check_resume(self, *args: Any) -> None:
        """Refuse what is no order."""
        understood_order("resume", args, tenant_id=self._tenant_id)

    @workflow.update(name="cancel")
    async def update_cancel(self, *args: Any) -> str:
        """End this run after the batch in flight."""
        return await self._orders.answer("cancel", args, tenant_id=self._tenant_id)

    @update_cancel.validator
    def check_cancel(self, *args: Any) -> None:
        """Refuse what is no order."""
        understood_order("cancel", args, tenant_id=self._tenant_id)

    @workflow.query
    def status(self) -> str:
        """Return the task that this run is at, or why it stopped."""
        return self._stopped or self._task or "starting"

    @workflow.query
    def progress(self) -> TenantOutcome:
        """Return what was done so far."""
        return self._outcome

    @workflow.run
    async def run(self, request: TenantRequest) -> TenantOutcome:  # noqa: ARG002  __init__ has it
        """Do the tenant's work of one cycle and return what was done."""
        obeying = asyncio.create_task(self._orders.carry_out())
        try:
            await self._work()
        except (asyncio.CancelledError, ActivityError) as error:
            if not was_cancelled(error):
                raise  # a cancelled run has a result like any other: what was done so far counts
        finally:
            await self._orders.drained()
        obeying.cancel()
        outcome = self._closed()
        if self._scope.search_attributes and outcome.status != "completed":  # each costs an Action
            show_status(outcome.status)
        return outcome

    # --- the tasks --------------------------------------------------------------------------------

    async def _work(self) -> None:
        if self._request.one_step and not self._has_to_stop() and await self._all_in_one_step():
            return
        names = [task.name for task in self._scope.tasks]
        continued = self._progress.task
        for task in self._scope.tasks[names.index(continued) if continued else 0 :]:
            cursor = self._progress.cursor if task.name == continued else None
            written = self._outcome.left_to(task, self._scope.tasks)
            if not (written or self._request.plan.units.get(task.name)) or self._has_to_stop():
                continue
            self._task = task.name
            workflow.set_current_details(f"{task.name} for tenant `{in_one_line(self._tenant_id)}`")
            if written and self._run.dry_run and task.name != continued:
                # What a dry run does not write cannot be listed as due: it is counted here.
                self._outcome = self._outcome.adding(task, Counts(**{task.done[0]: written}))
            try:
                await (self._one_by_one if task.chain else self._a_few_at_once)(task, cursor)
            except ActivityError as error:
                self._note_failure(error)

    async def _all_in_one_step(self) -> bool:
        """Do the units that the plan lists, of every task; return False where the tasks have to be done each by itself.

        As a page does those of small tenants: where the step fails, or the tenant has more than was planned, they are
        done again, as a retry does them.
        """
        self._task = "all tasks"
        about = ", ".join(self._request.plan.units)
        workflow.set_current_details(f"{about} for tenant `{in_one_line(self._tenant_id)}`")
        options = bulk(self._scope.deadline)
        options["summary"] = summary(about)
        request = BulkRequest(run=self._run, plans=(self._request.plan,))
        step = workflow.start_activity_method(BulkActivities.maintain_tenants, request, **options)
        try:
            done = await result_of(step)
        except ActivityError as error:
            if was_cancelled(error):
                raise
            workflow.logger.warning("the step for all tasks failed: %s", error_type(error))
            return False
        for outcome in done.outcomes:
            self._outcome = outcome
            if outcome.status == "paused":
                self._told_to_stop = self._told_to_stop or "paused"
        return bool(done.outcomes)

    async def _one_by_one(self, task: TaskSpec, unit: UnitJson | None) -> None:
        """Do a chain of units, of which each names the next, from *unit* on or from the beginning."""
        unit = unit or task.first
        if unit is None:
            due = await self._due(task, None, limit=1)
            unit = due[0] if due else None
        while unit is not None and await self._may_go_on(unit):
            unit = (await self._do(task, unit)).next

    async def _a_few_at_once(self, task: TaskSpec, after: UnitJson | None) -> None:
        """List what is due a batch at a time, from behind *after* on, and do each, a few at once.

        What the plan has listed is all there was then. A task that follows others also has what they wrote since.
        """
        listed = () if after or task.follows else self._request.plan.due.get(task.name, ())
        while await self._may_go_on(after):
            due = listed or await self._due(task, after, limit=DUE_AT_ONCE)
            slots = asyncio.Semaphore(UNITS_AT_ONCE)

            async def one(unit: UnitJson, slots: asyncio.Semaphore = slots) -> None:
                async with slots:
                    if not self._has_to_stop():
                        await self._do(task, unit)

            await all_of(one(unit) for unit in due)
            if listed or len(due) < DUE_AT_ONCE:
                return
            after = due[-1]

    async def _due(self, task: TaskSpec, after: UnitJson | None, *, limit: int) -> tuple[UnitJson, ...]:
        request = DueRequest(tenant_id=self._tenant_id, run=self._run, after=after, limit=limit)
        due: DueResult = await workflow.execute_activity(
            task.due_activity, request, result_type=DueResult, **sql(self._scope.deadline)
        )
        return due.units

    async def _do(self, task: TaskSpec, unit: UnitJson) -> Done:
        """Do one unit and count it; one that fails for good does not stop the others."""
        # A dry run asks no model: it waits for no rate of requests and for no worker that may ask.
        asks = task.queue == "model" and not self._run.dry_run
        options = model(self._tenant_id) if asks else long_sql(self._scope.deadline)
        if about := _about(task, unit):
            options["summary"] = summary(about)
        request = UnitRequest(tenant_id=self._tenant_id, unit=unit, run=self._run)
        try:
            done: Done = await result_of(workflow.start_activity(task.activity, request, result_type=Done, **options))
        except ActivityError as error:
            self._note_failure(error)
            done = Done(counts=task.failed(unit, reason(error)))
        if done.paused:
            self._told_to_stop = self._told_to_stop or "paused"
        self._outcome = self._outcome.adding(task, done.counts)
        return done

    # --- when to stop -----------------------------------------------------------------------------

    async def _may_go_on(self, cursor: UnitJson | None) -> bool:
        """Return whether the next batch may start; continue as new from *cursor* where the history got long."""
        if self._has_to_stop():
            return False
        if workflow.info().is_continue_as_new_suggested():
            await self._orders.drained()
            progress = TenantProgress(
                task=self._task, cursor=cursor, outcome=self._outcome, started_at=self._progress.started_at
            )
            workflow.continue_as_new(self._request.model_copy(update={"progress": progress}))
        return True

    def _has_to_stop(self) -> bool:
        """Return whether an order came to stop, or time is up. Once seen, it stays so for this run."""
        if self._stopped is None:
            cancelled = workflow.cancellation_reason() is not None
            late = workflow.now() >= self._scope.deadline
            self._stopped = self._told_to_stop or ("cancelled" if cancelled else "out_of_time" if late else None)
        return self._stopped is not None

    def _note_order(self, order: TenantOrder) -> None:
        if order.action == "resume":
            self._told_to_stop = None if self._told_to_stop == "paused" else self._told_to_stop
        else:
            self._told_to_stop = "paused" if order.action == "pause" else "cancelled"

    def _note_failure(self, error: ActivityError) -> None:
        if was_cancelled(error):
            raise error
        self._outcome = self._outcome.model_copy(update={"status": "failed", "error_type": error_type(error)})

    def _closed(self) -> TenantOutcome:
        took = (workflow.now() - self._progress.started_at) / timedelta(seconds=1)
        cancelled: TenantStatus | None = None if workflow.cancellation_reason() is None else "cancelled"
        status = "failed" if self._outcome.failed else self._stopped or self._told_to_stop or cancelled or "completed"
        return self._outcome.model_copy(update={"status": status, "seconds": took})


def _about(task: TaskSpec, unit: UnitJson) -> str:
    """Return what a step is about, for the Web UI: the names in a unit, or how much it stands for."""
    if task.many:
        return f"{task.size(unit)} {task.units}"
    return "/".join(value for name, value in unit.items() if isinstance(value, str) and name != "after")
