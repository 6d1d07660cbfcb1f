"""``python -m benchmarks.speed``: measure everything, or the parts that are named, and write the results."""

from __future__ import annotations

import argparse
import asyncio
import shutil
import signal
import sys
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.speed.bench import Bench, Part, Progress
from benchmarks.speed.parts import PARTS
from benchmarks.speed.pictures import PICTURES, draw
from benchmarks.speed.results import FOLDER, Results, as_text, machine, write


def arguments(given: Sequence[str]) -> argparse.Namespace:
    """Return what was asked for on the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes: does it work?")
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=[part.name for part in PARTS])
    parser.add_argument("--repetitions", type=int, help="of what takes less than a minute (3; quick: 1)")
    parser.add_argument("--results", type=Path, help="folder to write to (benchmarks/; quick or --only: none)")
    return parser.parse_args(given)


async def measured(parts: Sequence[Part], home: Path, *, quick: bool, repetitions: int) -> Results:
    """Measure *parts* one after the other; one that breaks off does not lose what the others came to."""
    expected = {part.name: part.quick_seconds if quick else part.seconds for part in parts}
    bench = Bench(home, quick, repetitions, Results(), Progress(expected))
    for part in parts:
        bench.progress.begin(part.name)
        try:
            await part.measure(bench)
        except Exception as error:  # noqa: BLE001  whatever it is, it is shown, and the status says so
            traceback.print_exc()
            bench.results.broken.append(f"{part.name}: broke off with {type(error).__name__}")
    return bench.results


def main(given: Sequence[str]) -> int:
    """Run, write and judge; 1 where a part broke off, or a target is missed at full size."""
    asked = arguments(given)
    folder = asked.results or (None if asked.quick or asked.only else FOLDER)
    parts = [part for part in PARTS if not asked.only or part.name in asked.only]
    repetitions = asked.repetitions or (1 if asked.quick else 3)
    with temporary_folder() as home:
        results = asyncio.run(measured(parts, home, quick=asked.quick, repetitions=repetitions))
    print(as_text(results, machine(), quick=asked.quick))
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
        write(results, quick=asked.quick, folder=folder)
        draw(results, PICTURES if folder == FOLDER else folder)
    return 1 if results.broken or (results.missed() and not asked.quick) else 0


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Yield a folder that root's Postgres may pass through, and remove it, also after SIGTERM."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    home = Path(tempfile.mkdtemp(prefix="memory-maintenance-speed-"))
    home.chmod(0o711)
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
