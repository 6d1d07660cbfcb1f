"""``python -m benchmarks.speed``: measure everything, or the parts that are named, and write the results."""

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
from benchmarks.speed.decay import measure_night, measure_tolerance
from benchmarks.speed.pages import measure_pages
from benchmarks.speed.pictures import PICTURES, draw
from benchmarks.speed.results import FOLDER, Bench
from benchmarks.speed.scaling import measure_growth, measure_planning, measure_shares
from benchmarks.speed.servers import Servers, servers
from benchmarks.speed.sessions import measure_endpoint, measure_hourly
from benchmarks.speed.tasks import measure_tasks

PARTS: Final[Mapping[str, Callable[[Bench, Servers], Awaitable[None]]]] = {
    "decay": measure_night,
    "tolerance": measure_tolerance,
    "tasks": measure_tasks,
    "hourly": measure_hourly,
    "endpoint": measure_endpoint,
    "temporal": measure_shares,
    "planning": measure_planning,
    "growth": measure_growth,
    "pages": measure_pages,
}
"""In the order in which they are run."""


async def measured(names: Sequence[str], home: Path, *, quick: bool, repetitions: int) -> Bench:
    """Measure parts one after the other, each on fresh servers; one that fails does not lose the others' figures."""
    bench = Bench(quick=quick, repetitions=repetitions)
    for name in names:
        folder = home / name
        folder.mkdir(mode=0o711)
        try:
            async with servers(folder) as running:
                await PARTS[name](bench, running)
        except Exception as error:  # noqa: BLE001  it is shown, and the exit status says so
            traceback.print_exc()
            bench.failed.append(f"{name}: {type(error).__name__}")
    return bench


def main(given: Sequence[str]) -> int:
    """Measure, print and write; return 1 where a part failed, or a target was missed at full size."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that everything works")
    parser.add_argument("--only", nargs="+", metavar="PART", choices=PARTS, help=", ".join(PARTS))
    parser.add_argument("--repetitions", type=int, help="of what takes less than a minute (3; quick: 1)")
    asked = parser.parse_args(given)
    repetitions = asked.repetitions or (1 if asked.quick else 3)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the folder is removed
    names = asked.only or list(PARTS)
    with passable_folder() as folder:
        bench = asyncio.run(measured(names, folder, quick=asked.quick, repetitions=repetitions))
    print(bench.as_text())
    if not asked.quick and not asked.only:
        (FOLDER / "results.md").write_text(bench.as_text(), encoding="utf-8")
        draw(bench, PICTURES)
    return 1 if bench.failed or (bench.missed() and not asked.quick) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
