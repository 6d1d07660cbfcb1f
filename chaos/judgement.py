"""From what was found to verdicts: every invariant on the facts of one run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from chaos.checks import decay, derived, surroundings
from chaos.checks.surroundings import Bill, Closed
from chaos.checks.verdict import Verdict
from chaos.evidence import Found
from chaos.operators import CYCLE_CANCELLED
from chaos.record import Record
from chaos.settings import RATE, Options
from chaos.tenants import MIN_EVENTS

MOST_SAMPLES: Final = 20
"""Memories of one dream: the application's default."""

NO_BILL: Final = Bill(0, 0, 0)


@dataclass(slots=True)
class Facts:
    """What one run has come to."""

    options: Options
    record: Record
    found: Found
    workflows: Sequence[Closed]
    last: datetime
    quiet: bool
    nothing_due: bool
    first_as_of: datetime
    faults: Mapping[str, int]
    in_vain: Mapping[str, int]
    connections_cut: int
    frozen_transactions: Sequence[float]
    terminations: int
    resumed: int
    cycles: int
    connections: int = 0
    ends: Mapping[int, int] = field(default_factory=dict)
    last_statuses: Sequence[int | None] = ()
    bill: Bill = NO_BILL
    answers: Mapping[str, int] = field(default_factory=dict)
    alarms: Mapping[str, int] = field(default_factory=dict)
    log_lines: int = 0
    texts: Mapping[str, int] = field(default_factory=dict)
    searched: int = 0
    processes: Sequence[str] = ()
    seconds: float = 0

    def after_the_workers(self, *, connections: int, ends: Mapping[int, int], last: Sequence[int | None]) -> None:
        """Note what was seen when the workers had ended."""
        self.connections, self.ends, self.last_statuses = connections, ends, last

    def after_the_servers(
        self,
        *,
        bill: Bill,
        answers: Mapping[str, int],
        alarms: tuple[Mapping[str, int], int],
        texts: tuple[Mapping[str, int], int],
        processes: Sequence[str],
        seconds: float,
    ) -> None:
        """Note what was seen when everything had ended."""
        self.bill, self.answers, self.processes, self.seconds = bill, answers, processes, seconds
        self.alarms, self.log_lines = alarms
        self.texts, self.searched = texts

    def _times(self, kind: str) -> int:
        return self.faults.get(kind, 0) + self.in_vain.get(kind, 0)

    def verdicts(self) -> list[Verdict]:
        """Judge every invariant."""
        memories, found = self.record.memories, self.found
        history = decay.DecayHistory(found.adopted_at, self.last, found.runs, RATE)
        return [
            surroundings.check_end(self.nothing_due, self.quiet, found.adopted_at == self.first_as_of),
            decay.check_importance(memories, found.rows, history),
            decay.check_bases(memories, found.rows, history),
            decay.check_writes(memories, found.rows, len(found.rows)),
            derived.check_summaries(memories.values(), found.derived, found.covered, MIN_EVENTS),
            derived.check_dreams(found.derived, memories),
            derived.check_nothing_to_dream(memories.values(), found.dreams, self.last, MOST_SAMPLES),
            derived.check_once(found.derived),
            derived.check_derived_importance(found.derived, memories, found.covered, history),
            surroundings.check_bill(self.bill, found.ledger),
            surroundings.check_charged(self.bill, found.ledger),
            surroundings.check_workflows(
                self.workflows,
                self.faults.get(CYCLE_CANCELLED, 0),
                terminations=self.terminations,
                read_only=bool(self.faults.get("read_only")),
            ),
            surroundings.check_outcomes(found.outcomes, self.terminations),
            surroundings.check_frozen(self.frozen_transactions, self._times("freeze_in_transaction")),
            surroundings.check_logs(self.alarms, self.log_lines),
            surroundings.check_discretion(self.texts, self.searched),
            surroundings.check_ends(self.ends, self.last_statuses, self.connections),
            surroundings.check_processes(self.processes, len(self.last_statuses)),
        ]
