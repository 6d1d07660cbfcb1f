"""Whatever a signal or an update brings, it is an order that Postgres takes, or ignored or refused in one line."""

import logging
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from temporalio import workflow
from temporalio.exceptions import ApplicationError

from activities.messages import TenantOrder
from activities.operations import OperationActivities
from memory_maintenance.errors import MaintenanceError
from tests.fuzzing.anything import SECRET, few, fuzzed, instants, objects, texts, values
from workflows.orders import OrderQueue, understood_order

ORDERS = objects(tenant_id=st.sampled_from(["acme", "bolt"]), by=texts, reason=texts, until=instants)
INPUTS = st.lists(ORDERS | values, max_size=3)
ACTIONS = st.sampled_from(["pause", "resume", "cancel"])
OWN = st.none() | st.just("acme")


@pytest.fixture(autouse=True)
def outside(monkeypatch):
    """Replace what only a running workflow has: its clock and its logger."""
    monkeypatch.setattr(workflow, "now", lambda: datetime(2026, 11, 24, tzinfo=UTC))
    monkeypatch.setattr(workflow, "logger", logging.getLogger("orders"))


def received(action: Any, args: list[Any], tenant_id: str | None) -> list[TenantOrder]:
    noted: list[TenantOrder] = []
    OrderQueue(noted.append).receive(action, args, tenant_id=tenant_id)
    return noted


@given(ACTIONS, INPUTS, OWN)
@fuzzed
def test_a_signal_of_any_shape_is_an_order_about_the_right_tenant_or_ignored(caplog, action, args, own):
    caplog.clear()
    for order in received(action, args, own):
        assert order.action == action
        assert own is None or order.tenant_id == own
        assert TenantOrder.model_validate_json(order.model_dump_json()) == order
    assert SECRET not in caplog.text


@given(ACTIONS, INPUTS, OWN)
@fuzzed
def test_an_update_of_any_shape_is_an_order_or_refused_in_one_line(action, args, own):
    try:
        order = understood_order(action, args, tenant_id=own)
    except ApplicationError as error:
        assert (error.non_retryable, error.type) == (True, "InvalidRequestError")
        assert "input_value" not in error.message
        return
    assert (order.action, order.until is None or order.until.tzinfo is not None) == (action, True)
    assert own is None or order.tenant_id == own


@given(st.sampled_from(["pause", "resume"]), ORDERS)
@few
async def test_an_order_that_was_received_is_carried_out_or_refused_for_good(pool, action, given_):
    for order in received(action, [given_], None):
        try:
            await OperationActivities(pool).carry_out_order(order)
        except MaintenanceError as error:
            assert not error.retryable, "orders behind it would wait for ever"


@pytest.mark.parametrize("until", ["9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59"])
async def test_a_time_that_postgres_cannot_hold_in_utc_does_not_hold_up_the_orders_behind_it(pool, until):
    for order in received("pause", [{"tenant_id": "acme", "until": until}], None):
        try:
            await OperationActivities(pool).carry_out_order(order)
        except MaintenanceError as error:
            assert not error.retryable
