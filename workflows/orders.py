"""Operators' orders as workflows receive them: by signals of any shape, and by updates, which answer.

A handler takes ``*args``: it is the only signature with which no input, however wrong or
however many, can hang a workflow. Orders are noted at once and queued; the workflow's main
coroutine writes the tenant's row and tells others.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, FailureError

with workflow.unsafe.imports_passed_through():
    from pydantic import ValidationError

    from activities.messages import LookUpTenantRequest, TenantOrder, TenantState
    from activities.operations import OperationActivities
    from workflows.options import sql

Action = Literal["pause", "resume", "cancel"]

_FIELDS: Final = ("tenant_id", "by", "reason", "until")


@dataclass(slots=True)
class _Received:
    """An order in the queue; ``done`` once it was carried out, or could not be."""

    order: TenantOrder
    done: bool = False
    failed: bool = False


class OrderQueue:
    """Orders received and not yet carried out, oldest first."""

    def __init__(self, note: Callable[[TenantOrder], None], *, dry_run: bool = False) -> None:
        """Take what is to be noted at once, so that of a pause and a resume the later one counts.

        Of a dry run no order is written: it holds for what runs and for nothing after it.
        """
        self._note = note
        self._dry_run = dry_run
        self._waiting: deque[_Received] = deque()

    def receive(self, action: Action, args: Sequence[Any], *, tenant_id: str | None = None) -> None:
        """Queue an order of a signal, or log that it cannot be understood. Never raises.

        Args:
            action: pause, resume or cancel.
            args: what the signal brought: nothing, a tenant id, or a mapping with tenant_id, by, reason, until.
            tenant_id: whose workflow this is; None: the order has to name a tenant.
        """
        given = args[0] if args else None
        fields = given if isinstance(given, dict) else {"tenant_id": given} if isinstance(given, str) else {}
        known = {name: fields[name] for name in _FIELDS if name in fields}
        if tenant_id is not None:
            known["tenant_id"] = tenant_id
        try:
            self._take(TenantOrder(**known, action=action))
        except ValidationError as error:
            workflow.logger.warning(
                "order %s ignored: %d field(s) missing or of the wrong type", action, error.error_count()
            )

    async def answer(self, action: Action, args: Sequence[Any], *, tenant_id: str | None = None) -> str:
        """Carry out the order of an update and say what it changed. The parameters are those of ``receive``.

        Raises:
            ApplicationError: there is no such tenant, or the order could not be carried out.
        """
        order = understood_order(action, args, tenant_id=tenant_id)
        request = LookUpTenantRequest(tenant_id=order.tenant_id)
        try:
            before: TenantState = await workflow.execute_activity_method(
                OperationActivities.look_up_tenant, request, **sql(workflow.now())
            )
        except ActivityError as error:
            raise (error.cause if isinstance(error.cause, ApplicationError) else error) from None
        received = self._take(order)
        await workflow.wait_condition(lambda: received.done)
        if received.failed:
            raise ApplicationError(f"{action} of {order.tenant_id} could not be carried out: see the worker's log")
        return _answer(order, before)

    def _take(self, order: TenantOrder) -> _Received:
        received = _Received(order)
        self._note(order)
        self._waiting.append(received)
        return received

    async def carry_out(self, tell: Callable[[TenantOrder], Awaitable[None]] | None = None) -> None:
        """Carry out orders as they come, until cancelled: into the tenant's row, then *tell* whom it concerns."""
        while True:
            await workflow.wait_condition(lambda: bool(self._waiting))
            received = self._waiting[0]
            order = received.order
            try:
                if self._dry_run:
                    workflow.logger.warning("order %s holds for this dry run only", order.action)
                elif order.action != "cancel":
                    await workflow.execute_activity_method(OperationActivities.carry_out_order, order, **sql())
                if tell:
                    await tell(order)
            except FailureError:
                received.failed = True
                workflow.logger.exception("order %s could not be carried out", order.action)
            received.done = True
            self._waiting.popleft()

    async def drained(self) -> None:
        """Wait until every order received so far is carried out and every update has its answer."""
        await workflow.wait_condition(lambda: not self._waiting and workflow.all_handlers_finished())


def understood_order(action: Action, args: Sequence[Any], *, tenant_id: str | None = None) -> TenantOrder:
    """Return the order that an update brought; the parameters are those of ``OrderQueue.receive``.

    Raises:
        ApplicationError: one line that names what is wrong with it, and repeats no value.
    """
    if len(args) > 1:
        raise _refused(f"give one input, not {len(args)}")
    given = args[0] if args else None
    fields = {"tenant_id": given} if isinstance(given, str) else {} if given is None else given
    if not isinstance(fields, dict):
        raise _refused(f"give a tenant id or an object with fields among {', '.join(_FIELDS)}")
    if unknown := sorted(set(map(str, fields)) - set(_FIELDS)):
        raise _refused(f"{unknown[0]}: no such field; the fields are {', '.join(_FIELDS)}")
    if tenant_id is not None and fields.get("tenant_id", tenant_id) != tenant_id:
        raise _refused(f"tenant_id: this workflow is about {tenant_id}")
    try:
        order = TenantOrder(**{"tenant_id": tenant_id, **fields}, action=action)
    except ValidationError as error:
        fault = error.errors()[0]
        raise _refused(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}") from None
    if order.until is not None and (order.until.tzinfo is None or order.until <= workflow.now()):
        raise _refused("until: give a time to come, with its zone")
    return order


def _refused(why: str) -> ApplicationError:
    return ApplicationError(f"the order was not understood: {why}", type="InvalidRequestError", non_retryable=True)


def _answer(order: TenantOrder, before: TenantState) -> str:
    tenant = order.tenant_id
    if order.action == "cancel":
        return f"cancelled {tenant} in this cycle; the next one goes on"
    if order.action == "resume":
        return f"resumed {tenant}, which {before.in_words()}" if before.paused else f"{tenant} was not paused"
    return f"paused {tenant}, which {before.in_words()}" if before.paused else f"paused {tenant}"
