"""``python -m chaos [--seed N] [--minutes M] [--tenants N] [--fixed] [--json]``: status 1 where an invariant fails."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import pickle
import secrets
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from chaos.report import as_data, show
from chaos.run import run
from chaos.seeds import SEEDS
from chaos.settings import Options
from commands.console import WIDE, leaving


def main(arguments: Sequence[str] | None = None) -> int:
    """Do the runs that were asked for; return 0 when every invariant held in each."""
    given = _parser().parse_args(arguments)
    seeds = SEEDS if given.fixed else [secrets.randbelow(2**32) if given.seed is None else given.seed]
    logging.getLogger("asyncpg").setLevel(logging.CRITICAL)  # our own pool meets the outages too
    console = Console(stderr=given.json, width=None if sys.stdout.isatty() else WIDE)
    results = [_one(Options(seed, given.minutes, given.tenants), console) for seed in seeds]
    if given.json:
        sys.stdout.write(json.dumps(results if given.fixed else results[0], indent=2, default=str) + "\n")
    return int(not all(result["passed"] for result in results))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m chaos", description="The whole application under failure.")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--seed", type=int, help="what goes wrong follows from it; default: drawn, and printed")
    which.add_argument("--fixed", action="store_true", help="the ten seeds of chaos/seeds.py, one after the other")
    parser.add_argument("--minutes", type=float, default=6.0, help="longest a run may be, about; default 6")
    parser.add_argument("--tenants", type=int, default=240, help="default 240")
    parser.add_argument("--json", action="store_true", help="results as JSON on standard output")
    return parser


def _one(options: Options, console: Console) -> dict[str, Any]:
    # Not the home folder: as root, Postgres runs as a user who could not enter it.
    home = Path(tempfile.mkdtemp(prefix="memory-maintenance-chaos-"))
    home.chmod(0o711)
    console.print(f"[bold]seed {options.seed}[/] ({options.minutes:g} min, {options.tenants} tenants), in {home}")
    facts = asyncio.run(run(options, home, lambda text: console.print(f"  {text}", highlight=False)))
    verdicts = facts.verdicts()
    show(console, facts, verdicts)
    result = as_data(facts, verdicts)
    if result["passed"]:
        shutil.rmtree(home, ignore_errors=True)
    else:
        (home / "facts.pickle").write_bytes(pickle.dumps(facts))
        console.print(f"logs, data and facts are left in {home}; again: python -m chaos --seed {options.seed}")
    return result


if __name__ == "__main__":
    with leaving():
        sys.exit(main())
