"""``python -m benchmarks.speed``: measure every part, or those that are named, and write the results of each."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from benchmarks.folders import passable_folder
from benchmarks.speed.decay import measure_month, measure_night
from benchmarks.speed.fleet import measure_fleet
from benchmarks.speed.pages import measure_pages
from benchmarks.speed.pictures import PICTURES, draw
from benchmarks.speed.results import FOLDER, Bench, as_text, keep
from benchmarks.speed.scaling import measure_growth, measure_planning, measure_shares
from benchmarks.speed.servers import Servers, servers
from benchmarks.speed.sessions import measure_endpoint, measure_hourly
from benchmarks.speed.tasks import measure_tasks

PARTS: Final[Mapping[str, Callable[[Bench, Servers], Awaitable[None]]]] = {
    "decay": measure_night,
    "month": measure_month,
    "fleet": measure_fleet,
    "tasks": measure_tasks,
    "hourly": measure_hourly,
    "endpoint": measure_endpoint,
    "temporal": measure_shares,
    "planning": measure_planning,
    "growth": measure_growth,
    "pages": measure_pages,
}
"""In the order in which they are run."""


async def measured(name: str, home: Path, *, quick: bool, repetitions: int) -> Bench:
    """Measure a part on fresh servers; one that fails does not lose the others' figures."""
    bench, folder = Bench(quick=quick, repetitions=repetitions), home / name
    folder.mkdir(mode=0o711)
    try:
        async with servers(folder) as running:
            await PARTS[name](bench, running)
    except Exception as error:  # noqa: BLE001  it is shown, and the exit status says so
        traceback.print_exc()
        bench.error = type(error).__name__
    return bench


def main(given: Sequence[str], results: Path = FOLDER, pictures: Path = PICTURES) -> int:
    """Measure and print; keep what was measured at full size; return 1 where a part failed or missed a target."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that everything works; write nothing")
    parser.add_argument("--only", nargs="+", metavar="PART", choices=PARTS, help=", ".join(PARTS))
    parser.add_argument("--repetitions", type=int, help="of what takes less than a minute (3; quick: 1)")
    asked = parser.parse_args(given)
    repetitions = asked.repetitions or (1 if asked.quick else 3)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the folder is removed
    parts: dict[str, Bench] = {}
    with passable_folder() as folder:
        for name in asked.only or PARTS:
            bench = asyncio.run(measured(name, folder, quick=asked.quick, repetitions=repetitions))
            parts[name] = bench
            if not asked.quick and not bench.error:
                draw(keep(results, {name: bench}, PARTS).values(), pictures)
    print(as_text(parts, parts))
    failed = [name for name, bench in parts.items() if bench.error]
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed or (not asked.quick and any(bench.missed() for bench in parts.values())) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
