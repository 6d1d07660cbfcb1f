"""Does decay hide what is asked for? Evidence recall@10 before and after a year, under each policy.

    python -m benchmarks.decay_recall                                  five synthetic stores
    python -m benchmarks.decay_recall --memories M.jsonl --questions Q.jsonl

No model, no network, no database. The synthetic store, its seed and its pattern of access were fixed
before any policy was run on it (``synthetic_store.py``). Memories are ranked by relevance (BM25)
times importance. Recall@10 of a question is the share of its evidence among the first ten;
"newest first" is how often the newest version of a superseded fact comes before its older ones.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.decay_policies import POLICIES, as_imported
from benchmarks.ranking import Found, Search
from benchmarks.store import CURRENT, PAST, RARE, RECENT, Store
from benchmarks.store_files import read_store
from benchmarks.synthetic_store import SEED, StoreShape, synthetic_store
from memory_maintenance.errors import InvalidRequestError


@dataclass(frozen=True, slots=True)
class Score:
    """What one policy found in one store; shares in [0, 1]."""

    recall: float
    by_kind: dict[str, float]
    newest_first: float | None
    """None where no question has versions."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One store: how it was at import, and after the year under each policy."""

    at_import: Score
    after: dict[str, Score]


def measure(store: Store) -> Measured:
    """Ask the store's questions at import, and at ``as_of`` under every policy."""
    search = Search(store)
    after = {name: _score(search.ask(policy(store))) for name, policy in POLICIES.items()}
    return Measured(_score(search.ask(as_imported(store))), after)


def measure_seeds(seeds: int, first: int = SEED, shape: StoreShape | None = None) -> list[Measured]:
    """Measure the synthetic stores of *seeds* successive seeds."""
    return [measure(synthetic_store(seed, shape)) for seed in range(first, first + seeds)]


def _score(found: Sequence[Found]) -> Score:
    kinds = dict.fromkeys(one.kind for one in found)
    newest = [float(one.newest_first) for one in found if one.newest_first is not None]
    return Score(
        _mean(one.recall for one in found),
        {kind: _mean(one.recall for one in found if one.kind == kind) for kind in kinds},
        _mean(newest) if newest else None,
    )


def _mean(values: Iterable[float]) -> float:
    known = list(values)
    return sum(known) / len(known)


# --- what is shown -----------------------------------------------------------------------------------

_KINDS = (CURRENT, RARE, RECENT, PAST)


def as_json(measured: Sequence[Measured]) -> dict[str, Any]:
    """Return every number, as shares in [0, 1]: mean, lowest and highest over the stores."""
    at_import = _json_of([one.at_import for one in measured])
    after = {name: _json_of([one.after[name] for one in measured]) for name in POLICIES}
    return {"stores": len(measured), "at_import": at_import, "after_a_year": after}


def _json_of(scores: Sequence[Score]) -> dict[str, Any]:
    newest = [one.newest_first for one in scores if one.newest_first is not None]
    kinds = {kind: _spread([one.by_kind[kind] for one in scores]) for kind in scores[0].by_kind}
    recall = _spread([one.recall for one in scores])
    return {"recall_at_10": recall, "recall_at_10_by_kind": kinds, "newest_first": _spread(newest) if newest else None}


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {"mean": _mean(values), "lowest": min(values), "highest": max(values)}


def as_markdown(measured: Sequence[Measured]) -> str:
    """Return a table in percent: a row per policy, after the row of the store at import."""
    kinds = [kind for kind in _KINDS if kind in measured[0].at_import.by_kind]
    head = ["ranking by relevance ×", "recall@10", "change, points", *kinds, "newest first"]
    before = [one.at_import for one in measured]
    rows = [_row("importance at import", before, before, kinds)]
    rows += [_row(name, before, [one.after[name] for one in measured], kinds) for name in POLICIES]
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] + ["---:"] * (len(head) - 1), *rows])


def _row(name: str, before: Sequence[Score], after: Sequence[Score], kinds: Sequence[str]) -> list[str]:
    changes = [now.recall - then.recall for then, now in zip(before, after, strict=True)]
    newest = [one.newest_first for one in after if one.newest_first is not None]
    by_kind = [f"{100 * _mean(one.by_kind[kind] for one in after):.1f}" for kind in kinds]
    recall = _percent([one.recall for one in after])
    return [name, recall, _percent(changes, sign="+"), *by_kind, _percent(newest) if newest else "–"]


def _percent(values: Sequence[float], sign: str = "") -> str:
    """Return the mean in percent, followed by the range where there are several values."""
    mean, low, high = (_number(100 * value, sign) for value in (_mean(values), min(values), max(values)))
    return mean if len(values) == 1 else f"{mean} ({low} to {high})"


def _number(value: float, sign: str) -> str:
    rounded = round(value, 1) or 0.0  # never "-0.0"
    return f"{rounded:{sign if rounded else ''}.1f}"


# --- the command -------------------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; return the exit code."""
    asked = _parser().parse_args(arguments)
    if (asked.memories is None) != (asked.questions is None):
        _parser().error("--memories and --questions go together")
    try:
        measured = _measured(asked)
    except (InvalidRequestError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    print(json.dumps(as_json(measured), indent=2) if asked.json else as_markdown(measured))
    return 0


def _measured(asked: argparse.Namespace) -> list[Measured]:
    if asked.memories is None:
        return measure_seeds(asked.seeds, asked.seed)
    return [measure(read_store(asked.memories, asked.questions, asked.days))]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.decay_recall", description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=_count, default=5, metavar="N", help="synthetic stores (default 5)")
    parser.add_argument("--seed", type=int, default=SEED, metavar="S", help=f"seed of the first (default {SEED})")
    parser.add_argument("--memories", type=Path, metavar="FILE", help="JSON lines, as `memories import` takes them")
    parser.add_argument("--questions", type=Path, metavar="FILE", help='lines {"question": text, "evidence": [ids]}')
    parser.add_argument(
        "--days", type=_days, default=365.0, metavar="D", help="from the newest time in the file to the questions"
    )
    parser.add_argument("--json", action="store_true", help="every number as JSON in place of the table")
    return parser


def _count(text: str) -> int:
    if (count := int(text)) < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return count


def _days(text: str) -> float:
    if not 0 <= (days := float(text)) <= 36500:
        raise argparse.ArgumentTypeError("from 0 to 36500")
    return days


if __name__ == "__main__":
    sys.exit(main())
