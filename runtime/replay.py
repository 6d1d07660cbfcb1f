"""Runs downloaded histories against the workflows of this version: ``python -m runtime.replay FOLDER``.

A history is a JSON file, as ``temporal workflow show --output json`` writes it or the Web UI downloads it.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from memory_maintenance.errors import MaintenanceError
from memory_maintenance.settings import Settings
from memory_maintenance.settings.process import load_settings
from runtime.payloads import data_converter
from runtime.workers import WORKFLOWS

USAGE = "usage: python -m runtime.replay FOLDER: histories, one JSON file each"


async def replay_failure(text: str, settings: Settings) -> str | None:
    """Return why the history *text* does not replay; None: it does."""
    try:
        started = json.loads(text)["events"][0]["workflowExecutionStartedEventAttributes"]
        history = WorkflowHistory.from_json(started["workflowId"], text)
    except (ValueError, KeyError, IndexError, TypeError) as error:
        return f"is no history ({type(error).__name__})"
    replayer = Replayer(workflows=WORKFLOWS, data_converter=data_converter(settings))
    failure = (await replayer.replay_workflow(history, raise_on_replay_failure=False)).replay_failure
    return None if failure is None else f"does not replay: {type(failure).__name__}: {failure}"


async def replay_all(texts: Mapping[str, str], settings: Settings) -> int:
    """Replay histories by name, print a line for each that does not replay, and return how many they are."""
    failed = 0
    for name, text in texts.items():
        if (why := await replay_failure(text, settings)) is not None:
            failed += 1
            print(f"{name}: {why}")  # noqa: T201  the output of the command
    return failed


def main(arguments: Sequence[str]) -> int:
    """Return 0 where every history replays, 1 where one does not, 2 where there are no histories."""
    files = sorted(Path(arguments[0]).glob("*.json")) if len(arguments) == 1 else []
    if not files:
        print(USAGE, file=sys.stderr)  # noqa: T201
        return 2
    try:
        texts = {file.name: file.read_text(encoding="utf-8", errors="replace") for file in files}
        failed = asyncio.run(replay_all(texts, load_settings()))
    except MaintenanceError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return 1
    print(f"{len(files) - failed} of {len(files)} histories replay")  # noqa: T201
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
