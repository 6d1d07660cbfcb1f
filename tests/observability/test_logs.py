"""What a line of the log may hold, whoever writes it, and whatever it is about."""

import asyncio
import io
import json
import logging
import sys

import pytest
import structlog

from memory_maintenance.errors import StoreError
from memory_maintenance.observability.logs import configure_logs
from memory_maintenance.settings import Settings
from tests.restored_logs import restored_logs

__all__ = ["restored_logs"]

pytestmark = pytest.mark.usefixtures("restored_logs")

CANARY = "canary of a memory"


@pytest.fixture(params=["console", "json"])
def log(request, monkeypatch):
    """The stream of a process whose logs are as loud as they can be."""
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    configure_logs(Settings(_env_file=None, log_level="debug", log_format=request.param))
    return sys.stderr


def _raised(error, cause=None):
    """Return *error* as it is caught: with a traceback, whose frame holds the canary, too."""
    held = CANARY
    try:
        raise error from cause
    except type(error) as caught:
        assert held
        return caught


@pytest.mark.parametrize(
    "name", [pytest.param("memory_maintenance.decay", id="ours"), pytest.param("some.library", id="a library's")]
)
def test_a_foreign_error_is_logged_by_its_type_and_place_and_without_its_text(log, name):
    error = _raised(ValueError(CANARY), KeyError(CANARY))
    logging.getLogger(name).error("it failed", exc_info=error)
    structlog.get_logger(name).error("it failed", exc_info=error)
    printed = log.getvalue()
    assert CANARY not in printed
    assert printed.count("KeyError") == printed.count("ValueError") == printed.count("test_logs.py") == 2


def test_a_maintenance_error_is_logged_in_its_own_words(log):
    structlog.get_logger().error("it failed", exc_info=_raised(StoreError("a statement failed"), KeyError(CANARY)))
    printed = log.getvalue()
    assert "memory_maintenance.errors.StoreError: a statement failed" in printed
    assert CANARY not in printed


def test_errors_in_a_group_are_named_by_their_types(log):
    structlog.get_logger().error("some failed", exc_info=_raised(ExceptionGroup(CANARY, [ValueError(CANARY)])))
    assert "with ValueError" in log.getvalue()
    assert CANARY not in log.getvalue()


def test_an_error_that_is_its_own_cause_ends(log):
    error = _raised(ValueError(CANARY))
    error.__cause__ = error
    structlog.get_logger().error("it failed", exc_info=error)
    assert log.getvalue().count("ValueError") == 1


async def test_a_task_that_was_not_awaited_is_named_without_its_errors_text(log):
    async def fail():
        raise ValueError(CANARY)

    task = asyncio.ensure_future(fail())
    await asyncio.wait([task])
    context = {"message": "Task exception was never retrieved", "future": task, "exception": task.exception()}
    asyncio.get_running_loop().default_exception_handler(context)
    assert "Task exception was never retrieved" in log.getvalue()
    assert CANARY not in log.getvalue()


def _log_while_handling(error):
    try:
        raise error
    except type(error):
        structlog.get_logger("decay").error(CANARY, text=CANARY)


def test_a_line_that_cannot_be_written_does_not_bring_out_the_error_at_hand(log, monkeypatch, capsys):
    (handler,) = (one for one in logging.getLogger().handlers if getattr(one, "stream", None) is log)
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(handler, "stream", closed)
    _log_while_handling(KeyError(CANARY))
    assert capsys.readouterr().err == "a log line of decay could not be written: ValueError\n"


def test_what_ends_the_process_is_logged_and_not_printed(log):
    error = _raised(ValueError(CANARY))
    sys.excepthook(type(error), error, error.__traceback__)
    assert "process_crashed" in log.getvalue()
    assert CANARY not in log.getvalue()


def test_a_json_line_is_one_object_with_the_keys_of_the_event(monkeypatch):
    monkeypatch.setattr(sys, "stderr", stream := io.StringIO())
    configure_logs(Settings(_env_file=None, log_format="json"))
    structlog.get_logger("decay").info("page_decayed", updated_count=3)
    told = json.loads(stream.getvalue())
    assert told.pop("timestamp")
    assert told == {"event": "page_decayed", "level": "info", "updated_count": 3}


@pytest.mark.parametrize("name", ["openai", "httpx", "httpx2", "httpcore", "httpcore2"])
def test_libraries_that_print_bodies_are_silent_below_a_warning(log, name):
    logging.getLogger(f"{name}.client").debug(CANARY)
    assert log.getvalue() == ""
