"""Three believable sessions: a support chat, a migration in a day, and a long incident with its chatter."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

from memory_maintenance.store.memory import Memory

_NAMESPACE = UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")
START = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


def session(
    lines: Sequence[str], *, minutes_apart: float = 3, start: datetime = START, importance: float = 0.5
) -> list[Memory]:
    """Return one memory per line; a line may begin with its importance, as in ``.9|We decided ...``."""
    return [_memory(line, index, start + timedelta(minutes=minutes_apart * index), importance)
            for index, line in enumerate(lines)]  # fmt: skip


def _memory(line: str, index: int, created_at: datetime, importance: float) -> Memory:
    weight, bar, content = line.partition("|")
    weighted = bool(bar) and weight[:1] == "." and weight[1:].isdecimal() and weight.isascii()
    return Memory(
        id=uuid5(_NAMESPACE, f"{index}"),
        tenant_id="acme",
        content=content if weighted else line,
        created_at=created_at,
        importance=float(weight) if weighted else importance,
        session_id="a session",
    )


TENT = (
    "Hi there, good morning!",
    "Hello Ana, how can I help you today?",
    ".6|Customer Ana Lund wants a refund for the blue tent on order 4412, a seam tore on the first night.",
    "Sure, one moment please.",
    ".5|Order 4412: blue tent Fjell 3, 189.00 EUR, delivered 2026-11-02, two-year warranty.",
    ".5|Photos show the rain fly torn along the glued seam, not along a fold.",
    ".4|She first asked for a replacement, but the blue tent is out of stock until January.",
    "ok",
    ".8|Root cause according to the workshop: glue batch G7 does not cure below 10 degrees; nine other tents are affected.",
    ".9|Decided: full refund of 189.00 EUR to the original card, no return needed, 15 EUR voucher for the ruined trip.",
    "Thanks so much, you're wonderful!",
    "You're welcome, have a nice weekend!",
)

MIGRATION = (
    "Good morning team",
    "morning!",
    ".5|Today we plan the move of the billing service from MySQL 5.7 to Postgres 17.",
    ".5|The billing database has 214 GB in 38 tables; invoices alone has 96 million rows.",
    ".7|The deadline for the cut-over is 12 March 2027, because MySQL support ends that week.",
    "ok",
    ".4|Ben asks whether the reporting replica has to move on the same day.",
    ".5|The reporting replica may lag by two weeks: finance closes the month from a snapshot.",
    "sounds good",
    ".5|pgloader copied the staging data in 3 h 40 min; the slowest table is invoice_lines.",
    ".6|Collations differ: MySQL compares customer codes without case, Postgres does not. 412 codes collide.",
    ".8|Decided to store customer codes in lower case and to add a unique index on lower(code).",
    "let me check",
    ".4|Unsigned integers of invoices.id exceed the range of int4, so all ids become bigint.",
    ".5|Zero dates (0000-00-00) stand in 1,204 rows of payments; they become NULL.",
    "hm",
    ".4|The nightly export job reads with SELECT FOR UPDATE and would block the copy for 40 minutes.",
    ".6|Export job moved behind the copy window, owner is Priya.",
    "thanks Priya!",
    ".3|Lunch is at the Thai place on the corner.",
    ".5|Second rehearsal: 2 h 05 min with eight parallel workers instead of four.",
    ".5|Row counts agree for 37 of 38 tables; audit_log differs by 61 rows.",
    ".7|Root cause of the audit_log difference: rows written during the copy; the trigger was disabled by pgloader.",
    "ouch",
    ".6|Fixed by copying audit_log last, with the trigger enabled.",
    "great",
    ".5|Latency on staging: p95 of invoice search is 210 ms on MySQL and 74 ms on Postgres.",
    ".4|Ben rewrote the two queries that used GROUP BY without aggregates.",
    ".5|Rollback plan: keep MySQL writable for 24 hours through a reverse feed.",
    ".4|Is the reverse feed tested?",
    ".6|The reverse feed loses updates of JSON columns, so rollback is only possible within 2 hours.",
    "ok understood",
    ".9|Correction: the cut-over deadline is no longer 12 March 2027, the vendor moved it to 26 March 2027.",
    ".5|Budget: two extra db.r6g.4xlarge for three weeks, 2,900 EUR, approved by Tomas.",
    ".5|Support has to announce a read-only window of 30 minutes to customers.",
    "fine",
    ".6|Go/no-go meeting is on 19 March with Priya, Ben and Tomas.",
    ".8|Lesson: rehearse with production-sized data, both surprises were invisible at a tenth of the size.",
    "good work everyone",
    "bye!",
)

_LOG = (
    "\n".join(
        f"2026-11-20T11:{minute:02d}:07Z worker-{minute % 4} INFO  polled queue payouts, 0 messages, took {minute + 3} ms"
        for minute in range(24)
    )
    + "\n2026-11-20T11:24:10Z worker-2 ERROR payout batch 8841 failed: connection pool exhausted after 30 s, 64 of 64 busy"
)

_FACTS = (
    ".5|Pager: payouts are delayed by more than 15 minutes for 340 merchants.",
    ".5|The payouts queue holds 12,400 messages and grows by 80 per minute.",
    ".4|Workers are up, CPU is at 9 percent, so they wait for something.",
    f".4|{_LOG}",
    ".6|All 64 connections of the pool are busy, each idle in transaction.",
    ".5|Idle transactions come from the ledger client: it opens one and then calls the bank over HTTP.",
    ".5|The bank's sandbox and production answer in 9 seconds today instead of 300 ms.",
    ".4|First guess: the release 7.31 of this morning. Rolled back at 11:40.",
    ".5|The roll-back changed nothing, so release 7.31 is not the cause.",
    ".8|Root cause: the ledger client holds a database transaction open while it waits for the bank.",
    ".6|Work-around: raised the pool to 200 and cut the bank timeout to 3 seconds at 12:05.",
    ".5|Queue shrinks by 400 per minute since 12:07.",
    ".6|Two payouts were sent twice because the retry ignored the bank reference, 1,310.50 EUR in all.",
    ".7|Decided: every payout gets an idempotency key made of merchant and batch.",
    ".5|Mara called both merchants; they return the double payouts by bank transfer.",
    ".5|Queue is empty at 12:41, the incident lasted 96 minutes.",
    ".6|The alert fired only after 15 minutes because it measures age in batches of five.",
    ".6|Alert changed: it fires when the oldest message is older than 4 minutes.",
    ".7|Lesson: never wait for a foreign service inside a database transaction.",
    ".6|Post-mortem on 27 November at 14:00, owner is Jonas, draft due two days before.",
    ".5|The fix in the ledger client is merge request 2207, reviewed by Aiko.",
    ".7|Merge request 2207 merged and released as 7.32; connections stay below 20 under the same load.",
)

_CHATTER = ("ok", "thanks!", "let me check", "one sec", "looking", "great", "hm", "sounds good", "on it", "sure")

INCIDENT = (
    "hello everyone",
    *(line for fact, index in zip(_FACTS, range(len(_FACTS)), strict=True)
      for line in (fact, *(_CHATTER[(index * 3 + more) % len(_CHATTER)] for more in range(4 + (index % 2)))) ),
    *("thanks all", "bye", "see you tomorrow", "good night", "cheers", "bye bye"),
    *("ok", "thank you", "great work"),
)[:126]  # fmt: skip
"""126 lines: 22 facts, one of them a pasted log, among small talk."""
