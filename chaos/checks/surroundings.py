"""The model's bill, the workflows, the processes: what a run leaves besides the memories."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from chaos.checks.verdict import Verdict

TERMINATED: Final = "TerminatedError"

MOST_FROZEN: Final = 14
"""Seconds: ten without a word, by idle_in_transaction_session_timeout, and what a busy machine is late."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """What the application has written down about its calls."""

    states: Mapping[str, int]
    charged_tokens: int
    """Of all days, as the deployment's budget has it."""
    tenants_tokens: int
    """The same as the sum over the tenants' budgets."""
    rows_tokens: int
    """The same as the sum over the calls: used, forfeited and still reserved."""
    forfeited: int = 0
    """Calls, not lost, of which an answer did not come within the time-out and was charged: a frozen worker's, too."""

    @property
    def lost(self) -> int:
        """Return how many claims were counted as lost."""
        return self.states.get("lost", 0)


@dataclass(frozen=True, slots=True)
class Bill:
    """What the endpoint has written: whole answers, different prompts among them, and all tokens."""

    answers: int
    distinct: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Closed:
    """A workflow at the end of a run."""

    id: str
    type: str
    status: str
    why: str = ""
    """What a failed one says."""


def check_bill(bill: Bill, ledger: Ledger) -> Verdict:
    """Answers paid again are at most as many as those that the ledger counts as lost or forfeited: none reached it."""
    again, missed = bill.answers - bill.distinct, ledger.lost + ledger.forfeited
    wrong = [f"{again} answers paid again, {missed} lost or forfeited"] if again > missed else []
    note = f"{bill.answers} answers to {bill.distinct} questions, {ledger.lost} lost, {ledger.forfeited} forfeited"
    return Verdict("answers paid - distinct (question, attempt) <= lost or forfeited", bill.answers, wrong, note)


def check_charged(bill: Bill, ledger: Ledger) -> Verdict:
    """Whatever the endpoint bills was charged to the budgets, which agree with the calls."""
    wrong = []
    if bill.tokens > ledger.charged_tokens:
        wrong.append(f"{bill.tokens} tokens billed, {ledger.charged_tokens} charged")
    if not ledger.charged_tokens == ledger.tenants_tokens == ledger.rows_tokens:
        wrong.append(f"{ledger.charged_tokens}, {ledger.tenants_tokens}, {ledger.rows_tokens}: budgets disagree")
    note = f"{bill.tokens} tokens billed, {ledger.charged_tokens} charged"
    return Verdict("every billed token is charged", bill.answers, wrong, note)


def check_workflows(
    workflows: Sequence[Closed], injected_cancels: int, *, terminations: int = 0, read_only: bool = False
) -> Verdict:
    """Every workflow has closed, and none as failed, but cycles whose first step found the store read-only.

    Whole cycles are cancelled, and runs of tenants terminated, as often as somebody did so.
    """
    statuses = Counter(one.status for one in workflows)
    terminated = [one for one in workflows if one.status == "TERMINATED"]
    refused = [one for one in workflows if one.status == "FAILED" and read_only and "read-only" in one.why]
    expected = {one for one in workflows if one.status in ("COMPLETED", "CANCELED")} | {
        *(one for one in terminated if one.type == "TenantMaintenanceWorkflow"),
        *(one for one in refused if one.type == "MaintenanceWorkflow"),
    }
    wrong = [f"{one.type} {one.id}: {one.status} {one.why}".strip() for one in workflows if one not in expected]
    if len(terminated) > terminations:
        wrong.append(f"{len(terminated)} runs were terminated, {terminations} by an operator")
    cancelled = sum(one.status == "CANCELED" and one.type == "MaintenanceWorkflow" for one in workflows)
    if cancelled > injected_cancels:
        wrong.append(f"{cancelled} cycles were cancelled, {injected_cancels} by an operator")
    note = ", ".join(f"{number} {status.lower()}" for status, number in statuses.items())
    return Verdict("no workflow is stuck or failed", len(workflows), wrong, note)


def check_outcomes(outcomes: Mapping[tuple[str, str | None], int], terminations: int = 0) -> Verdict:
    """No tenant's run failed but those that were terminated: waiting mends every other fault."""
    wrong = [
        f"{number} tenants {status} ({error})"
        for (status, error), number in outcomes.items()
        if status in ("failed", "page_failed")
        and not (status == "failed" and error == TERMINATED and number <= terminations)
    ]
    note = ", ".join(f"{number} {status}" for (status, _), number in sorted(outcomes.items(), key=str))
    return Verdict("no tenant's run failed", sum(outcomes.values()), wrong, note)


def check_frozen(outlived: Sequence[float], tried: int) -> Verdict:
    """Postgres ends the transaction of a worker that is frozen, and with it its locks."""
    wrong = [f"a transaction outlived its worker for {seconds:.1f} s" for seconds in outlived if seconds > MOST_FROZEN]
    note = f"{len(outlived)} of {tried} met one; the longest for {max(outlived, default=0):.1f} s"
    return Verdict(f"no frozen worker holds locks for {MOST_FROZEN} s", len(outlived), wrong, note)


def check_logs(found: Mapping[str, int], lines: int) -> Verdict:
    """No log has a failed workflow task, a non-determinism error or a traceback."""
    wrong = [f"{number} lines with {words!r}" for words, number in found.items() if number]
    return Verdict("no workflow task failed, no traceback", lines, wrong)


def check_discretion(places: Mapping[str, int], size: int) -> Verdict:
    """No text of a memory is in a log or in Temporal's database."""
    wrong = [f"{number} times in {place}" for place, number in places.items() if number]
    return Verdict("no text of a memory in logs or in Temporal", size, wrong, f"{size / 1e6:.0f} MB searched")


def check_ends(worker_ends: Mapping[int, int], last: Sequence[int | None], connections: int) -> Verdict:
    """Workers end only by our hand or with one clear line, in peace at last, and leave no connection behind."""
    wrong = [f"{number} times with status {status}" for status, number in worker_ends.items() if status != 1]
    wrong += [f"a worker stopped with status {status}" for status in last if status != 0]
    if connections:
        wrong.append(f"{connections} connections are left")
    note = f"{sum(worker_ends.values())} ended by themselves and were started again"
    return Verdict("workers stop in peace and leave no connection", len(last), wrong, note)


def check_processes(left: Sequence[str], started: int) -> Verdict:
    """No process of the run is alive after it."""
    return Verdict("no process is left", started, list(left))


def check_end(nothing_due: bool, quiet: bool, adopted_as_planned: bool) -> Verdict:
    """The faults being over, work comes to an end: running cycles close, and a final one finds nothing to do."""
    faults = {
        "workflows did not come to rest": not quiet,
        "final cycles did not come to an end": not nothing_due,
        "the store was adopted as of another instant than the first cycle's": not adopted_as_planned,
    }
    wrong = [fault for fault, holds in faults.items() if holds]
    return Verdict("work comes to an end", len(faults), wrong)
