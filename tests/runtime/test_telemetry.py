"""What the SDK's own engine logs, in our stream."""

import asyncio
import logging
from collections.abc import Iterator

import pytest
from temporalio import activity
from temporalio.client import Client
from temporalio.worker import Worker

from memory_maintenance.settings import Settings
from runtime.telemetry import QUIET_SECONDS, SDK_LOGGER, NowAndThen, sdk_runtime


class Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture
def kept() -> Iterator[Kept]:
    """What passes the SDK's logger."""
    logger, kept = logging.getLogger(SDK_LOGGER), Kept()
    filters, level = list(logger.filters), logger.level
    logger.addHandler(kept)
    logger.setLevel(logging.DEBUG)
    yield kept
    logger.removeHandler(kept)
    logger.setLevel(level)
    logger.filters[:] = filters


@activity.defn
async def nothing() -> None:
    """What a worker needs to have, to be one."""


async def test_the_engines_lines_come_to_our_logger(kept, temporal):
    runtime = sdk_runtime(Settings(_env_file=None, log_level="debug"))
    client = await Client.connect(temporal.service_client.config.target_host, runtime=runtime)
    async with Worker(client, task_queue="q", activities=[nothing]), asyncio.timeout(60):
        while not kept.records:
            await asyncio.sleep(0.01)
    assert {(record.levelname, record.__dict__["logger"]) for record in kept.records} == {("DEBUG", SDK_LOGGER)}
    assert not any("temporal_log" in record.__dict__ for record in kept.records)


@pytest.mark.parametrize(
    ("lines", "passed"),
    [
        pytest.param([("poll retried 6 times", 0), ("poll retried 7 times", 1)], 1, id="the same but for a number"),
        pytest.param([("poll retried 6 times", 0), ("call retried 6 times", 1)], 2, id="other words"),
        pytest.param([("poll retried 6 times", 0), ("poll retried 9 times", QUIET_SECONDS)], 2, id="ten seconds later"),
    ],
)
def test_a_complaint_is_repeated_after_ten_seconds_only(lines, passed):
    now_and_then = NowAndThen()

    def record(message: str, at: float) -> logging.LogRecord:
        made = logging.LogRecord(SDK_LOGGER, logging.WARNING, "", 0, message, None, None)
        made.created = at
        return made

    assert sum(now_and_then.filter(record(*line)) for line in lines) == passed
