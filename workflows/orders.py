"""Operators' orders as workflows receive them: by signals of any shape, kept in a queue.

A handler takes ``*args``: it is the only signature with which no input, however wrong or
however many, can hang a workflow. Handlers only note and queue; the workflow's main
coroutine writes the tenant's row and tells others.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Literal

from temporalio import workflow
from temporalio.exceptions import FailureError

with workflow.unsafe.imports_passed_through():
    from pydantic import ValidationError

    from activities.messages import TenantOrder
    from activities.operations import OperationActivities
    from workflows.options import sql

Action = Literal["pause", "resume", "cancel"]


class OrderQueue:
    """Orders received and not yet carried out, oldest first."""

    def __init__(self, note: Callable[[TenantOrder], None], *, dry_run: bool = False) -> None:
        """Take what is to be noted at once, so that of a pause and a resume the later one counts.

        Of a dry run no order is written: it holds for what runs and for nothing after it.
        """
        self._note = note
        self._dry_run = dry_run
        self._waiting: deque[TenantOrder] = deque()

    def receive(self, action: Action, args: Sequence[Any], *, tenant_id: str | None = None) -> None:
        """Queue an order, or log that it cannot be understood. Never raises.

        Args:
            action: pause, resume or cancel.
            args: what the signal brought: nothing, a tenant id, or a mapping with tenant_id, by, reason, until.
            tenant_id: whose workflow this is; None: the order has to name a tenant.
        """
        given = args[0] if args else None
        fields = given if isinstance(given, dict) else {"tenant_id": given} if isinstance(given, str) else {}
        known = {name: fields[name] for name in ("tenant_id", "by", "reason", "until") if name in fields}
        if tenant_id is not None:
            known["tenant_id"] = tenant_id
        try:
            order = TenantOrder(**known, action=action)
        except ValidationError as error:
            workflow.logger.warning(
                "order %s ignored: %d field(s) missing or of the wrong type", action, error.error_count()
            )
            return
        self._note(order)
        self._waiting.append(order)

    async def carry_out(self, tell: Callable[[TenantOrder], Awaitable[None]] | None = None) -> None:
        """Carry out orders as they come, until cancelled: into the tenant's row, then *tell* whom it concerns."""
        while True:
            await workflow.wait_condition(lambda: bool(self._waiting))
            order = self._waiting[0]
            try:
                if self._dry_run:
                    workflow.logger.warning("order %s holds for this dry run only", order.action)
                elif order.action != "cancel":
                    await workflow.execute_activity_method(OperationActivities.carry_out_order, order, **sql())
                if tell:
                    await tell(order)
            except FailureError:
                workflow.logger.exception("order %s could not be carried out", order.action)
            self._waiting.popleft()

    async def drained(self) -> None:
        """Wait until every order received so far is carried out."""
        await workflow.wait_condition(lambda: not self._waiting)
