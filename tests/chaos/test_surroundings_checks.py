"""The checks of bill, workflows, logs and processes: each holds for a good run and fails for each fault."""

from dataclasses import replace

import pytest

from chaos.checks.surroundings import (
    Bill,
    Closed,
    Ledger,
    check_bill,
    check_charged,
    check_discretion,
    check_end,
    check_ends,
    check_frozen,
    check_logs,
    check_outcomes,
    check_processes,
    check_workflows,
)

BILL = Bill(answers=10, distinct=8, tokens=1200)
LEDGER = Ledger({"accepted": 8, "lost": 2}, 1500, 1500, 1500)
ROOT = Closed("cycle-1", "MaintenanceWorkflow", "COMPLETED")
TENANT = Closed("tenant-maintenance/acme", "TenantMaintenanceWorkflow", "CANCELED")


def test_an_answer_that_came_after_the_time_out_was_charged_and_may_be_paid_again():
    ledger = Ledger({"accepted": 8}, 1500, 1500, 1500, forfeited=2)
    assert check_bill(BILL, ledger).holds
    assert not check_bill(BILL, replace(ledger, forfeited=1)).holds


@pytest.mark.parametrize(("lost", "holds"), [(3, True), (2, True), (1, False), (0, False)])
def test_answers_paid_again_are_no_more_than_the_claims_lost(lost, holds):
    assert check_bill(BILL, replace(LEDGER, states={"lost": lost})).holds == holds


@pytest.mark.parametrize(
    ("ledger", "holds"),
    [
        (LEDGER, True),
        (Ledger({}, 1199, 1199, 1199), False),
        (replace(LEDGER, tenants_tokens=1499), False),
        (replace(LEDGER, rows_tokens=1501), False),
    ],
)
def test_every_billed_token_is_charged_and_the_books_agree(ledger, holds):
    assert check_charged(BILL, ledger).holds == holds


@pytest.mark.parametrize("status", ["RUNNING", "FAILED", "TERMINATED", "TIMED_OUT", "UNKNOWN"])
def test_a_workflow_that_did_not_close_well_fails(status):
    assert check_workflows([ROOT, TENANT], 0).holds
    assert check_workflows([ROOT, replace(TENANT, status=status)], 0).violations


@pytest.mark.parametrize(("terminations", "holds"), [(0, False), (1, True)])
def test_a_tenants_run_is_terminated_only_by_an_operator(terminations, holds):
    workflows = [ROOT, replace(TENANT, status="TERMINATED")]
    assert check_workflows(workflows, 0, terminations=terminations).holds == holds
    outcomes = {("failed", "TerminatedError"): 1, ("completed", None): 9}
    assert check_outcomes(outcomes, terminations).holds == holds


def test_a_terminated_cycle_is_a_violation():
    assert check_workflows([replace(ROOT, status="TERMINATED")], 0, terminations=1).violations


@pytest.mark.parametrize(
    ("read_only", "why", "holds"),
    [(True, "the store is read-only", True), (False, "the store is read-only", False), (True, "no such task", False)],
)
def test_a_cycle_fails_only_because_its_store_was_made_read_only(read_only, why, holds):
    failed = replace(ROOT, status="FAILED", why=why)
    assert check_workflows([failed], 0, read_only=read_only).holds == holds
    assert check_workflows([replace(failed, type="MaintenancePageWorkflow")], 0, read_only=read_only).violations


@pytest.mark.parametrize(
    ("outlived", "holds"), [([], False), ([10.2], True), ([10.2, 14.1], False)], ids=["none met", "met", "too long"]
)
def test_a_frozen_worker_holds_locks_no_longer_than_its_time_out(outlived, holds):
    assert check_frozen(outlived, 2).holds == holds


@pytest.mark.parametrize(("injected", "holds"), [(0, False), (1, True)])
def test_a_cycle_is_cancelled_only_by_an_operator(injected, holds):
    assert check_workflows([replace(ROOT, status="CANCELED")], injected).holds == holds


@pytest.mark.parametrize("status", ["failed", "page_failed"])
def test_a_failed_tenant_fails(status):
    good = {("completed", None): 9, ("paused", None): 1, ("cancelled", "CancelledError"): 1}
    assert check_outcomes(good).holds
    assert check_outcomes({**good, (status, "StoreError"): 1}).violations == [f"1 tenants {status} (StoreError)"]


def test_an_alarming_line_fails():
    assert check_logs({"Traceback": 0}, 100).holds
    assert check_logs({"Traceback": 1}, 100).violations
    assert not check_logs({"Traceback": 0}, 0).holds


def test_a_text_of_a_memory_fails():
    assert check_discretion({"temporal.db": 0}, 100).holds
    assert check_discretion({"temporal.db": 1}, 100).violations


@pytest.mark.parametrize(
    ("ends", "last", "connections", "holds"),
    [
        pytest.param({}, [0, 0], 0, True, id="in peace"),
        pytest.param({1: 3}, [0, 0], 0, True, id="ended with a clear line while a server was away"),
        pytest.param({-11: 1}, [0, 0], 0, False, id="a crash"),
        pytest.param({}, [0, 1], 0, False, id="a stop with an error"),
        pytest.param({}, [0, None], 0, False, id="one that does not stop"),
        pytest.param({}, [0, 0], 1, False, id="a connection left behind"),
    ],
)
def test_workers_end_in_peace(ends, last, connections, holds):
    assert check_ends(ends, last, connections).holds == holds


def test_a_process_that_is_left_fails():
    assert check_processes([], 2).holds
    assert check_processes(["postgres"], 2).violations


@pytest.mark.parametrize("end", [(False, True, True), (True, False, True), (True, True, False)])
def test_work_that_does_not_end_fails(end):
    assert check_end(*(True, True, True)).holds
    assert check_end(*end).violations
