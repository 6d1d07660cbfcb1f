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
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Final

from benchmarks.decay_policies import POLICIES
from benchmarks.ranking import Search
from benchmarks.store import Store, read_store
from benchmarks.synthetic_store import SEED, synthetic_store
from memory_maintenance.errors import InvalidRequestError

RECALL: Final = "recall@10"
CHANGE: Final = "change, points"
NEWEST: Final = "newest first"
OLD: Final = "over 90 days old"

Figures = dict[str, list[float]]
"""By column, the share in [0, 1], or the change of a share, in each store."""


def measure(stores: Sequence[Store]) -> dict[str, Figures]:
    """Ask each store's questions at ``as_of``, under every policy; the first one is how the store was at import."""
    measured: dict[str, Figures] = {policy: defaultdict(list) for policy in POLICIES}
    for store in stores:
        search = Search(store)
        before: float | None = None
        for name, policy in POLICIES.items():
            found = list(search.ask(policy(store)))
            recall = fmean(one.recall for one in found)
            before = recall if before is None else before
            figures = {RECALL: recall, CHANGE: recall - before}
            for kind in dict.fromkeys(one.question.kind for one in found):
                figures[kind] = fmean(one.recall for one in found if one.question.kind == kind)
            if old := [one.recall for one in found if one.old]:
                figures[OLD] = fmean(old)
            if newest := [one.newest_first for one in found if one.newest_first is not None]:
                figures[NEWEST] = fmean(newest)
            for column, share in figures.items():
                measured[name][column].append(share)
    return measured


def as_markdown(measured: dict[str, Figures]) -> str:
    """Return a table with a row for each policy: means, and behind those of all questions the least and the most."""
    columns = list(measured[next(iter(measured))])
    rows = [["ranking by relevance ×", *columns], ["---"] + ["---:"] * len(columns)]
    rows += [[name, *(_cell(column, figures[column]) for column in columns)] for name, figures in measured.items()]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _cell(column: str, values: Sequence[float]) -> str:
    sign = "+" if column == CHANGE else ""
    mean, least, most = (_number(100 * value, sign) for value in (fmean(values), min(values), max(values)))
    return f"{mean} ({least} to {most})" if len(values) > 1 and column in (RECALL, CHANGE, NEWEST) else mean


def _number(value: float, sign: str) -> str:
    return f"{value:{sign}.1f}" if round(value, 1) else "0.0"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.decay_recall", description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=5, metavar="N", help="synthetic stores (default 5)")
    parser.add_argument("--memories", type=Path, metavar="FILE", help="JSON lines, as `memories import` takes them")
    parser.add_argument("--questions", type=Path, metavar="FILE", help='lines {"question": text, "evidence": [ids]}')
    parser.add_argument(
        "--days", type=float, default=365.0, metavar="D", help="from the newest time in the file to the questions"
    )
    parser.add_argument("--json", action="store_true", help="every number of every store, in place of the table")
    asked = parser.parse_args(arguments)
    if (asked.memories is None) != (asked.questions is None):
        parser.error("--memories and --questions go together")
    try:
        if asked.memories:
            stores = [read_store(asked.memories, asked.questions, asked.days)]
        else:
            stores = [synthetic_store(seed) for seed in range(SEED, SEED + asked.seeds)]
    except (InvalidRequestError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    measured = measure(stores)
    print(json.dumps(measured, indent=2) if asked.json else as_markdown(measured))
    return 0


if __name__ == "__main__":
    sys.exit(main())
